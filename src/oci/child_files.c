/* child_files.c — the container's view of files (child.h).
 *
 * What comes from the host is opened, detached, while the host is in view; the root is attached, everything else is attached into it through
 * descriptors; then pivot_root(2) leaves the host behind. Image and volumes are another party's: every target is opened inside the root
 * (linux/path.h) once, and what was opened is what is mounted on, so a link in the image can neither lead out nor be changed in between
 * (CVE-2021-30465, CVE-2019-19921, CVE-2025-31133 and others).
 */
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "linux/path.h"
#include "oci/child.h"
#include "oci/mount_open.h"

static int fail(int r, struct error *err, const char *what, const char *which)
{
	return error_code(err, r, "cannot %s '%s'", what, which);
}

int child_open(struct child *c, const struct step *s, struct error *err)
{
	int source = oci_mount_open(s->mount);

	if (source < 0)
		return fail(source, err, "mount", s->mount->destination);
	c->plan->opened[s->place] = c->dev = source;
	return 0;
}

int child_leave(struct child *c, const struct step *s, struct error *err)
{
	int r = mount_leave();
	(void)c;
	(void)s;

	return r < 0 ? fail(r, err, "leave the mounts of", "the host") : 0;
}

/* The namespace is another party's: no link of its own leads to a descriptor of ours. */
int child_root_open(struct child *c, const struct step *s, struct error *err)
{
	_cleanup_close_ int top = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	c->root = top < 0 ? -errno : path_open_in_root(top, s->path, O_PATH | O_DIRECTORY, 0);
	return c->root < 0 ? fail(c->root, err, "open the root file system", s->path) : 0;
}

int child_root_overlay(struct child *c, const struct step *s, struct error *err)
{
	const struct plan_overlay *o = s->overlay;
	int fd = mount_make("overlay", o->options.at, (unsigned)o->options.n, 0);

	/* Too long for an option, or no lowerdir+ yet (before Linux 6.5). */
	if (fd == -EINVAL && o->page && mount_classic("overlay", o->mount_point, o->page) == 0) {
		fd = open(o->mount_point, O_PATH | O_DIRECTORY | O_CLOEXEC);
		c->root_attached = true;
	}
	if (fd < 0)
		return fail(fd, err, "mount the layers of", "the image");
	c->root = fd;
	return 0;
}

int child_root_bind(struct child *c, const struct step *s, struct error *err)
{
	c->root = c->plan->root > 0 ? c->plan->root : mount_copy(AT_FDCWD, s->path, false);
	return c->root < 0 ? fail(c->root, err, "mount the root file system", s->path) : 0;
}

int child_root_attach(struct child *c, const struct step *s, struct error *err)
{
	if (c->root_attached)
		return 0;
	_cleanup_close_ int point = open(s->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int r = point < 0 ? -errno : mount_attach(c->root, point);
	return r < 0 ? fail(r, err, "mount the root file system on", s->path) : 0;
}

/* What is masked and made read-only below /proc and /sys has to be there: they are mounted on plain directories only. */
static int open_target(int root, const struct oci_mount *m, struct error *err)
{
	if (m->is_file)
		return path_make_file_in_root(root, m->destination, 0644, err);
	if (text_is(m->type, "proc") || text_is(m->type, "sysfs")) {
		int fd = path_open_beneath(root, m->destination + 1, O_PATH | O_DIRECTORY, 0);
		if (fd == -ELOOP)
			return error_set(err, ELOOP, "'%s' in the image is a symbolic link", m->destination);
		if (fd >= 0)
			return fd;
	}
	return path_make_dirs_in_root(root, m->destination, 0755, 0, 0, err);
}

/* A mount that is there gets other attributes: a copy of it, changed, goes on top (and the one below cannot be reached any more). */
static int remount(struct child *c, const struct oci_mount *m, struct error *err)
{
	_cleanup_close_ int target = path_open_in_root(c->root, m->destination, O_PATH, 0);
	_cleanup_close_ int copy = target < 0 ? -1 : mount_copy(target, "", true);
	int r = target < 0 ? target
		: copy < 0 ? copy
			   : mount_alter(copy, m->attributes, m->cleared, 0, false);

	if (r == 0)
		r = mount_attach(copy, target);
	return r < 0 ? fail(r, err, "remount", m->destination) : 0;
}

int child_attach(struct child *c, const struct step *s, struct error *err)
{
	if (s->mount->remount)
		return remount(c, s->mount, err);
	_cleanup_close_ int target = open_target(c->root, s->mount, err);
	if (target < 0)
		return target;
	int r = mount_attach(c->plan->opened[s->place], target);
	return r < 0 ? fail(r, err, "mount", s->mount->destination) : 0;
}

/* Makes NAME in DIR, which is ours alone or in which what is there is looked at. */
static int make_device(int dir, const char *name, const struct oci_device *d, struct error *err)
{
	struct stat st;

	if (mknodat(dir, name, d->mode, makedev(d->major, d->minor)) < 0) {
		if (errno != EEXIST)
			return error_errno(err, "cannot make the device '%s'", d->path);
		if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		    (st.st_mode & S_IFMT) != (d->mode & S_IFMT) ||
		    (!S_ISFIFO(st.st_mode) && st.st_rdev != makedev(d->major, d->minor)))
			return error_set(err, EEXIST, "cannot make the device '%s': something else is there",
					 d->path);
	}
	if ((d->uid || d->gid) && fchownat(dir, name, d->uid, d->gid, AT_SYMLINK_NOFOLLOW) < 0)
		return error_errno(err, "cannot set the owner of '%s'", d->path);
	return 0;
}

/* PATH in the directory BASE, with the directories above it. */
static int make_device_below(int base, const char *path, const struct oci_device *d, struct error *err)
{
	const char *slash = strrchr(path, '/');
	char above[PATH_MAX] = {};

	if (!slash || slash == path)
		return make_device(base, slash ? slash + 1 : path, d, err);
	if (strlen(path) >= sizeof(above))
		return error_set(err, ENAMETOOLONG, "the device's path '%.60s…' is too long", path);
	memcpy(above, path, (size_t)(slash - path));
	_cleanup_close_ int below = path_make_dirs_in_root(base, above, 0755, 0, 0, err);
	return below < 0 ? below : make_device(below, slash + 1, d, err);
}

int child_device(struct child *c, const struct step *s, struct error *err)
{
	return make_device_below(c->dev, s->device->path + strlen("/dev/"), s->device, err);
}

int child_device_file(struct child *c, const struct step *s, struct error *err)
{
	return make_device_below(c->root, s->device->path, s->device, err);
}

int child_link(struct child *c, const struct step *s, struct error *err)
{
	if (symlinkat(s->link->to, c->dev, s->link->name) < 0 && errno != EEXIST)
		return error_errno(err, "cannot make the link '/dev/%s'", s->link->name);
	return 0;
}

/* The terminal's own file, copied from where the container's devpts has it by now. */
int child_console(struct child *c, const struct step *s, struct error *err)
{
	_cleanup_close_ int target = path_make_file_in_root(c->root, "/dev/console", 0600, err);
	if (target < 0)
		return target;
	_cleanup_close_ int copy = mount_copy(s->fd, "", false);
	int r = copy < 0 ? copy : mount_attach(copy, target);
	return r < 0 ? fail(r, err, "mount the terminal on", "/dev/console") : 0;
}

/* Opens PATH to hide or to protect it; -ENOENT when there is nothing to. */
static int open_existing(int root, const char *path, struct error *err)
{
	struct statfs fs;
	int fd = path_open_in_root(root, path, O_PATH | O_NOFOLLOW, 0);

	if (fd == -ENOENT || fd == -ENOTDIR)
		return -ENOENT;
	if (fd < 0)
		return fail(fd, err, "protect", path);
	/* Else something lies over /proc, and the real one would stay open. */
	if (text_starts(path, "/proc/") && (fstatfs(fd, &fs) < 0 || fs.f_type != PROC_SUPER_MAGIC)) {
		close(fd);
		return error_set(err, EINVAL, "cannot protect '%s': it is not in a proc file system", path);
	}
	return fd;
}

int child_readonly(struct child *c, const struct step *s, struct error *err)
{
	_cleanup_close_ int target = open_existing(c->root, s->path, err);
	if (target < 0)
		return target == -ENOENT ? 0 : target;
	_cleanup_close_ int copy = mount_copy(target, "", true);
	int r = copy < 0 ? copy : mount_change(copy, MOUNT_ATTR_RDONLY, 0, true);
	if (r == 0)
		r = mount_attach(copy, target);
	return r < 0 ? fail(r, err, "make read-only", s->path) : 0;
}

/* An empty directory that cannot be written: made for the first that is to be hidden, copied for the others. */
static int hide_directory(struct child *c, int target)
{
	static const struct mount_option options[] = { { "size", "4k" },
						       { "nr_inodes", "1" },
						       { "mode", "755" } };

	if (c->empty < 0) {
		c->empty = mount_make("tmpfs", options, 3,
				      MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
					      MOUNT_ATTR_NOEXEC);
		return c->empty < 0 ? c->empty : mount_attach(c->empty, target);
	}
	_cleanup_close_ int copy = mount_copy(c->empty, "", false);
	return copy < 0 ? copy : mount_attach(copy, target);
}

static int hide_file(struct child *c, int target)
{
	struct stat st;

	if (c->null < 0)
		c->null = path_open_in_root(c->root, "/dev/null", O_PATH | O_NOFOLLOW, 0);
	/* CVE-2025-31133: never bind what only has the name. */
	if (c->null < 0 || fstat(c->null, &st) < 0 || !S_ISCHR(st.st_mode) || st.st_rdev != makedev(1, 3))
		return -ENODEV;
	_cleanup_close_ int copy = mount_copy(c->null, "", false);
	return copy < 0 ? copy : mount_attach(copy, target);
}

int child_mask(struct child *c, const struct step *s, struct error *err)
{
	struct stat st;
	_cleanup_close_ int target = open_existing(c->root, s->path, err);
	if (target < 0)
		return target == -ENOENT ? 0 : target;
	int r = fstat(target, &st) < 0 ? -errno
		: S_ISDIR(st.st_mode)  ? hide_directory(c, target)
				       : hide_file(c, target);
	return r < 0 ? fail(r, err, "mask", s->path) : 0;
}

int child_make_cwd(struct child *c, const struct step *s, struct error *err)
{
	_cleanup_close_ int fd = path_make_dirs_in_root(c->root, s->path, 0755, 0, 0, err);
	return fd < 0 ? fd : 0;
}

int child_change_root(struct child *c, const struct step *s, struct error *err)
{
	int r = s->flags ? mount_change_root_only(c->root) : mount_change_root(c->root);

	return r < 0 ? fail(r, err, "change the root to", "the container's") : 0;
}

int child_root_readonly(struct child *c, const struct step *s, struct error *err)
{
	int r = mount_change(c->root, MOUNT_ATTR_RDONLY, 0, false);
	(void)s;

	return r < 0 ? fail(r, err, "make read-only", "/") : 0;
}

int child_root_propagation(struct child *c, const struct step *s, struct error *err)
{
	int r = mount_change(c->root, 0, s->flags & ~(uint64_t)MS_REC, s->flags & MS_REC);

	return r < 0 ? fail(r, err, "set the propagation of", "/") : 0;
}
