/* jsonpath.h — kubectl's JSONPath: which parts of an object to print, as a template (Kubernetes docs "JSONPath Support").
 *
 *	{.metadata.name}                                  fields; ['a.b'], a\.b: names with dots
 *	{.items[0].x} [-1] [1:3] [::2] [0,2] [*] .*       items of a list, fields of a map
 *	{..name}                                          at any depth
 *	{.conditions[?(@.type=="Ready")].status}          those for which it is so: == != < <= > >=, or that it is there
 *	{range .items[*]}{.metadata.name}{"\n"}{end}      for each; text outside braces, and strings in them, are printed as they are
 *
 * What is not there prints nothing. Pure: bytes to a program, a program and a tree to text; every size is limited.
 */
#pragma once

#include "base/error.h"
#include "object/node.h"

struct jsonpath;
struct found_nodes LIST(const struct node *);

enum {
	JSONPATH_BYTES_MAX = 16384,  /* of a template */
	JSONPATH_DEPTH_MAX = 8,      /* ranges within ranges, filters within filters */
	JSONPATH_FOUND_MAX = 100000, /* what a path may lead to */
};

/* A template: text and paths in braces. A text without braces that begins with a dot is one path. NULL: err says what is wrong. */
const struct jsonpath *jsonpath_template(const char *text, struct arena *a, struct error *err);

/* One path: ".metadata.name", "metadata.name" or "{.metadata.name}". NULL: err says what is wrong. */
const struct jsonpath *jsonpath_path(const char *text, struct arena *a, struct error *err);

/* What the template says of ROOT. -E2BIG: it is more than JSONPATH_FOUND_MAX things. */
int jsonpath_print(const struct jsonpath *p, const struct node *root, struct text *out, struct error *err);

/* What the path leads to in ROOT, in order. -E2BIG. Made nodes live in A. */
int jsonpath_find(const struct jsonpath *p, const struct node *root, struct arena *a, struct found_nodes *out,
		  struct error *err);

/* A scalar as it is, anything else as JSON in one line. */
void jsonpath_value(const struct node *n, struct text *out);
