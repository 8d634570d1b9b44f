/* yaml.h — what people write: YAML 1.2, and JSON as a part of it, with positions (libfyaml).
 *
 * As kubectl reads it: several documents in a stream, anchors, aliases and merge keys ("<<"). A key twice in one map is an
 * error. Limits on bytes, depth and nodes (node.h) are checked as the text is read.
 */
#pragma once

#include "object/node.h"
#include "object/problems.h"

struct yaml_documents LIST(struct node *);

/* Parses SIZE bytes of TEXT into documents; empty documents are left out. On an error, what is wrong goes to PROBLEMS
 * (with FILE as its name) and -EINVAL is returned. */
int yaml_read(struct arena *a, const char *file, const char *text, size_t size, struct yaml_documents *out,
	      struct problems *problems);
