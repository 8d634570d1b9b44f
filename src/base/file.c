/* file.c — see file.h. */
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/memory.h"

int file_read_fd(int fd, const char *name, size_t max, char **data, size_t *size, struct error *err)
{
	struct stat st;
	size_t space = 4096, n = 0;

	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0) {
		if ((uint64_t)st.st_size > max)
			return error_set(err, EFBIG, "'%s' has %lld bytes; at most %zu are read", name,
					 (long long)st.st_size, max);
		space = (size_t)st.st_size + 1;
	}
	_cleanup_free_ char *buffer = memory_new(space + 1, 1);
	for (;;) {
		ssize_t got = read(fd, buffer + n, space - n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return error_errno(err, "cannot read '%s'", name);
		if (got == 0)
			break;
		n += (size_t)got;
		if (n > max)
			return error_set(err, EFBIG, "'%s' has more than the %zu bytes that are read at most",
					 name, max);
		if (n == space) {
			space *= 2;
			buffer = memory_grow(buffer, space + 1, 1);
		}
	}
	buffer[n] = '\0';
	*data = take_ptr(&buffer);
	if (size)
		*size = n;
	return 0;
}

int file_read(int dirfd, const char *name, size_t max, char **data, size_t *size, struct error *err)
{
	_cleanup_close_ int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return error_errno(err, "cannot open '%s'", name);
	return file_read_fd(fd, name, max, data, size, err);
}

int write_all(int fd, const void *data, size_t size)
{
	const char *at = data;

	while (size > 0) {
		ssize_t n = write(fd, at, size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		at += n;
		size -= (size_t)n;
	}
	return 0;
}

static int replace(int dirfd, const char *name, const void *data, size_t size, mode_t mode, bool synced,
		   struct error *err)
{
	char fresh[300];

	if ((size_t)snprintf(fresh, sizeof(fresh), "%s.new-%d", name, (int)getpid()) >= sizeof(fresh))
		return error_set(err, ENAMETOOLONG, "the file name '%s' is too long", name);
	_cleanup_close_ int fd =
		openat(dirfd, fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);
	if (fd < 0)
		return error_errno(err, "cannot make the file '%s'", fresh);
	int r = write_all(fd, data, size);
	if (r == 0 && synced && fdatasync(fd) < 0)
		r = -errno;
	if (r == 0 && renameat(dirfd, fresh, dirfd, name) < 0)
		r = -errno;
	if (r < 0) {
		unlinkat(dirfd, fresh, 0);
		return error_code(err, r, "cannot write '%s'", name);
	}
	return 0;
}

int file_write_atomic(int dirfd, const char *name, const void *data, size_t size, mode_t mode,
		      struct error *err)
{
	return replace(dirfd, name, data, size, mode, false, err);
}

int file_write_synced(int dirfd, const char *name, const void *data, size_t size, mode_t mode,
		      struct error *err)
{
	return replace(dirfd, name, data, size, mode, true, err);
}

int file_make_dirs(int dirfd, const char *path, mode_t mode, struct error *err)
{
	if (mkdirat(dirfd, path, mode) == 0 ||
	    errno == EEXIST) /* as a rule only the last parts are missing */
		return 0;
	const char *slash = strrchr(path, '/');
	if (errno != ENOENT || !slash || slash == path)
		return error_errno(err, "cannot make the directory '%s'", path);
	_cleanup_free_ char *parent = memory_printf("%.*s", (int)(slash - path), path);
	int r = file_make_dirs(dirfd, parent, mode, err);
	if (r < 0 || mkdirat(dirfd, path, mode) == 0 || errno == EEXIST)
		return r;
	return error_errno(err, "cannot make the directory '%s'", path);
}

int file_open_dir(int dirfd, const char *name, mode_t mode, struct error *err)
{
	if (mode && mkdirat(dirfd, name, mode) < 0 && errno != EEXIST)
		return error_errno(err, "cannot make the directory '%s'", name);
	int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return error_errno(err, "cannot open the directory '%s'", name);
	return fd;
}

/* Each level of a tree costs a descriptor and stack, and a container may make as many as it likes: what is deeper is moved up first. */
enum { DEEPEST = 64 };

struct removal {
	int top;
	dev_t dev; /* the file system not to leave */
	unsigned moved;
};

/* Moves the directory NAME of DIR to the top of what is removed. 0 or -errno. */
static int move_up(struct removal *removal, int dir, const char *name)
{
	char fresh[40];
	int r;

	do { /* never over what is there */
		snprintf(fresh, sizeof(fresh), ".deep-%u", removal->moved++);
		r = renameat2(dir, name, removal->top, fresh, RENAME_NOREPLACE);
	} while (r < 0 && errno == EEXIST);
	return r < 0 ? -errno : 0;
}

/* Removes what is below the directory FD (which it closes), DEPTH levels below the top. */
static int remove_below(struct removal *removal, int fd, unsigned depth, struct error *err)
{
	_cleanup_closedir_ DIR *dir = fdopendir(fd);
	if (!dir) {
		close(fd);
		return error_errno(err, "cannot list a directory");
	}
	struct dirent *entry;
	while ((errno = 0, entry = readdir(dir))) {
		const char *name = entry->d_name;
		if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
			continue;
		if (entry->d_type != DT_DIR && unlinkat(dirfd(dir), name, 0) == 0)
			continue;
		if (entry->d_type != DT_DIR && errno != EISDIR)
			return error_errno(err, "cannot remove '%s'", name);
		if (depth == DEEPEST) {
			if (move_up(removal, dirfd(dir), name) < 0)
				return error_errno(err, "cannot move the directory '%s'", name);
			continue;
		}
		int below = openat(dirfd(dir), name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
		struct stat st;
		if (below < 0 || fstat(below, &st) < 0) {
			int r = error_errno(err, "cannot open the directory '%s'", name);
			if (below >= 0)
				close(below);
			return r;
		}
		if (st.st_dev != removal->dev) {
			close(below);
			return error_set(err, EBUSY, "'%s' is a mount point and is not removed", name);
		}
		int r = remove_below(removal, below, depth + 1, err);
		if (r < 0)
			return error_prefix(err, "%s", name);
		if (unlinkat(dirfd(dir), name, AT_REMOVEDIR) < 0)
			return error_errno(err, "cannot remove the directory '%s'", name);
	}
	return errno ? error_errno(err, "cannot list a directory") : 0;
}

int file_remove_tree(int dirfd, const char *name, struct error *err)
{
	struct stat st;

	if (unlinkat(dirfd, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return error_errno(err, "cannot remove '%s'", name);
	int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return error_errno(err, "cannot open '%s'", name);
	if (fstat(fd, &st) < 0) {
		close(fd);
		return error_errno(err, "cannot look at '%s'", name);
	}
	_cleanup_close_ int top = fd;
	struct removal removal = { .top = top, .dev = st.st_dev };
	int r;
	do { /* again while something was moved up */
		removal.moved = 0;
		int copy = openat(top, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		r = copy < 0 ? error_errno(err, "cannot open '%s'", name)
			     : remove_below(&removal, copy, 0, err);
	} while (r == 0 && removal.moved);
	if (r < 0)
		return error_prefix(err, "%s", name);
	if (unlinkat(dirfd, name, AT_REMOVEDIR) < 0)
		return error_errno(err, "cannot remove '%s'", name);
	return 0;
}

bool file_exists(int dirfd, const char *name)
{
	struct stat st;
	return fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static int64_t tree_bytes(int dirfd, const char *name, dev_t device, unsigned depth)
{
	struct stat st;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || (device && st.st_dev != device) ||
	    depth > DEEPEST)
		return 0;
	if (!S_ISDIR(st.st_mode))
		return st.st_nlink > 1 ? 0 : st.st_blocks * 512;
	int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	_cleanup_closedir_ DIR *d = fd < 0 ? NULL : fdopendir(fd);
	int64_t sum = st.st_blocks * 512;
	for (struct dirent *entry; d && (entry = readdir(d));)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			sum += tree_bytes(fd, entry->d_name, st.st_dev, depth + 1);
	return sum;
}

int64_t file_tree_bytes(int dirfd, const char *name)
{
	return tree_bytes(dirfd, name, 0, 0);
}
