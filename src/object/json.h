/* json.h — JSON of machines into a tree (json-c): no positions, but small and everywhere.
 */
#pragma once

#include "base/error.h"
#include "object/node.h"

/* Parses SIZE bytes of TEXT, one JSON value and nothing after it. NULL on an error (err says where). */
struct node *node_from_json(struct arena *a, const char *text, size_t size, struct error *err);
