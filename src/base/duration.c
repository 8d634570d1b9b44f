/* duration.c — see duration.h. */
#include "base/duration.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	double ms;
} units[] = { { "ms", 1 }, { "us", 0.001 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 } };

enum { UNITS = sizeof(units) / sizeof(*units) };

int duration_parse(const char *text, int *ms)
{
	double sum = 0;

	if (!*text)
		return -EINVAL;
	while (*text) {
		char *end;
		if (!isdigit((unsigned char)*text) && *text != '.')
			return -EINVAL;
		double value = strtod(text, &end);
		size_t i = 0;
		while (*end && i < UNITS && strncmp(end, units[i].name, strlen(units[i].name)) != 0)
			i++;
		if (end == text || i == UNITS)
			return -EINVAL;
		sum += value * (*end ? units[i].ms : 1000);
		text = *end ? end + strlen(units[i].name) : end;
	}
	*ms = (int)sum;
	return sum <= 2e9 ? 0 : -EINVAL;
}
