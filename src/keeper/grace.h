/* grace.h — how long what is told to end may take: the one home of the kubelet's rule.
 *
 * A grace period is one for all that belongs to an end: the preStop hook, a sidecar's wait for its turn, and what is left for the program after its
 * stop signal. Whatever of it is used up, the program gets 2 s, so that it is not killed only because its hook was slow. Without any
 * grace (0, --force) there is no hook and no signal: it is killed. A second request may shorten the period, and never makes it longer.
 *
 * Pure: times come in. Sources: kubelet kuberuntime_container.go killContainer, setTerminationGracePeriod, minimumGracePeriodInSeconds;
 * pod_workers.go calculateEffectiveGracePeriod; KEP-2238 (probe-level grace).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "api/pod.h"

/* The period of one end. */
struct grace {
	int64_t seconds; /* as it was asked for; 0 or less: none */
	uint64_t end_us; /* when it is over (clock_boot_us) */
};

/* Seconds of grace: what a person wished for this end, else what the probe that failed says, else what the pod says. WISH and PROBE may be NULL. */
int64_t grace_choose(const struct optional_int *wish, const struct optional_int *probe,
		     const struct optional_int *pod);

struct grace grace_begin(int64_t seconds, uint64_t now_us);

/* Another request for the same end came NOW: the earlier end counts. */
void grace_shorten(struct grace *g, int64_t seconds, uint64_t now_us);

/* May a preStop hook run? */
bool grace_has_hooks(const struct grace *g);

/* What the program has after its stop signal, given NOW, in microseconds: at least 2 s, but 0 without any grace. */
uint64_t grace_left_us(const struct grace *g, uint64_t now_us);
