/* save.h — images of the store as one tar that podman, skopeo, containerd and docker read.
 *
 * It is an OCI image layout (image-spec image-layout.md) and has docker's manifest.json beside it, as `docker save` writes since version 25: each
 * blob is there once, as it came, so whoever loads the archive gets the digests that the registry has.
 */
#pragma once

#include "base/instance.h"
#include "base/memory.h"

/* Writes the images called NAMES (N of them) to FILE ("-": standard output). A file that cannot be finished is removed. */
int image_save(const struct instance *in, const char *file, const char *const *names, int n, struct arena *a,
	       struct error *err);
