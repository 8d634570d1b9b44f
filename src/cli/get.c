/* get.c — get and ps: what there is, as a table or as whole objects. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/kinds.h"
#include "api/selector.h"
#include "api/service.h"
#include "api/store.h"
#include "cli/commands.h"
#include "cli/get_watch.h"
#include "cli/pods.h"
#include "cli/print.h"
#include "cli/words.h"
#include "command/table.h"

const struct option_spec get_options[] = {
	{ "output", 'o', "wide|json|yaml|name", "how to print" },
	{ "selector", 'l', "LABELS", "only those with labels (color=red)" },
	{ "namespace", 'n', "NAME", "the namespace" },
	{ "all-namespaces", 'A', NULL, "objects of all namespaces" },
	{ "no-headers", 0, NULL, "no line of headings" },
	{ "watch", 'w', NULL, "go on with pods that change" },
	{},
};
const struct option_spec ps_options[] = {
	{ "all", 'a', NULL, "pods that have ended, too" },
	{ "namespace", 'n', "NAME", "the namespace" },
	{},
};

struct view {
	const char *format;
	bool all_namespaces, no_headers, watch;
	struct selector selector;
};

static void add_pod(struct table_view *t, const struct found_pod *f, const struct view *v, struct arena *a)
{
	const struct pod *p = f->pod;

	if (v->all_namespaces)
		table_cell(t, p->metadata.namespace);
	table_cell(t, p->metadata.name);
	table_cell(t, ready_word(p, a));
	table_cell(t, status_word(p, a));
	table_cell(t, arena_printf(a, "%d", restart_count(p)));
	table_cell(t, age_word(p->metadata.creationTimestamp, a));
	if (text_is(v->format, "wide")) {
		table_cell(t, p->status.podIP ? p->status.podIP : "<none>");
		const char *ports = "";
		list_each(c, &p->spec.containers)
			list_each(port, &c->ports)
				if (port->hostPort)
					ports = arena_printf(a, "%s%s%s:%d->%d/%s", ports, *ports ? "," : "",
							     port->hostIP ? port->hostIP : "0.0.0.0",
							     port->hostPort, port->containerPort,
							     port->protocol);
		table_cell(t, *ports ? ports : "<none>");
	}
	table_end_row(t);
}

static void print_objects(struct context *x, const struct view *v, struct node **at, size_t n, bool one)
{
	if (one && n == 1)
		print_object(v->format, at[0]);
	else
		print_list(v->format, at, n, x->arena);
}

static void add_pod_headings(struct table_view *t, const struct view *v)
{
	bool wide = text_is(v->format, "wide");

	if (!v->no_headers)
		table_row(t, v->all_namespaces ? "NAMESPACE" : NULL, "NAME", "READY", "STATUS", "RESTARTS",
			  "AGE", wide ? "IP" : NULL, wide ? "PORTS" : NULL);
}

static int show_pods(struct context *x, const struct view *v, const struct found_pods *pods, bool one)
{
	struct table_view t = { .arena = x->arena };
	struct LIST(struct node *) nodes = {};

	if (text_is(v->format, "name")) {
		list_each(f, pods)
			printf("pod/%s\n", f->pod->metadata.name);
		return 0;
	}
	if (text_is(v->format, "json") || text_is(v->format, "yaml")) {
		list_each(f, pods)
			*list_add(x->arena, &nodes) = object_encode(&pod_table, f->pod, x->arena);
		print_objects(x, v, nodes.at, nodes.n, one);
		return 0;
	}
	if (pods->n == 0) {
		fprintf(stderr, v->all_namespaces ? "No pods found\n" : "No pods found in the namespace %s\n",
			x->namespace);
		return 0;
	}
	add_pod_headings(&t, v);
	list_each(f, pods)
		add_pod(&t, f, v, x->arena);
	table_print(&t);
	return 0;
}

static int choose_pods(struct context *x, const struct view *v, struct options *o, struct found_pods *chosen,
		       struct error *err)
{
	struct found_pods pods = {};
	int r = 0;

	if (o->count < 2)
		r = pods_list(&x->in, v->all_namespaces ? NULL : x->namespace, x->arena, &pods, err);
	for (int i = 1; r == 0 && i < o->count; i++)
		r = pods_find(&x->in, x->namespace, o->positional[i], x->arena, list_add(x->arena, &pods),
			      err);
	list_each(found, &pods)
		if (r == 0 && selector_matches(&v->selector, &found->pod->metadata.labels))
			*list_add(x->arena, chosen) = *found;
	return r;
}

/* All that a row says but its age. */
static bool looks_as_before(const struct found_pods *before, const struct pod *now, struct arena *a)
{
	list_each(f, before)
		if (text_is(f->pod->metadata.uid, now->metadata.uid))
			return text_is(status_word(f->pod, a), status_word(now, a)) &&
			       text_is(ready_word(f->pod, a), ready_word(now, a)) &&
			       restart_count(f->pod) == restart_count(now);
	return false;
}

/* A row for each of NOW that is not as it was BEFORE. */
static void print_changes(struct context *x, const struct view *v, struct table_view *t,
			  const struct found_pods *before, const struct found_pods *now)
{
	t->arena = x->arena;
	list_each(f, now)
		if (!looks_as_before(before, f->pod, x->arena))
			add_pod(t, f, v, x->arena);
	table_print(t);
	fflush(stdout);
}

/* kubectl get -w: the table, then a row for each pod that has changed, until somebody has enough. What was read is kept until it was compared. */
static int watch_pods(struct context *x, const struct view *v, struct options *o, struct error *err)
{
	_cleanup_close_ int watch = pods_watch_begin(&x->in, err);
	_cleanup_arena_ struct arena *older = NULL;
	struct table_view t = { .arena = x->arena };
	struct found_pods before = {};
	int r = watch < 0 ? watch : 0;

	add_pod_headings(&t, v);
	while (r == 0) {
		_cleanup_arena_ struct arena *fresh = arena_new();
		struct context y = *x;
		struct found_pods now = {};
		y.arena = fresh;
		r = choose_pods(&y, v, o, &now, err);
		if (r == -ENOENT && before.n > 0) /* it is gone */
			return 0;
		if (r == 0)
			print_changes(&y, v, &t, &before, &now);
		before = now;
		arena_free(older);
		older = take_ptr(&fresh);
		if (r == 0)
			r = pods_watch(watch, &x->in, &now, err);
	}
	return r;
}

static int get_pods(struct context *x, const struct view *v, struct options *o, struct error *err)
{
	struct found_pods chosen = {};

	if (v->watch && v->format && !text_is(v->format, "wide"))
		return usage_error(err, "get --watch prints a table");
	if (v->watch)
		return watch_pods(x, v, o, err);
	int r = choose_pods(x, v, o, &chosen, err);
	return r < 0 ? r : show_pods(x, v, &chosen, o->count == 2);
}

static bool is_selected(struct context *x, const struct view *v, const struct node *object)
{
	const struct node *labels = node_get(node_get(object, "metadata"), "labels");
	struct string_map map = {};

	if (labels)
		list_each(pair, &labels->pairs)
			*list_add(x->arena, &map) = (struct string_pair){ pair->key, pair->value->text };
	return selector_matches(&v->selector, &map);
}

static void stored_headings(struct table_view *t, const struct view *v, const struct kind *kind)
{
	const char *namespace = v->all_namespaces ? "NAMESPACE" : NULL;

	if (kind->kind == KIND_CLAIM)
		table_row(t, namespace, "NAME", "STATUS", "CAPACITY", "ACCESS MODES", NULL, NULL, NULL);
	else if (kind->kind == KIND_SERVICE)
		table_row(t, namespace, "NAME", "TYPE", "CLUSTER-IP", "EXTERNAL-IP", "PORT(S)", "AGE", NULL);
	else
		table_row(t, namespace, "NAME", "DATA", NULL, NULL, NULL, NULL, NULL);
}

/* kubectl's short words. */
static const char *access_word(const char *mode)
{
	return text_is(mode, "ReadWriteOnce")   ? "RWO"
	       : text_is(mode, "ReadOnlyMany")  ? "ROX"
	       : text_is(mode, "ReadWriteMany") ? "RWX"
						: "RWOP";
}

static void claim_cells(struct table_view *t, const struct node *claim, struct arena *a)
{
	const struct node *spec = node_get(claim, "spec"), *modes = node_get(spec, "accessModes");
	const char *size = node_get_string(node_get(node_get(spec, "resources"), "requests"), "storage"),
		   *words = "";

	for (size_t i = 0; modes && i < modes->items.n; i++)
		words = arena_printf(a, "%s%s%s", words, *words ? "," : "",
				     access_word(modes->items.at[i]->text));
	table_cell(t, "Bound");
	table_cell(t, size ? size : "<none>");
	table_cell(t, words);
}

static void service_cells(struct table_view *t, const struct node *n, struct arena *a)
{
	const char *ports = "";
	struct service s;

	service_read(n, &s, a);
	list_each(port, &s.spec.ports)
		ports = arena_printf(a, port->nodePort ? "%s%s%d:%d/%s" : "%s%s%d%.0d/%s", ports,
				     *ports ? "," : "", port->port, port->nodePort, port->protocol);
	table_cell(t, s.spec.type);
	table_cell(t, s.spec.clusterIP ? s.spec.clusterIP : "<none>");
	table_cell(t, s.spec.externalName ? s.spec.externalName : "<none>");
	table_cell(t, *ports ? ports : "<none>");
	table_cell(t, age_word(s.metadata.creationTimestamp, a));
}

static void stored_cells(struct table_view *t, const struct node *n, const struct kind *kind, struct arena *a)
{
	const struct node *data = node_get(n, "data"), *binary = node_get(n, "binaryData");

	if (kind->kind == KIND_CLAIM)
		claim_cells(t, n, a);
	else if (kind->kind == KIND_SERVICE)
		service_cells(t, n, a);
	else
		table_cell(t, arena_printf(a, "%zu",
					   (data ? data->pairs.n : 0) + (binary ? binary->pairs.n : 0)));
}

static int get_stored(struct context *x, const struct view *v, const struct kind *kind, struct options *o,
		      struct error *err)
{
	struct table_view t = { .arena = x->arena };
	struct store_objects objects = {};
	int r = 0;

	if (o->count < 2)
		r = store_list(&x->in, kind->plural, v->all_namespaces ? NULL : x->namespace, x->arena,
			       &objects, err);
	for (int i = 1; r == 0 && i < o->count; i++) {
		struct node *n =
			store_get(&x->in, kind->plural, x->namespace, o->positional[i], x->arena, err);
		if (!n)
			return -err->code;
		*list_add(x->arena, &objects) = n;
	}
	if (r < 0)
		return r;
	if (text_is(v->format, "json") || text_is(v->format, "yaml")) {
		print_objects(x, v, objects.at, objects.n, o->count == 2);
		return 0;
	}
	if (!v->no_headers && !text_is(v->format, "name"))
		stored_headings(&t, v, kind);
	list_each(n, &objects) {
		if (!is_selected(x, v, *n))
			continue;
		const struct node *meta = node_get(*n, "metadata");
		if (text_is(v->format, "name")) {
			printf("%s/%s\n", kind->singular, node_get_string(meta, "name"));
			continue;
		}
		if (v->all_namespaces)
			table_cell(&t, node_get_string(meta, "namespace"));
		table_cell(&t, node_get_string(meta, "name"));
		stored_cells(&t, *n, kind, x->arena);
		table_end_row(&t);
	}
	table_print(&t);
	return 0;
}

int run_get(struct context *x, int argc, char **argv, struct error *err)
{
	const struct option_spec *option;
	const char *value;
	struct view v = {};
	struct options o;
	int r;

	options_begin(&o, x->command, argc, argv);
	while ((r = options_next(&o, &option, &value, err)) > 0) {
		if (option->letter == 'o')
			v.format = value;
		else if (option->letter == 'n')
			use_namespace(x, value);
		else if (option->letter == 'l')
			r = selector_parse(value, x->arena, &v.selector, err);
		else if (option->letter == 'A')
			v.all_namespaces = true;
		else if (option->letter == 'w')
			v.watch = true;
		else
			v.no_headers = true;
		if (r < 0)
			return usage_error(err, "the selector '%.80s' is wrong: %s", value,
					   arena_strdup(x->arena, err->text));
	}
	if (r < 0)
		return r;
	if (v.format && !text_is(v.format, "wide") && !text_is(v.format, "json") &&
	    !text_is(v.format, "yaml") && !text_is(v.format, "name"))
		return usage_error(err, "there is no format '%s' (wide, json, yaml, name)", v.format);
	const char *word = need(&o, 0, "a kind (pods, configmaps, secrets, pvc, services)", err);
	if (!word)
		return -EXIT_USAGE;
	const char *slash = strchr(word, '/');
	if (slash && o.count == 1) {
		o.positional[0] = arena_strndup(x->arena, word, (size_t)(slash - word));
		o.positional[1] = slash + 1;
		o.count = 2;
	}
	const struct kind *kind = kind_of_word(o.positional[0], err);
	if (!kind)
		return -EINVAL;
	if (v.watch && kind->kind != KIND_POD)
		return usage_error(err, "get --watch is for pods");
	return kind->kind == KIND_POD ? get_pods(x, &v, &o, err) : get_stored(x, &v, kind, &o, err);
}

int run_ps(struct context *x, int argc, char **argv, struct error *err)
{
	const struct option_spec *option;
	const char *value;
	struct view v = { .format = "wide" };
	struct found_pods pods = {}, shown = {};
	struct options o;
	bool all = false;
	int r;

	options_begin(&o, x->command, argc, argv);
	while ((r = options_next(&o, &option, &value, err)) > 0) {
		if (option->letter == 'a')
			all = true;
		else
			use_namespace(x, value);
	}
	if (r == 0)
		r = pods_list(&x->in, x->namespace, x->arena, &pods, err);
	list_each(f, &pods)
		if (all || f->alive)
			*list_add(x->arena, &shown) = *f;
	return r < 0 ? r : show_pods(x, &v, &shown, false);
}
