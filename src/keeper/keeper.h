/* keeper.h — the state of a keeper, shared by the files of this room; not for others.
 */
#pragma once

#include <ev.h>

#include "keeper/backoff.h"
#include "keeper/grace.h"
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
struct healer;

/* A container and what the keeper remembers of it. Only member_enter (member.c) changes `state`. */
struct member {
	struct keeper *keeper;
	struct sandbox_container sc;
	enum container_kind kind;
	enum container_state state;
	bool passed, succeeded, ran, tried; /* tried: was started once, or could not be */
	bool up;    /* this run has come to CONTAINER_RUNNING, and its process has not ended */
	bool waits; /* its process has not yet got the word that its program may be executed */
	const char
		*lacks; /* backing off without a time, until an object comes: its reason; NULL: it does not */
	bool restart_wanted; /* stopped in order to start again */
	bool killed;         /* told to end for the sake of a probe or hook: policy decides what is next */
	unsigned starts;
	struct backoff backoff;
	uint64_t wait_us;    /* backing off: how long in all */
	ev_io report, ended; /* oci sync socket; pidfd */
	ev_timer timer;      /* back-off, or the end of its grace */
	struct grace grace;  /* once it is told to end */
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
	struct grace grace; /* while ending */
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
	struct healer *healer;         /* NULL: the pod has no network whose rules could go */
	struct forwarding *forwarding; /* NULL: Services do not know it (yet) */
	struct storage_watch *storage; /* NULL: nothing limits what it takes on disk */
	ev_timer deadline;
	ev_idle status_news;   /* it has changed since it was written */
	ev_timer status_again; /* it could not be written (a full disk) */
	int control;           /* the listening socket */
	ev_io control_readable;
	ev_timer control_pause; /* no descriptor is left for another connection */
	struct connection *connections;
	bool connected;   /* the sandbox is all there: programs may be executed */
	int probe_server; /* a connection to the process that does checks of probes by TLS and gRPC (check_worker.c); -1: none was needed */
	struct container_process probe_server_process;
	bool over; /* everything has ended: leave the loop */
};

/* --- life.c: the pod as a whole ------------------------------------------------------------------------------------------ */

/* I of N: those that the pod began with, then those that came later. */
struct member *keeper_member(const struct keeper *k, size_t i);

/* Adds an ephemeral container; C must live as long as the keeper. */
void keeper_add(struct keeper *k, const struct container *c);

/* Makes the members and lets policy begin. */
void keeper_begin(struct keeper *k);

/* Asks policy about every container and carries out what it says; then the status is written. To be called after each event. */
void keeper_advance(struct keeper *k);

/* The pod is to end so, with GRACE seconds; a second call may only make it sooner (grace.h). */
void keeper_end(struct keeper *k, enum ending how, int64_t grace);

/* Seconds of grace that the pod's own spec gives. */
int64_t keeper_grace(const struct keeper *k);

/* Stops and starts ONLY, or (NULL) all sidecars and app containers, in the same sandbox and without a back-off. */
void keeper_restart(struct keeper *k, struct member *only, int64_t grace);

/* Objects have come or changed: what waits for one is tried again. */
void keeper_retry(struct keeper *k);

/* keeper_restart is not done yet. */
bool keeper_is_restarting(const struct keeper *k);

/* Sets the timer of activeDeadlineSeconds anew. */
void keeper_set_deadline(struct keeper *k);

/* The member of that name; NULL: the first app container. NULL when there is none, with -ENOENT in ERR (may be NULL). */
struct member *keeper_find(struct keeper *k, const char *container, struct error *err);

/* Fills VIEWS[0..N) for policy.h. */
void keeper_views(const struct keeper *k, struct container_view *views);

/* Every container was started once, or cannot be. */
bool keeper_is_settled(const struct keeper *k);

/* Why a container cannot be started, the first one's; NULL: all could. Valid until the next event. */
const char *keeper_trouble(const struct keeper *k);

/* --- member.c: one container. SECONDS and GRACE: see grace.h --------------------------------------------------------------- */

void member_init(struct member *m, struct keeper *k, const struct container *c, enum container_kind kind);

/* The one door to a container's state. */
void member_enter(struct member *m, enum container_event event);

/* Makes its process; what goes wrong is an end like any other. */
void member_start(struct member *m);

/* Its program is executed as soon as its process is set up, unless something is still to be waited for: the sandbox, somebody to attach. */
void member_let_go(struct member *m);

/* Its process ends before its program was executed. */
void member_abandon(struct member *m);

/* Its preStop hook begins; when it is over, policy asks for member_stop. */
void member_leave(struct member *m, struct grace grace);

/* Its stop signal, or KILL when there is no grace or its program does not run yet. After member_leave that one's GRACE goes on. */
void member_stop(struct member *m, struct grace grace);

/* A period of SECONDS begins: member_leave if it has a preStop hook and time for it, else member_stop. */
void member_end(struct member *m, int64_t seconds);

/* It has been told to end already, and has SECONDS from now at most. */
void member_hurry(struct member *m, int64_t seconds);

/* member_end since PROBE ("liveness probe") failed; NULL: its postStart hook. What is next is policy's to say. */
void member_kill(struct member *m, int64_t seconds, const char *probe);

/* Its last end becomes its lastState. */
void member_remember(struct member *m);

/* For policy.h `hooked`. */
bool member_is_hooked(const struct member *m);

/* --- renew.c: RestartAllContainers ----------------------------------------------------------------------------------------- */

void renew_begin(struct member *m); /* M has ended, and by its rules all begin anew */
void renew_advance(struct keeper *k);

/* --- prober.c: a container's probes ------------------------------------------------------------------------------------------ */

void probes_add(struct member *m);   /* makes those that its spec has */
void probes_begin(struct member *m); /* it runs */
void probes_leave(struct member *m); /* it is told to end: only its readiness is still asked for */
void probes_end(struct member *m);   /* no try is under way or will be */
bool probes_have_started(const struct member *m); /* it runs, and its startupProbe has passed */
bool probes_are_ready(const struct member *m);    /* and its readinessProbe */

/* --- events.c ---------------------------------------------------------------------------------------------------------------- */

enum event_type { EVENT_NORMAL, EVENT_WARNING };

/* M: NULL: about the pod; REASON: kept by pointer. The same again is counted. */
void event_record(struct keeper *k, const struct member *m, enum event_type type, const char *reason,
		  const char *format, ...) __attribute__((format(printf, 5, 6)));

/* Writes what is not written yet. */
void events_write(struct keeper *k);

/* --- forwarding.c: the pod behind its Services ----------------------------------------------------------------------------------- */

void forwarding_begin(struct keeper *k);
void forwarding_tell(struct keeper *k);  /* what is new; nothing if nothing is */
void forwarding_watch(struct keeper *k); /* from now on it is the one that takes out who was killed */
void forwarding_end(struct keeper *k);

/* --- storage.c: what the pod takes on disk -------------------------------------------------------------------------------------- */

void storage_begin(struct keeper *k); /* watches it, if there is a limit */
void storage_end(struct keeper *k);

/* --- heal.c: the networks' rules ---------------------------------------------------------------------------------------------- */

void heal_begin(struct keeper *k); /* sees to it that somebody notices when they are flushed */

/* --- restore.c: what comes back after a boot -------------------------------------------------------------------------------------- */

void restore_note(struct keeper *k);   /* as it is now */
void restore_forget(struct keeper *k); /* it has ended */

/* --- conditions.c ------------------------------------------------------------------------------------------------------------------- */

/* The condition Ready. */
bool status_ready(const struct keeper *k);

/* Adds the conditions to STATUS, in A, and remembers when they changed. */
void conditions_fill(struct keeper *k, struct pod_status *status, struct arena *a);

/* --- own_log.c: keeper.log ------------------------------------------------------------------------------------------------------------ */

void own_log_open(struct keeper *k);

/* Begins anew when it has become large; the one before stays as keeper.log.1. */
void own_log_limit(struct keeper *k);

/* --- configure.c ---------------------------------------------------------------------------------------------------------------------- */

/* Takes over the launch that FD has, or refuses it (-EINVAL, -EBUSY) and changes nothing. */
int keeper_configure(struct keeper *k, int fd, struct error *err);

/* --- status.c --------------------------------------------------------------------------------------------------------------------------- */

/* pod.json and launch.json. */
int keeper_write_objects(struct keeper *k, struct error *err);

void status_begin(struct keeper *k);

/* Writes status.json; if that cannot be now, then later. */
void status_write(struct keeper *k);

/* Written and announced as soon as nothing else is to be done: what happens together is told in one. */
void status_changed(struct keeper *k);

/* What status_changed put off is written now, and still announced later. */
void status_is_written(struct keeper *k);

/* The pod's phase, a literal. */
const char *status_phase(const struct keeper *k);

/* --- control.c: the socket ---------------------------------------------------------------------------------------------------------------- */

/* Listens at ctl. FIRST: a connection that is there already and watches; -1: none. */
int control_open(struct keeper *k, int first, struct error *err);
void control_announce(struct keeper *k);       /* the status has changed */
void control_announce_event(struct keeper *k); /* something was recorded */
void control_finish(struct keeper *k);         /* "ended" to all who wait for it */
