/* label.c — seapod label and annotate: other labels or annotations for objects that are there, as kubectl's. A pod that runs takes them over. */
#include <stdio.h>

#include "api/names.h"
#include "api/store.h"
#include "cli/commands.h"
#include "cli/select.h"
#include "cli/start.h"

const struct option_spec label_options[] = {
	{ "overwrite", 0, NULL, "give those that are there another value, too" },
	{ "filename", 'f', "FILE", "the objects of a manifest" },
	{ "selector", 'l', "LABELS", "those with labels (color=red)" },
	{ "all", 0, NULL, "every object of the kind" },
	{ "namespace", 'n', "NAME", "the namespace" },
	{ "all-namespaces", 'A', NULL, "of all namespaces" },
	{},
};

struct labelling {
	bool labels, overwrite, all; /* LABELS: not annotations */
	struct selection selection;
	struct string_map changes; /* value NULL: it goes ("color-") */
};

/* The words that change something stand behind the names: "color=red", "color-". */
static int take_changes(struct context *x, struct labelling *l, struct options *o, struct error *err)
{
	int first = o->count;

	while (first > 0 &&
	       (strchr(o->positional[first - 1], '=') || text_ends(o->positional[first - 1], "-")))
		first--;
	for (int i = first; i < o->count; i++) {
		const char *word = o->positional[i], *equals = strchr(word, '=');
		size_t n = equals ? (size_t)(equals - word) : strlen(word) - 1;
		struct string_pair pair = { arena_strndup(x->arena, word, n), equals ? equals + 1 : NULL };
		const char *why = name_qualified(pair.key);
		if (!why && l->labels && pair.value)
			why = name_label_value(pair.value);
		if (why)
			return usage_error(err, "'%.100s' %s", word, why);
		*list_add(x->arena, &l->changes) = pair;
	}
	o->count = first;
	return l->changes.n ? 0
			    : usage_error(err, "%s needs NAME=VALUE, or NAME- (usage: seapod %s %s)",
					  x->command->name, x->command->name, x->command->usage);
}

/* -EEXIST: it has another value, and --overwrite was not given. */
static int change(struct context *x, const struct labelling *l, struct string_map *map, const char *what,
		  struct error *err)
{
	list_each(wish, &l->changes) {
		size_t kept = 0;
		const char *old = string_map_get(map, wish->key);
		if (old && wish->value && !text_is(old, wish->value) && !l->overwrite)
			return error_set(err, EEXIST, "%s has %s=%s already (--overwrite changes it)", what,
					 wish->key, old);
		list_each(pair, map)
			if (!text_is(pair->key, wish->key))
				map->at[kept++] = *pair;
		map->n = kept;
		if (wish->value)
			*list_add(x->arena, map) = *wish;
	}
	return 0;
}

static int change_pod(struct context *x, const struct labelling *l, const struct chosen *c, struct error *err)
{
	struct found_pod again;
	int r = pods_find(&x->in, c->namespace, c->name, x->arena, &again, err); /* a copy to be changed */

	if (r < 0)
		return r;
	struct object_meta *m = &again.pod->metadata;
	r = change(x, l, l->labels ? &m->labels : &m->annotations,
		   arena_printf(x->arena, "the pod '%s'", c->name), err);
	return r < 0 ? r : pod_configure(x, &c->pod, again.pod, err);
}

static int change_stored(struct context *x, const struct labelling *l, const struct chosen *c,
			 struct error *err)
{
	const char *key = l->labels ? "labels" : "annotations";
	struct node *meta = node_get(c->node, "metadata"), *old = node_get(meta, key),
		    *now = node_new(x->arena, NODE_MAP);
	struct string_map map = {};

	for (size_t i = 0; old && i < old->pairs.n; i++)
		*list_add(x->arena, &map) =
			(struct string_pair){ old->pairs.at[i].key, old->pairs.at[i].value->text };
	int r = change(x, l, &map, arena_printf(x->arena, "the %s '%s'", c->kind->singular, c->name), err);
	if (r < 0)
		return r;
	list_each(pair, &map)
		node_put(x->arena, now, pair->key, node_string(x->arena, pair->value));
	node_put(x->arena, meta, key, now);
	return store_put(&x->in, c->kind->plural, c->namespace, c->name, c->node, err);
}

static int take_options(struct context *x, struct labelling *l, struct options *o, struct error *err)
{
	const struct option_spec *option;
	const char *value;
	int r, taken;

	while ((r = options_next(o, &option, &value, err)) > 0) {
		if ((taken = select_option(x, &l->selection, option, value, err)) < 0)
			return taken;
		if (!taken && text_is(option->name, "all"))
			l->all = true;
		else if (!taken)
			l->overwrite = true;
	}
	return r;
}

int run_label(struct context *x, int argc, char **argv, struct error *err)
{
	struct labelling l = { .labels = text_is(x->command->name, "label") };
	struct choice choice = {};
	struct options o;
	int r, result = 0;

	options_begin(&o, x->command, argc, argv);
	if ((r = take_options(x, &l, &o, err)) < 0 || (r = take_changes(x, &l, &o, err)) < 0 ||
	    (r = select_words(x, &l.selection, o.positional, o.count, err)) < 0)
		return r;
	if (l.selection.names.n == 0 && !l.all && !l.selection.labels.n)
		return usage_error(err, "%s needs a kind and names (or --all, -l LABELS, -f FILE)",
				   x->command->name);
	if ((r = select_find(x, &l.selection, x->arena, &choice, err)) < 0)
		return r;
	list_each(c, &choice.items) {
		struct error why = {};
		r = c->kind->kind == KIND_POD ? change_pod(x, &l, c, &why) : change_stored(x, &l, c, &why);
		if (r >= 0) {
			printf("%s/%s %s\n", c->kind->singular, c->name, l.labels ? "labeled" : "annotated");
			continue;
		}
		fprintf(stderr, "seapod: %s\n", why.text);
		result = -EXIT_FAILED;
	}
	r = select_end(&choice, err);
	return result < 0 ? result : r;
}
