/* blob_source.h — the bytes of a blob as they are read, from a file, a part of one, a pipe, or a file that another process is still writing.
 *
 * On their way they are hashed, and copied where asked.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "image/digest.h"

struct blob_source {
	int fd;               /* not owned, and neither are the others but STOP */
	int64_t offset, left; /* -1: from where FD is; to its end */
	int copy;             /* where what is read is written, too; -1: nowhere */
	int arrivals;         /* says how much of FD is there (arrivals.h); -1: all of it */
	int stop;             /* an eventfd that ends the waiting for arrivals; -1 */
	int64_t arrived;
	bool whole;
	bool trusted; /* another has made the digest: it is not made here */
	uint64_t size;
	struct digest sum;
};

void blob_source_begin(struct blob_source *s, int fd, int64_t offset, int64_t size);

/* At most N bytes into BUFFER. How many; 0 at the end; negative: err says why. */
long blob_source_read(struct blob_source *s, void *buffer, size_t n, struct error *err);

/* From now on what is read goes to the file TO, too, after the N bytes DATA that were read before. */
int blob_source_copy(struct blob_source *s, int to, const void *data, size_t n, struct error *err);

/* Whoever waits for arrivals (another thread) gives up. */
void blob_source_stop(struct blob_source *s);

void blob_source_end(struct blob_source *s);
