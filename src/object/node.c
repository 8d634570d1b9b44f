/* node.c — see node.h. */
#include "object/node.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

const char *node_kind_name(enum node_kind kind)
{
	static const char *const names[] = { "nothing",  "true or false", "a whole number", "a number",
					     "a string", "a list",        "a map" };
	return names[kind];
}

struct node *node_new(struct arena *a, enum node_kind kind)
{
	struct node *n = arena_one(a, struct node);
	n->kind = kind;
	return n;
}

struct node *node_copy(struct arena *a, const struct node *n)
{
	struct node *copy = arena_one(a, struct node);

	*copy = *n;
	copy->text = n->text ? arena_strndup(a, n->text, n->size) : NULL;
	copy->items.at = NULL;
	copy->items.n = copy->pairs.n = 0;
	copy->pairs.at = NULL;
	for (size_t i = 0; i < n->items.n; i++)
		*list_add(a, &copy->items) = node_copy(a, n->items.at[i]);
	for (size_t i = 0; i < n->pairs.n; i++) {
		struct node_pair *pair = list_add(a, &copy->pairs);
		*pair = n->pairs.at[i];
		pair->key = arena_strdup(a, n->pairs.at[i].key);
		pair->value = node_copy(a, n->pairs.at[i].value);
	}
	return copy;
}

struct node *node_string(struct arena *a, const char *s)
{
	struct node *n = node_new(a, NODE_STRING);
	n->size = strlen(s);
	n->text = arena_strndup(a, s, n->size);
	return n;
}

struct node *node_int(struct arena *a, int64_t value)
{
	struct node *n = node_new(a, NODE_INT);
	n->integer = value;
	return n;
}

struct node *node_bool(struct arena *a, bool value)
{
	struct node *n = node_new(a, NODE_BOOL);
	n->boolean = value;
	return n;
}

struct node *node_get(const struct node *n, const char *key)
{
	if (n && n->kind == NODE_MAP)
		list_each(pair, &n->pairs)
			if (text_is(pair->key, key))
				return pair->value;
	return NULL;
}

const char *node_get_string(const struct node *n, const char *key)
{
	const struct node *value = node_get(n, key);
	return value && value->kind == NODE_STRING ? value->text : NULL;
}

void node_put(struct arena *a, struct node *n, const char *key, struct node *value)
{
	list_each(pair, &n->pairs) {
		if (text_is(pair->key, key)) {
			pair->value = value;
			return;
		}
	}
	*list_add(a, &n->pairs) = (struct node_pair){ .key = arena_strdup(a, key), .value = value };
}

void node_append(struct arena *a, struct node *list, struct node *item)
{
	*list_add(a, &list->items) = item;
}

bool node_equal(const struct node *a, const struct node *b)
{
	if (!a || !b || a->kind != b->kind)
		return a == b;
	switch (a->kind) {
	case NODE_NULL:
		return true;
	case NODE_BOOL:
		return a->boolean == b->boolean;
	case NODE_INT:
		return a->integer == b->integer;
	case NODE_FLOAT:
		return a->number == b->number;
	case NODE_STRING:
		return a->size == b->size && memcmp(a->text, b->text, a->size) == 0;
	case NODE_LIST:
		if (a->items.n != b->items.n)
			return false;
		for (size_t i = 0; i < a->items.n; i++)
			if (!node_equal(a->items.at[i], b->items.at[i]))
				return false;
		return true;
	case NODE_MAP:
		if (a->pairs.n != b->pairs.n)
			return false;
		for (size_t i = 0; i < a->pairs.n; i++) {
			const struct node_pair *one = &a->pairs.at[i], *two = &b->pairs.at[i];
			bool same_place = text_is(one->key, two->key); /* nearly always: saves the search */
			if (!node_equal(one->value, same_place ? two->value : node_get(b, one->key)))
				return false;
		}
		return true;
	}
	return false;
}
