/* make.h — layers are made ready from blobs that are in the store, each as soon as its blob is here.
 *
 * Hold the store (store_hold) from before the first blob until the image has its name.
 */
#pragma once

#include "image/load.h"

/* Makes the layer DIFF_ID ready from the blob DIGEST, unless it is. What unpacks to another DIFF_ID is -EBADMSG. Two may do it at once: one
 * waits for the other. */
int layer_make(const struct instance *in, const char *digest, const char *diff_id,
	       const struct unpack_limits *limits, struct error *err);

bool layer_is_made(const struct instance *in, const char *diff_id);
