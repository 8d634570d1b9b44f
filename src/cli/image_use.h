/* image_use.h — which pods hold which images: those that run and those that have ended and may be started again, by what their
 * keepers were given (RUN/pods/<uid>/launch.json).
 */
#pragma once

#include "command/command.h"
#include "image/store.h"

struct image_use {
	const char *pod, *namespace;
	const char *id; /* of the image */
};

struct image_uses {
	struct LIST(struct image_use) all;
	struct strings pinned; /* digests and diff ids that must stay */
};

int image_uses_read(struct context *x, struct image_uses *out, struct error *err);

/* The first pod that holds IMAGE; NULL. */
const struct image_use *image_use_find(const struct image_uses *uses, const struct image *image);
