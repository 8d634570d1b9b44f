/* mount_kept.c — see mount_kept.h. */
#include "linux/mount_kept.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "linux/mount.h"
#include "linux/user_namespace.h"

static struct {
	int namespace, root; /* its root is a tmpfs with a directory for each mount */
	unsigned n;
} shelf = { -1, -1, 0 };

static bool copies_detached(int fd)
{
	static enum { UNKNOWN, YES, NO } answer = UNKNOWN;

	if (answer == UNKNOWN) {
		_cleanup_close_ int copy = mount_copy(fd, "", false);
		answer = copy == -EINVAL ? NO : YES;
	}
	return answer == YES;
}

/* The rest of the host's mounts is let go at once: a shelf that held them would keep disks busy. */
static int make_shelf(void *)
{
	static const struct mount_option options[] = { { "mode", "0700" }, { "size", "1m" } };
	_cleanup_close_ int root = mount_make("tmpfs", options, 2, 0);
	int r = root < 0 ? root : mount_leave();
	_cleanup_close_ int slash = r < 0 ? -1 : open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	_cleanup_close_ int namespace = r < 0 ? -1 : open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);

	if (r == 0 && (slash < 0 || namespace < 0))
		r = -errno;
	if (r == 0)
		r = mount_attach(root, slash);
	if (r < 0)
		return r;
	mount_change_root(root); /* cannot be on an initramfs */
	shelf.namespace = take_fd(&namespace);
	shelf.root = take_fd(&root);
	return 0;
}

static int put(void *fd)
{
	char name[16];

	snprintf(name, sizeof(name), "%u", shelf.n++);
	if (setns(shelf.namespace, CLONE_NEWNS) < 0 || mkdirat(shelf.root, name, 0700) < 0)
		return -errno;
	_cleanup_close_ int place = openat(shelf.root, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return place < 0 ? -errno : mount_attach(*(int *)fd, place);
}

int mount_kept(int fd)
{
	if (fd < 0 || copies_detached(fd))
		return fd;
	int r = shelf.namespace < 0 ? user_namespace_aside(make_shelf, NULL) : 0;
	if (r == 0)
		r = user_namespace_aside(put, &fd);
	if (r < 0)
		close(fd);
	return r < 0 ? r : fd;
}

struct copying {
	int fd;
	bool recursive;
};

static int copy(void *argument)
{
	const struct copying *c = argument;

	return setns(shelf.namespace, CLONE_NEWNS) < 0 ? -errno : mount_copy(c->fd, "", c->recursive);
}

int mount_copy_kept(int fd, bool recursive)
{
	int r = mount_copy(fd, "", recursive);

	return r == -EINVAL && shelf.namespace >= 0
		       ? user_namespace_aside(copy, &(struct copying){ fd, recursive })
		       : r;
}
