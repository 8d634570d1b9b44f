/* maker.h — layers are unpacked by another program, seapod-image: what reads archives and what speaks with strangers are two processes.
 */
#pragma once

#include "base/instance.h"

/* Starts the making of the layer DIFF_ID from the blob DIGEST. MAKER: its pidfd, WORDS: a file that gets what it says. It ends with us. */
int maker_start(const struct instance *in, const char *digest, const char *diff_id, int *maker, int *words,
		struct error *err);

/* 1: it is done; 0: it still works; negative: it has failed. When it has ended, both descriptors are closed. */
int maker_ended(int *maker, int *words, struct error *err);

/* Ends it before its time. */
void maker_stop(int *maker, int *words);
