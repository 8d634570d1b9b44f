/* difference.c — where two documents differ; see node.h. */
#include "object/node.h"

static void compare(const struct node *a, const struct node *b, const char *path, struct arena *arena,
		    struct node_paths *out);

static const char *below(struct arena *a, const char *path, const char *key)
{
	return *path ? arena_printf(a, "%s.%s", path, key) : key;
}

static void compare_maps(const struct node *a, const struct node *b, const char *path, struct arena *arena,
			 struct node_paths *out)
{
	list_each(pair, &a->pairs)
		compare(pair->value, node_get(b, pair->key), below(arena, path, pair->key), arena, out);
	list_each(pair, &b->pairs)
		if (!node_get(a, pair->key))
			*list_add(arena, out) = below(arena, path, pair->key);
}

static void compare_lists(const struct node *a, const struct node *b, const char *path, struct arena *arena,
			  struct node_paths *out)
{
	size_t n = a->items.n < b->items.n ? a->items.n : b->items.n;

	for (size_t i = 0; i < n; i++)
		compare(a->items.at[i], b->items.at[i], arena_printf(arena, "%s[%zu]", path, i), arena, out);
	if (a->items.n != b->items.n)
		*list_add(arena, out) = arena_printf(arena, "%s[%zu]", path, n);
}

static void compare(const struct node *a, const struct node *b, const char *path, struct arena *arena,
		    struct node_paths *out)
{
	if (a && b && a->kind == NODE_MAP && b->kind == NODE_MAP)
		compare_maps(a, b, path, arena, out);
	else if (a && b && a->kind == NODE_LIST && b->kind == NODE_LIST)
		compare_lists(a, b, path, arena, out);
	else if (!a || !b || !node_equal(a, b))
		*list_add(arena, out) = path;
}

void node_difference(const struct node *a, const struct node *b, const char *path, struct arena *arena,
		     struct node_paths *out)
{
	compare(a, b, path, arena, out);
}
