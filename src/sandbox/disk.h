/* disk.h — what a pod takes on disk: the root of each container with its log, and each volume that is a directory of the pod's.
 *
 * A walk takes as long as there are files, so a child does it, with the lowest priority; the keeper's loop waits for one write of it. There is no need
 * of quotas of the file system, which most have not turned on (the kubelet's fallback does the same; KEP-1029).
 */
#pragma once

#include "sandbox/sandbox.h"

/* A child that measures. */
struct disk_measure {
	int pidfd, result; /* owned, -1: none; RESULT becomes readable */
	size_t n; /* how many numbers: of the pod's volumes, init containers and containers, in this order */
};

#define DISK_MEASURE_NONE ((struct disk_measure){ .pidfd = -1, .result = -1 })

/* Begins to measure. */
int disk_measure_begin(const struct sandbox *s, struct disk_measure *m, struct error *err);

/* What came of it, once RESULT is readable: BYTES has room for M->n, and has 0 for what is not on disk; negative: nothing. M is empty then. */
int disk_measure_finish(struct disk_measure *m, int64_t *bytes);

/* Ends it, if it goes on. */
void disk_measure_cancel(struct disk_measure *m);
