/* print.c — see print.h. */
#include "cli/print.h"

#include <stdio.h>

#include "base/cleanup.h"
#include "base/text.h"

void print_object(const char *format, const struct node *n)
{
	_cleanup_text_ struct text text = {};

	if (text_is(format, "yaml"))
		node_to_yaml(n, &text);
	else
		node_to_json(n, true, &text);
	fputs(text_str(&text), stdout);
}

struct node *list_of(struct node **at, size_t n, struct arena *a)
{
	struct node *out = node_new(a, NODE_MAP), *items = node_new(a, NODE_LIST);

	for (size_t i = 0; i < n; i++)
		node_append(a, items, at[i]);
	node_put(a, out, "apiVersion", node_string(a, "v1"));
	node_put(a, out, "items", items);
	node_put(a, out, "kind", node_string(a, "List"));
	node_put(a, out, "metadata", node_new(a, NODE_MAP));
	return out;
}

void print_list(const char *format, struct node **at, size_t n, struct arena *a)
{
	print_object(format, list_of(at, n, a));
}
