/* cgroup_file.c — see cgroup_file.h. */
#include "linux/cgroup_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"

int cgroup_file_write(int dir, const char *file, const char *text)
{
	_cleanup_close_ int fd = openat(dir, file, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		return -errno;
	return 0;
}

int cgroup_file_write_number(int dir, const char *file, uint64_t value)
{
	char text[32];
	snprintf(text, sizeof(text), "%" PRIu64, value);
	return cgroup_file_write(dir, file, text);
}

char *cgroup_file_read(int dir, const char *file)
{
	char *text = NULL;
	return file_read(dir, file, 1024 * 1024, &text, NULL, NULL) < 0 ? NULL : text;
}

uint64_t cgroup_file_number(int dir, const char *file, const char *key)
{
	_cleanup_free_ char *text = cgroup_file_read(dir, file);
	const char *at = text;

	while (at && key && !(text_starts(at, key) && at[strlen(key)] == ' ')) {
		at = strchr(at, '\n');
		at = at ? at + 1 : NULL;
	}
	return at ? strtoull(key ? at + strlen(key) : at, NULL, 10) : 0;
}
