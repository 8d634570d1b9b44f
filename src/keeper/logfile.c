/* logfile.c — see logfile.h. Lines of one read are gathered and written with one write(2). */
#include "keeper/logfile.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"

enum { GATHER = 32 * 1024, NAME_SIZE = 64 };

static void file_name(const struct logfile *log, char name[static NAME_SIZE])
{
	snprintf(name, NAME_SIZE, "%u.log", log->restart);
}

static int open_file(struct logfile *log, struct error *err)
{
	char name[NAME_SIZE];
	struct stat st;

	file_name(log, name);
	log->fd = openat(log->dirfd, name,
			 O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0640);
	if (log->fd < 0 || fstat(log->fd, &st) < 0)
		return error_errno(err, "cannot open the container's log '%s'", name);
	if (!S_ISREG(
		    st.st_mode)) { /* a fifo that some container with the log directory has put there would stop us */
		close_fd(&log->fd);
		return error_set(err, EINVAL, "the container's log '%s' is not a file", name);
	}
	log->size = (uint64_t)st.st_size;
	return 0;
}

/* The run before this one can be asked for; the kubelet, too, keeps no container older than that. */
static void drop_runs_before(const struct logfile *log)
{
	int fd = openat(log->dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_closedir_ DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	for (struct dirent *entry; dir && (entry = readdir(dir));) {
		char *end;
		unsigned long run = strtoul(entry->d_name, &end, 10);
		if (end > entry->d_name && text_starts(end, ".log") && run + 1 < log->restart)
			unlinkat(log->dirfd, entry->d_name, 0);
	}
}

int logfile_open(struct logfile *log, int dirfd, unsigned restart, uint64_t max_bytes, unsigned max_files,
		 struct error *err)
{
	*log = (struct logfile){
		.dirfd = dirfd, .fd = -1, .restart = restart, .max_bytes = max_bytes, .max_files = max_files
	};
	drop_runs_before(log);
	return open_file(log, err);
}

void logfile_close(struct logfile *log)
{
	close_fd(&log->fd);
	close_fd(&log->dirfd);
}

static int newest_first(const void *a, const void *b)
{
	return strcmp(*(char *const *)b, *(char *const *)a);
}

/* Removes rotated files of this run until at most max_files - 1 are left; their names sort by time. */
static void drop_oldest(struct logfile *log)
{
	char current[NAME_SIZE], **names = NULL;
	size_t n = 0;

	file_name(log, current);
	int fd = openat(log->dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_closedir_ DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	for (struct dirent *entry; dir && (entry = readdir(dir));) {
		if (!text_starts(entry->d_name, current) || text_is(entry->d_name, current))
			continue;
		names = memory_grow(names, n + 1, sizeof(*names));
		names[n++] = memory_strdup(entry->d_name);
	}
	if (n > 0)
		qsort(names, n, sizeof(*names), newest_first);
	for (size_t i = 0; i < n; i++) {
		if (i + 1 >= log->max_files)
			unlinkat(log->dirfd, names[i], 0);
		free(names[i]);
	}
	free(names);
}

static void rotate(struct logfile *log)
{
	char name[NAME_SIZE], old[2 * NAME_SIZE], when[32];
	struct timespec now = clock_wall();
	struct tm tm;

	gmtime_r(&now.tv_sec, &tm);
	strftime(when, sizeof(when), "%Y%m%d-%H%M%S", &tm);
	file_name(log, name);
	snprintf(old, sizeof(old), "%s.%s", name, when);
	if (file_exists(log->dirfd, old)) /* twice within a second: keep both, in order */
		snprintf(old, sizeof(old), "%s.%s.%09ld", name, when, now.tv_nsec);
	if (renameat(log->dirfd, name, log->dirfd, old) < 0)
		return;
	close_fd(&log->fd);
	open_file(log, NULL);
	drop_oldest(log);
}

/* What is gathered for one write. */
struct gather {
	struct logfile *log;
	size_t n;
	int result;
	char bytes[GATHER];
};

/* All of them or none: half a line, left by a full disk, would spoil the next one. */
static int write_lines(struct logfile *log, const char *lines, size_t n)
{
	int r = log->fd < 0 ? open_file(log, NULL) : 0; /* it could not be made when it was rotated */

	if (r == 0)
		r = write_all(log->fd, lines, n);
	if (r == 0)
		log->size += n;
	else if (log->fd >= 0)
		(void)!ftruncate(log->fd, (off_t)log->size);
	return r;
}

static void gather_flush(struct gather *g)
{
	if (g->n > 0) {
		int r = write_lines(g->log, g->bytes, g->n);
		if (r < 0)
			g->result = r;
		g->n = 0;
	}
	if (g->log->max_bytes && g->log->size >= g->log->max_bytes)
		rotate(g->log);
}

/* "<time> <stream> <tag> <line>\n"; BEFORE is what came of the line earlier. */
static void gather_line(struct gather *g, const struct log_stream *stream, char tag, const char *line,
			size_t n)
{
	struct timespec now = clock_wall();
	struct logfile *log = g->log;

	if (g->n + stream->n + n + 80 > sizeof(g->bytes))
		gather_flush(g);
	if (now.tv_sec != log->time_of) {
		clock_rfc3339((struct timespec){ .tv_sec = now.tv_sec }, log->time);
		log->time[strlen(log->time) - 1] = '\0'; /* without the Z */
		log->time_of = now.tv_sec;
	}
	g->n += (size_t)snprintf(g->bytes + g->n, sizeof(g->bytes) - g->n, "%s.%09ldZ %s %c ", log->time,
				 now.tv_nsec, stream->name, tag);
	if (stream->n)
		memcpy(g->bytes + g->n, stream->partial, stream->n);
	g->n += stream->n;
	memcpy(g->bytes + g->n, line, n);
	g->n += n;
	g->bytes[g->n++] = '\n';
}

static void forget_partial(struct log_stream *stream)
{
	free(stream->partial);
	stream->partial = NULL;
	stream->n = 0;
}

int logfile_write(struct logfile *log, struct log_stream *stream, const char *data, size_t size)
{
	struct gather g;
	g.log = log;
	g.n = 0;
	g.result = 0;

	while (size > 0) {
		const char *newline = memchr(data, '\n', size);
		size_t n = newline ? (size_t)(newline - data) : size;
		size_t room = LOG_LINE_MAX - stream->n;
		if (n > room) { /* too long for one line: a part */
			gather_line(&g, stream, 'P', data, room);
			forget_partial(stream);
			data += room;
			size -= room;
			continue;
		}
		if (!newline) {
			stream->partial = memory_grow(stream->partial, stream->n + n, 1);
			memcpy(stream->partial + stream->n, data, n);
			stream->n += n;
			break;
		}
		gather_line(&g, stream, 'F', data, n);
		forget_partial(stream);
		data += n + 1;
		size -= n + 1;
	}
	gather_flush(&g);
	return g.result;
}

void logfile_flush(struct logfile *log, struct log_stream *stream)
{
	struct gather g;
	g.log = log;
	g.n = 0;
	g.result = 0;

	if (stream->n > 0)
		gather_line(&g, stream, 'F', "", 0);
	gather_flush(&g);
	forget_partial(stream);
}

/* Where the text of the line from LINE to END begins: after its time, stream and tag. NULL: it is no line of ours. */
static const char *said(const char *line, const char *end)
{
	for (int field = 0; line && field < 3; field++)
		if ((line = memchr(line, ' ', (size_t)(end - line))))
			line++;
	return line;
}

void logfile_tail(const struct logfile *log, unsigned lines, size_t bytes, struct text *text)
{
	enum { CHUNK = LOG_LINE_MAX + 8192 }; /* so the line that it begins in the middle of is not needed */
	_cleanup_text_ struct text all = {};
	char name[NAME_SIZE], chunk[CHUNK];

	file_name(log, name);
	_cleanup_close_ int fd = openat(log->dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	off_t from = log->size > CHUNK ? (off_t)log->size - CHUNK : 0;
	ssize_t n = fd < 0 ? 0 : pread(fd, chunk, sizeof(chunk), from);
	for (const char *at = chunk, *end; n > 0 && at < chunk + n; at = end + 1) {
		end = memchr(at, '\n', (size_t)(chunk + n - at));
		if (!end)
			break;
		const char *begin = said(at, end);
		if (!begin || (at == chunk && from > 0))
			continue;
		text_add_n(&all, begin, (size_t)(end - begin));
		if (begin[-2] == 'F')
			text_add_char(&all, '\n');
	}
	const char *first = text_str(&all) + all.n;
	for (unsigned seen = 0; first > text_str(&all) && (size_t)(text_str(&all) + all.n - first) < bytes;
	     first--)
		if (first[-1] == '\n' && seen++ == lines)
			break;
	text_add_n(text, first, (size_t)(text_str(&all) + all.n - first));
}
