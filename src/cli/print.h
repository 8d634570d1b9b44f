/* print.h — whole Kubernetes objects on standard output.
 */
#pragma once

#include "object/node.h"

/* One object as it is; FORMAT: "json" or "yaml". */
void print_object(const char *format, const struct node *n);

/* N objects as one v1 List. */
struct node *list_of(struct node **at, size_t n, struct arena *a);

/* The same, printed. */
void print_list(const char *format, struct node **at, size_t n, struct arena *a);
