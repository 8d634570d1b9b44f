/* copy_up.c — see copy_up.h. */
#include "runtime/copy_up.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "linux/user_namespace.h"

enum { DEPTH_MAX = 64 };

static int copy_file(int from, int to, const char *name, const struct stat *st)
{
	_cleanup_close_ int in = openat(from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	_cleanup_close_ int out =
		openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	ssize_t n;

	if (in < 0 || out < 0)
		return -errno;
	while ((n = sendfile(out, in, NULL, 1 << 20)) > 0)
		;
	if (n < 0 || fchown(out, st->st_uid, st->st_gid) < 0 || fchmod(out, st->st_mode & 07777) < 0)
		return -errno;
	return 0;
}

static int copy_link(int from, int to, const char *name, const struct stat *st)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(from, name, target, sizeof(target) - 1);

	if (n < 0)
		return -errno;
	target[n] = '\0';
	if (symlinkat(target, to, name) < 0 ||
	    fchownat(to, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	return 0;
}

static int copy_directory(int from, int to, dev_t dev, unsigned depth);

static int copy_below(int from, int to, const char *name, dev_t dev, unsigned depth)
{
	_cleanup_close_ int in = openat(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (in < 0 || mkdirat(to, name, 0700) < 0)
		return -errno;
	_cleanup_close_ int out = openat(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return out < 0 ? -errno : copy_directory(in, out, dev, depth + 1);
}

static int copy_entry(int from, int to, const char *name, dev_t dev, unsigned depth)
{
	struct stat st;

	if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (S_ISREG(st.st_mode))
		return copy_file(from, to, name, &st);
	if (S_ISLNK(st.st_mode))
		return copy_link(from, to, name, &st);
	if (S_ISDIR(st.st_mode) && st.st_dev == dev && depth < DEPTH_MAX)
		return copy_below(from, to, name, dev, depth);
	return 0; /* devices and sockets have no contents */
}

static int copy_directory(int from, int to, dev_t dev, unsigned depth)
{
	int copy = fcntl(from, F_DUPFD_CLOEXEC, 3);
	_cleanup_closedir_ DIR *d = copy < 0 ? NULL : fdopendir(copy);
	struct stat st;
	int r = d ? 0 : -errno;

	for (struct dirent *e; r == 0 && (e = readdir(d));)
		if (!text_is(e->d_name, ".") && !text_is(e->d_name, ".."))
			r = copy_entry(from, to, e->d_name, dev, depth);
	if (r == 0 && (fstat(from, &st) < 0 || fchown(to, st.st_uid, st.st_gid) < 0 ||
		       fchmod(to, st.st_mode & 07777) < 0))
		r = -errno;
	return r;
}

int copy_up(int from, int to, struct error *err)
{
	_cleanup_close_ int out = openat(to, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;
	int r = out < 0 || fstat(from, &st) < 0 ? -errno : copy_directory(from, out, st.st_dev, 0);

	return r < 0 ? error_set(err, -r, "cannot copy the image's files: %s", error_meaning(-r)) : 0;
}

static const char *map_text(const struct id_mappings *map, struct text *text)
{
	list_each(m, map)
		text_printf(text, "%lld %lld %lld\n", (long long)m->containerID, (long long)m->hostID,
			    (long long)m->size);
	return text_str(text);
}

int user_namespace_with(const struct id_mappings *uids, const struct id_mappings *gids, struct error *err)
{
	_cleanup_text_ struct text uid_map = {}, gid_map = {};
	int fd = user_namespace_make(map_text(uids, &uid_map), map_text(gids, &gid_map));

	return fd < 0 ? error_set(err, -fd, "cannot make a user namespace that maps ids: %s",
				  error_meaning(-fd))
		      : fd;
}
