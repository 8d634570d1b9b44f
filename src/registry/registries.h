/* registries.h — which host to ask for an image: registries.conf (containers-registries.conf(5), version 2).
 *
 * Read are, if they are there, $CONTAINERS_REGISTRIES_CONF alone, or else the user's ~/.config/containers/registries.conf (or
 * /etc/containers/registries.conf, or the one below /usr/share) and after it the *.conf of /etc/containers/registries.conf.d and of the
 * user's. Podman, Buildah and CRI-O read the same files. Without any, short names are Docker Hub's.
 */
#pragma once

#include "image/reference.h"
#include "object/field.h"

struct registry_mirror {
	const char *location, *pull; /* all, digest-only, tag-only */
	bool insecure;
};

struct registry_entry {
	const char *prefix, *location;
	bool insecure, blocked, mirror_by_digest_only;
	struct LIST(struct registry_mirror) mirrors;
};

struct registries {
	struct strings search; /* unqualified-search-registries */
	struct strings helpers;
	struct LIST(struct registry_entry) entries;
	struct string_map aliases;
};

/* A place where a repository is. */
struct location {
	const char *host; /* "registry-1.docker.io", "host:5000" */
	const char *path; /* the repository there */
	const char *name; /* "docker.io": what credentials and certificates are filed under */
	bool insecure;    /* its certificate need not be right, and plain HTTP will do */
};
struct locations LIST(struct location);

/* Reads the files. What is wrong in one of them is an error that names file and line. */
int registries_read(struct registries *out, struct arena *a, struct error *err);

/* The same from one text: what it says is added to what OUT has. */
int registries_add(struct registries *out, const char *file, const char *text, size_t size, struct arena *a,
		   struct error *err);

/* Where REF is, in the order in which to ask: mirrors first, itself last. -EPERM: the registry is blocked. */
int registries_locate(const struct registries *r, const struct reference *ref, struct arena *a,
		      struct locations *out, struct error *err);

/* The full references that NAME may stand for, in the order in which to try: one, unless it is a short name and
 * unqualified-search-registries has several. */
int registries_candidates(const struct registries *r, const char *name, struct arena *a, struct strings *out,
			  struct error *err);
