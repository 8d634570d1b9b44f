/* ignore.h — .dockerignore: which files of the context do not belong to it (Docker docs ".dockerignore files").
 *
 * A pattern a line, as Go's filepath.Match has them, and "**" for any number of directories; a line with "!" takes back what the lines before it said.
 * The last pattern that matches a path, or a directory above it, decides. Pure.
 */
#pragma once

#include <stdbool.h>

#include "base/memory.h"

struct ignore_pattern {
	const char *pattern;
	bool not ;
};

struct ignore {
	struct LIST(struct ignore_pattern) patterns;
	bool exceptions; /* a directory that is left out may hold something that is not */
};

void ignore_parse(const char *text, struct arena *a, struct ignore *out);

/* Is PATH ("a/b") left out? */
bool ignore_matches(const struct ignore *g, const char *path);

/* Does PATTERN match all of PATH? */
bool pattern_matches(const char *pattern, const char *path);
