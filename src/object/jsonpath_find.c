/* jsonpath_find.c — follows the steps of a path through a tree; see jsonpath.h. Each step takes the nodes that the one before has led to. */
#include "base/cleanup.h"
#include "object/jsonpath_parts.h"

struct finder {
	struct arena *arena;
	const struct node *root;
	size_t found; /* so far, by all steps */
};

static int add(struct finder *f, struct found_nodes *out, const struct node *n)
{
	if (!n)
		return 0;
	if (++f->found > JSONPATH_FOUND_MAX)
		return -E2BIG;
	*list_add(f->arena, out) = n;
	return 0;
}

static int add_children(struct finder *f, const struct node *n, struct found_nodes *out)
{
	int r = 0;

	for (size_t i = 0; r == 0 && n->kind == NODE_LIST && i < n->items.n; i++)
		r = add(f, out, n->items.at[i]);
	for (size_t i = 0; r == 0 && n->kind == NODE_MAP && i < n->pairs.n; i++)
		r = add(f, out, n->pairs.at[i].value);
	return r;
}

/* N and all below it, the outer ones first. */
static int add_deep(struct finder *f, const struct node *n, struct found_nodes *out)
{
	int r = add(f, out, n);

	for (size_t i = 0; r == 0 && n->kind == NODE_LIST && i < n->items.n; i++)
		r = add_deep(f, n->items.at[i], out);
	for (size_t i = 0; r == 0 && n->kind == NODE_MAP && i < n->pairs.n; i++)
		r = add_deep(f, n->pairs.at[i].value, out);
	return r;
}

/* Python's slices: what is below 0 counts from the end. */
static int add_slice(struct finder *f, const struct node *n, const struct slice *s, struct found_nodes *out)
{
	long count = n->kind == NODE_LIST ? (long)n->items.n : 0, from = s->from, to = s->to;
	int r = 0;

	if (s->step == 0) {
		from += from < 0 ? count : 0;
		return from >= 0 && from < count ? add(f, out, n->items.at[from]) : 0;
	}
	from = from == OPEN_END ? 0 : from < 0 ? from + count : from;
	to = to == OPEN_END ? count : to < 0 ? to + count : to;
	for (long i = from < 0 ? 0 : from; r == 0 && i < to && i < count; i += s->step)
		r = add(f, out, n->items.at[i]);
	return r;
}

/* --- filters -------------------------------------------------------------------------------------------------------------- */

static int follow(struct finder *f, const struct steps *steps, const struct node *from,
		  struct found_nodes *out);

static bool number_of(const struct node *n, double *out)
{
	*out = n->kind == NODE_INT ? (double)n->integer : n->number;
	return n->kind == NODE_INT || n->kind == NODE_FLOAT;
}

static bool compares(const struct node *a, const char *op, const struct node *b)
{
	double x, y;
	int order;

	if (number_of(a, &x) && number_of(b, &y))
		order = x < y ? -1 : x > y;
	else if (a->kind == NODE_STRING && b->kind == NODE_STRING)
		order = strcmp(a->text, b->text);
	else if (a->kind == NODE_BOOL && b->kind == NODE_BOOL)
		order = a->boolean - b->boolean;
	else
		return text_is(op, "!=");
	switch (*op) {
	case '<':
		return op[1] ? order <= 0 : order < 0;
	case '>':
		return op[1] ? order >= 0 : order > 0;
	default:
		return (order == 0) == (*op == '=');
	}
}

/* 1, 0, or negative. */
static int passes(struct finder *f, const struct filter *filter, const struct node *n)
{
	struct found_nodes left = {}, right = {};
	int r = follow(f, filter->left, n, &left);

	if (r < 0 || !*filter->op)
		return r < 0 ? r : left.n > 0;
	if ((r = follow(f, filter->right, n, &right)) < 0)
		return r;
	return left.n > 0 && right.n > 0 && compares(left.at[0], filter->op, right.at[0]);
}

static int add_filtered(struct finder *f, const struct node *n, const struct filter *filter,
			struct found_nodes *out)
{
	struct found_nodes all = {};
	int r = add_children(f, n, &all);

	for (size_t i = 0; r >= 0 && i < all.n; i++)
		if ((r = passes(f, filter, all.at[i])) > 0)
			r = add(f, out, all.at[i]);
	return r < 0 ? r : 0;
}

/* --- steps ---------------------------------------------------------------------------------------------------------------- */

static int take_step(struct finder *f, const struct step *step, const struct node *n, struct found_nodes *out)
{
	int r = 0;

	switch (step->kind) {
	case STEP_ROOT:
		return add(f, out, f->root);
	case STEP_LITERAL:
		return add(f, out, step->literal);
	case STEP_ALL:
		return add_children(f, n, out);
	case STEP_DEEP:
		return add_deep(f, n, out);
	case STEP_FILTER:
		return add_filtered(f, n, &step->filter, out);
	case STEP_NAME:
		for (size_t i = 0; r == 0 && i < step->names.n; i++)
			r = add(f, out, node_get(n, step->names.at[i]));
		return r;
	case STEP_INDEX:
		for (size_t i = 0; r == 0 && i < step->slices.n; i++)
			r = add_slice(f, n, &step->slices.at[i], out);
		return r;
	}
	return 0;
}

static int follow(struct finder *f, const struct steps *steps, const struct node *from,
		  struct found_nodes *out)
{
	struct found_nodes now = {}, next = {};
	int r = add(f, &now, from);

	list_each(step, steps) {
		next = (struct found_nodes){};
		for (size_t i = 0; r == 0 && i < now.n; i++)
			r = take_step(f, step, now.at[i], &next);
		now = next;
	}
	*out = now;
	return r;
}

int jsonpath_find(const struct jsonpath *p, const struct node *root, struct arena *a, struct found_nodes *out,
		  struct error *err)
{
	struct finder f = { .arena = a, .root = root };
	int r = p->parts.n > 0 && !p->parts.at[0].text ? follow(&f, &p->parts.at[0].path, root, out) : 0;

	return r < 0 ? error_set(err, -r, "the path leads to more than %d things", JSONPATH_FOUND_MAX) : 0;
}

void jsonpath_value(const struct node *n, struct text *out)
{
	if (n->kind == NODE_STRING)
		text_add_n(out, n->text, n->size);
	else
		node_to_json(n, false, out);
}

static int print(struct finder *f, const struct jsonpath *p, const struct node *n, struct text *out)
{
	int r = 0;

	list_each(part, &p->parts) {
		struct found_nodes found = {};
		if (part->text) {
			text_add(out, part->text);
			continue;
		}
		if ((r = follow(f, &part->path, n, &found)) < 0)
			return r;
		for (size_t i = 0; i < found.n; i++) {
			if (part->each && (r = print(f, part->each, found.at[i], out)) < 0)
				return r;
			if (!part->each && i > 0)
				text_add_char(out, ' ');
			if (!part->each)
				jsonpath_value(found.at[i], out);
		}
	}
	return r;
}

int jsonpath_print(const struct jsonpath *p, const struct node *root, struct text *out, struct error *err)
{
	_cleanup_arena_ struct arena *a = arena_new();
	struct finder f = { .arena = a, .root = root };
	int r = print(&f, p, root, out);

	return r < 0 ? error_set(err, -r, "the template leads to more than %d things", JSONPATH_FOUND_MAX)
		     : 0;
}
