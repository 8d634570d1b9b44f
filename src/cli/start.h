/* start.h — from an object to a running pod: images, launch, keeper.
 */
#pragma once

#include "api/pod.h"
#include "cli/command.h"
#include "keeper/client.h"

/* Resolves the images of POD and starts its keeper. HOLD: its programs wait for an attach (sandbox/launch.h). A connection that reports (keeper/client.h), or negative. */
int pod_start(struct context *x, struct pod *pod, bool hold, struct error *err);

enum wait_for { WAIT_SETTLED, WAIT_RUNNING, WAIT_READY };

/* Reads reports until what is waited for is so. TIMEOUT_MS < 0: for ever. An error of the keeper is returned; a container that could not be
 * started makes it -EREMOTEIO, with its sentence. */
int pod_wait(struct context *x, int fd, enum wait_for what, int timeout_ms, struct error *err);

/* Reads until "ended" or the end of the connection. */
int pod_wait_end(struct context *x, int fd, struct error *err);
