/* describe.h — lines as kubectl describe has them.
 */
#pragma once

#include "api/meta.h"
#include "cli/select.h"

/* "Label:            value"; "<none>" for NULL and "". */
void describe_line(int indent, const char *label, const char *value);
void describe_pairs(const char *label, const struct string_map *map, struct arena *a);

/* A ConfigMap, Secret, claim or Service. */
void describe_stored(struct context *x, struct chosen *c);
