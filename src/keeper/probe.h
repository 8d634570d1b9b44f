/* probe.h — what the results of a probe mean: when a container has started, is ready, or must end.
 *
 *	                    at first      after successThreshold     after failureThreshold
 *	startupProbe        unknown       started: for good          killed
 *	readinessProbe      failure       ready                      not ready
 *	livenessProbe       success       (alive)                    killed
 *
 * The startup probe holds the others until the container has started; a container without one has started when it runs. A probe that has its container
 * killed rests until the next run. A try that could not be made at all (the command is not in the image) counts for nothing.
 *
 * Pure: results and times go in, decisions come out. Sources: core/v1 types.go Probe; kubelet prober/worker.go (doProbe), prober/prober.go.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "api/pod.h"

enum probe_kind { PROBE_STARTUP, PROBE_READINESS, PROBE_LIVENESS, PROBE_KINDS };

enum probe_value { PROBE_UNKNOWN, PROBE_SUCCESS, PROBE_FAILURE };

struct probe_state {
	enum probe_value value; /* what counts */
	enum probe_value last;  /* the last result, and how often it came in a row */
	int32_t in_a_row;
	bool rests;
};

/* "Startup", "Readiness", "Liveness": as events and messages begin. */
const char *probe_name(enum probe_kind kind);

/* The container's probe of this kind; NULL when it has none. */
const struct probe *probe_of(const struct container *c, enum probe_kind kind);

/* A new run of the container begins. */
void probe_begin(struct probe_state *s, enum probe_kind kind);

/* One try had RESULT. True if `value` has changed. */
bool probe_take(struct probe_state *s, enum probe_kind kind, const struct probe *probe,
		enum probe_value result);

/* Is the container to be killed? */
bool probe_is_fatal(const struct probe_state *s, enum probe_kind kind);

/* Seconds until the first try, SINCE seconds after the container's start, when what holds the probe has just let it go.
 *
 * The kubelet tries when a ticker of the period fires that began with the pod, and a readiness probe at once when its container has started. Here
 * startup and readiness probes begin at once after initialDelaySeconds, since nothing is gained by waiting; a liveness probe comes after a period at
 * most, which is when a kubelet's comes at the latest, so nobody is killed earlier here. */
double probe_first(enum probe_kind kind, const struct probe *probe, double since);
