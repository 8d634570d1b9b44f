/* log.c — see log.h. One write(2) a line, so lines of several processes do not mix. */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

static struct {
	int fd;
	int times;
	enum log_level least;
} sink = { STDERR_FILENO, 0, LOG_WARNING };

void log_to(int fd, int times, enum log_level least)
{
	sink.fd = fd;
	sink.times = times;
	sink.least = least;
}

void log_line(enum log_level level, const char *format, ...)
{
	static const char *const words[] = { "debug: ", "", "warning: ", "error: " };
	char line[2048], now[CLOCK_TEXT_SIZE];
	size_t n = 0;

	if (level < sink.least)
		return;
	if (sink.times)
		n = (size_t)snprintf(line, sizeof(line), "%s ", clock_rfc3339_nano(clock_wall(), now));
	else
		n = (size_t)snprintf(line, sizeof(line), "seapod: ");
	n += (size_t)snprintf(line + n, sizeof(line) - n, "%s", words[level]);

	va_list args;
	va_start(args, format);
	int more = vsnprintf(line + n, sizeof(line) - n - 1, format, args);
	va_end(args);
	if (more > 0)
		n += (size_t)more;
	if (n > sizeof(line) - 2)
		n = sizeof(line) - 2;
	line[n++] = '\n';
	(void)!write(sink.fd, line, n);
}
