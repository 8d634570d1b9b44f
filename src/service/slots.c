/* slots.c — see slots.h. */
#include "service/slots.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"

enum { PATH_SIZE = 40 };

static char *path_of(uint32_t number, char path[static PATH_SIZE])
{
	snprintf(path, PATH_SIZE, "services/slots/%08x", number);
	return path;
}

void slots_read(const struct instance *in, uint32_t number, struct arena *a, struct slots *out)
{
	char path[PATH_SIZE];
	struct stat file;
	_cleanup_close_ int fd = openat(in->runfd, path_of(number, path), O_RDONLY | O_CLOEXEC);

	*out = (struct slots){};
	if (fd < 0 || fstat(fd, &file) < 0 || file.st_size > (off_t)(SLOTS_MAX * sizeof(struct slot)))
		return;
	out->at = arena_alloc(a, (size_t)file.st_size + sizeof(struct slot));
	ssize_t size = pread(fd, out->at, (size_t)file.st_size, 0);
	out->n = size < 0 ? 0 : (size_t)size / sizeof(struct slot);
	list_each(slot, out)
		slot->uid[SLOT_UID_SIZE - 1] = '\0';
}

int slots_write(const struct instance *in, uint32_t number, const struct slots *before,
		const struct slots *now, struct error *err)
{
	char path[PATH_SIZE];

	path_of(number, path);
	if (now->n == 0) {
		unlinkat(in->runfd, path, 0);
		return 0;
	}
	int r = file_make_dirs(in->runfd, "services/slots", 0700, err);
	if (r < 0)
		return r;
	_cleanup_close_ int fd = openat(in->runfd, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	bool done = fd >= 0;
	for (size_t i = 0; done && i < now->n; i++)
		if (i >= before->n || memcmp(&before->at[i], &now->at[i], sizeof(struct slot)) != 0)
			done = pwrite(fd, &now->at[i], sizeof(struct slot),
				      (off_t)(i * sizeof(struct slot))) == (ssize_t)sizeof(struct slot);
	if (!done || ftruncate(fd, (off_t)(now->n * sizeof(struct slot))) < 0)
		return error_errno(err, "cannot write '%s/%s'", in->run, path);
	return 0;
}

void slots_copy(const struct slots *s, struct arena *a, struct slots *out)
{
	*out = (struct slots){};
	list_each(slot, s)
		*list_add(a, out) = *slot;
}

struct slot *slots_find(const struct slots *s, const char *uid)
{
	list_each(slot, s)
		if (text_is(slot->uid, uid))
			return slot;
	return NULL;
}

void slots_remove(struct slots *s, struct slot *slot)
{
	*slot = s->at[--s->n];
}
