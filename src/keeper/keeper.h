/* keeper.h — the state of a keeper, shared by the files of this room; not for others.
 */
#pragma once

#include <ev.h>

#include "keeper/backoff.h"
#include "keeper/outlet.h"
#include "keeper/policy.h"
#include "keeper/protocol.h"
#include "sandbox/sandbox.h"

struct keeper;
struct connection;
struct prober;
struct check;
struct event_log;
struct storage_watch;

/* A container and what the keeper remembers of it. Only member_enter (member.c) changes `state`. */
struct member {
	struct keeper *keeper;
	struct sandbox_container sc;
	enum container_kind kind;
	enum container_state state;
	bool passed, succeeded, ran, tried; /* tried: was started once, or could not be */
	bool held;                          /* ready, but waits for somebody to attach (launch.h) */
	bool restart_wanted;                /* stopped in order to start again */
	bool killed; /* told to end for the sake of a probe or hook: policy decides what is next */
	unsigned starts;
	struct backoff backoff;
	uint64_t wait_us;    /* backing off: how long in all */
	ev_io report, ended; /* oci sync socket; pidfd */
	ev_timer timer;      /* back-off, or end_us */
	uint64_t end_us;     /* once it is told to end: when its time is over */
	struct check *hook;  /* the one that runs */
	struct prober *probers;
	size_t prober_count;
	struct outlet out, err;
	struct logfile log;
	bool logging;
	/* for status */
	struct timespec started_at, finished_at;
	uint64_t started_us;
	struct exit_status exit;
	const char *reason; /* of the last end: Completed, Error, OOMKilled, StartError */
	char *message;      /* of the last end; on the heap; NULL: none */
	char *trouble;      /* why it cannot be made, while it waits; the same */
	bool has_last;      /* lastState: the end before the current run */
	struct exit_status last_exit;
	const char *last_reason;
	struct timespec last_started_at, last_finished_at;
};

/* In the order in which they are written. */
enum condition {
	CONDITION_RESTARTING,
	CONDITION_NETWORK,
	CONDITION_INITIALIZED,
	CONDITION_READY,
	CONDITION_CONTAINERS,
	CONDITION_SCHEDULED,
	CONDITIONS,
};

struct condition_memory {
	bool known, is;
	struct timespec since;
};

enum ending { ENDING_NOT, ENDING_FINISHED, ENDING_STOPPED, ENDING_DELETED };

struct keeper {
	struct ev_loop *loop;
	struct instance in;
	struct arena *arena;
	struct launch *launch;
	struct pod *pod;
	struct sandbox sandbox;
	struct member *members;    /* those that the pod began with */
	struct member **debuggers; /* and those that came later: ephemeral containers */
	size_t n, n_debuggers;     /* N: all of both */
	enum ending ending;
	int64_t grace;   /* seconds, while ending */
	uint64_t end_us; /* when they are over */
	struct backoff_limits backoff;
	struct member *renewing; /* all containers are to begin anew because this one ended so (renew.c) */
	ev_timer renew;
	const struct member *renewed_for; /* the last of these; NULL: it never was */
	int renewed_code;
	struct condition_memory conditions[CONDITIONS];
	bool was_initialized;
	struct event_log *events;
	bool noted;        /* it comes back after a boot */
	bool machine_ends; /* it was told to end by a signal, as at a shutdown */
	struct timespec start_time;
	const char *reason; /* of a pod that failed as a whole: DeadlineExceeded, Evicted */
	const char *message;
	struct storage_watch *storage; /* NULL: nothing limits what it takes on disk */
	ev_timer deadline;
	ev_idle status_news;   /* it has changed since it was written */
	ev_timer status_again; /* it could not be written (a full disk) */
	int control;           /* the listening socket */
	ev_io control_readable;
	ev_timer control_pause; /* no descriptor is left for another connection */
	struct connection *connections;
	bool over; /* everything has ended: leave the loop */
};

/* life.c */
struct member *keeper_member(const struct keeper *k, size_t i); /* I of N */
void keeper_add(struct keeper *k, const struct container *c);   /* an ephemeral container */
void keeper_begin(struct keeper *k);
void keeper_advance(struct keeper *k); /* asks policy, carries out, writes status: after each event */
void keeper_end(struct keeper *k, enum ending how, int64_t grace);
void keeper_restart(struct keeper *k, struct member *only, int64_t grace);
void keeper_set_deadline(struct keeper *k);
bool keeper_is_restarting(const struct keeper *k);
struct member *keeper_find(struct keeper *k, const char *container, struct error *err);
void keeper_views(const struct keeper *k, struct container_view *views);
bool keeper_is_settled(const struct keeper *k);
const char *keeper_trouble(const struct keeper *k);

/* member.c */
void member_init(struct member *m, struct keeper *k, const struct container *c, enum container_kind kind);
void member_enter(struct member *m, enum container_event event);
void member_start(struct member *m);
void keeper_let_go(struct member *m);               /* somebody is attached */
void member_leave(struct member *m, int64_t grace); /* its preStop hook begins */
void member_stop(
	struct member *m,
	int64_t grace); /* its stop signal; what is left of the grace of member_leave counts, if it came before */
void member_end(struct member *m,
		int64_t grace); /* member_leave if it has a preStop hook, else member_stop */
void member_hurry(struct member *m,
		  int64_t grace); /* it is told to end already, and has GRACE seconds from now at most */
void member_kill(struct member *m, int64_t grace,
		 const char *probe);    /* since PROBE ("liveness probe") failed; NULL: its postStart hook */
void member_remember(struct member *m); /* its last end becomes its lastState */
bool member_is_hooked(const struct member *m); /* see policy.h */

/* renew.c */
void renew_begin(struct member *m); /* M has ended, and by its rules all begin anew */
void renew_advance(struct keeper *k);

/* prober.c */
void probes_add(struct member *m);
void probes_begin(struct member *m); /* it runs */
void probes_end(struct member *m);
bool probes_have_started(const struct member *m); /* it runs, and its startupProbe has passed */
bool probes_are_ready(const struct member *m);

/* events.c */
enum event_type { EVENT_NORMAL, EVENT_WARNING };
void event_record(struct keeper *k, const struct member *m, enum event_type type, const char *reason,
		  const char *format, ...)
	__attribute__((format(printf, 5, 6))); /* M: NULL: about the pod; REASON: kept by pointer */
void events_write(struct keeper *k);           /* what is not written yet */

/* storage.c */
void storage_begin(struct keeper *k); /* watches what it takes on disk, if there is a limit */
void storage_end(struct keeper *k);

/* restore.c */
void restore_note(struct keeper *k);   /* as it is now */
void restore_forget(struct keeper *k); /* it has ended */

/* conditions.c */
bool status_ready(const struct keeper *k);
void conditions_fill(struct keeper *k, struct pod_status *status,
		     struct arena *a); /* notes what has changed */

/* own_log.c */
void own_log_open(struct keeper *k);
void own_log_limit(
	struct keeper *k); /* begins anew when it has become large; the one before stays as keeper.log.1 */

/* configure.c: FD has a launch. */
int keeper_configure(struct keeper *k, int fd, struct error *err);

/* status.c */
int keeper_write_objects(struct keeper *k, struct error *err);
void status_begin(struct keeper *k);
void status_write(struct keeper *k); /* if it cannot be written now, then later */
void status_changed(
	struct keeper *
		k); /* written and announced as soon as nothing else is to be done: what happens together is told in one */
void status_is_written(struct keeper *k); /* makes it so now */
const char *status_phase(const struct keeper *k);

/* control.c */
int control_open(struct keeper *k, int first, struct error *err);
void control_announce(struct keeper *k);       /* the status has changed */
void control_announce_event(struct keeper *k); /* something was recorded */
void control_finish(struct keeper *k);         /* "ended" to all who wait for it */
