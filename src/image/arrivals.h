/* arrivals.h — how much of a file is there while another process is writing it.
 *
 * An eventfd adds up what its writer adds and gives the reader the sum since the last time, so nothing is lost and the writer never waits. A sum of
 * 2^62 or more says that the file is whole, and right. A writer that gives up ends the reader (a maker of layers dies with its parent).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/* A descriptor for both sides, or a negative errno. */
int arrivals_open(void);

/* BYTES more are in the file; WHOLE: and no more will come. */
void arrivals_add(int fd, int64_t bytes, bool whole);

/* Waits until there is news, or STOP (an eventfd) is set: -ECANCELED. Adds to *BYTES, sets *WHOLE. */
int arrivals_wait(int fd, int stop, int64_t *bytes, bool *whole);
