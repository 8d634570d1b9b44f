/* gc.h — what no image needs goes.
 *
 * Mark and sweep: what index.json leads to is marked (manifest, config, blobs, layers) with what the caller pins, then the store's directories are
 * gone through once. Its time is that of reading each manifest and config once, whatever their number. Then what killed processes left goes, parts of blobs that are a week
 * old, and what the cache of builds says of layers that are gone.
 */
#pragma once

#include "base/instance.h"
#include "base/memory.h"
#include "object/field.h"

struct gc_result {
	unsigned removed; /* blobs and layers */
	int64_t bytes;    /* that they had on disk */
};

/* Removes blobs and layers that no image has and whose digest is not in PINNED. A manifest that cannot be read hides what it leads to: then
 * nothing is removed, with an error. While somebody holds the store (store_hold) nothing is removed, either. Under the store's lock. */
int store_collect(const struct instance *in, const struct strings *pinned, struct gc_result *out,
		  struct error *err);
