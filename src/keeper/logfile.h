/* logfile.h — what a container says, in the CRI log format, where every log shipper looks for it.
 *
 * <log>/<namespace>_<pod>_<uid>/<container>/<restart>.log, one line each:
 *
 *	2026-11-23T18:31:32.123456789Z stdout F the line without its newline
 *
 * F is a full line, P a part of one longer than 16 KiB (kubernetes/cri-client "logs", containerd and CRI-O agree).
 * A file beyond max_bytes is renamed to <restart>.log.<time> as the kubelet does, and the oldest beyond max_files go.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/text.h"

enum { LOG_LINE_MAX = 16 * 1024 };

struct logfile {
	int dirfd; /* the container's log directory, owned */
	int fd;
	unsigned restart;
	uint64_t size, max_bytes;
	unsigned max_files; /* with the current one */
	char time[40];      /* the text of the last time stamp's second, cached */
	time_t time_of;
};

/* One of a container's two outputs: what of a line has come so far. */
struct log_stream {
	const char *name; /* "stdout" or "stderr" */
	char *partial;    /* on the heap, NULL when nothing waits */
	size_t n;
};

/* Opens (makes) the log of the RESTARTth run in DIRFD (which it takes over). Logs of runs before the previous one go. */
int logfile_open(struct logfile *log, int dirfd, unsigned restart, uint64_t max_bytes, unsigned max_files,
		 struct error *err);
void logfile_close(struct logfile *log);

/* Adds output as it was read. Failing to write (a full disk) loses whole lines, never blocks or ends the pod; returns -errno then. */
int logfile_write(struct logfile *log, struct log_stream *stream, const char *data, size_t size);

/* The last LINES lines and BYTES bytes at most of what was said, without times, added to TEXT: for a message (core/v1 terminationMessagePolicy). */
void logfile_tail(const struct logfile *log, unsigned lines, size_t bytes, struct text *text);

/* The stream has ended: what waits is written as a line. */
void logfile_flush(struct logfile *log, struct log_stream *stream);
