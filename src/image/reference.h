/* reference.h — names of images: nginx, docker.io/library/nginx:1.25, host:5000/a/b@sha256:… (OCI distribution-spec, Docker's short names).
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/memory.h"

/* The full form of NAME in A: registry, path and tag or digest, as Docker completes short names ("nginx" is
 * "docker.io/library/nginx:latest"). NULL: it is no reference, err says why. */
const char *reference_complete(const char *name, struct arena *a, struct error *err);

/* True if NAME begins with a registry ("localhost/a", "quay.io/a/b"): it is not a short name. */
bool reference_has_registry(const char *name);

struct reference {
	const char *registry;     /* "docker.io", "host:5000" */
	const char *path;         /* "library/nginx" */
	const char *tag, *digest; /* "latest", "sha256:…"; NULL: not given */
};

/* The parts of FULL, which reference_complete has made. */
struct reference reference_split(const char *full, struct arena *a);
