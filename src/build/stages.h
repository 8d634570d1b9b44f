/* stages.h — which stages of a Dockerfile a target needs: itself, the stage that its FROM names, those that its COPY --from name, and theirs. Pure.
 */
#pragma once

#include "build/dockerfile.h"
#include "build/words.h"

enum { STAGES_MAX = 200 };

/* Sets NEEDED for each stage of F, in order; TARGET is a name or a number, NULL is the last. GLOBAL: what FROM sees. A name that only a stage's own variables
 * tell needs all stages before it, a TARGET that is not there needs all. How many stages there are, at most STAGES_MAX. */
unsigned stages_needed(const struct dockerfile *f, const char *target, const struct variables *global,
		       struct arena *a, bool needed[static STAGES_MAX]);
