/* policy.h — what a kubelet decides: which container may start, which must end, what the pod's phase is.
 *
 * Pure functions over a view of all containers; the keeper asks them after each event and carries out the answer.
 * The states of one container and what leads from one to the next are a table:
 *
 *	            begin            created           started           hooked            ended, again
 *	  WAITING ─────────► CREATING ───────► STARTING ───────► HOOKING ───────► RUNNING ────────────► BACKOFF ─┐
 *	     ▲                   │                 │                │                │                           │ begin
 *	     │ reset             └──── ended ──────┴── for good ────┴────────────────┼────► ENDED                ▼
 *	     └ (all again)            stop: ──────────────────────► LEAVING ───────► STOPPING ─► ENDED       CREATING
 *
 * HOOKING: its postStart hook runs; LEAVING: its preStop hook does, or it has ended and the container waits for its turn. Containers without hooks
 * pass through in no time.
 *
 * Sources: Kubernetes docs "Pod Lifecycle", "Container Lifecycle Hooks", "Init Containers"; KEP-753 (sidecars), KEP-5307 (container restart rules),
 * KEP-5532 (RestartAllContainers).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/pod.h"

enum container_kind { KIND_INIT, KIND_SIDECAR, KIND_APP, KIND_EPHEMERAL };

enum container_state {
	CONTAINER_WAITING,  /* not begun */
	CONTAINER_CREATING, /* its process is being set up */
	CONTAINER_STARTING, /* its program is being executed */
	CONTAINER_HOOKING,  /* its program runs, and its postStart hook */
	CONTAINER_RUNNING,
	CONTAINER_BACKOFF,  /* has ended and waits to be started again */
	CONTAINER_LEAVING,  /* is to end: its preStop hook runs, then it waits for its turn */
	CONTAINER_STOPPING, /* was told to end */
	CONTAINER_ENDED,    /* will not run again in this sandbox */
	CONTAINER_STATES,
};

enum container_event {
	EVENT_BEGIN,
	EVENT_CREATED,
	EVENT_STARTED,
	EVENT_HOOKED,      /* its postStart hook is over, or it has none */
	EVENT_ENDED_AGAIN, /* its process has ended, or could not be made; it is to be started again */
	EVENT_ENDED,       /* the same, for good */
	EVENT_LEAVE,       /* it is to end, and its preStop hook begins */
	EVENT_STOP,        /* it is told to end; without a process it ends at once (EVENT_ENDED follows) */
	EVENT_RESET,       /* all containers begin anew */
	CONTAINER_EVENTS,
};

/* The state that EVENT leads to from STATE; STATE itself where the event means nothing. */
enum container_state container_next(enum container_state state, enum container_event event);

const char *container_state_name(enum container_state state);
bool container_has_process(enum container_state state);

/* What policy sees of one container. Views are in the pod's order: initContainers as written, then containers, then ephemeral
 * ones, which begin as they come, are never started again, and on which nothing else depends (KEP-277). */
struct container_view {
	enum container_kind kind;
	enum container_state state;
	bool passed; /* init: has ended well; sidecar: was started (and its startupProbe passed) at least once */
	bool hooked;    /* it has a preStop hook to be run before it is told to end; LEAVING: which runs */
	bool succeeded; /* its last end was exit code 0 */
	bool ran;       /* has ended at least once */
};

enum policy_action { POLICY_NOTHING, POLICY_BEGIN, POLICY_LEAVE, POLICY_STOP };

/* What to do with container I of N now. ENDING: the pod is on its way out.
 * Start: an init container or sidecar once all before it have passed; app containers, all at once, when all of those have.
 * End: apps and init containers at once, then the sidecars one by one, the last one first (KEP-753); preStop hooks run all at once, a sidecar's too,
 * and the wait for its turn comes after it (kubelet killContainer). */
enum policy_action policy_container(const struct container_view *c, size_t n, size_t i, bool ending);

/* True when nothing of the pod will run again by itself: an init container has failed for good, or every app container
 * has ended for good. The keeper then ends the rest. */
bool policy_pod_over(const struct container_view *c, size_t n);

/* The pod's phase; ENDING as above. */
const char *policy_phase(const struct container_view *c, size_t n, bool ending);

/* Whether a container that ended with EXIT_CODE is started again: its restartPolicyRules say it first, then its own restartPolicy, then the
 * pod's, POD_POLICY. */
struct restart_question {
	enum container_kind kind;
	const char *pod_policy;
	const struct container *container;
	int exit_code;
};
enum policy_again {
	AGAIN_NO,
	AGAIN_IT,
	AGAIN_ALL
}; /* ALL: and every other container, from the init containers on (KEP-5532) */
enum policy_again policy_restart(const struct restart_question *q);
