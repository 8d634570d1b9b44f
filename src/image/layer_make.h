/* layer_make.h — layers from blobs.
 *
 * A blob is read once: its digest, the digest of what it unpacks to, the tar and the tar's index come of one pass. What is made lies in ROOT/partial
 * under a lock of its own until it is whole, synced, and renamed to ROOT/layers (layer.h), the index last: a layer that has its name is whole, what a
 * killed process leaves is removed by the next that makes the same layer, and two that make it do the work once.
 *
 * Hold the store (store_hold) from before the first blob until the image has its name.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/instance.h"
#include "image/digest.h"
#include "image/unpack.h"

struct layer_source {
	int fd;               /* not owned */
	int64_t offset, size; /* a part of it; size -1: from the offset to the end */
	const char *digest;   /* that it must have, or NULL */
	const char *diff_id;  /* that its contents must have, or NULL */
	bool keep;            /* the blob goes to the store, too */
	bool trusted;         /* the blob has the digest: whoever stored it has made sure */
	bool ahead;           /* there is a processor to spare: decompress in a thread of its own */
	int arrivals;         /* FD is still being written: see stream_follow; 0: it is whole */
};

struct layer_made {
	char digest[DIGEST_SIZE], diff_id[DIGEST_SIZE];
	int64_t size; /* of the blob */
};

/* Makes the layer. 1; 0: it was there. */
int layer_make_from(const struct instance *in, const struct layer_source *source,
		    const struct unpack_limits *limits, struct layer_made *made, struct error *err);

/* The same from the blob DIGEST of the store. */
int layer_make(const struct instance *in, const char *digest, const char *diff_id,
	       const struct unpack_limits *limits, struct error *err);

bool layer_is_made(const struct instance *in, const char *diff_id);

/* The same while the blob is still being written to the file FD, as ARRIVALS tells (arrivals.h). */
int layer_make_following(const struct instance *in, int fd, int arrivals, const char *digest,
			 const char *diff_id, const struct unpack_limits *limits, struct error *err);

/* Unpacks a layer whose tar is there (layer_ready asks for it where the kernel cannot mount it). */
int layer_unpack(const struct instance *in, const char *diff_id, const struct unpack_limits *limits,
		 struct error *err);
