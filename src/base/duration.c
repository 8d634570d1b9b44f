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

static int parse(const char *text, double *ms)
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
	*ms = sum;
	return 0;
}

int duration_parse(const char *text, int *ms)
{
	double sum = 0;
	int r = parse(text, &sum);

	*ms = (int)(sum <= 2e9 ? sum : 0);
	return sum <= 2e9 ? r : -EINVAL;
}

int duration_seconds(const char *text, int64_t *seconds)
{
	double sum = 0;
	int r = parse(text, &sum);

	*seconds = (int64_t)(sum <= 1e15 ? sum / 1000 : 0);
	return sum <= 1e15 ? r : -EINVAL;
}
