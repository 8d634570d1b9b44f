/* events.h — what has happened to pods, as their keepers have written it down.
 */
#pragma once

#include "api/event.h"
#include "cli/pods.h"
#include "command/command.h"

/* The events of one pod as of now, the oldest first; none is no error. */
void events_read(struct context *x, const struct found_pod *pod, struct event_list *out);

/* "5s", or "5s (x3 over 20s)" for what has happened more than once. */
const char *event_age(const struct event *e, struct arena *a);
