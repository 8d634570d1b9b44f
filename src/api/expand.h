/* expand.h — $(NAME) in command, args, env values and subPathExpr (Kubernetes third_party/forked/golang/expansion).
 *
 * $(NAME) becomes the variable's value, $$ becomes $, and what names no known variable stays as it is written.
 */
#pragma once

#include "base/memory.h"

/* The value of NAME or NULL. */
typedef const char *expand_lookup(const void *context, const char *name);

/* TEXT with its references replaced, in A. *UNKNOWN (may be NULL): the first name that was not known, else NULL. */
const char *expand(const char *text, expand_lookup *lookup, const void *context, struct arena *a,
		   const char **unknown);
