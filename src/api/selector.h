/* selector.h — which objects are meant: "color=red,tier!=db,env in (test,dev),!draft".
 *
 * Kubernetes docs "Labels and Selectors": equality-based and set-based requirements, separated by commas, all of which must hold.
 */
#pragma once

#include <stdbool.h>

#include "api/meta.h"

enum selector_operator { SELECTOR_IN, SELECTOR_NOT_IN, SELECTOR_EXISTS, SELECTOR_NOT_EXISTS };

struct selector_requirement {
	const char *key;
	enum selector_operator operator;
	struct strings values;
};

struct selector LIST(struct selector_requirement);

/* Reads TEXT; strings live in A. -EINVAL: err says what is wrong with which part. */
int selector_parse(const char *text, struct arena *a, struct selector *out, struct error *err);

/* An empty selector matches everything. */
bool selector_matches(const struct selector *s, const struct string_map *labels);
