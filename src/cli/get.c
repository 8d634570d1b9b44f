/* get.c — seapod get: what there is, as a table or as whole objects. Which objects: select.h; how: get_rows.h and output.h. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/commands.h"
#include "cli/get_rows.h"
#include "cli/get_watch.h"
#include "cli/help.h"
#include "cli/words.h"

const struct option_spec get_options[] = {
	{ "output", 'o', "wide|name|json|yaml|jsonpath=|custom-columns=", "how to print" },
	{ "selector", 'l', "LABELS", "only those with labels (color=red)" },
	{ "filename", 'f', "FILE", "those that a manifest has" },
	{ "namespace", 'n', "NAME", "the namespace" },
	{ "all-namespaces", 'A', NULL, "objects of all namespaces" },
	{ "sort-by", 0, "PATH", "in the order of a field (.metadata.name)" },
	{ "show-labels", 0, NULL, "a column of all labels" },
	{ "label-columns", 'L', "LABELS", "a column for each of these labels" },
	{ "no-headers", 0, NULL, "no line of headings" },
	{ "ignore-not-found", 0, NULL, "what is not there is no error" },
	{ "watch", 'w', NULL, "go on with pods that change" },
	{},
};

/* --- watching ------------------------------------------------------------------------------------------------------------- */

/* All that a row says but its age. */
static bool looks_as_before(const struct choice *before, const struct pod *now, struct arena *a)
{
	list_each(c, &before->items) {
		const struct pod *then = c->pod.pod;
		if (text_is(then->metadata.uid, now->metadata.uid))
			return text_is(status_word(then, a), status_word(now, a)) &&
			       text_is(ready_word(then, a), ready_word(now, a)) &&
			       restart_count(then) == restart_count(now);
	}
	return false;
}

/* A row for each of NOW that is not as it was BEFORE. */
static void print_changes(const struct view *v, struct table_view *t, const struct choice *before,
			  struct choice *now, struct arena *a)
{
	t->arena = a;
	list_each(c, &now->items)
		if (!looks_as_before(before, c->pod.pod, a))
			rows_add(t, v, c);
	table_print(t);
	fflush(stdout);
}

static void add_pods(struct arena *a, const struct choice *choice, struct found_pods *out)
{
	list_each(c, &choice->items)
		*list_add(a, out) = c->pod;
}

/* kubectl get -w: the table, then a row for each pod that has changed, until somebody has enough. What was read is kept until it was compared. */
static int watch_pods(struct context *x, const struct view *v, const struct selection *s, struct error *err)
{
	_cleanup_close_ int watch = pods_watch_begin(&x->in, err);
	_cleanup_arena_ struct arena *older = NULL;
	struct table_view t = { .arena = x->arena };
	struct choice before = {};
	int r = watch < 0 ? watch : 0;

	rows_headings(&t, v, kind_of_word("pods", NULL));
	while (r == 0) {
		_cleanup_arena_ struct arena *fresh = arena_new();
		struct choice now = {};
		struct found_pods pods = {};
		r = select_find(x, s, fresh, &now, err);
		if (r == 0 && now.items.n == 0 && now.missing.n) /* it is not there, or gone */
			return before.items.n ? 0 : select_end(&now, err);
		if (r == 0)
			print_changes(v, &t, &before, &now, fresh);
		before = now;
		add_pods(fresh, &now, &pods);
		arena_free(older);
		older = take_ptr(&fresh);
		if (r == 0)
			r = pods_watch(watch, &x->in, &pods, err);
	}
	return r;
}

/* --- printing ------------------------------------------------------------------------------------------------------------- */

struct sortable {
	struct chosen item;
	const struct node *key; /* NULL: it has none, and comes first */
};

static int compare_keys(const struct node *a, const struct node *b)
{
	_cleanup_text_ struct text x = {}, y = {};
	struct quantity p, q;

	if (!a || !b)
		return (a != NULL) - (b != NULL);
	jsonpath_value(a, &x);
	jsonpath_value(b, &y);
	if (quantity_parse(text_str(&x), &p) == 0 && quantity_parse(text_str(&y), &q) == 0)
		return quantity_compare(&p, &q);
	return strcmp(text_str(&x), text_str(&y));
}

static int compare(const void *a, const void *b)
{
	const struct sortable *x = a, *y = b;
	int order = compare_keys(x->key, y->key);

	return order ? order : strcmp(x->item.name, y->item.name);
}

static int sort(const struct view *v, struct choice *choice, struct arena *a, struct error *err)
{
	struct LIST(struct sortable) all = {};

	list_each(c, &choice->items) {
		struct found_nodes found = {};
		int r = jsonpath_find(v->sort, chosen_node(c, a), a, &found, err);
		if (r < 0)
			return r;
		*list_add(a, &all) = (struct sortable){ *c, found.n ? found.at[0] : NULL };
	}
	if (all.n > 0)
		qsort(all.at, all.n, sizeof(*all.at), compare);
	for (size_t i = 0; i < all.n; i++)
		choice->items.at[i] = all.at[i].item;
	return 0;
}

/* A table for each kind, with an empty line between. */
static void print_tables(struct view *v, struct choice *choice, struct arena *a)
{
	bool first = true;

	list_each(c, &choice->items)
		v->kinds = v->kinds || c->kind != choice->items.at[0].kind;
	for (size_t k = 0; kind_at(k); k++) {
		struct table_view t = { .arena = a };
		bool any = false;
		list_each(c, &choice->items) {
			if (c->kind != kind_at(k))
				continue;
			if (!any)
				rows_headings(&t, v, c->kind);
			any = true;
			rows_add(&t, v, c);
		}
		if (any && !first)
			puts("");
		first = first && !any;
		table_print(&t);
	}
}

static int print(struct context *x, struct view *v, const struct selection *s, struct choice *choice,
		 struct error *err)
{
	struct LIST(struct node *) nodes = {};
	int r = v->sort ? sort(v, choice, x->arena, err) : 0;

	if (r < 0)
		return r;
	if (v->output.kind == OUTPUT_TABLE || v->output.kind == OUTPUT_WIDE) {
		if (choice->items.n == 0 && choice->missing.n == 0 && !s->ignore_missing)
			select_say_none(x, s);
		print_tables(v, choice, x->arena);
		return 0;
	}
	if (choice->missing.n && choice->items.n == 0)
		return 0;
	list_each(c, &choice->items)
		*list_add(x->arena, &nodes) = chosen_node(c, x->arena);
	return output_objects(&v->output, nodes.at, nodes.n, select_is_one(s), !v->no_headers, x->arena, err);
}

/* --- the command ---------------------------------------------------------------------------------------------------------- */

static void add_label_columns(struct context *x, struct view *v, const char *words)
{
	for (const char *end; *words; words = end + (*end == ',')) {
		end = strchrnul(words, ',');
		*list_add(x->arena, &v->label_columns) =
			arena_strndup(x->arena, words, (size_t)(end - words));
	}
}

static int take_option(struct context *x, struct view *v, struct selection *s,
		       const struct option_spec *option, const char *value, struct error *err)
{
	struct error why = {};
	int r = select_option(x, s, option, value, err);

	if (r != 0)
		return r;
	if (option->letter == 'o') {
		if (output_parse(value, x->arena, &v->output, &why) < 0)
			return usage_error(err, "%s", why.text);
	} else if (text_is(option->name, "sort-by")) {
		if (!(v->sort = jsonpath_path(value, x->arena, &why)))
			return usage_error(err, "the path of --sort-by is wrong: %s", why.text);
	} else if (option->letter == 'L')
		add_label_columns(x, v, value);
	else if (option->letter == 'w')
		v->watch = true;
	else if (text_is(option->name, "show-labels"))
		v->show_labels = true;
	else
		v->no_headers = true;
	return 0;
}

/* What is no Kubernetes object here: the command that lists it, or NULL. */
static int (*elsewhere(const char *word, const char **verb))(struct context *, int, char **, struct error *)
{
	static const struct {
		const char *one, *many, *verb;
		int (*run)(struct context *, int, char **, struct error *);
	} others[] = {
		{ "network", "networks", "ls", run_network },
		{ "volume", "volumes", "ls", run_volume },
		{ "image", "images", "ls", run_image },
		{ "event", "events", NULL, run_events },
		{ "ev", "ev", NULL, run_events },
	};

	for (size_t i = 0; word && i < sizeof(others) / sizeof(*others); i++)
		if (text_is(word, others[i].one) || text_is(word, others[i].many)) {
			*verb = others[i].verb;
			return others[i].run;
		}
	return NULL;
}

/* "get networks" is "network ls", "get events" is "events": the same arguments, with the verb for the word. 1: it was not. */
static int get_elsewhere(struct context *x, int argc, char **argv, struct error *err)
{
	char **args = arena_alloc(x->arena, sizeof(*args) * ((size_t)argc + 1));
	const char *verb = NULL;
	int at = 0, n = 0;

	while (at < argc && argv[at][0] == '-') /* "-n NAME", "-A" */
		at += text_is(argv[at], "-n") || text_is(argv[at], "-o") ? 2 : 1;
	int (*run)(struct context *, int, char **, struct error *) =
		elsewhere(at < argc ? argv[at] : NULL, &verb);
	if (!run)
		return 1;
	for (int i = 0; i < argc; i++)
		if (i != at && !(verb && text_is(argv[i], "-A"))) /* they have no namespaces */
			args[n++] = argv[i];
		else if (i == at && verb)
			args[n++] = arena_strdup(x->arena, verb);
	x->command = command_find(run == run_network  ? "network"
				  : run == run_volume ? "volume"
				  : run == run_image  ? "image"
						      : "events",
				  err);
	return run(x, n, args, err);
}

int run_get(struct context *x, int argc, char **argv, struct error *err)
{
	const struct option_spec *option;
	const char *value;
	struct view v = {};
	struct selection s = {};
	struct choice choice = {};
	struct options o;
	int r = get_elsewhere(x, argc, argv, err);

	if (r <= 0)
		return r;
	options_begin(&o, x->command, argc, argv);
	while ((r = options_next(&o, &option, &value, err)) > 0)
		if ((r = take_option(x, &v, &s, option, value, err)) < 0)
			return r;
	if (r < 0 || (!s.files.n && !need(&o, 0, "a kind (pods, configmaps, secrets, pvc, services)", err)))
		return -EXIT_USAGE;
	if ((r = select_words(x, &s, o.positional, o.count, err)) < 0)
		return r;
	v.namespaces = s.all_namespaces;
	v.kinds = s.kinds.n > 1;
	if (v.watch) {
		const struct kind *kind = s.kinds.n ? s.kinds.at[0] : s.names.n ? s.names.at[0].kind : NULL;
		if (v.kinds || !kind || kind->kind != KIND_POD)
			return usage_error(err, "get --watch is for pods");
		if (v.output.kind > OUTPUT_WIDE || v.sort)
			return usage_error(err, "get --watch prints a table, in the order of what happens");
		return watch_pods(x, &v, &s, err);
	}
	if ((r = select_find(x, &s, x->arena, &choice, err)) < 0 || (r = print(x, &v, &s, &choice, err)) < 0)
		return r;
	return select_end(&choice, err);
}
