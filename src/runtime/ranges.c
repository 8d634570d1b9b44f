/* ranges.c — see ranges.h. */
#include "runtime/ranges.h"

#include <errno.h>
#include <stdlib.h>

int ranges_read(const char *list, unsigned long max, uint64_t *bits)
{
	for (const char *at = list; *at;) {
		char *end;
		unsigned long first = strtoul(at, &end, 10), last = first;
		if (end == at || *at == '-' || *at == '+')
			return -EINVAL;
		if (*end == '-') {
			at = end + 1;
			last = strtoul(at, &end, 10);
			if (end == at)
				return -EINVAL;
		}
		if (last < first || last >= max)
			return -ERANGE;
		for (unsigned long i = first; i <= last; i++)
			bits[i / 64] |= UINT64_C(1) << (i % 64);
		if (*end && *end != ',')
			return -EINVAL;
		at = *end ? end + 1 : end;
	}
	return 0;
}
