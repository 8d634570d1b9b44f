/* print.h — whole Kubernetes objects on standard output.
 */
#pragma once

#include "object/node.h"

/* One object as it is; FORMAT: "json" or "yaml". */
void print_object(const char *format, const struct node *n);

/* N objects as a v1 List. */
void print_list(const char *format, struct node **at, size_t n, struct arena *a);
