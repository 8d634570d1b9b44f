/* backoff.h — how long a container that ended waits before it is started again.
 *
 * Kubernetes: the first restart is at once, then 10 s, doubling to 300 s; a container that ran for 10 min starts anew
 * (docs "Pod Lifecycle", kubernetes#133472 on the first restart). Pure: no clock, no timer; the caller passes times in.
 */
#pragma once

#include <stdint.h>

struct backoff_limits {
	uint64_t first_us; /* the first wait that is not zero */
	uint64_t most_us;
	uint64_t reset_us; /* a run of at least this forgets earlier waits */
};

extern const struct backoff_limits backoff_kubernetes;

struct backoff {
	uint64_t next_us; /* the wait that the next end earns; 0: none yet */
};

/* The wait before the next start, in microseconds, of a container that ran for RAN_US; advances B. Never fails. */
uint64_t backoff_next(struct backoff *b, const struct backoff_limits *limits, uint64_t ran_us);
