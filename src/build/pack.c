/* pack.c — see pack.h. */
#include "build/pack.h"

#include <archive.h>
#include <archive_entry.h>
#include <dirent.h>
#include <endian.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/text.h"
#include "image/entry.h"
#include "linux/path.h"
#include "sandbox/user_range.h"

enum { DEPTH_MAX = 1000, XATTR_MAX = 64 * 1024, CHUNK = 256 * 1024 };

struct known_file {
	dev_t device;
	ino_t inode;
	const char *path;
};

struct packing {
	struct archive *archive;
	struct arena *arena;
	struct error *err;
	const struct pack_options *options;
	int depth;
	struct LIST(struct known_file) files; /* that have several names */
};

static int cannot(struct packing *p, const char *path, const char *what)
{
	return error_errno(p->err, "cannot %s '%s' for a layer", what, path);
}

static int refuse(struct packing *p)
{
	int code = archive_errno(p->archive);
	return error_set(p->err, code > 0 ? code : EIO, "cannot write a layer: %s",
			 archive_error_string(p->archive));
}

static int write_header(struct packing *p, struct archive_entry *e)
{
	return archive_write_header(p->archive, e) < ARCHIVE_WARN ? refuse(p) : 0;
}

/* --- one entry ---------------------------------------------------------------------------------------------------------- */

/* Capabilities that a user namespace has given say for which root they are, by its id outside (capabilities(7) "File capability versioning"): in an image
 * they are for every root. */
static ssize_t without_root(char *value, ssize_t size)
{
	struct vfs_ns_cap_data data;

	if (size != XATTR_CAPS_SZ_3)
		return size;
	memcpy(&data, value, sizeof(data));
	data.magic_etc =
		htole32((le32toh(data.magic_etc) & ~(uint32_t)VFS_CAP_REVISION_MASK) | VFS_CAP_REVISION_2);
	memcpy(value, &data, XATTR_CAPS_SZ_2);
	return XATTR_CAPS_SZ_2;
}

static int add_xattrs(struct packing *p, struct archive_entry *e, int fd, const char *path)
{
	static char names[XATTR_MAX], value[XATTR_MAX];
	char through[32];
	ssize_t n = listxattr(path_of_fd(fd, through), names, sizeof(names));

	if (n < 0)
		return errno == ENOTSUP ? 0 : cannot(p, path, "read the attributes of");
	for (const char *name = names; name < names + n; name += strlen(name) + 1) {
		if (!entry_keeps_xattr(name))
			continue;
		ssize_t size = getxattr(through, name, value, sizeof(value));
		if (size < 0)
			return cannot(p, path, "read the attributes of");
		if (p->options->mapped && text_is(name, "security.capability"))
			size = without_root(value, size);
		archive_entry_xattr_add_entry(e, name, value, (size_t)size);
	}
	return 0;
}

/* What of a file with holes is data (lseek(2) SEEK_DATA). */
static void add_holes(struct archive_entry *e, int fd, const struct stat *st)
{
	if (st->st_blocks * 512 + 65536 >= st->st_size)
		return;
	for (off_t at = 0; (at = lseek(fd, at, SEEK_DATA)) >= 0;) {
		off_t end = lseek(fd, at, SEEK_HOLE);
		archive_entry_sparse_add_entry(e, at, end - at);
		at = end;
	}
	archive_entry_sparse_add_entry(e, st->st_size, 0);
	lseek(fd, 0, SEEK_SET);
}

static int write_contents(struct packing *p, int fd, const char *path, int64_t size)
{
	static char chunk[CHUNK];
	ssize_t n = 0;

	while (size > 0 && (n = read(fd, chunk, size < CHUNK ? (size_t)size : CHUNK)) > 0) {
		if (archive_write_data(p->archive, chunk, (size_t)n) != n)
			return refuse(p);
		size -= n;
	}
	return n < 0      ? cannot(p, path, "read")
	       : size > 0 ? error_set(p->err, EIO, "'%s' became shorter", path)
			  : 0;
}

/* The name that the file of ST has had already; NULL: this is its first. */
static const char *first_name(struct packing *p, const struct stat *st, const char *path)
{
	if (S_ISDIR(st->st_mode) || st->st_nlink < 2)
		return NULL;
	list_each(file, &p->files)
		if (file->inode == st->st_ino && file->device == st->st_dev)
			return file->path;
	*list_add(p->arena, &p->files) =
		(struct known_file){ st->st_dev, st->st_ino, arena_strdup(p->arena, path) };
	return NULL;
}

static void set_metadata(struct packing *p, struct archive_entry *e, const struct stat *st, const char *path)
{
	int64_t mtime = st->st_mtime, epoch = p->options->epoch;

	archive_entry_set_pathname(e, S_ISDIR(st->st_mode) ? arena_printf(p->arena, "%s/", path) : path);
	archive_entry_set_filetype(e, st->st_mode & S_IFMT);
	archive_entry_set_perm(e, st->st_mode & 07777);
	archive_entry_set_uid(e, p->options->mapped ? user_range_inside(st->st_uid) : st->st_uid);
	archive_entry_set_gid(e, p->options->mapped ? user_range_inside(st->st_gid) : st->st_gid);
	archive_entry_set_mtime(e, epoch >= 0 && mtime > epoch ? epoch : mtime, 0);
	archive_entry_set_size(e, S_ISREG(st->st_mode) ? st->st_size : 0);
	if (S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode)) {
		archive_entry_set_rdevmajor(e, major(st->st_rdev));
		archive_entry_set_rdevminor(e, minor(st->st_rdev));
	}
}

/* An empty file PATH, whose name is all that it says. */
static int write_mark(struct packing *p, const char *path)
{
	struct archive_entry *e = archive_entry_new();
	const struct stat st = { .st_mode = S_IFREG };

	set_metadata(p, e, &st, path);
	int r = write_header(p, e);
	archive_entry_free(e);
	return r;
}

static int write_whiteout(struct packing *p, const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;

	return write_mark(p, arena_printf(p->arena, "%.*s.wh.%s", (int)(name - path), path, name));
}

/* FD: the file itself, of directories and regular files to be read, else O_PATH. */
static int write_entry(struct packing *p, struct archive_entry *e, int fd, const struct stat *st,
		       const char *path)
{
	char target[PATH_MAX];
	const char *first = first_name(p, st, path);
	bool regular = S_ISREG(st->st_mode);
	int r = 0;

	set_metadata(p, e, st, path);
	if (first) {
		archive_entry_set_hardlink(e, first);
		archive_entry_set_size(e, 0);
		return write_header(p, e);
	}
	if (S_ISLNK(st->st_mode)) {
		ssize_t n = readlinkat(fd, "", target, sizeof(target) - 1);
		if (n < 0)
			return cannot(p, path, "read the link");
		target[n] = '\0';
		archive_entry_set_symlink(e, target);
	} else if (regular || S_ISDIR(st->st_mode)) {
		r = add_xattrs(p, e, fd, path);
	}
	if (regular)
		add_holes(e, fd, st);
	if (r == 0)
		r = write_header(p, e);
	return r == 0 && regular ? write_contents(p, fd, path, st->st_size) : r;
}

/* --- the walk -------------------------------------------------------------------------------------------------------------- */

static int pack_directory(struct packing *p, int fd, const char *path);

static bool is_opaque(int fd)
{
	char value[2], through[32];

	return getxattr(path_of_fd(fd, through), "trusted.overlay.opaque", value, sizeof(value)) == 1 &&
	       *value == 'y';
}

static int pack_name(struct packing *p, int dir, const char *name, const char *path)
{
	struct stat st;

	list_each(left_out, p->options->without)
		if (text_is(*left_out, path))
			return 0;
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return cannot(p, path, "read");
	if (S_ISSOCK(st.st_mode)) /* a tar cannot have it */
		return 0;
	if (S_ISCHR(st.st_mode) && st.st_rdev == 0)
		return write_whiteout(p, path);
	int how = S_ISDIR(st.st_mode) ? O_RDONLY | O_DIRECTORY : S_ISREG(st.st_mode) ? O_RDONLY : O_PATH;
	_cleanup_close_ int fd = openat(dir, name, how | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	mode_t mode = st.st_mode;
	if (fd < 0 || fstat(fd, &st) < 0)
		return cannot(p, path, "open");
	if ((st.st_mode & S_IFMT) != (mode & S_IFMT)) /* a container that runs has put another there */
		return error_set(p->err, EBUSY, "'%s' was replaced while it was read for a layer", path);
	struct archive_entry *e = archive_entry_new();
	int r = write_entry(p, e, fd, &st, path);
	archive_entry_free(e);
	if (r < 0 || !S_ISDIR(st.st_mode))
		return r;
	if (is_opaque(fd) && (r = write_mark(p, arena_printf(p->arena, "%s/.wh..wh..opq", path))) < 0)
		return r;
	return pack_directory(p, fd, path);
}

static int no_dots(const struct dirent *entry)
{
	return !text_is(entry->d_name, ".") && !text_is(entry->d_name, "..");
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int pack_directory(struct packing *p, int fd, const char *path)
{
	struct dirent **entries;
	int n = scandirat(fd, ".", &entries, no_dots, by_bytes), r = 0;

	if (n < 0)
		return cannot(p, *path ? path : "/", "list");
	if (++p->depth > DEPTH_MAX)
		r = error_set(p->err, ELOOP, "a layer has directories deeper than %d", DEPTH_MAX);
	for (int i = 0; i < n; i++) {
		if (r == 0)
			r = pack_name(
				p, fd, entries[i]->d_name,
				arena_printf(p->arena, "%s%s%s", path, *path ? "/" : "", entries[i]->d_name));
		free(entries[i]);
	}
	free(entries);
	p->depth--;
	return r;
}

int pack(int upper, const struct pack_options *options, int fd, struct error *err)
{
	_cleanup_arena_ struct arena *a = arena_new();
	struct packing p = { .archive = archive_write_new(), .arena = a, .err = err, .options = options };

	archive_write_set_format_pax_restricted(p.archive);
	archive_write_set_bytes_in_last_block(p.archive, 1);
	int r = archive_write_open_fd(p.archive, fd) == ARCHIVE_OK ? pack_directory(&p, upper, "")
								   : refuse(&p);
	if (r == 0 && archive_write_close(p.archive) != ARCHIVE_OK)
		r = refuse(&p);
	archive_write_free(p.archive);
	return r;
}
