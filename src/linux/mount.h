/* mount.h — mounts as descriptors (fsopen(2), open_tree(2), move_mount(2), mount_setattr(2); Linux 5.12).
 *
 * A mount is made detached, its attributes are set while nobody can see it, and it is attached to a descriptor that was opened
 * safely (path.h). None of these functions allocates: they also run between clone and exec.
 */
#pragma once

#include <linux/mount.h>
#include <stdbool.h>
#include <stdint.h>

/* One "key" or "key=value" of a file system's options. */
struct mount_option {
	const char *key, *value; /* value NULL: a flag */
};

/* A new detached mount of file system TYPE with ATTRIBUTES (MOUNT_ATTR_*). A descriptor or -errno. Its source is called TYPE unless the
 * first option is "source". */
int mount_make(const char *type, const struct mount_option *options, unsigned n, uint64_t attributes);

/* A detached copy of the mount at DIRFD/PATH (PATH "" with AT_EMPTY_PATH meaning: DIRFD itself). */
int mount_copy(int dirfd, const char *path, bool recursive);

/* Sets ATTRIBUTES and PROPAGATION (MS_PRIVATE …, 0: leave) on the detached mount FD, below it too when RECURSIVE. 0 or -errno. */
int mount_change(int fd, uint64_t attributes, uint64_t propagation, bool recursive);

/* The same, and CLEARED are taken away first. */
int mount_alter(int fd, uint64_t attributes, uint64_t cleared, uint64_t propagation, bool recursive);

/* Shows the files of the detached mount FD with ids mapped as the user namespace USERNS maps them (MOUNT_ATTR_IDMAP). 0 or -errno. */
int mount_map_ids(int fd, int userns, bool recursive);

/* Attaches the detached mount FD on what TARGET is open on. 0 or -errno. */
int mount_attach(int fd, int target);

/* Leaves the caller's mounts: a new mount namespace whose copies follow the host's but never change them (mount_namespaces(7):
 * slave). What is to be copied from the host is copied before. 0 or -errno. */
int mount_leave(void);

/* mount(2) as it was before descriptors: TYPE with all of DATA in one page, on the path TARGET. 0 or -errno. */
int mount_classic(const char *type, const char *target, const char *data);

/* Makes the mount that the directory ROOT is the top of this process's root and drops every other one (pivot_root(2): "." twice stacks the old
 * root on the new one, from where it is unmounted). 0 or -errno. */
int mount_change_root(int root);

/* The same by chroot(2), for a host whose root cannot be pivoted (an initramfs): ROOT was attached on "/". */
int mount_change_root_only(int root);
