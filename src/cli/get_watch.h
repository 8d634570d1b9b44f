/* get_watch.h — what changes of pods, as it changes: files in RUN are watched, no keeper is asked.
 */
#pragma once

#include "cli/pods.h"

/* An inotify(7) descriptor, or negative. */
int pods_watch_begin(const struct instance *in, struct error *err);

/* Waits until the names of pods or the status of one of PODS may have changed. 0 or negative. */
int pods_watch(int watch, const struct instance *in, const struct found_pods *pods, struct error *err);
