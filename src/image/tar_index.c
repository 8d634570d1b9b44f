/* tar_index.c — see tar_index.h. libarchive reads the headers; of the contents only the place is noted. */
#include "image/tar_index.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/text.h"
#include "image/entry.h"
#include "image/erofs.h"

enum {
	NAMES_MAX = 250000,          /* some 40 MB */
	TEXT_MAX = 64 * 1024 * 1024, /* of names, links and attributes */
	UNIT = 512,
	WRITE_BEHIND = 16 * 1024 * 1024,
};

struct indexing {
	struct stream *stream;
	struct tree *tree;
	struct error *err;
	int tar;
	uint64_t bytes, begun;  /* the second: of those, how many are on their way to the disk */
	struct tree_node *file; /* the last one that has contents, until it is known where they end */
	bool fits;
};

static long take(struct indexing *x, const void **data)
{
	long n = stream_next(x->stream, data, x->err);
	int r = n > 0 ? write_all(x->tar, *data, (size_t)n) : 0;

	if (r < 0)
		return error_code(x->err, r, "cannot store a layer");
	x->bytes += n > 0 ? (uint64_t)n : 0;
	if (x->bytes - x->begun >=
	    WRITE_BEHIND) { /* the disk begins now, so that the sync at the end has little left to do */
		sync_file_range(x->tar, (off_t)x->begun, (off_t)(x->bytes - x->begun), SYNC_FILE_RANGE_WRITE);
		x->begun = x->bytes;
	}
	return n;
}

static la_ssize_t next_block(struct archive *archive, void *context, const void **data)
{
	struct indexing *x = context;
	long n = take(x, data);

	if (n < 0)
		archive_set_error(archive, (int)-n, "%s", x->err->text);
	return n;
}

static void set_metadata(struct indexing *x, struct archive_entry *e, struct tree_node *n)
{
	const char *name;
	const void *value;
	size_t size;
	struct timespec times[2];

	n->uid = (uint32_t)archive_entry_uid(e);
	n->gid = (uint32_t)archive_entry_gid(e);
	entry_times(e, times);
	n->mtime = times[1].tv_sec;
	n->mtime_nsec = times[1].tv_nsec == UTIME_OMIT ? 0 : (uint32_t)times[1].tv_nsec;
	archive_entry_xattr_reset(e);
	while (!S_ISLNK(n->mode) && archive_entry_xattr_next(e, &name, &value, &size) == ARCHIVE_OK)
		if (entry_keeps_xattr(name))
			tree_add_xattr(x->tree, n, name, value, size);
	x->fits &= erofs_can_hold(n);
}

static int add_link(struct indexing *x, const char *path, const char *to)
{
	char buffer[PATH_MAX];
	const char *target = entry_path(to, buffer);
	struct tree_node *n = target ? tree_find(x->tree, target) : NULL;

	if (!target)
		return error_set(x->err, EINVAL, "the hard link '%s' of a layer leads out of it (to '%s')",
				 path, to);
	if (!n || S_ISDIR(n->mode) || !*path)
		return error_set(x->err, ENOENT,
				 "the hard link '%s' of a layer leads to '%s', which is not there", path, to);
	tree_link(x->tree, path, n);
	return 0;
}

static int add_file(struct indexing *x, struct archive *archive, struct archive_entry *e, struct tree_node *n)
{
	switch (archive_entry_filetype(e)) {
	case AE_IFREG:
		n->size = (uint64_t)archive_entry_size(e);
		n->data = (uint64_t)archive_filter_bytes(
			archive, 0); /* the header has been read, nothing of the contents yet */
		x->fits &= n->data % UNIT == 0 && archive_entry_sparse_count(e) == 0;
		x->file = n;
		return 0;
	case AE_IFLNK:
		if (text_empty(archive_entry_symlink(e)) || strlen(archive_entry_symlink(e)) >= PATH_MAX)
			return error_set(x->err, EINVAL, "the link '%.200s' of a layer leads nowhere",
					 archive_entry_pathname(e));
		tree_set_target(x->tree, n, archive_entry_symlink(e));
		return 0;
	case AE_IFCHR:
	case AE_IFBLK:
		n->major = (uint32_t)archive_entry_rdevmajor(e);
		n->minor = (uint32_t)archive_entry_rdevminor(e);
		return 0;
	case AE_IFDIR:
	case AE_IFIFO:
		return 0;
	default:
		return error_set(x->err, EINVAL, "'%.200s' of a layer is of no known type",
				 archive_entry_pathname(e));
	}
}

/* 1: it was a whiteout. */
static int add_whiteout(struct indexing *x, char *path)
{
	char *slash = strrchr(path, '/');
	const char *gone = NULL;

	switch (entry_whiteout(slash ? slash + 1 : path, &gone)) {
	case ENTRY_PLAIN:
		return 0;
	case ENTRY_HIDES:
		memmove(slash ? slash + 1 : path, gone, strlen(gone) + 1);
		tree_hide(x->tree, path);
		return 1;
	case ENTRY_OPAQUE:
		*(slash ? slash : path) = '\0';
		tree_hide_below(x->tree, path);
		return 1;
	case ENTRY_IGNORED:
		return 1;
	default:
		return error_set(x->err, EINVAL, "'%s' of a layer is a whiteout that names no file", path);
	}
}

/* What is given as a file's size need not be what it has in the tar (SCHILY.realsize, GNU.sparse.realsize): who mounted that would read what is behind
 * it, or behind the tar. END: where the next header, or nothing more, begins. */
static void check_end(struct indexing *x, uint64_t end)
{
	const struct tree_node *n = x->file;

	x->file = NULL;
	if (n)
		x->fits &= n->data <= end && n->size <= end - n->data;
}

static int add_entry(struct indexing *x, struct archive *archive, struct archive_entry *e)
{
	char path[PATH_MAX];
	const char *raw = archive_entry_pathname(e), *hardlink = archive_entry_hardlink(e);

	if (!raw || !entry_path(raw, path))
		return error_set(x->err, EINVAL,
				 "the name '%.200s' in a layer leads out of it or is too long",
				 raw ? raw : "?");
	int r = add_whiteout(x, path);
	if (r != 0)
		return r < 0 ? r : 0;
	if (hardlink)
		return add_link(x, path, hardlink);
	if (!*path && archive_entry_filetype(e) != AE_IFDIR)
		return error_set(x->err, EINVAL, "the root of a layer is no directory");
	mode_t type = archive_entry_filetype(e),
	       mode = type == AE_IFLNK ? 0777 : archive_entry_perm(e) & 07777;
	struct tree_node *n = tree_put(x->tree, path, type | mode);
	r = add_file(x, archive, e, n);
	if (r == 0)
		set_metadata(x, e, n);
	return r;
}

static int read_entries(struct indexing *x, struct archive *archive, const struct unpack_limits *limits)
{
	struct archive_entry *e;
	uint64_t entries = 0;
	int r, result = 0;

	while (result == 0 && x->fits && (r = archive_read_next_header(archive, &e)) != ARCHIVE_EOF) {
		if (r != ARCHIVE_OK && r != ARCHIVE_WARN)
			return x->err->code ? -x->err->code
					    : error_set(x->err, EBADMSG, "a layer is no right tar: %s",
							archive_error_string(archive));
		if (++entries > limits->entries)
			return error_set(x->err, EFBIG, "a layer has more than %llu entries",
					 (unsigned long long)limits->entries);
		check_end(x, (uint64_t)archive_read_header_position(archive));
		result = add_entry(x, archive, e);
		x->fits &= entries <= NAMES_MAX && x->tree->count <= NAMES_MAX && x->tree->text <= TEXT_MAX;
	}
	return result;
}

int tar_index(struct stream *s, int tar, const struct unpack_limits *limits, struct tree *t, bool *fits,
	      uint64_t *bytes, struct error *err)
{
	struct indexing x = { .stream = s, .tree = t, .err = err, .tar = tar, .fits = true };
	struct archive *archive = archive_read_new();
	const void *rest;
	long n = 0;

	err->code = 0;
	archive_read_support_format_tar(archive);
	archive_read_support_format_empty(archive);
	int r = archive_read_open(archive, &x, NULL, next_block, NULL) == ARCHIVE_OK
			? read_entries(&x, archive, limits)
			: error_set(err, EBADMSG, "a layer is no tar: %s", archive_error_string(archive));
	while (r == 0 &&
	       (n = take(&x, &rest)) > 0) /* what is behind the end of the archive belongs to the digest */
		;
	archive_read_free(archive);
	check_end(&x, x.bytes);
	*fits = x.fits && x.bytes % UNIT == 0;
	*bytes = x.bytes;
	return r < 0 ? r : (int)n;
}
