/* manifest.h — what a registry says an image is made of: OCI image manifests and indexes, Docker's schema 2 and manifest lists.
 *
 * image-spec manifest.md and image-index.md; distribution "Image Manifest V 2, Schema 2". Schema 1 is refused: it has no digests of what it
 * unpacks to, and registries have dropped it. A text that is manifest and index at once is refused (CVE-2021-41190), and so is one whose
 * mediaType is not what it was sent as. Pure: bytes in, structs out.
 */
#pragma once

#include "base/error.h"
#include "object/field.h"

enum {
	MANIFEST_MAX = 4 * 1024 * 1024, /* bytes; what registries allow */
	MANIFEST_LAYERS_MAX = 500,
	MANIFEST_INDEX_MAX = 2000,
	CONFIG_MAX = 8 * 1024 * 1024,
};

#define MANIFEST_TYPE_OCI    "application/vnd.oci.image.manifest.v1+json"
#define INDEX_TYPE_OCI       "application/vnd.oci.image.index.v1+json"
#define MANIFEST_TYPE_DOCKER "application/vnd.docker.distribution.manifest.v2+json"
#define INDEX_TYPE_DOCKER    "application/vnd.docker.distribution.manifest.list.v2+json"

struct platform {
	const char *os, *architecture, *variant;
};

struct descriptor {
	const char *mediaType, *digest, *artifactType;
	int64_t size;
	struct platform *platform;
	struct string_map annotations;
};
struct descriptors LIST(struct descriptor);

struct manifest {
	const char *mediaType, *artifactType;
	int64_t schemaVersion;
	struct descriptor *config, *subject;
	struct descriptors layers;
	struct descriptors manifests; /* of an index */
	bool is_index;
};

/* Reads SIZE bytes of TEXT, which came as CONTENT_TYPE (NULL: not said). Memory in A. */
int manifest_parse(const char *text, size_t size, const char *content_type, struct arena *a,
		   struct manifest *out, struct error *err);

/* "linux/arm64/v8" into parts; -EINVAL. */
int platform_parse(const char *text, struct arena *a, struct platform *out, struct error *err);

/* This machine's. */
struct platform platform_own(void);

/* The manifest in INDEX that suits WANTED best: the same variant, then none, then any; NULL: none does. */
const struct descriptor *manifest_choose(const struct manifest *index, const struct platform *wanted);

/* The platforms in INDEX, for an error: "linux/amd64, linux/arm64/v8". */
const char *manifest_platforms(const struct manifest *index, struct arena *a);
