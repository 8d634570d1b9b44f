/* backoff.h — how long a container that ended waits before it is started again.
 *
 * Kubernetes: the first restart is at once, then 10 s, doubling to 300 s; a container that ran for 10 min starts anew
 * (docs "Pod Lifecycle", kubernetes#133472 on the first restart). All three can be
 * changed, by pod and for all pods (KEP-4603 and KEP-5593 are about what a kubelet may be told). Pure: no clock, no timer; the caller passes times in.
 */
#pragma once

#include <stdint.h>

#include "base/error.h"

struct backoff_limits {
	uint64_t first_us; /* the first wait that is not zero */
	uint64_t most_us;
	uint64_t reset_us; /* a run of at least this forgets earlier waits */
};

extern const struct backoff_limits backoff_kubernetes;

/* What holds for POD: its annotations, else GLOBAL (durations as text: the first wait, the longest, the reset; NULL: nothing was said), else
 * Kubernetes. -EINVAL and err: one of them is no duration. */
struct pod;
int backoff_limits_of(const struct pod *pod, const char *const global[3], struct backoff_limits *limits,
		      struct error *err);

struct backoff {
	uint64_t next_us; /* the wait that the next end earns; 0: none yet */
};

/* The wait before the next start, in microseconds, of a container that ran for RAN_US; advances B. Never fails. */
uint64_t backoff_next(struct backoff *b, const struct backoff_limits *limits, uint64_t ran_us);
