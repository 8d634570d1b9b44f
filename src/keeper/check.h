/* check.h — one try of something outside the keeper: a command in the container, a request to it, a connection. Probes and hooks are made of these.
 *
 * Nothing waits: a check is a few watchers in the keeper's loop, which lives in the pod's network namespace, so neither threads nor tools in the image are
 * needed. What needs TLS, gRPC or a name to be resolved is done by a program of its own (probe_main.c), which costs the keeper nothing
 * while there is none and has no privileges to lose.
 *
 *	check.c         begins, limits the time, tells the result
 *	check_exec.c    a command
 *	check_tcp.c     a connection
 *	check_http.c    a request, over a connection or over the worker's
 *	check_worker.c  what the worker does
 *
 * Sources: core/v1 types.go ProbeHandler, LifecycleHandler; kubelet pkg/probe/{exec,http,tcp,grpc}, lifecycle/handlers.go.
 */
#pragma once

#include "keeper/keeper.h"

struct check;

/* SUCCESS; WARNING: the same, with something to say; FAILURE; ERROR: it could not be tried. */
enum check_result { CHECK_SUCCESS, CHECK_WARNING, CHECK_FAILURE, CHECK_ERROR };

/* What to do: one of the first five. */
struct check_wish {
	const struct exec_action *exec;
	const struct http_get_action *http_get;
	const struct tcp_socket_action *tcp_socket;
	const struct grpc_action *grpc;
	const struct sleep_action *sleep;
	const char *agent; /* http_get: its User-Agent */
	bool any_answer; /* http_get: whatever is answered is success (hooks: lifecycle/handlers.go looks at no status) */
	double seconds; /* the most it may take; 0: any time */
};

/* MESSAGE is never NULL; it lives during the call. */
typedef void check_done(void *data, enum check_result result, const char *message);

/* Begins a check of M. DONE is called from the loop, later, once; the check is gone then. What WISH points to must live as long. */
struct check *check_begin(struct member *m, const struct check_wish *wish, check_done *done, void *data);

/* Ends it, without a call. NULL is fine. */
void check_cancel(struct check *c);

/* Ends what stayed for the sake of further checks (check_worker.c). */
void worker_server_end(struct keeper *k);
