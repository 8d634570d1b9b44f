/* check_parts.h — what the files of a check share (check.h); not for others. */
#pragma once

#include "keeper/check.h"
#include "keeper/http_message.h"

/* How one kind of check is done. END lets go of what it holds but of the process, also after a BEGIN that failed. */
struct check_kind {
	int (*begin)(struct check *c, struct error *err);
	void (*end)(struct check *c);
	bool fails_early; /* an error of BEGIN is a failure of what is checked, unless it is -ENOENT; else it could not be tried */
};

struct check_exec {
	ev_io report;
	int output; /* what the command says */
	struct error why;
};

struct check_http {
	struct http_place place;
	struct text out, in;
	size_t sent;
	struct http_answer answer;
	bool has_head;
	uint64_t body; /* bytes of it that have come */
	char tail[5];  /* the last of them */
	unsigned hops;
};

struct check {
	struct member *member;
	struct check_wish wish;
	const struct check_kind *kind;
	check_done *done; /* NULL: was told, or nobody wants to know; it only waits for its process to end */
	void *data;
	ev_timer timer;
	enum check_result early; /* of a check that ended as it began */
	char *early_message;
	/* of exec and of the worker */
	struct container_process process;
	ev_io ended;
	void (*on_exit)(struct check *c, struct exit_status status);
	/* a connection, to the pod or to the worker */
	int fd;
	ev_io io;
	int complaint; /* what the worker says went wrong */
	union {
		struct check_exec exec;
		struct check_http http;
	};
};

extern const struct check_kind check_exec, check_tcp, check_http, check_grpc;

/* It is over: all is let go, and DONE told. C must not be used after it. */
void check_finish(struct check *c, enum check_result result, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* C has a process, by c->process; ON_EXIT is called when it has ended. */
/* The process is another one behind the same descriptor (container_report). */
void check_rewatch(struct check *c);
void check_watch_process(struct check *c, void (*on_exit)(struct check *c, struct exit_status status));

/* The port by number or by its name among the container's. -ENOENT. */
int check_port(const struct check *c, const struct int_or_string *port, struct error *err);
const char *check_host(const struct check *c, const char *host); /* HOST, or the pod's address */

/* check_tcp.c: begins to connect; a descriptor that becomes writable, or negative: -ENOTUNIQ: HOST is a name. */
int tcp_connect(const char *host, int port, struct error *err);
int tcp_error(int fd); /* once it is writable: 0 or what went wrong, positive */

/* check_worker.c: runs seapod-probe with ARGV (argv[0] is filled in). CONVERSATION: with a stream to it, which is c->fd then. */
int worker_begin(struct check *c, const char *argv[], bool conversation, struct error *err);
const char *worker_complaint(struct check *c, char text[static 512]); /* what it said, or "" */
void worker_end(struct check *c);
