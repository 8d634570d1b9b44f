/* loading.h — what the loaders of the formats share (load.h): load.c reads OCI layouts, load_docker.c what docker saves.
 */
#pragma once

#include "image/archive.h"
#include "image/layer_make.h"
#include "image/load.h"

struct loading {
	const struct instance *in;
	const struct unpack_limits *limits;
	struct arena *arena;
	struct error *err;
	struct loaded_images *out;
	struct image_archive archive;
	bool fresh; /* something of the image at hand was not here */
	bool ahead; /* fewer layers than processors: each may have two */
};

/* A layer to be made from the member of the archive. */
struct layer_job {
	const char *member;
	const char *digest, *diff_id; /* the first may be NULL */
	struct layer_made made;
	struct error err;
	bool fresh;
};
struct layer_jobs LIST(struct layer_job);

/* The member PATH as a tree; EXPECTED (may be NULL) is the digest it must have, DIGEST (may be NULL) the one it has. Its text, if TEXT is
 * not NULL, is the caller's to free. */
struct node *loading_json(struct loading *l, const char *path, const char *expected, struct text *text);

/* Makes all layers, on all processors; the first error in their order is the result. */
int loading_layers(struct loading *l, struct layer_jobs *jobs);

/* Keeps N bytes as a blob. */
int loading_keep(struct loading *l, const char *data, size_t n, char digest[static DIGEST_SIZE]);

/* Is the image of CONFIG one for this machine? */
int loading_check_platform(struct loading *l, const struct node *config);

/* A manifest for the config ID of SIZE bytes with the layers of JOBS, kept; its digest and size come back. */
int loading_write_manifest(struct loading *l, const char *id, int64_t config_size,
			   const struct layer_jobs *jobs, char digest[static DIGEST_SIZE], int64_t *size);

/* Names the manifest. */
int loading_record(struct loading *l, const char *name, const char *manifest, int64_t size, const char *id);

/* "amd64" … */
const char *loading_architecture(void);

/* One entry of docker's manifest.json. FALLBACK is the name of an image that has none. */
int load_docker_entry(struct loading *l, const struct node *entry, const char *fallback);
