/* protocol.h — what a command and a keeper say to each other over RUN/pods/<uid>/ctl.
 *
 * Each message is one JSON object in one SEQPACKET message (larger ones: a memfd, see protocol.c), described by a field
 * table like every other object, so what a stranger sends is checked by the same code. A connection carries one request
 * and then its replies: first "ok" or "error"; for watch, exec, attach, stop, delete and restart then events until the
 * end. Descriptors travel beside the message.
 *
 *	verb      needs                                    replies
 *	ping                                               ok
 *	watch                                              ok, status … (one at once, then at each change), eof when the keeper ends
 *	exec      argv [container env cwd user tty rows    ok [fd: pty master when tty], then exit {code}
 *	          cols]; fds: stdin stdout stderr          (or error {exit} when it cannot be executed)
 *	          unless tty
 *	attach    [container stdin]                        ok; fds: output to read [, stderr to read] [, stdin to write];
 *	                                                   tty: the master is the stdin to write; then exit {code}
 *	kill      signal [container]                       ok; on a connection that waits for "exit": to that program, no reply
 *	stop      [grace]                                  ok, status …, ended: every container has ended, the pod stays listed
 *	delete    [grace force]                            ok, status …, ended: the pod is gone
 *	restart   [container grace]                        ok, status …, ended: stopped and started again in the same sandbox
 *	configure fd: memfd with a launch (sandbox/launch.h)   ok, or error naming the fields that need a re-create
 *	events                                             ok: events.json is as of now; then status at each event that comes
 *	root      [container]                              ok; fd: the root directory of a container that runs
 *	socket                                             ok; fd: a TCP socket of the pod's network, not connected
 *	objects                                            ok: ConfigMaps and Secrets were read again, volumes updated
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/memory.h"
#include "linux/socket.h"
#include "object/field.h"

struct request {
	const char *verb;
	const char *container; /* NULL: the first or only one */
	struct strings argv;
	struct strings env; /* "NAME=value", added to the container's own */
	const char *cwd;    /* NULL: the container's */
	const char *user;   /* NULL: the container's; "uid[:gid]" or names */
	bool tty, stdin_wanted;
	int32_t rows, cols;        /* 0: not known */
	struct optional_int grace; /* seconds; unset: the pod's own */
	bool force;
	int32_t signal;
};

struct reply {
	const char *event; /* "ok", "error", "status", "exit", "ended" */
	const char *error; /* error: the sentence */
	int32_t code; /* exit: the exit code; error: what the command should exit with (1, 125, 126, 127) */
	/* status: */
	const char *phase; /* Pending, Running, Succeeded, Failed */
	bool settled;      /* every container was started once, or cannot be for the reason in `error` */
	bool ready;        /* the Ready condition */
};

/* Sends a request or reply; FDS stay the caller's. 0 or -errno. */
int request_send(int fd, const struct request *request, const struct message_fds *fds);
int reply_send(int fd, const struct reply *reply, const struct message_fds *fds);

/* Receive one; strings live in ARENA. 1; 0: the peer is gone; negative: err says why (-EAGAIN: nothing there yet). */
int request_receive(int fd, struct arena *arena, struct request *request, struct message_fds *fds,
		    struct error *err);
int reply_receive(int fd, struct arena *arena, struct reply *reply, struct message_fds *fds,
		  struct error *err);

/* The same from bytes, for the fuzzer. */
int request_parse(struct arena *arena, const char *text, size_t size, struct request *request,
		  struct error *err);
