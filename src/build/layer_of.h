/* layer_of.h — an upper directory as a layer of the store, and the cache of layers by what they follow from (step.h).
 */
#pragma once

#include <stdbool.h>

#include "base/instance.h"
#include "build/step.h"

/* Is there a layer of KEY, all of it? Then OUT is it. */
bool layer_cached(const struct instance *in, const struct build_step *step, const char *key, struct arena *a,
		  struct built_layer *out);

/* Packs the directory UPPER, brings it into the store, and remembers it under KEY, unless that is NULL. */
int layer_of(const struct instance *in, const struct build_step *step, int upper, const char *key,
	     struct arena *a, struct built_layer *out, struct error *err);
