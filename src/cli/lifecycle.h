/* lifecycle.h — what is asked of a pod's keeper to end its pod, or a part of it.
 */
#pragma once

#include "api/pod.h"
#include "command/command.h"
#include "keeper/client.h"

/* Sends REQUEST to the keeper of POD and, if WAIT, waits for the end it asked for. */
int pod_ask(struct context *x, const struct pod *pod, const struct request *request, bool wait,
	    struct error *err);

/* Takes VALUE, a number of seconds, as the grace of REQUEST. */
int grace_value(const char *value, struct request *request, struct error *err);
