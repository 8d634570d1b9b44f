/* mount.c — see mount.h. glibc has the calls but its <sys/mount.h> and <linux/mount.h> exclude each other. */
#include "linux/mount.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"

static int result(long r)
{
	return r < 0 ? -errno : (int)r;
}

int mount_make(const char *type, const struct mount_option *options, unsigned n, uint64_t attributes)
{
	_cleanup_close_ int context = (int)syscall(SYS_fsopen, type, FSOPEN_CLOEXEC);
	if (context < 0)
		return -errno;
	/* What mount(8) and df(1) show in the first column. */
	bool named = n > 0 && strcmp(options[0].key, "source") == 0;
	if (!named && syscall(SYS_fsconfig, context, FSCONFIG_SET_STRING, "source", type, 0) < 0)
		return -errno;
	for (unsigned i = 0; i < n; i++) {
		unsigned command = options[i].value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG;
		if (syscall(SYS_fsconfig, context, command, options[i].key, options[i].value, 0) < 0)
			return -errno;
	}
	if (syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -errno;
	return result(syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC, attributes));
}

int mount_copy(int dirfd, const char *path, bool recursive)
{
	unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0);
	return result(syscall(SYS_open_tree, dirfd, path, flags));
}

int mount_alter(int fd, uint64_t attributes, uint64_t cleared, uint64_t propagation, bool recursive)
{
	struct mount_attr change = { .attr_set = attributes,
				     .attr_clr = cleared,
				     .propagation = propagation };

	if (!attributes && !cleared && !propagation)
		return 0;
	return result(syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0),
			      &change, sizeof(change)));
}

int mount_change(int fd, uint64_t attributes, uint64_t propagation, bool recursive)
{
	return mount_alter(fd, attributes, 0, propagation, recursive);
}

int mount_map_ids(int fd, int userns, bool recursive)
{
	struct mount_attr change = { .attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (uint64_t)userns };

	return result(syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0),
			      &change, sizeof(change)));
}

int mount_attach(int fd, int target)
{
	return result(syscall(SYS_move_mount, fd, "", target, "",
			      MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH));
}

int mount_leave(void)
{
	if (unshare(CLONE_NEWNS) < 0)
		return -errno;
	return result(syscall(SYS_mount, NULL, "/", NULL, MS_REC | MS_SLAVE, NULL));
}

int mount_classic(const char *type, const char *target, const char *data)
{
	return result(syscall(SYS_mount, type, target, type, 0, data));
}

int mount_change_root(int root)
{
	enum { DETACH = 2 }; /* MNT_DETACH of <sys/mount.h> */

	if (fchdir(root) < 0 || syscall(SYS_pivot_root, ".", ".") < 0 ||
	    syscall(SYS_umount2, ".", DETACH) < 0 || chdir("/") < 0)
		return -errno;
	return 0;
}

int mount_change_root_only(int root)
{
	if (fchdir(root) < 0 || chroot(".") < 0 || chdir("/") < 0)
		return -errno;
	return 0;
}
