/* copy.c — see copy.h. */
#include "build/copy.h"

#include <dirent.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "image/entry.h"
#include "linux/path.h"

enum { DEPTH_MAX = 1000, XATTR_MAX = 64 * 1024, CHUNK = 256 * 1024 };

struct copying {
	const struct copy *c;
	struct digest *sum; /* NULL: it is copied */
	struct arena *arena;
	struct error *err;
	int depth;
};

static int cannot(struct copying *w, const char *path, const char *what)
{
	return error_errno(w->err, "cannot %s '%s'", what, *path ? path : ".");
}

static int no_dots(const struct dirent *entry)
{
	return !text_is(entry->d_name, ".") && !text_is(entry->d_name, "..");
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* --- one file ------------------------------------------------------------------------------------------------------------ */

static void note(struct copying *w, const char *name, const struct stat *st)
{
	const struct copy *c = w->c;
	const char *line = arena_printf(
		w->arena, "%s %o %u %u %lld", name, st->st_mode, c->keeps_owner ? st->st_uid : c->uid,
		c->keeps_owner ? st->st_gid : c->gid, S_ISREG(st->st_mode) ? (long long)st->st_size : 0);
	digest_add(w->sum, line, strlen(line) + 1);
}

static int copy_bytes(struct copying *w, int from, int to, const char *path)
{
	static char chunk[CHUNK];
	ssize_t n;

	while ((n = read(from, chunk, sizeof(chunk))) > 0) {
		if (w->sum)
			digest_add(w->sum, chunk, (size_t)n);
		else if (write_all(to, chunk, (size_t)n) < 0)
			return cannot(w, path, "copy");
	}
	return n < 0 ? cannot(w, path, "read") : 0;
}

static int copy_xattrs(struct copying *w, int from, int to, const char *path)
{
	static char names[XATTR_MAX], value[XATTR_MAX];
	ssize_t n = flistxattr(from, names, sizeof(names));

	for (const char *name = names; name < names + n; name += strlen(name) + 1) {
		ssize_t size = entry_keeps_xattr(name) ? fgetxattr(from, name, value, sizeof(value)) : -1;
		if (size >= 0 && fsetxattr(to, name, value, (size_t)size, 0) < 0)
			return cannot(w, path, "keep the attributes of");
	}
	return 0;
}

/* Owner, mode, attributes and time of what FROM is, for TO (both opened to be read or written). */
static int set_metadata(struct copying *w, int from, int to, const struct stat *st, const char *path)
{
	const struct copy *c = w->c;
	const struct timespec times[2] = { st->st_mtim, st->st_mtim };
	mode_t mode = c->mode >= 0 ? (mode_t)c->mode : st->st_mode & 07777;

	if (fchown(to, c->keeps_owner ? st->st_uid : c->uid, c->keeps_owner ? st->st_gid : c->gid) < 0 ||
	    fchmod(to, mode) < 0)
		return cannot(w, path, "set the owner of");
	int r = copy_xattrs(w, from, to, path); /* after the owner: a change of it takes capabilities away */
	futimens(to, times);
	return r;
}

/* What has the name NAME goes, but for a directory where one comes. */
static int make_room(struct copying *w, int parent, const char *name, bool directory, const char *path)
{
	struct stat st;

	if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	if (S_ISDIR(st.st_mode))
		return directory ? 1
				 : error_set(w->err, EISDIR,
					     "'%s' is a directory in the image, and no file takes its place",
					     path);
	return unlinkat(parent, name, 0) < 0 ? cannot(w, path, "replace") : 0;
}

static int copy_link(struct copying *w, int fd, int parent, const char *name, const struct stat *st,
		     const char *path)
{
	char target[PATH_MAX];
	const struct copy *c = w->c;
	ssize_t n = readlinkat(fd, "", target, sizeof(target) - 1);

	if (n < 0)
		return cannot(w, path, "read the link");
	target[n] = '\0';
	if (w->sum) {
		digest_add(w->sum, target, (size_t)n + 1);
		return 0;
	}
	int r = make_room(w, parent, name, false, path);
	if (r < 0)
		return r;
	const struct timespec times[2] = { st->st_mtim, st->st_mtim };
	if (symlinkat(target, parent, name) < 0 ||
	    fchownat(parent, name, c->keeps_owner ? st->st_uid : c->uid, c->keeps_owner ? st->st_gid : c->gid,
		     AT_SYMLINK_NOFOLLOW) < 0)
		return cannot(w, path, "make the link");
	utimensat(parent, name, times, AT_SYMLINK_NOFOLLOW);
	return 0;
}

static int copy_regular(struct copying *w, int fd, int parent, const char *name, const struct stat *st,
			const char *path)
{
	if (w->sum)
		return copy_bytes(w, fd, -1, path);
	int r = make_room(w, parent, name, false, path);
	if (r < 0)
		return r;
	_cleanup_close_ int to =
		openat(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (to < 0)
		return cannot(w, path, "make");
	r = copy_bytes(w, fd, to, path);
	return r < 0 ? r : set_metadata(w, fd, to, st, path);
}

/* --- the walk ------------------------------------------------------------------------------------------------------------- */

static int copy_contents(struct copying *w, int from, int to, const char *path);

static int copy_directory(struct copying *w, int fd, int parent, const char *name, const struct stat *st,
			  const char *path)
{
	if (w->sum)
		return copy_contents(w, fd, -1, path);
	int r = make_room(w, parent, name, true, path);
	if (r < 0)
		return r;
	if (r == 0 && mkdirat(parent, name, 0700) < 0)
		return cannot(w, path, "make the directory");
	_cleanup_close_ int to = file_open_dir(parent, name, 0, w->err);
	if (to < 0)
		return to;
	r = copy_contents(w, fd, to, path);
	return r < 0 ? r : set_metadata(w, fd, to, st, path);
}

/* FD is what is copied as NAME into PARENT: opened to be read, a link O_PATH. */
static int copy_one(struct copying *w, int fd, int parent, const char *name, const char *path)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return cannot(w, path, "read");
	if (w->sum)
		note(w, name, &st);
	if (S_ISDIR(st.st_mode))
		return copy_directory(w, fd, parent, name, &st, path);
	if (S_ISLNK(st.st_mode))
		return copy_link(w, fd, parent, name, &st, path);
	if (S_ISREG(st.st_mode))
		return copy_regular(w, fd, parent, name, &st, path);
	return error_set(w->err, EINVAL, "'%s' is neither a file nor a directory nor a link", path);
}

static int copy_named(struct copying *w, int from, int to, const char *name, const char *path)
{
	struct stat st;
	const struct ignore *ignore = w->c->ignore;
	bool ignored = ignore && ignore_matches(ignore, path);

	if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return cannot(w, path, "read");
	if (S_ISSOCK(st.st_mode) || (ignored && !(S_ISDIR(st.st_mode) && ignore->exceptions)))
		return 0;
	if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode) && !S_ISLNK(st.st_mode))
		return error_set(w->err, EINVAL, "'%s' is neither a file nor a directory nor a link", path);
	_cleanup_close_ int fd = openat(
		from, name, (S_ISLNK(st.st_mode) ? O_PATH : O_RDONLY | O_NONBLOCK) | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? cannot(w, path, "open") : copy_one(w, fd, to, name, path);
}

static int copy_contents(struct copying *w, int from, int to, const char *path)
{
	struct dirent **entries;
	int n = scandirat(from, ".", &entries, no_dots, by_bytes), r = 0;

	if (n < 0)
		return cannot(w, path, "list");
	if (++w->depth > DEPTH_MAX)
		r = error_set(w->err, ELOOP, "'%s' is deeper than %d directories", path, DEPTH_MAX);
	for (int i = 0; i < n; i++) {
		const char *name = entries[i]->d_name;
		if (r == 0)
			r = copy_named(w, from, to, name,
				       arena_printf(w->arena, "%s%s%s", path, *path ? "/" : "", name));
		free(entries[i]);
	}
	free(entries);
	w->depth--;
	return r;
}

/* --- sources --------------------------------------------------------------------------------------------------------------- */

/* The paths of FROM that PATTERN means, sorted: each part may have the shell's patterns. */
static int find_matches(struct copying *w, int from, const char *above, const char *pattern,
			struct strings *out)
{
	size_t n = strcspn(pattern, "/");
	const char *part = arena_strndup(w->arena, pattern, n), *rest = pattern + n + (pattern[n] == '/');
	struct dirent **entries;

	if (!strpbrk(part, "*?[\\")) {
		const char *path = arena_printf(w->arena, "%s%s%s", above, *above ? "/" : "", part);
		if (*rest)
			return find_matches(w, from, path, rest, out);
		*list_add(w->arena, out) = path;
		return 0;
	}
	_cleanup_close_ int dir = path_open_in_root(from, *above ? above : ".", O_RDONLY | O_DIRECTORY, 0);
	int found = dir < 0 ? 0 : scandirat(dir, ".", &entries, no_dots, by_bytes), r = 0;
	for (int i = 0; i < found; i++) {
		const char *path =
			arena_printf(w->arena, "%s%s%s", above, *above ? "/" : "", entries[i]->d_name);
		if (r == 0 && fnmatch(part, entries[i]->d_name, 0) == 0) {
			if (*rest)
				r = find_matches(w, from, path, rest, out);
			else
				*list_add(w->arena, out) = path;
		}
		free(entries[i]);
	}
	if (found > 0)
		free(entries);
	return r;
}

static int find_sources(struct copying *w, int from, struct strings *out)
{
	char buffer[PATH_MAX];

	list_each(source, &w->c->sources) {
		struct strings found = {};
		const char *clean = entry_path(*source, buffer);
		if (!clean)
			return error_set(w->err, EINVAL, "the source '%s' leads out of the context", *source);
		int r = find_matches(w, from, "", arena_strdup(w->arena, clean), &found);
		if (r < 0)
			return r;
		size_t before = out->n;
		list_each(path, &found)
			if (!*clean || !w->c->ignore || w->c->ignore->exceptions ||
			    !ignore_matches(w->c->ignore, *path))
				*list_add(w->arena, out) = *path;
		if (out->n == before)
			return error_set(w->err, ENOENT, "the source '%s' is not there%s", *source,
					 found.n ? " (.dockerignore leaves it out)" : "");
	}
	return 0;
}

/* Opens the directory PATH of ROOT, made if it is missing, to be read. */
static int open_target(struct copying *w, int root, const char *path)
{
	_cleanup_close_ int fd = path_make_dirs_in_root(root, path, 0755, w->c->uid, w->c->gid, w->err);
	int opened = fd < 0 ? fd : path_reopen(fd, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0 && opened < 0) {
		errno = -opened;
		return cannot(w, path, "open the directory");
	}
	return opened;
}

static bool is_directory(int root, const char *path)
{
	_cleanup_close_ int fd = path_open_in_root(root, path, O_PATH | O_DIRECTORY, 0);
	return fd >= 0;
}

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

/* One source: a directory's contents into the target, a file into it or as it. */
static int copy_source(struct copying *w, int from, int root, const char *path, bool into)
{
	const char *target = w->c->target;
	struct stat st;
	_cleanup_close_ int fd = path_open_in_root(from, *path ? path : ".", O_RDONLY | O_NONBLOCK, 0);

	if (fd < 0 || fstat(fd, &st) < 0) {
		errno = fd < 0 ? -fd : errno;
		return cannot(w, path, "open");
	}
	if (S_ISDIR(st.st_mode)) {
		_cleanup_close_ int to = w->sum ? -1 : open_target(w, root, target);
		return !w->sum && to < 0 ? to : copy_contents(w, fd, to, path);
	}
	if (w->sum)
		return copy_one(w, fd, -1, last_part(path), path);
	const char *name = into ? last_part(path) : last_part(target);
	const char *above = into ? target : arena_strndup(w->arena, target, (size_t)(name - target));
	_cleanup_close_ int to = open_target(w, root, above);
	return to < 0 ? to : copy_one(w, fd, to, name, path);
}

static int copy_all(struct copying *w, int from, int root)
{
	struct strings paths = {};
	const char *target = w->c->target;
	int r = find_sources(w, from, &paths);
	bool into = text_ends(target, "/");

	if (r == 0 && paths.n > 1 && !into)
		return error_set(w->err, EINVAL, "several sources need a directory: '%s/'", target);
	if (!into && !w->sum)
		into = is_directory(root, target);
	list_each(path, &paths)
		if (r == 0)
			r = copy_source(w, from, root, *path, into);
	return r;
}

int copy_digest(const struct copy *c, int from, struct digest *sum, struct error *err)
{
	_cleanup_arena_ struct arena *a = arena_new();
	struct copying w = { .c = c, .sum = sum, .arena = a, .err = err };
	return copy_all(&w, from, -1);
}

int copy_files(const struct copy *c, int from, int root, struct error *err)
{
	_cleanup_arena_ struct arena *a = arena_new();
	struct copying w = { .c = c, .arena = a, .err = err };
	return copy_all(&w, from, root);
}
