/* blob.h — blobs come into the store here: a stream of bytes that may break off and go on another day, verified while it is written.
 *
 * A blob on its way is ROOT/partial/<digest>, under a lock that ends with its writer. What is there when a writer comes back is read again
 * for the digest and kept, so the source is asked only for the rest. When all bytes are there and the digest is right, the file is synced and
 * renamed to its place in images/blobs: a blob that has its name is whole, whatever happened before.
 *
 *	_cleanup_(blob_end) struct blob_writer w = {};
 *	if ((r = blob_begin(&w, in, digest, size, err)) == BLOB_WANTED) {
 *		… fetch the bytes from w.at on, blob_add(&w, data, n, err) …
 *		r = blob_finish(&w, err);
 *	}
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/instance.h"
#include "image/digest.h"

struct blob_writer {
	const struct instance *in;
	const char *digest; /* not owned */
	int64_t size;       /* as announced; -1: not known */
	int64_t at;         /* how many bytes are there */
	bool resumed;       /* some of them from an earlier time */
	int fd;             /* 0: nothing is begun */
	struct digest sum;
};

enum blob_begun {
	BLOB_HERE,   /* the store has it: nothing to do */
	BLOB_WANTED, /* bring the bytes from w->at on */
	BLOB_BUSY,   /* another process is writing it: ask again in a while */
};

bool blob_is_here(const struct instance *in, const char *digest);

/* Begins, or goes on with, the blob DIGEST of SIZE bytes (-1: not known). An enum blob_begun, or negative. */
int blob_begin(struct blob_writer *w, const struct instance *in, const char *digest, int64_t size,
	       struct error *err);

/* Adds N bytes. More than were announced: -EBADMSG. No space: -ENOSPC, and what was there is dropped. */
int blob_add(struct blob_writer *w, const void *data, size_t n, struct error *err);

/* From the beginning: the source cannot go on in the middle, or the old bytes were wrong. */
int blob_restart(struct blob_writer *w, struct error *err);

/* Into its place, if size and digest are right. -EBADMSG otherwise: what was there is dropped. */
int blob_finish(struct blob_writer *w, struct error *err);

/* Lets go of a blob that is not finished; what is there stays for the next time. */
void blob_end(struct blob_writer *w);

/* A small blob at once, from memory; its digest comes back. */
int blob_put(const struct instance *in, const void *data, size_t n, char digest[static DIGEST_SIZE],
	     struct error *err);

/* Names the manifest DIGEST, whose blobs and layers are all here, REFERENCE (in full). ORIGIN: the digest that the registry has for
 * that name (store.h). */
int image_commit(const struct instance *in, const char *digest, const char *reference, const char *origin,
		 struct error *err);
