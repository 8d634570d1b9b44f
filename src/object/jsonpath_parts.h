/* jsonpath_parts.h — what a template is once it is read; not for other rooms. */
#pragma once

#include <limits.h>

#include "object/jsonpath.h"

enum step_kind {
	STEP_ROOT,    /* "$": from the whole object, not from the item of a range */
	STEP_NAME,    /* ".name", "['name']"; several: "['a','b']" */
	STEP_ALL,     /* "*" */
	STEP_DEEP,    /* "..": this and all below it */
	STEP_INDEX,   /* "[0,2]" "[1:3]" */
	STEP_FILTER,  /* "[?(…)]" */
	STEP_LITERAL, /* a value: in filters */
};

enum { OPEN_END = INT_MAX }; /* a slice's end, or beginning, that is not given */

struct slice {
	int from, to, step; /* one item: step 0 */
};

struct steps LIST(struct step);

/* "@.type == 'Ready'"; OP "": LEFT is there. */
struct filter {
	char op[3];
	const struct steps *left, *right;
};

struct step {
	enum step_kind kind;
	struct LIST(const char *) names;
	struct LIST(struct slice) slices;
	struct filter filter;
	const struct node *literal;
};

/* A template's part: a text, a path, or a range with what is done for each. */
struct jsonpath_part {
	const char *text; /* NULL: a path */
	struct steps path;
	const struct jsonpath *each; /* NULL: not a range */
};

struct jsonpath {
	struct LIST(struct jsonpath_part) parts;
};
