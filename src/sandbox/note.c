/* note.c — see note.h. Written beside and renamed, and synced before: a note is for the day on which the power went. */
#include "sandbox/note.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"

enum { NAME_SIZE = 400, NOTE_MAX = 16 * 1024 * 1024 };

static void name_of(const char *namespace, const char *name, char path[static NAME_SIZE])
{
	snprintf(path, NAME_SIZE, "restore/%.63s_%.253s.json", namespace, name);
}

int note_put(const struct instance *in, const char *namespace, const char *name, const char *text,
	     size_t size, struct error *err)
{
	char path[NAME_SIZE];
	int r = file_make_dirs(in->rootfd, "restore", 0700, err);

	name_of(namespace, name, path);
	if (r == 0)
		r = file_write_atomic(in->rootfd, path, text, size, 0600, err);
	if (r < 0)
		return r;
	_cleanup_close_ int fd = openat(in->rootfd, path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		fdatasync(fd);
	return 0;
}

int note_remove(const struct instance *in, const char *namespace, const char *name)
{
	char path[NAME_SIZE];

	name_of(namespace, name, path);
	return unlinkat(in->rootfd, path, 0) < 0 ? -errno : 0;
}

int notes_read(const struct instance *in, struct arena *a, struct notes *out, struct error *err)
{
	int fd = openat(in->rootfd, "restore", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_closedir_ DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (!dir)
		return errno == ENOENT ? 0 : error_errno(err, "cannot read '%s/restore'", in->root);
	while ((entry = readdir(dir))) {
		_cleanup_free_ char *text = NULL;
		if (!strchr(entry->d_name, '_') || entry->d_name[0] == '.') /* half written, or not ours */
			continue;
		if (file_read(fd, entry->d_name, NOTE_MAX, &text, NULL, err) < 0)
			return -err->code;
		*list_add(a, out) = arena_strdup(a, text);
	}
	return 0;
}
