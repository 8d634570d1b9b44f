/* launch.h — what a pod's keeper is started with, as text (sandbox/launch.h). For start.c and change.c.
 */
#pragma once

#include "cli/start.h"
#include "sandbox/launch.h"

/* Resolves the images of POD, makes their layers ready and writes its launch, HOW, to TEXT. RANGES: as pod_start's. BEFORE: the one that its keeper has, whose images are
 * taken as they are; or NULL. Until pod_started() no image is removed. */
int launch_make(struct context *x, const struct pod *pod, enum start_how how,
		const struct host_ranges *ranges, const struct launch *before, struct text *text,
		struct error *err);

/* The text that the keeper of POD was started with, from its directory; the caller frees it. */
int launch_left(struct context *x, const struct pod *pod, char **text, size_t *size, struct error *err);
