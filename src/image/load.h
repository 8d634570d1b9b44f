/* load.h — images from archives into the store.
 *
 * Read are: an OCI image layout and what `docker save` writes, as a directory or as a tar (plain, gzip, zstd), told by what is in it;
 * and a plain root file system tar (import). Nothing is visible before it is whole: blobs and layers are made under ROOT/partial and renamed into
 * place (make.h), index.json last. What a crash leaves goes with the next load of the same layer, or with the next prune.
 */
#pragma once

#include "base/instance.h"
#include "base/memory.h"
#include "image/unpack.h"
#include "object/field.h"

struct loaded {
	const char *reference, *id;
	bool fresh; /* false: it was there already */
};
struct loaded_images LIST(struct loaded);

/* Loads every image for this machine's architecture from FILE ("-": standard input). */
int image_load(const struct instance *in, const char *file, const struct unpack_limits *limits,
	       struct arena *a, struct loaded_images *out, struct error *err);

/* One layer from the root file system tar FILE, as image NAME, configured by CONFIG (JSON tree of an image config's "config"). */
int image_import(const struct instance *in, const char *file, const char *name, struct node *config,
		 const struct unpack_limits *limits, struct arena *a, struct loaded *out, struct error *err);
