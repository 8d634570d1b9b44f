/* maker.h — layers are unpacked by another program, seapod-image: what reads archives and what speaks with strangers are two processes.
 */
#pragma once

#include "base/instance.h"

struct maker {
	int process, words; /* its pidfd; a file that gets what it says */
	int arrivals; /* that it is told by how much of the blob is there; -1: the blob is in the store */
};

#define MAKER_NONE ((struct maker){ .process = -1, .words = -1, .arrivals = -1 })

/* Starts the making of the layer DIFF_ID from the blob DIGEST of the store, or, while it still comes, from the file BLOB (-1: it does not), of which
 * nothing is told to be there yet. It ends with us. */
int maker_start(const struct instance *in, const char *digest, const char *diff_id, int blob,
		struct maker *maker, struct error *err);

/* 1: it is done; 0: it still works; negative: it has failed. When it has ended, MAKER is MAKER_NONE. */
int maker_ended(struct maker *maker, struct error *err);

/* Ends it before its time; nothing happens without one. */
void maker_stop(struct maker *maker);
