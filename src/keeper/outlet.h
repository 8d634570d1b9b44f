/* outlet.h — where a container's output goes: from one pipe or terminal into its log and to whoever is attached.
 *
 *	container ──pipe──► outlet ──► log (always)
 *	                       ├─────► tap: a pipe that an attached command reads
 *	                       └─────► tap
 *
 * A tap that is full holds the outlet, and so in the end the container, as a full terminal would: nothing of what an attached
 * command shows is lost. A tap whose reader is gone is dropped. Without taps, output is only ever written to the log and
 * nobody can hold it.
 */
#pragma once

#include <ev.h>
#include <stdbool.h>

#include "keeper/logfile.h"

struct tap;

struct outlet {
	struct ev_loop *loop;
	ev_io readable;
	int fd; /* the read end of a pipe or a terminal's master, non-blocking; owned; -1: closed */
	struct logfile *log; /* not owned */
	struct log_stream stream;
	struct tap *taps;
	bool losing; /* the log could not be written last time: said once */
};

/* Starts moving what comes from FD (taken over) as NAME ("stdout" or "stderr"). */
void outlet_open(struct outlet *o, struct ev_loop *loop, int fd, const char *name, struct logfile *log);

/* Takes what is still there without waiting, then closes: after the container's process has ended. Taps see the end of file. */
void outlet_close(struct outlet *o);

/* Before this process ends: waits until who is attached has read what its outlets left, or is gone, or has read nothing for LIMIT_MS. */
void outlets_finish(int limit_ms);

/* Adds a tap. Returns the read end of its pipe (the caller's), or -errno. */
int outlet_tap(struct outlet *o);
