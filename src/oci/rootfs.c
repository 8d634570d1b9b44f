/* rootfs.c — see rootfs.h.
 *
 * The root is mounted, everything else is mounted into it through descriptors, then pivot_root(2) leaves the host behind. Image and
 * volumes are another party's: every target is opened inside the root (linux/path.h) once, and what was opened is what is mounted on, so
 * a link in the image can neither lead out nor be changed in between (CVE-2021-30465, CVE-2019-19921, CVE-2025-31133 and others).
 */
#include "oci/rootfs.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "linux/path.h"

/* From <sys/mount.h>, which excludes <linux/mount.h>. */
extern int mount(const char *source, const char *target, const char *type, unsigned long flags, const void *data);
extern int umount2(const char *target, int flags);
enum { DETACH = 2 };

enum { LOWER_TEXT = 4096 };

static int fail(int r, struct error *err, const char *what, const char *which)
{
	errno = -r;
	return error_errno(err, "cannot %s '%s'", what, which);
}

/* "a:b:c", the uppermost first, in one option: at most a page, so many or long paths take the other way. */
static bool join_lower(const struct oci_root *root, char text[static LOWER_TEXT])
{
	size_t n = 0;

	for (size_t i = root->lower.n; i-- > 0;) {
		size_t more = strlen(root->lower.at[i]);
		if (strpbrk(root->lower.at[i], ":\\,") || n + more + 2 > LOWER_TEXT || n + more > 250)
			return false;
		memcpy(text + n, root->lower.at[i], more);
		n += more;
		text[n++] = i ? ':' : '\0';
	}
	return true;
}

/* volatile: no syncs at unmount; the upper directory is this run's and is never mounted again (overlayfs.rst "Volatile mount").
 * lowerdir+ (Linux 6.5) takes one directory at a time, so neither their number nor their length is limited by a page. */
static int make_overlay(const struct oci_root *root, uint64_t attributes, struct error *err)
{
	char lower[LOWER_TEXT];
	struct mount_option options[520];
	unsigned n = 0;

	if (join_lower(root, lower)) {
		options[n++] = (struct mount_option){ "lowerdir", lower };
	} else {
		for (size_t i = root->lower.n; i-- > 0 && n < 500;)
			options[n++] = (struct mount_option){ "lowerdir+", root->lower.at[i] };
	}
	if (root->upper) {
		options[n++] = (struct mount_option){ "upperdir", root->upper };
		options[n++] = (struct mount_option){ "workdir", root->work };
		options[n++] = (struct mount_option){ "volatile", NULL };
	}
	int fd = mount_make("overlay", options, n, attributes);
	if (fd < 0)
		return fail(fd, err, "mount the image's layers over", root->upper ? root->upper : root->lower.at[0]);
	return fd;
}

static int make_root(const struct oci_root *root, struct error *err)
{
	if (root->lower.n > 1 || root->upper)
		return make_overlay(root, 0, err);
	const char *path = root->lower.n ? root->lower.at[0] : root->path;
	int fd = mount_copy(AT_FDCWD, path, false);
	return fd < 0 ? fail(fd, err, "mount the root file system", path) : fd;
}

static int open_target(int root, const struct oci_mount *m, struct error *err)
{
	if (m->is_file)
		return path_make_file_in_root(root, m->destination, 0644, err);
	return path_make_dirs_in_root(root, m->destination, 0755, 0, 0, err);
}

static int open_source(const struct oci_mount *m, struct error *err)
{
	int fd;

	if (m->type)
		fd = mount_make(m->type, m->options.at, (unsigned)m->options.n, m->attributes);
	else if (m->source_fd >= 0)
		fd = fcntl(m->source_fd, F_DUPFD_CLOEXEC, 3);
	else
		fd = mount_copy(AT_FDCWD, m->source, m->recursive);
	if (fd == -1)
		fd = -errno;
	return fd < 0 ? fail(fd, err, "mount", m->destination) : fd;
}

static int do_mount(int root, const struct oci_mount *m, struct error *err)
{
	_cleanup_close_ int target = open_target(root, m, err);
	if (target < 0)
		return target;
	_cleanup_close_ int source = open_source(m, err);
	if (source < 0)
		return source;
	uint64_t propagation = m->propagation ? m->propagation : (uint64_t)1 << 18; /* MS_PRIVATE */
	int r = mount_change(source, 0, propagation, m->recursive);
	if (r == 0 && !m->type)
		r = mount_change(source, m->attributes, 0, m->recursive && m->recursive_attributes);
	if (r == 0)
		r = mount_attach(source, target);
	return r < 0 ? fail(r, err, "mount", m->destination) : 0;
}

/* /dev is our own tmpfs: nobody else has touched it. */
static int fill_dev(int root, const struct oci_spec *spec, struct error *err)
{
	static const struct {
		const char *name, *to;
	} links[] = {
		{ "fd", "/proc/self/fd" },	  { "stdin", "/proc/self/fd/0" }, { "stdout", "/proc/self/fd/1" },
		{ "stderr", "/proc/self/fd/2" },  { "ptmx", "pts/ptmx" },
	};
	_cleanup_close_ int dev = path_open_in_root(root, "/dev", O_PATH | O_DIRECTORY, 0);
	if (dev < 0)
		return fail(dev, err, "open", "/dev");
	list_each(d, &spec->devices) {
		const char *name = d->path + strlen("/dev/");
		if (mknodat(dev, name, d->mode, makedev(d->major, d->minor)) < 0 && errno != EEXIST)
			return error_errno(err, "cannot make the device '%s'", d->path);
		if ((d->uid || d->gid) && fchownat(dev, name, d->uid, d->gid, AT_SYMLINK_NOFOLLOW) < 0)
			return error_errno(err, "cannot set the owner of '%s'", d->path);
	}
	for (size_t i = 0; i < sizeof(links) / sizeof(*links); i++)
		if (symlinkat(links[i].to, dev, links[i].name) < 0 && errno != EEXIST)
			return error_errno(err, "cannot make the link '/dev/%s'", links[i].name);
	return 0;
}

/* A file is hidden by /dev/null, a directory by an empty read-only tmpfs; what is not there needs no mask. */
static int mask_path(int root, const char *path, struct error *err)
{
	struct stat st;
	_cleanup_close_ int target = path_open_in_root(root, path, O_PATH | O_NOFOLLOW, 0);
	if (target == -ENOENT || target == -ENOTDIR)
		return 0;
	if (target < 0 || fstat(target, &st) < 0)
		return fail(target, err, "mask", path);
	_cleanup_close_ int cover = -1;
	if (S_ISDIR(st.st_mode)) {
		cover = mount_make("tmpfs", (struct mount_option[]){ { "size", "0k" }, { "nr_inodes", "1" } }, 2, MOUNT_ATTR_RDONLY);
	} else {
		_cleanup_close_ int null = path_open_in_root(root, "/dev/null", O_PATH | O_NOFOLLOW, 0);
		bool is_null = null >= 0 && fstat(null, &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3);
		if (!is_null) /* CVE-2025-31133: never bind what only has the name */
			return error_set(err, EINVAL, "/dev/null in the container is not the null device");
		cover = mount_copy(null, "", false);
	}
	int r = cover < 0 ? cover : mount_attach(cover, target);
	return r < 0 ? fail(r, err, "mask", path) : 0;
}

static int make_readonly(int root, const char *path, struct error *err)
{
	_cleanup_close_ int target = path_open_in_root(root, path, O_PATH | O_NOFOLLOW, 0);
	if (target == -ENOENT || target == -ENOTDIR)
		return 0;
	_cleanup_close_ int copy = target < 0 ? target : mount_copy(target, "", true);
	int r = copy < 0 ? copy : mount_change(copy, MOUNT_ATTR_RDONLY, 0, true);
	if (r == 0)
		r = mount_attach(copy, target);
	return r < 0 ? fail(r, err, "make read-only", path) : 0;
}

/* pivot_root(2) "pivot_root(".", ".")": the old root is stacked under the new one, then detached. */
static int change_root(int root, struct error *err)
{
	if (fchdir(root) < 0 || syscall(SYS_pivot_root, ".", ".") < 0 || umount2(".", DETACH) < 0 || chdir("/") < 0)
		return error_errno(err, "cannot change the root");
	return 0;
}

int rootfs_enter(const struct oci_spec *spec, const char *mount_point, struct error *err)
{
	enum { REC = 1 << 14, SLAVE = 1 << 19 };

	umask(0);
	if (mount(NULL, "/", NULL, REC | SLAVE, NULL) < 0)
		return error_errno(err, "cannot part from the host's mounts");
	_cleanup_close_ int point = open(mount_point, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (point < 0)
		return error_errno(err, "cannot open '%s'", mount_point);
	_cleanup_close_ int root = make_root(&spec->root, err);
	if (root < 0)
		return root;
	int r = mount_attach(root, point);
	if (r < 0)
		return fail(r, err, "mount the root file system on", mount_point);
	list_each(m, &spec->mounts) {
		if ((r = do_mount(root, m, err)) < 0)
			return r;
		bool dev = text_is(m->destination, "/dev") && text_is(m->type, "tmpfs");
		if (dev && (r = fill_dev(root, spec, err)) < 0)
			return r;
	}
	list_each(path, &spec->readonlyPaths)
		if ((r = make_readonly(root, *path, err)) < 0)
			return r;
	list_each(path, &spec->maskedPaths)
		if ((r = mask_path(root, *path, err)) < 0)
			return r;
	_cleanup_close_ int cwd = path_make_dirs_in_root(root, spec->process.cwd, 0755, 0, 0, err);
	if (cwd < 0)
		return cwd;
	if ((r = change_root(root, err)) < 0)
		return r;
	if (spec->root.readonly) {
		_cleanup_close_ int here = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
		r = here < 0 ? -errno : mount_change(here, MOUNT_ATTR_RDONLY, 0, false);
		if (r < 0)
			return fail(r, err, "make read-only", "/");
	}
	if (spec->rootfsPropagation && mount(NULL, "/", NULL, spec->rootfsPropagation, NULL) < 0)
		return error_errno(err, "cannot set the propagation of '/'");
	return 0;
}
