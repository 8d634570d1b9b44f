/* path.c — see path.h. */
#include "linux/path.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"

static int open_with(int dirfd, const char *path, uint64_t flags, mode_t mode, uint64_t resolve)
{
	struct open_how how = { .flags = flags | O_CLOEXEC, .resolve = resolve };
	if (flags & (O_CREAT | __O_TMPFILE))
		how.mode = mode;
	/* EAGAIN: a rename somewhere raced with "..": openat2(2) says to try again. */
	for (int tries = 0; tries < 128; tries++) {
		int fd = (int)syscall(SYS_openat2, dirfd, path, &how, sizeof(how));
		if (fd >= 0 || errno != EAGAIN)
			return fd < 0 ? -errno : fd;
	}
	return -EAGAIN;
}

int path_open_in_root(int rootfd, const char *path, uint64_t flags, mode_t mode)
{
	if (!*path)
		path = "/";
	return open_with(rootfd, path, flags, mode, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
}

int path_open_beneath(int dirfd, const char *path, uint64_t flags, mode_t mode)
{
	return open_with(dirfd, path, flags, mode,
			 RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
}

/* Opens the longest part of PATH that exists as a directory and points *REST at what is missing. */
static int open_existing(int rootfd, char *path, char **rest)
{
	size_t n = strlen(path);

	for (;;) {
		char kept = path[n];
		path[n] = '\0';
		int fd = path_open_in_root(rootfd, path, O_PATH | O_DIRECTORY, 0);
		path[n] = kept;
		if (fd >= 0) {
			*rest = path + n;
			return fd;
		}
		if (fd != -ENOENT || n == 0)
			return fd;
		while (n > 0 && path[n - 1] != '/')
			n--;
		while (n > 0 && path[n - 1] == '/')
			n--;
	}
}

int path_make_dirs_in_root(int rootfd, const char *path, mode_t mode, uid_t uid, gid_t gid, struct error *err)
{
	char copy[PATH_MAX];
	char *rest;

	if (strlen(path) >= sizeof(copy))
		return error_set(err, ENAMETOOLONG, "the path '%.60s…' is too long", path);
	strcpy(copy, path);
	_cleanup_close_ int fd = open_existing(rootfd, copy, &rest);
	if (fd < 0)
		return error_code(err, fd, "cannot open '%s' in the container", path);
	for (char *state, *name = strtok_r(rest, "/", &state); name; name = strtok_r(NULL, "/", &state)) {
		if (strcmp(name, ".") == 0)
			continue;
		if (strcmp(name, "..") == 0)
			return error_set(err, EINVAL,
					 "the path '%s' has '..' below a directory that does not exist",
					 path);
		/* The parent was opened in the root and NAME is one plain component: nothing can lead out. */
		bool made = mkdirat(fd, name, mode) == 0;
		if (!made && errno != EEXIST)
			return error_errno(err, "cannot make the directory '%s' of '%s' in the container",
					   name, path);
		int below = openat(fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (below < 0)
			return error_errno(err, "cannot open the directory '%s' of '%s' in the container",
					   name, path);
		if (made && (uid != 0 || gid != 0) && fchownat(below, "", uid, gid, AT_EMPTY_PATH) < 0) {
			close(below);
			return error_errno(err, "cannot change the owner of '%s' in the container", path);
		}
		close(fd);
		fd = below;
	}
	return take_fd(&fd);
}

int path_make_file_in_root(int rootfd, const char *path, mode_t mode, struct error *err)
{
	int fd = path_open_in_root(rootfd, path, O_PATH, 0);
	if (fd >= 0)
		return fd;

	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	char above[PATH_MAX];
	size_t n = slash ? (size_t)(slash - path) : 0;
	if (n >= sizeof(above))
		return error_set(err, ENAMETOOLONG, "the path '%.60s…' is too long", path);
	memcpy(above, path, n);
	above[n] = '\0';
	if (!*name || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return error_set(err, EINVAL, "'%s' cannot be a file in the container", path);

	_cleanup_close_ int dir = path_make_dirs_in_root(rootfd, above, 0755, 0, 0, err);
	if (dir < 0)
		return dir;
	_cleanup_close_ int made =
		openat(dir, name, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, mode);
	if (made < 0 && errno != EEXIST)
		return error_errno(err, "cannot make the file '%s' in the container", path);
	fd = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return error_errno(err, "cannot open '%s' in the container", path);
	struct stat st;
	if (fstat(fd, &st) < 0 || S_ISLNK(st.st_mode)) {
		close(fd);
		return error_set(err, ELOOP, "'%s' in the container is a symbolic link that leads nowhere",
				 path);
	}
	return fd;
}

char *path_of_fd(int fd, char buffer[static 32])
{
	snprintf(buffer, 32, "/proc/self/fd/%d", fd);
	return buffer;
}

int path_reopen(int fd, int flags)
{
	char buffer[32];
	int fresh = open(path_of_fd(fd, buffer), flags | O_CLOEXEC);
	return fresh < 0 ? -errno : fresh;
}
