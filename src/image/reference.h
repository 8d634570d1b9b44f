/* reference.h — names of images: nginx, docker.io/library/nginx:1.25, host:5000/a/b@sha256:… (OCI distribution-spec, Docker's short names).
 */
#pragma once

#include "base/error.h"
#include "base/memory.h"

/* The full form of NAME in A: registry, path and tag or digest, as Docker completes short names ("nginx" is
 * "docker.io/library/nginx:latest"). NULL: it is no reference, err says why. */
const char *reference_complete(const char *name, struct arena *a, struct error *err);
