/* ranges.h — lists of CPUs and of memory nodes as the kernel writes them: "0-3,7" (cpuset(7) "List format"). */
#pragma once

#include <stdint.h>

enum { RANGES_MAX = 1024 };

/* Sets the bits of LIST, which are all below MAX, in BITS. -EINVAL: it is not such a list; -ERANGE. */
int ranges_read(const char *list, unsigned long max, uint64_t *bits);
