/* archive.c — see archive.h. */
#include "image/archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "image/entry.h"
#include "image/stream.h"
#include "linux/path.h"

enum { NAMES_MAX = 20000, LINKS_MAX = 8 };

/* TO as seen from the directory of PATH; NULL: it leads out. */
static const char *resolve_link(const char *path, const char *to, struct arena *a)
{
	const char *slash = strrchr(path, '/');
	size_t n = slash ? (size_t)(slash - path) : 0;

	for (; text_starts(to, "../"); to += 3) {
		if (n == 0)
			return NULL;
		while (n > 0 && path[--n] != '/')
			;
	}
	return n ? arena_printf(a, "%.*s/%s", (int)n, path, to) : arena_strdup(a, to);
}

static int add_member(struct image_archive *a, struct archive *archive, struct archive_entry *e,
		      const char *name, struct error *err)
{
	char path[PATH_MAX];
	const char *raw = archive_entry_pathname(e), *hard = archive_entry_hardlink(e);
	bool soft = archive_entry_filetype(e) == AE_IFLNK;

	if (!raw || !entry_path(raw, path))
		return error_set(err, EINVAL, "the archive '%s' has a name '%.200s' that leads out of it",
				 name, raw ? raw : "?");
	if (archive_entry_filetype(e) != AE_IFREG && !soft && !hard)
		return 0;
	const char *link = hard ? hard : soft ? archive_entry_symlink(e) : "";
	if (!link || strlen(link) >= PATH_MAX)
		return error_set(err, EINVAL, "the archive '%s' has a link '%.200s' that leads nowhere", name,
				 raw);
	if (archive_entry_sparse_count(e) > 0)
		return error_set(err, EINVAL,
				 "the archive '%s' has '%.200s' as a sparse file (tar without --sparse)",
				 name, raw);
	*list_add(a->arena, &a->members) = (struct archive_member){
		.path = arena_strdup(a->arena, path),
		.link = hard   ? arena_strdup(a->arena, link)
			: soft ? resolve_link(path, link, a->arena)
			       : NULL,
		.offset = archive_filter_bytes(archive, 0), /* the header has been read, nothing behind it */
		.size = hard || soft ? 0 : archive_entry_size(e),
	};
	return 0;
}

static int by_path(const void *a, const void *b)
{
	const struct archive_member *x = a, *y = b;
	int r = strcmp(x->path, y->path);

	return r ? r : (x->offset > y->offset) - (x->offset < y->offset);
}

/* The headers of the tar in A->fd. */
static int read_members(struct image_archive *a, const char *name, struct error *err)
{
	struct archive *archive = archive_read_new();
	struct archive_entry *e;
	struct stat st = {};
	int r = 0, next = ARCHIVE_OK;

	archive_read_support_format_tar(archive);
	if (fstat(a->fd, &st) < 0 || archive_read_open_fd(archive, a->fd, 64 * 1024) != ARCHIVE_OK)
		r = error_set(err, EBADMSG, "'%s' is no image archive: %s", name,
			      archive_error_string(archive));
	while (r == 0 && (next = archive_read_next_header(archive, &e)) == ARCHIVE_OK) {
		r = add_member(a, archive, e, name, err);
		const struct archive_member *last = a->members.n ? &a->members.at[a->members.n - 1] : NULL;
		if (r == 0 && a->members.n > NAMES_MAX)
			r = error_set(
				err, EFBIG,
				"'%s' is no image archive: it has more than %d files (seapod image import "
				"takes a root file system)",
				name, NAMES_MAX);
		if (r == 0 && last && (last->offset > st.st_size || last->size > st.st_size - last->offset))
			r = error_set(err, EBADMSG, "the archive '%s' is cut off in '%s'", name, last->path);
	}
	if (r == 0 && next != ARCHIVE_EOF)
		r = error_set(err, EBADMSG, "'%s' is no image archive, or it is cut off: %s", name,
			      archive_error_string(archive));
	archive_read_free(archive);
	if (a->members.n > 1)
		qsort(a->members.at, a->members.n, sizeof(*a->members.at), by_path);
	return r;
}

/* What comes from FD, decompressed, into a file of SCRATCH. */
static int spool(int fd, int scratch, uint64_t limit, struct error *err)
{
	_cleanup_close_ int out = openat(scratch, "archive", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	struct stream *s = stream_open(fd, -1, -1, limit);
	const void *data;
	long n = out < 0 ? error_errno(err, "cannot store the archive") : 0;

	while (out >= 0 && (n = stream_next(s, &data, err)) > 0) {
		int r = write_all(out, data, (size_t)n);
		if (r < 0) {
			n = error_code(err, r, "cannot store the archive");
			break;
		}
	}
	stream_close(s);
	return n < 0 ? (int)n : take_fd(&out);
}

/* Is it a tar as it stands? Compressed ones begin otherwise, and a pipe cannot go back. */
static bool is_plain_file(int fd, const struct stat *st)
{
	unsigned char magic[4] = {};

	return S_ISREG(st->st_mode) && lseek(fd, 0, SEEK_CUR) == 0 && pread(fd, magic, 4, 0) == 4 &&
	       !(magic[0] == 0x1f && magic[1] == 0x8b) && !(magic[0] == 0x28 && magic[1] == 0xb5);
}

int image_archive_open(struct image_archive *a, const char *file, int scratch, uint64_t limit,
		       struct arena *arena, struct error *err)
{
	struct stat st;
	_cleanup_close_ int fd = text_is(file, "-") ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
						    : open(file, O_RDONLY | O_CLOEXEC);

	*a = (struct image_archive){ .fd = -1, .arena = arena };
	if (fd < 0 || fstat(fd, &st) < 0)
		return error_errno(err, "cannot open '%s'", file);
	a->directory = S_ISDIR(st.st_mode);
	a->fd = a->directory || is_plain_file(fd, &st) ? take_fd(&fd) : spool(fd, scratch, limit, err);
	if (a->fd < 0)
		return a->fd;
	if (!a->directory && lseek(a->fd, 0, SEEK_SET) < 0)
		return error_errno(err, "cannot read '%s'", file);
	return a->directory ? 0 : read_members(a, file, err);
}

void image_archive_close(struct image_archive *a)
{
	close_fd(&a->fd);
}

static int find_file(const struct image_archive *a, const char *path, int *fd, int64_t *offset, int64_t *size)
{
	struct stat st;
	_cleanup_close_ int file = path_open_in_root(a->fd, path, O_RDONLY | O_NOCTTY | O_NONBLOCK, 0);

	if (file < 0)
		return file;
	if (fstat(file, &st) < 0 || !S_ISREG(st.st_mode))
		return -EINVAL;
	*offset = 0;
	*size = st.st_size;
	*fd = take_fd(&file);
	return 0;
}

int image_archive_find(const struct image_archive *a, const char *path, int *fd, int64_t *offset,
		       int64_t *size)
{
	char clean[PATH_MAX];

	if (a->directory)
		return find_file(a, path, fd, offset, size);
	for (int i = 0; path && i < LINKS_MAX; i++) {
		const struct archive_member key = { .path = entry_path(path, clean), .offset = INT64_MAX };
		size_t low = 0, high = a->members.n;
		while (key.path && low < high) { /* the last of that name, as tar(1) takes it */
			size_t middle = (low + high) / 2;
			if (by_path(&a->members.at[middle], &key) < 0)
				low = middle + 1;
			else
				high = middle;
		}
		const struct archive_member *m = key.path && low > 0 ? &a->members.at[low - 1] : NULL;
		if (!m || !text_is(m->path, key.path))
			return -ENOENT;
		if (!m->link) {
			*offset = m->offset;
			*size = m->size;
			*fd = fcntl(a->fd, F_DUPFD_CLOEXEC, 3);
			return *fd < 0 ? -errno : 0;
		}
		path = m->link;
	}
	return -ENOENT;
}
