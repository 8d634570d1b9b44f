/* credentials.h — who we are at a registry: auth.json and config.json (containers-auth.json(5); "docker login"), credential helpers.
 *
 * Asked in this order, and the first that knows the registry answers: the pull secrets of a pod; then $REGISTRY_AUTH_FILE alone if
 * it is set, or else ${XDG_RUNTIME_DIR}/containers/auth.json (/run/containers/<uid>/auth.json), ~/.config/containers/auth.json and
 * ~/.docker/config.json; then the credential-helpers of registries.conf. In a file, the helper of credHelpers comes first, then the longest
 * key of auths that covers the repository, then the helper of credsStore.
 */
#pragma once

#include "registry/registries.h"

struct credentials { /* all NULL: none, one asks as a stranger */
	const char *username, *password;
	const char *identity_token; /* instead of a password: bought for a token at the token server */
};

struct credential_sources {
	struct strings
		secrets;  /* texts of config.json, from Secrets of the type kubernetes.io/dockerconfigjson */
	const char *file; /* --authfile; NULL: the files above */
	struct strings helpers; /* of registries.conf */
};

/* For the repository PATH ("" for the registry as a whole) of REGISTRY ("docker.io"). Memory in A. A broken file is an error, a missing
 * one is not. */
int credentials_find(const struct credential_sources *s, const char *registry, const char *path,
		     struct arena *a, struct credentials *out, struct error *err);

/* Pure: the same from one text. 1: it knows; 0; negative. HELPER: the name of the helper to ask instead; else NULL. */
int credentials_in(const char *text, size_t size, const char *registry, const char *path, struct arena *a,
		   struct credentials *out, const char **helper, struct error *err);

/* Puts C for REGISTRY into the file (or its helper) that a login writes to, with mode 0600; *WHERE says where, in A. */
int credentials_keep(const struct credential_sources *s, const char *registry, const struct credentials *c,
		     struct arena *a, const char **where, struct error *err);

/* Takes REGISTRY out of it. -ENOENT: it is not there. */
int credentials_forget(const struct credential_sources *s, const char *registry, struct arena *a,
		       struct error *err);
