/* clock.c — see clock.h. */
#include "base/clock.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

uint64_t clock_boot_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_BOOTTIME, &t);
	return (uint64_t)t.tv_sec * US_PER_SECOND + (uint64_t)t.tv_nsec / 1000;
}

struct timespec clock_wall(void)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	return t;
}

char *clock_rfc3339(struct timespec t, char buffer[static CLOCK_TEXT_SIZE])
{
	struct tm tm;
	gmtime_r(&t.tv_sec, &tm);
	strftime(buffer, CLOCK_TEXT_SIZE, "%Y-%m-%dT%H:%M:%SZ", &tm);
	return buffer;
}

char *clock_rfc3339_nano(struct timespec t, char buffer[static CLOCK_TEXT_SIZE])
{
	clock_rfc3339(t, buffer);
	size_t n = strlen(buffer) - 1; /* at the Z */
	snprintf(buffer + n, CLOCK_TEXT_SIZE - n, ".%09ldZ", t.tv_nsec);
	return buffer;
}

int clock_parse_rfc3339(const char *s, struct timespec *t)
{
	struct tm tm = {};
	const char *at = strptime(s, "%Y-%m-%dT%H:%M:%S", &tm);
	if (!at)
		return -EINVAL;

	long nanoseconds = 0;
	if (*at == '.') {
		long unit = 100000000;
		for (at++; *at >= '0' && *at <= '9'; at++, unit /= 10)
			nanoseconds += unit * (*at - '0');
	}
	long offset = 0;
	if (*at == '+' || *at == '-') {
		unsigned hours, minutes;
		int sign = *at == '-' ? -1 : 1;
		if (sscanf(at + 1, "%2u:%2u", &hours, &minutes) != 2 || strlen(at) != 6)
			return -EINVAL;
		offset = sign * (long)(hours * 3600 + minutes * 60);
	} else if (strcmp(at, "Z") != 0) {
		return -EINVAL;
	}
	t->tv_sec = timegm(&tm) - offset;
	t->tv_nsec = nanoseconds;
	return 0;
}
