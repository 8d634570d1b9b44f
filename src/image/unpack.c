/* unpack.c — see unpack.h. libarchive reads the tar; making the files is ours, since its own writer works with paths. */
#include "image/unpack.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/memory.h"
#include "image/entry.h"
#include "linux/path.h"

const struct unpack_limits unpack_default_limits = { .entries = 2000000, .bytes = UINT64_C(64) << 30 };

struct directory_time {
	const char *path;
	struct timespec times[2];
};

struct unpacking {
	struct stream *stream;
	struct error *err;
	int root;
	struct arena *arena;
	struct LIST(struct directory_time) directories; /* their times are set last */
	char parent_path[PATH_MAX];                     /* the directory that `parent` is open on */
	int parent;
};

static la_ssize_t next_block(struct archive *archive, void *context, const void **data)
{
	struct unpacking *u = context;
	long n = stream_next(u->stream, data, u->err);

	if (n < 0)
		archive_set_error(archive, (int)-n, "%s", u->err->text);
	return n;
}

/* Opens the directory above PATH (made if missing) and points *LAST at PATH's last part. The descriptor is the unpacking's. */
static int open_parent(struct unpacking *u, const char *path, const char **last)
{
	char above[PATH_MAX];
	const char *slash = strrchr(path, '/');

	*last = slash ? slash + 1 : path;
	snprintf(above, sizeof(above), "%.*s", slash ? (int)(slash - path) : 0, path);
	if (u->parent >= 0 && strcmp(above, u->parent_path) == 0)
		return u->parent;
	close_fd(&u->parent);
	int fd = path_make_dirs_in_root(u->root, above, 0755, 0, 0, u->err);
	if (fd < 0)
		return fd;
	u->parent = fd;
	strcpy(u->parent_path, above);
	return fd;
}

static int cannot(struct unpacking *u, const char *path, const char *what)
{
	return error_errno(u->err, "cannot %s '%s' of a layer", what, path);
}

/* A file may end with a hole: then its size is the entry's, not that of its data. */
static int write_contents(struct unpacking *u, struct archive *archive, int fd, int64_t whole,
			  const char *path)
{
	const void *data;
	size_t size;
	la_int64_t offset, end = 0;
	int r;

	while ((r = archive_read_data_block(archive, &data, &size, &offset)) == ARCHIVE_OK) {
		for (size_t done = 0; done < size;) {
			ssize_t n =
				pwrite(fd, (const char *)data + done, size - done, offset + (la_int64_t)done);
			if (n < 0)
				return cannot(u, path, "write");
			done += (size_t)n;
		}
		end = offset + (la_int64_t)size;
	}
	if (r != ARCHIVE_EOF)
		return u->err->code ? -u->err->code
				    : error_set(u->err, EBADMSG, "a layer is cut off in '%s'", path);
	struct stat st;
	end = whole > end ? whole : end;
	if (fstat(fd, &st) == 0 && st.st_size < end && ftruncate(fd, end) < 0)
		return cannot(u, path, "write");
	return 0;
}

static int set_xattrs(struct unpacking *u, struct archive_entry *e, int fd, const char *path)
{
	const char *name;
	const void *value;
	size_t size;
	char through[32];

	archive_entry_xattr_reset(e);
	while (archive_entry_xattr_next(e, &name, &value, &size) == ARCHIVE_OK) {
		if (!entry_keeps_xattr(name))
			continue;
		if (setxattr(path_of_fd(fd, through), name, value, size, 0) < 0 && errno != EOPNOTSUPP)
			return cannot(u, path, "set an attribute of");
	}
	return 0;
}

/* Owner, mode, attributes and times of what was made as NAME in PARENT. Links have no mode. */
static int set_metadata(struct unpacking *u, struct archive_entry *e, int parent, const char *name,
			const char *path)
{
	struct timespec times[2];
	bool link = archive_entry_filetype(e) == AE_IFLNK;

	if (fchownat(parent, name, (uid_t)archive_entry_uid(e), (gid_t)archive_entry_gid(e),
		     AT_SYMLINK_NOFOLLOW) < 0)
		return cannot(u, path, "set the owner of");
	/* NAME was made a moment ago in a directory that nobody else can reach; it is no link when its mode is set. */
	if (!link && fchmodat(parent, name, archive_entry_perm(e), 0) < 0)
		return cannot(u, path, "set the mode of");
	if (!link && archive_entry_xattr_count(e) > 0) {
		_cleanup_close_ int fd = openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
		int r = fd < 0 ? cannot(u, path, "open") : set_xattrs(u, e, fd, path);
		if (r < 0)
			return r;
	}
	entry_times(e, times);
	if (archive_entry_filetype(e) == AE_IFDIR) {
		*list_add(u->arena, &u->directories) =
			(struct directory_time){ arena_strdup(u->arena, path), { times[0], times[1] } };
		return 0;
	}
	utimensat(parent, name, times, AT_SYMLINK_NOFOLLOW);
	return 0;
}

/* What is already there gives way, but for a directory that comes again. 1: it was a whiteout. */
static int make_room(struct unpacking *u, int parent, const char *name, bool directory, const char *path)
{
	struct stat st;

	if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	if (S_ISDIR(st.st_mode) && directory)
		return 0;
	bool hidden = S_ISCHR(st.st_mode) && st.st_rdev == 0;
	struct error why = {};
	if (file_remove_tree(parent, name, &why) < 0)
		return error_set(u->err, why.code, "cannot replace '%s' of a layer: %s", path, why.text);
	strcpy(u->parent_path,
	       "\001"); /* what was removed may have held the cached parent: open it anew next time */
	return hidden;
}

static int make_hardlink(struct unpacking *u, int parent, const char *name, const char *path, const char *to)
{
	char buffer[PATH_MAX], through[32];
	const char *target = entry_path(to, buffer);

	if (!target)
		return error_set(u->err, EINVAL, "the hard link '%s' of a layer leads out of it (to '%s')",
				 path, to);
	_cleanup_close_ int fd = path_open_in_root(u->root, target, O_PATH | O_NOFOLLOW, 0);
	struct stat st;
	if (fd < 0 || fstat(fd, &st) < 0 || S_ISDIR(st.st_mode))
		return error_set(u->err, ENOENT,
				 "the hard link '%s' of a layer leads to '%s', which is not there", path, to);
	if (linkat(AT_FDCWD, path_of_fd(fd, through), parent, name, AT_SYMLINK_FOLLOW) < 0) {
		/* /proc/self/fd of an O_PATH link follows the link itself; AT_EMPTY_PATH needs no path. */
		if (linkat(fd, "", parent, name, AT_EMPTY_PATH) < 0)
			return cannot(u, path, "make the hard link");
	}
	return 0;
}

static int make_node(struct unpacking *u, struct archive *archive, struct archive_entry *e, int parent,
		     const char *name, const char *path)
{
	mode_t mode = archive_entry_perm(e);

	switch (archive_entry_filetype(e)) {
	case AE_IFREG: {
		_cleanup_close_ int fd =
			openat(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (fd < 0)
			return cannot(u, path, "make the file");
		return write_contents(u, archive, fd, archive_entry_size(e), path);
	}
	case AE_IFDIR:
		if (mkdirat(parent, name, 0700) < 0 && errno != EEXIST)
			return cannot(u, path, "make the directory");
		return 0;
	case AE_IFLNK:
		if (symlinkat(archive_entry_symlink(e), parent, name) < 0)
			return cannot(u, path, "make the link");
		return 0;
	case AE_IFIFO:
	case AE_IFCHR:
	case AE_IFBLK: {
		dev_t device = makedev(archive_entry_rdevmajor(e), archive_entry_rdevminor(e));
		if (mknodat(parent, name, archive_entry_filetype(e) | mode, device) < 0)
			return cannot(u, path, "make the device");
		return 0;
	}
	default:
		return error_set(u->err, EINVAL, "'%s' of a layer is of no known type", path);
	}
}

static int mark_opaque(struct unpacking *u, int directory, const char *path)
{
	char through[32];

	return setxattr(path_of_fd(directory, through), "trusted.overlay.opaque", "y", 1, 0) < 0
		       ? cannot(u, path, "mark the directory of")
		       : 0;
}

/* Only lower layers' NAME is hidden (image-spec layer.md): what this layer has of that name stays, a directory alone. */
static int hide(struct unpacking *u, int parent, const char *name, const char *path)
{
	struct stat st;

	if (mknodat(parent, name, S_IFCHR, makedev(0, 0)) == 0)
		return 0;
	if (errno != EEXIST || fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return cannot(u, path, "make the whiteout");
	if (!S_ISDIR(st.st_mode))
		return 0;
	_cleanup_close_ int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? cannot(u, path, "open") : mark_opaque(u, fd, path);
}

/* ".wh.…": true if it was one (then *RESULT). */
static bool whiteout(struct unpacking *u, int parent, const char *name, const char *path, int *result)
{
	const char *gone = NULL;
	enum entry_whiteout kind = entry_whiteout(name, &gone);

	*result = kind == ENTRY_OPAQUE  ? mark_opaque(u, parent, path)
		  : kind == ENTRY_HIDES ? hide(u, parent, gone, path)
		  : kind == ENTRY_WRONG ? error_set(u->err, EINVAL,
						    "'%s' of a layer is a whiteout that names no file", path)
					: 0;
	return kind != ENTRY_PLAIN;
}

static int unpack_entry(struct unpacking *u, struct archive *archive, struct archive_entry *e)
{
	char buffer[PATH_MAX];
	const char *raw = archive_entry_pathname(e), *last, *path = raw ? entry_path(raw, buffer) : NULL;
	const char *hardlink = archive_entry_hardlink(e);
	int r;

	if (!path)
		return error_set(u->err, EINVAL,
				 "the name '%.200s' in a layer leads out of it or is too long",
				 raw ? raw : "?");
	if (!*path) /* the root itself */
		return fchmod(u->root, archive_entry_perm(e)) < 0 ||
				       fchown(u->root, (uid_t)archive_entry_uid(e),
					      (gid_t)archive_entry_gid(e)) < 0
			       ? cannot(u, "/", "set the mode of")
			       : 0;
	int parent = open_parent(u, path, &last);
	if (parent < 0)
		return parent;
	if (whiteout(u, parent, last, path, &r))
		return r;
	bool directory = archive_entry_filetype(e) == AE_IFDIR && !hardlink;
	int hidden = make_room(u, parent, last, directory, path);
	if (hidden < 0)
		return hidden;
	if (hardlink)
		return make_hardlink(u, parent, last, path, hardlink);
	r = make_node(u, archive, e, parent, last, path);
	if (r == 0 && hidden && directory) /* it hides what lower layers have in it */
		r = hide(u, parent, last, path);
	if (r == 0)
		r = set_metadata(u, e, parent, last, path);
	return r;
}

static int unpack_all(struct unpacking *u, struct archive *archive, const struct unpack_limits *limits)
{
	struct archive_entry *e;
	uint64_t entries = 0;
	int r, result = 0;

	while (result == 0 && (r = archive_read_next_header(archive, &e)) != ARCHIVE_EOF) {
		if (r != ARCHIVE_OK && r != ARCHIVE_WARN)
			return u->err->code ? -u->err->code
					    : error_set(u->err, EBADMSG, "a layer is no right tar: %s",
							archive_error_string(archive));
		if (++entries > limits->entries)
			return error_set(u->err, EFBIG, "a layer has more than %llu entries",
					 (unsigned long long)limits->entries);
		result = unpack_entry(u, archive, e);
	}
	for (size_t i = u->directories.n; result == 0 && i-- > 0;) {
		const struct directory_time *d = &u->directories.at[i];
		char through[32];
		_cleanup_close_ int fd = path_open_in_root(u->root, d->path, O_PATH | O_NOFOLLOW, 0);
		if (fd >= 0)
			utimensat(AT_FDCWD, path_of_fd(fd, through), d->times, 0);
	}
	return result;
}

int unpack(struct stream *s, int dir, const struct unpack_limits *limits, struct error *err)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	struct error local = {};
	struct unpacking u = {
		.stream = s, .err = err ? err : &local, .root = dir, .arena = arena, .parent = -1
	};
	struct archive *archive = archive_read_new();

	u.err->code = 0;
	archive_read_support_format_tar(archive);
	archive_read_support_format_empty(archive);
	umask(0);
	int r = archive_read_open(archive, &u, NULL, next_block, NULL) == ARCHIVE_OK
			? unpack_all(&u, archive, limits)
			: error_set(u.err, EBADMSG, "a layer is no tar: %s", archive_error_string(archive));
	close_fd(&u.parent);
	archive_read_free(archive);
	return r;
}
