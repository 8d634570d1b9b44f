/* helper.h — credential helpers: programs docker-credential-NAME that keep passwords (Docker's credential helper protocol).
 *
 * The verb is the argument, the question goes to standard input, the answer comes from standard output as JSON.
 */
#pragma once

#include "registry/credentials.h"

/* 1: NAME knows REGISTRY; 0: it does not; negative. */
int helper_get(const char *name, const char *registry, struct arena *a, struct credentials *out,
	       struct error *err);
int helper_store(const char *name, const char *registry, const struct credentials *c, struct error *err);
int helper_erase(const char *name, const char *registry, struct error *err);
