/* output.h — kubectl's -o: how objects are printed that are not printed as a table.
 */
#pragma once

#include "base/error.h"
#include "object/jsonpath.h"

enum output_kind {
	OUTPUT_TABLE,
	OUTPUT_WIDE,
	OUTPUT_NAME,
	OUTPUT_JSON,
	OUTPUT_YAML,
	OUTPUT_JSONPATH,
	OUTPUT_COLUMNS,
};

struct column {
	const char *heading;
	const struct jsonpath *path;
};

struct output {
	enum output_kind kind;
	const struct jsonpath *template; /* OUTPUT_JSONPATH */
	struct LIST(struct column) columns;
};

/* Reads what stands after -o: "wide", "name", "json", "yaml", "jsonpath=TEMPLATE", "custom-columns=HEADING:PATH,…". -EINVAL: err says what is wrong. */
int output_parse(const char *text, struct arena *a, struct output *out, struct error *err);

/* Prints N objects as OUT says, which is neither a table nor a wide one. ONE: an object was asked for by its name, and is no list. */
int output_objects(const struct output *out, struct node **at, size_t n, bool one, bool headings,
		   struct arena *a, struct error *err);

/* "pod/web" */
const char *output_name(const struct node *object, struct arena *a);
