/* ahead.h — a producer of bytes in a thread of its own, some pieces ahead of who takes them, so that two processors work on one stream.
 *
 * What one piece costs to make and to use should be about the same; the slower side decides. Only for programs that start no others.
 */
#pragma once

#include "base/error.h"

enum { AHEAD_PIECE = 256 * 1024 };

struct ahead;

/* PRODUCE(WITH, BUFFER, ERR) puts at most AHEAD_PIECE bytes into BUFFER and returns how many; 0 at the end, negative when it failed; after either it is not
 * called again. From now on WITH is the thread's, until ahead_end. NULL: there is no thread to be had. */
struct ahead *ahead_begin(long (*produce)(void *with, unsigned char *buffer, struct error *err), void *with);

/* The next piece, valid until the next call; what PRODUCE returned comes back. */
long ahead_next(struct ahead *a, const void **data, struct error *err);

/* Ends the thread; a producer that waits must be told before. */
void ahead_end(struct ahead *a);
