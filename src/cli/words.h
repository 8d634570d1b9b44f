/* words.h — how a pod's status is said in a word or a column: kubectl's STATUS, READY and AGE (kubectl pkg printers printPod).
 */
#pragma once

#include "api/pod.h"

/* "Running", "CrashLoopBackOff", "Init:1/2", "Init:Error", "Completed", "Terminating" … */
const char *status_word(const struct pod *pod, struct arena *a);

/* "2/2": app containers and sidecars that are ready, of all. */
const char *ready_word(const struct pod *pod, struct arena *a);

int restart_count(const struct pod *pod);

/* "5s", "3m20s", "2d": the time since SINCE (RFC 3339); "<unknown>". */
const char *age_word(const char *since, struct arena *a);
