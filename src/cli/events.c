/* events.c — seapod events: what has happened, the newest last; kubectl's columns. See events.h. */
#include "cli/events.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/commands.h"
#include "cli/print.h"
#include "cli/select.h"
#include "cli/start.h"
#include "cli/words.h"
#include "command/table.h"
#include "object/json.h"

const struct option_spec events_options[] = {
	{ "watch", 'w', NULL, "go on with those that come (of one pod)" },
	{ "for", 0, "POD", "only of this pod (pod/web)" },
	{ "types", 0, "TYPES", "only these: Normal, Warning" },
	{ "output", 'o', "json|yaml", "how to print" },
	{ "namespace", 'n', "NAME", "the namespace" },
	{ "all-namespaces", 'A', NULL, "of all namespaces" },
	{ "no-headers", 0, NULL, "no line of headings" },
	{},
};

struct wish {
	bool watch, all_namespaces, no_headers;
	const char *types, *format, *of;
};

/* What the keeper has not written yet it writes now. A connection that hears of more; -1: there is no keeper. */
static int ask_to_write(struct context *x, const struct found_pod *pod)
{
	struct reply reply = {};
	_cleanup_close_ int fd = pod->alive ? keeper_connect(&x->in, pod->pod->metadata.uid, NULL) : -1;

	if (fd < 0 ||
	    keeper_ask(fd, x->arena, &(struct request){ .verb = "events" }, NULL, &reply, NULL, NULL) < 0)
		return -1;
	return take_fd(&fd);
}

static void read_file(struct context *x, const struct found_pod *pod, struct event_list *out)
{
	_cleanup_free_ char *path = memory_printf("pods/%s/events.json", pod->pod->metadata.uid),
			    *text = NULL;
	struct problems problems = { .arena = x->arena };
	size_t size;

	*out = (struct event_list){};
	if (file_read(x->in.runfd, path, NODE_BYTES_MAX, &text, &size, NULL) < 0)
		return;
	const struct node *n = node_from_json(x->arena, text, size, NULL);
	if (n)
		object_decode(&event_list_table, n, out, x->arena, NULL, &problems);
}

void events_read(struct context *x, const struct found_pod *pod, struct event_list *out)
{
	_cleanup_close_ int fd = ask_to_write(x, pod);
	read_file(x, pod, out);
}

const char *event_age(const struct event *e, struct arena *a)
{
	const char *last = age_word(e->lastTimestamp, a);
	return e->count > 1
		       ? arena_printf(a, "%s (x%d over %s)", last, e->count, age_word(e->firstTimestamp, a))
		       : last;
}

static int compare(const void *a, const void *b)
{
	const struct event *x = a, *y = b;
	int order = strcmp(x->lastTimestamp, y->lastTimestamp);
	return order ? order : strcmp(x->metadata.name, y->metadata.name);
}

/* --- printing --------------------------------------------------------------------------------------------------------- */

static void print_table(struct context *x, const struct wish *w, const struct event_list *events, bool head)
{
	struct table_view t = { .arena = x->arena };

	if (head && !w->no_headers)
		table_row(&t, w->all_namespaces ? "NAMESPACE" : NULL, "LAST SEEN", "TYPE", "REASON", "OBJECT",
			  "MESSAGE", NULL, NULL);
	list_each(e, &events->items)
		table_row(&t, w->all_namespaces ? e->metadata.namespace : NULL, event_age(e, x->arena),
			  e->type, e->reason, arena_printf(x->arena, "Pod/%s", e->involvedObject.name),
			  e->message, NULL, NULL);
	table_print(&t);
	fflush(stdout);
}

static void print(struct context *x, const struct wish *w, const struct event_list *events)
{
	struct LIST(struct node *) nodes = {};

	if (!w->format && events->items.n == 0)
		fprintf(stderr,
			w->all_namespaces ? "No events in any namespace\n"
					  : "No events in the namespace %s\n",
			x->namespace);
	else if (!w->format)
		print_table(x, w, events, true);
	if (!w->format)
		return;
	list_each(e, &events->items)
		*list_add(x->arena, &nodes) = object_encode(&event_table, e, x->arena);
	print_list(w->format, nodes.at, nodes.n, x->arena);
}

static void keep_wanted(const struct wish *w, struct event_list *events)
{
	size_t kept = 0;

	list_each(e, &events->items)
		if (!w->types || strstr(w->types, e->type))
			events->items.at[kept++] = *e;
	events->items.n = kept;
}

/* --- watching --------------------------------------------------------------------------------------------------------- */

static bool has(const struct event_list *list, const struct event *e)
{
	list_each(other, &list->items)
		if (text_is(other->metadata.name, e->metadata.name) && text_is(other->message, e->message) &&
		    other->count == e->count)
			return true;
	return false;
}

/* Those of NOW that BEFORE has not, or has less often. */
static struct event_list news(struct context *x, const struct event_list *before,
			      const struct event_list *now)
{
	struct event_list out = {};

	list_each(e, &now->items)
		if (!has(before, e))
			*list_add(x->arena, &out.items) = *e;
	return out;
}

/* Until the pod's keeper ends. */
static int watch(struct context *x, const struct wish *w, const struct found_pod *pod, struct error *err)
{
	_cleanup_close_ int fd = ask_to_write(x, pod);
	struct event_list before = {}, now;
	bool head = true;
	int r;

	for (;;) {
		read_file(x, pod, &now);
		keep_wanted(w, &now);
		const struct event_list some = news(x, &before, &now);
		if (some.items.n > 0 || head)
			print_table(x, w, &some, head);
		head = false;
		before = now;
		if (fd < 0 || (r = pod_wait_change(x, fd, UINT64_MAX, err)) == 0)
			return 0;
		if (r < 0)
			return r;
		close_fd(&fd); /* something has happened: it is to be written */
		fd = ask_to_write(x, pod);
	}
}

/* --- the command ------------------------------------------------------------------------------------------------------ */

/* "Normal", "Warning,Normal" */
static bool types_are_known(const char *types)
{
	for (const char *end; *types; types = end + (*end == ',')) {
		size_t n = (size_t)((end = strchrnul(types, ',')) - types);
		if ((n != 6 || strncmp(types, "Normal", n) != 0) &&
		    (n != 7 || strncmp(types, "Warning", n) != 0))
			return false;
	}
	return true;
}

static int take_options(struct context *x, struct wish *w, struct options *o, struct error *err)
{
	const struct option_spec *option;
	const char *value;
	int r;

	while ((r = options_next(o, &option, &value, err)) > 0) {
		if (option->letter == 'w')
			w->watch = true;
		else if (option->letter == 'o')
			w->format = value;
		else if (option->letter == 'n')
			use_namespace(x, value);
		else if (option->letter == 'A')
			w->all_namespaces = true;
		else if (text_is(option->name, "types"))
			w->types = value;
		else if (text_is(option->name, "for"))
			w->of = value;
		else
			w->no_headers = true;
	}
	if (r == 0 && w->types && !types_are_known(w->types))
		return usage_error(err, "there are no events of the types '%.60s' (Normal, Warning)",
				   w->types);
	if (r == 0 && w->format && !text_is(w->format, "json") && !text_is(w->format, "yaml"))
		return usage_error(err, "there is no format '%s' (json, yaml)", w->format);
	return r;
}

static int find_pods(struct context *x, const struct wish *w, const struct options *o, struct choice *out,
		     struct error *err)
{
	struct selection s = { .pods = true, .all_namespaces = w->all_namespaces };
	int r = select_words(x, &s, w->of ? &w->of : o->positional, w->of ? 1 : o->count, err);

	if (r == 0)
		r = select_only_pods(x, &s, err);
	return r < 0 ? r : select_find(x, &s, x->arena, out, err);
}

int run_events(struct context *x, int argc, char **argv, struct error *err)
{
	struct event_list all = {}, its;
	struct choice pods = {};
	struct wish w = {};
	struct options o;

	options_begin(&o, x->command, argc, argv);
	int r = take_options(x, &w, &o, err);
	if (r < 0 || (r = find_pods(x, &w, &o, &pods, err)) < 0)
		return r;
	if (w.watch && (o.count + !!w.of != 1 || w.format))
		return usage_error(err, "events --watch is of one pod, and as a table");
	if (w.watch && pods.items.n)
		return watch(x, &w, &pods.items.at[0].pod, err);
	list_each(c, &pods.items) {
		events_read(x, &c->pod, &its);
		list_each(e, &its.items)
			*list_add(x->arena, &all.items) = *e;
	}
	keep_wanted(&w, &all);
	if (all.items.n > 0)
		qsort(all.items.at, all.items.n, sizeof(*all.items.at), compare);
	if (pods.items.n || !pods.missing.n)
		print(x, &w, &all);
	return select_end(&pods, err);
}
