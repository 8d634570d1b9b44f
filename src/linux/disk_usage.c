/* disk_usage.c — see disk_usage.h. */
#include "linux/disk_usage.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/text.h"

enum { NAMES_MAX = 64 * 1024 * 1024, BLOCK = 512 };

/* A directory on the way from the top: which it is, and the directories in it that are still to be walked. */
struct level {
	ino_t ino;
	struct text names; /* each with its NUL */
	size_t next;
};

struct walk {
	dev_t device;
	struct level *levels;
	size_t depth, room;
	size_t waiting; /* bytes of names */
	int64_t bytes;
	bool whole;
};

static void count_entry(struct walk *w, struct level *l, int dirfd, const char *name)
{
	struct stat st;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || st.st_dev != w->device)
		return;
	if (!S_ISDIR(st.st_mode)) {
		w->bytes += st.st_blocks * BLOCK / (st.st_nlink ? (int64_t)st.st_nlink : 1);
		return;
	}
	size_t n = strlen(name) + 1;
	if (w->waiting + n > NAMES_MAX) {
		w->whole = false;
		return;
	}
	w->waiting += n;
	text_add_n(&l->names, name, n);
}

/* Counts what is in the directory and goes down into it. */
static bool enter(struct walk *w, int dirfd)
{
	struct stat st;
	int copy = fstat(dirfd, &st) < 0 ? -1 : openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_closedir_ DIR *d = copy < 0 ? NULL : fdopendir(copy);

	if (!d || (w->depth > 0 && st.st_dev != w->device))
		return false;
	if (w->depth == w->room) {
		w->room = w->room ? 2 * w->room : 16;
		w->levels = memory_grow(w->levels, w->room, sizeof(*w->levels));
	}
	w->device = st.st_dev;
	w->bytes += st.st_blocks * BLOCK;
	struct level *l = &w->levels[w->depth++];
	*l = (struct level){ .ino = st.st_ino };
	for (struct dirent *entry; (entry = readdir(d));)
		if (!text_is(entry->d_name, ".") && !text_is(entry->d_name, ".."))
			count_entry(w, l, dirfd, entry->d_name);
	return true;
}

static void leave(struct walk *w)
{
	struct level *l = &w->levels[--w->depth];

	w->waiting -= l->names.n;
	text_free(&l->names);
}

/* The directory above, if it is the one that the walk came from; negative: it is not. */
static int go_up(const struct walk *w, int dirfd)
{
	struct stat st;
	_cleanup_close_ int up = openat(dirfd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (up < 0 || fstat(up, &st) < 0 || st.st_dev != w->device ||
	    st.st_ino != w->levels[w->depth - 1].ino)
		return -1;
	return take_fd(&up);
}

int64_t disk_usage(int dirfd, bool *whole)
{
	struct walk w = { .whole = true };
	_cleanup_close_ int at = dirfd;

	w.whole = enter(&w, at);
	while (w.depth > 0) {
		struct level *l = &w.levels[w.depth - 1];
		if (l->next == l->names.n) {
			leave(&w);
			int up = w.depth > 0 ? go_up(&w, at) : -1;
			if (w.depth > 0 && up < 0) {
				w.whole = false;
				break;
			}
			close_fd(&at);
			at = up;
			continue;
		}
		const char *name = l->names.at + l->next;
		l->next += strlen(name) + 1;
		int below = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (below >= 0 && enter(&w, below)) {
			close_fd(&at);
			at = below;
		} else if (below >= 0) {
			close(below);
		}
	}
	while (w.depth > 0)
		leave(&w);
	free(w.levels);
	*whole = w.whole;
	return w.bytes;
}
