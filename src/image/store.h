/* store.h — the images of this machine: ROOT/images is an OCI image layout (image-spec image-layout.md).
 *
 * index.json names manifests by reference; blobs are by digest and never change. Reading needs no lock: index.json is replaced by
 * rename, and what it names is there before it does.
 */
#pragma once

#include "base/instance.h"
#include "base/memory.h"
#include "object/field.h"

struct image_config { /* image-spec config.md "config" */
	struct strings Env, Entrypoint, Cmd;
	const char *WorkingDir, *User, *StopSignal;
	struct node *ExposedPorts, *Volumes, *Labels;
};

struct image {
	const char *reference; /* the full name; NULL: another image has it now */
	const char *id;        /* the config's digest, "sha256:…" */
	const char *digest;    /* the manifest's */
	const char *
		origin; /* what the registry had for the name when it was pulled: an index's digest, or the manifest's; NULL: it was not */
	const char *created;
	int64_t size; /* of all blobs, as stored */
	int64_t manifest_size;
	struct strings layers; /* directories, the lowest first */
	struct strings diff_ids;
	struct strings blobs; /* the layers' digests, as stored */
	struct image_config config;
};

extern const struct table image_config_table;

/* The image called NAME: a reference, or the (beginning of the) id. All memory in A. -ENOENT: it is not there. */
int image_resolve(const struct instance *in, const char *name, struct arena *a, struct image *out,
		  struct error *err);

struct images LIST(struct image);

/* All images, sorted by name. Broken ones are left out with a warning. */
int image_list(const struct instance *in, struct arena *a, struct images *out, struct error *err);

/* Makes ROOT/images with its fixed parts; takes the store's lock (release by closing the descriptor). */
int store_lock(const struct instance *in, struct error *err);

/* A descriptor; while it is open, nothing is removed from the store, so blobs and layers may come before the name that keeps them.
 * Close it when the image has its name. */
int store_hold(const struct instance *in, struct error *err);

/* The other side: a descriptor while nobody holds the store, or -EWOULDBLOCK: leave what seems unused for another time. */
int store_hold_alone(const struct instance *in);

/* Who starts a pod holds this from finding an image until the pod is known to have it; who removes images holds it ALONE, to know what pods
 * there are. A descriptor (close it). -ENOENT: there is no store. */
int store_use(const struct instance *in, bool alone, struct error *err);

/* Notes that the image is used now, for those who remove the longest unused first. */
void image_touch(const struct instance *in, const struct image *image);

/* Names MANIFEST (digest and size) as REFERENCE in index.json, instead of what had the name: that stays, without a name, until it is
 * pruned. Under the lock. */
int store_name(const struct instance *in, const char *reference, const char *digest, int64_t size,
	       struct error *err);

/* The same for what a registry has under that name: ORIGIN is the digest there, of an index or the manifest itself. */
int store_name_from(const struct instance *in, const char *reference, const char *digest, int64_t size,
		    const char *origin, struct error *err);

/* Removes the name REFERENCE (NULL: the entry of DIGEST that has none); gc.h removes what no other needs. Under the lock. -ENOENT. */
int store_unname(const struct instance *in, const char *reference, const char *digest, struct error *err);

/* The same for N images at once, by their reference and digest. */
int store_unname_all(const struct instance *in, const struct image *const *images, size_t n,
		     struct error *err);

/* index.json as a tree; without the file an empty one. */
struct node *store_read_index(const struct instance *in, struct arena *a, struct error *err);

/* "blobs/sha256/…" below ROOT/images for DIGEST; NULL if it is no digest. */
const char *store_blob_path(const char *digest, struct arena *a);

/* A blob that is JSON, as a tree. */
struct node *store_read_json(const struct instance *in, const char *digest, struct arena *a,
			     struct error *err);
