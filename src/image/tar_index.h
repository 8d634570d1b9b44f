/* tar_index.h — a layer's tar, read once: kept as a file, and its names as a tree (tree.h).
 */
#pragma once

#include "image/stream.h"
#include "image/tree.h"
#include "image/unpack.h"

/* Reads S to its end. Every byte goes to the file TAR, every entry into T, or an error says what is wrong with it. *FITS becomes false when the
 * layer cannot be mounted from its tar (a sparse file, more names than memory is given for, attributes that are too large): then the file is
 * whole all the same, and the tree is of no use. *BYTES: of the tar. */
int tar_index(struct stream *s, int tar, const struct unpack_limits *limits, struct tree *t, bool *fits,
	      uint64_t *bytes, struct error *err);
