/* top.c — seapod top: what pods and containers use now, read from their cgroups; kubectl's columns, and those that a machine of one's own can have.
 *
 * Nobody has to run for it (no metrics server): two looks, a quarter of a second apart, give the processor's share.
 */
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/commands.h"
#include "cli/print.h"
#include "cli/select.h"
#include "command/table.h"
#include "linux/cgroup.h"

const struct option_spec top_options[] = {
	{ "containers", 0, NULL, "a line for each container" },
	{ "watch", 'w', NULL, "again each second" },
	{ "output", 'o', "json|yaml", "as PodMetrics" },
	{ "selector", 'l', "LABELS", "those with labels (color=red)" },
	{ "no-stream", 0, NULL, "(once, as without --watch)" },
	{ "namespace", 'n', "NAME", "the namespace" },
	{ "all-namespaces", 'A', NULL, "of all namespaces" },
	{ "no-headers", 0, NULL, "no line of headings" },
	{},
};

enum { BETWEEN_US = 250000, AGAIN_US = 750000 };

struct wish {
	bool containers, watch, all_namespaces, no_headers;
	const char *format;
};

/* What is shown in one line. */
struct user {
	const struct pod *pod;
	const char *container; /* NULL: the pod */
	struct cgroup cgroup;
	struct cgroup_usage before, now;
	uint64_t milli; /* thousandths of a processor */
};

struct users LIST(struct user);

static void add_user(struct context *x, struct users *users, const struct pod *pod, const char *container,
		     struct cgroup *cgroup)
{
	*list_add(x->arena, users) = (struct user){ .pod = pod, .container = container, .cgroup = *cgroup };
}

static void add_pod(struct context *x, const struct wish *w, const struct cgroup_system *s,
		    const struct cgroup *base, const struct pod *pod, struct users *users)
{
	const struct container_statuses *lists[] = { &pod->status.initContainerStatuses,
						     &pod->status.containerStatuses };
	struct cgroup of_pod, one;

	if (cgroup_find(&of_pod, s, base, arena_printf(x->arena, "pod%s", pod->metadata.uid)) < 0)
		return;
	for (int i = 0; w->containers && i < 2; i++)
		list_each(c, lists[i])
			if (c->state.running && cgroup_find(&one, s, &of_pod, c->name) == 0)
				add_user(x, users, pod, c->name, &one);
	if (w->containers)
		cgroup_close(&of_pod);
	else
		add_user(x, users, pod, NULL, &of_pod);
}

/* "12Mi", as kubectl; "-": not known. */
static const char *bytes(int64_t n, struct arena *a)
{
	return n < 0         ? "-"
	       : n < 1 << 20 ? arena_printf(a, "%dKi", (int)(n >> 10))
			     : arena_printf(a, "%lldMi", (long long)(n >> 20));
}

static const char *waits(const struct cgroup_io *io, struct arena *a)
{
	if (io->cpu_waits < 0)
		return "-";
	return arena_printf(a, "%d%%/%d%%/%d%%", io->cpu_waits / 100,
			    io->memory_waits < 0 ? 0 : io->memory_waits / 100,
			    io->io_waits < 0 ? 0 : io->io_waits / 100);
}

static void add_row(struct table_view *t, const struct wish *w, const struct user *u, struct arena *a)
{
	struct cgroup_io io;

	cgroup_io(&u->cgroup, &io);
	if (w->all_namespaces)
		table_cell(t, u->pod->metadata.namespace);
	table_cell(t, u->pod->metadata.name);
	if (w->containers)
		table_cell(t, u->container);
	table_cell(t, arena_printf(a, "%llum", (unsigned long long)u->milli));
	table_cell(t, bytes((int64_t)u->now.memory_bytes, a));
	table_cell(t, arena_printf(a, "%llu", (unsigned long long)u->now.pids));
	table_cell(t, bytes(io.read_bytes, a));
	table_cell(t, bytes(io.written_bytes, a));
	table_cell(t, waits(&io, a));
	table_end_row(t);
}

static void add_headings(struct table_view *t, const struct wish *w)
{
	static const char *const names[] = { "CPU(cores)", "MEMORY(bytes)", "PIDS",
					     "READ",       "WRITTEN",       "WAITS(cpu/memory/io)" };

	if (w->all_namespaces)
		table_cell(t, "NAMESPACE");
	table_cell(t, w->containers ? "POD" : "NAME");
	if (w->containers)
		table_cell(t, "NAME");
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		table_cell(t, names[i]);
	table_end_row(t);
}

/* Two looks. */
static void measure(struct users *users, const struct wish *w)
{
	uint64_t at = clock_boot_us();

	if (users->n == 0 && !w->watch)
		return;
	list_each(u, users)
		cgroup_usage(&u->cgroup, &u->before);
	usleep(BETWEEN_US);
	uint64_t us = clock_boot_us() - at;
	list_each(u, users) {
		cgroup_usage(&u->cgroup, &u->now);
		uint64_t ns = u->now.cpu_ns > u->before.cpu_ns ? u->now.cpu_ns - u->before.cpu_ns : 0;
		u->milli = (ns + us / 2) / (us ? us : 1); /* ns per us are thousandths */
	}
}

static void show(struct context *x, const struct wish *w, struct users *users)
{
	struct table_view t = { .arena = x->arena };

	if (!w->no_headers)
		add_headings(&t, w);
	list_each(u, users)
		add_row(&t, w, u, x->arena);
	if (w->watch && isatty(STDOUT_FILENO))
		printf("\033[H\033[J");
	table_print(&t);
	fflush(stdout);
}

/* What a metrics server would say of each pod: metrics.k8s.io/v1beta1 PodMetrics. */
static void print_metrics(struct context *x, const struct wish *w, const struct users *users)
{
	struct arena *a = x->arena;
	struct LIST(struct node *) pods = {};
	struct node *containers = NULL;
	const struct pod *last = NULL;

	list_each(u, users) {
		struct node *one = node_new(a, NODE_MAP), *usage = node_new(a, NODE_MAP), *meta;
		if (u->pod != last) {
			*list_add(a, &pods) = node_new(a, NODE_MAP);
			struct node *pod = pods.at[pods.n - 1];
			node_put(a, pod, "apiVersion", node_string(a, "metrics.k8s.io/v1beta1"));
			node_put(a, pod, "kind", node_string(a, "PodMetrics"));
			node_put(a, pod, "metadata", meta = node_new(a, NODE_MAP));
			node_put(a, meta, "name", node_string(a, u->pod->metadata.name));
			node_put(a, meta, "namespace", node_string(a, u->pod->metadata.namespace));
			node_put(a, pod, "window", node_string(a, "250ms"));
			node_put(a, pod, "containers", containers = node_new(a, NODE_LIST));
		}
		last = u->pod;
		node_put(a, usage, "cpu",
			 node_string(a, arena_printf(a, "%llum", (unsigned long long)u->milli)));
		node_put(a, usage, "memory",
			 node_string(a, arena_printf(a, "%lluKi",
						     (unsigned long long)u->now.memory_bytes >> 10)));
		node_put(a, one, "name", node_string(a, u->container));
		node_put(a, one, "usage", usage);
		node_append(a, containers, one);
	}
	print_list(w->format, pods.at, pods.n, a);
}

static int look(struct context *x, const struct wish *w, const struct selection *s,
		const struct cgroup_system *cgroups, struct error *err)
{
	struct choice choice = {};
	struct users users = {};
	struct cgroup base;
	int r = select_find(x, s, x->arena, &choice, err);

	if (r < 0)
		return r;
	if (cgroup_find(&base, cgroups, NULL, x->in.cgroup) == 0)
		list_each(c, &choice.items)
			if (c->pod.alive)
				add_pod(x, w, cgroups, &base, c->pod.pod, &users);
	cgroup_close(&base);
	measure(&users, w);
	if (w->format)
		print_metrics(x, w, &users);
	else if (users.n > 0 || w->watch)
		show(x, w, &users);
	else if (choice.missing.n == 0)
		fprintf(stderr, "No running pods in %s%s\n",
			s->all_namespaces ? "any namespace" : "the namespace ",
			s->all_namespaces ? "" : x->namespace);
	list_each(u, &users)
		cgroup_close(&u->cgroup);
	return select_end(&choice, err);
}

static int take_options(struct context *x, struct wish *w, struct selection *s, struct options *o,
			struct error *err)
{
	const struct option_spec *option;
	const char *value;
	int r, taken;

	while ((r = options_next(o, &option, &value, err)) > 0) {
		if ((taken = select_option(x, s, option, value, err)) < 0)
			return taken;
		if (taken)
			continue;
		if (option->letter == 'w')
			w->watch = true;
		else if (option->letter == 'o')
			w->format = value;
		else if (text_is(option->name, "containers"))
			w->containers = true;
		else if (!text_is(option->name, "no-stream"))
			w->no_headers = true;
	}
	if (r == 0 && w->format && !text_is(w->format, "json") && !text_is(w->format, "yaml"))
		return usage_error(err, "there is no format '%.60s' (json, yaml)", w->format);
	if (r == 0 && w->format && w->watch)
		return usage_error(err, "top --watch prints a table");
	w->containers = w->containers || w->format;
	w->all_namespaces = s->all_namespaces;
	return r;
}

int run_top(struct context *x, int argc, char **argv, struct error *err)
{
	struct selection s = { .pods = true };
	struct cgroup_system system;
	struct wish w = {};
	struct options o;

	options_begin(&o, x->command, argc, argv);
	int r = take_options(x, &w, &s, &o, err);
	if (r < 0 || (r = select_words(x, &s, o.positional, o.count, err)) < 0 ||
	    (r = select_only_pods(x, &s, err)) < 0 || (r = cgroup_probe(&system, err)) < 0)
		return r;
	do {
		_cleanup_arena_ struct arena *fresh = arena_new();
		struct context y = *x;
		y.arena = fresh;
		r = look(&y, &w, &s, &system, err);
	} while (r == 0 && w.watch && usleep(AGAIN_US) == 0);
	cgroup_system_close(&system);
	return r;
}
