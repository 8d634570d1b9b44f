/* scratch.h — a directory in memory for fuzz targets of code that reads files. */
#pragma once

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"

#define SCRATCH "/dev/shm/seapod-fuzz.XXXXXX"

static inline void must(bool it_holds)
{
	if (!it_holds)
		abort();
}

/* Its path, made once a process. */
static inline const char *scratch(void)
{
	static char path[] = SCRATCH;
	static bool made;

	if (!made) {
		must(mkdtemp(path));
		made = true;
		log_to(open("/dev/null", O_WRONLY | O_CLOEXEC), 0, LOG_ERROR);
	}
	return path;
}

/* The part of DATA to the next NUL, at *AT, which moves behind it. */
static inline const char *part(const uint8_t *data, size_t size, size_t *at, size_t *n)
{
	const char *begin = (const char *)data + (*at < size ? *at : size);
	const char *nul = *at < size ? memchr(begin, 0, size - *at) : NULL;

	*n = nul ? (size_t)(nul - begin) : *at < size ? size - *at : 0;
	*at += *n + 1;
	return begin;
}
