/* toml.h — the part of TOML that registries.conf uses, into a tree.
 *
 * Tables, arrays of tables, bare, quoted and dotted keys, strings in one line, whole numbers, true and false, arrays, inline tables and
 * comments (toml.io v1.0.0). Strings over several lines, dates and fractions are refused by name: nothing that is read here has them. No
 * library of the distributions reads TOML in C.
 */
#pragma once

#include "base/error.h"
#include "object/node.h"

/* The document TEXT of SIZE bytes as a map in A; NULL: err names FILE and the line. */
struct node *node_from_toml(struct arena *a, const char *file, const char *text, size_t size,
			    struct error *err);
