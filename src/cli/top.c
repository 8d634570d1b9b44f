/* top.c — seapod top: what pods and containers use now, read from their cgroups; kubectl's columns, and those that a machine of one's own can have.
 *
 * Nobody has to run for it (no metrics server): two looks, a quarter of a second apart, give the processor's share.
 */
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/commands.h"
#include "cli/pods.h"
#include "command/table.h"
#include "linux/cgroup.h"

const struct option_spec top_options[] = {
	{ "containers", 0, NULL, "a line for each container" },
	{ "watch", 'w', NULL, "again each second" },
	{ "namespace", 'n', "NAME", "the namespace" },
	{ "all-namespaces", 'A', NULL, "of all namespaces" },
	{ "no-headers", 0, NULL, "no line of headings" },
	{},
};

enum { BETWEEN_US = 250000, AGAIN_US = 750000 };

struct wish {
	bool containers, watch, all_namespaces, no_headers;
};

/* What is shown in one line. */
struct user {
	const struct pod *pod;
	const char *container; /* NULL: the pod */
	struct cgroup cgroup;
	struct cgroup_usage before, now;
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

static void add_row(struct table_view *t, const struct wish *w, const struct user *u, uint64_t us,
		    struct arena *a)
{
	struct cgroup_io io;
	uint64_t cpu = u->now.cpu_ns > u->before.cpu_ns ? u->now.cpu_ns - u->before.cpu_ns : 0;

	cgroup_io(&u->cgroup, &io);
	if (w->all_namespaces)
		table_cell(t, u->pod->metadata.namespace);
	table_cell(t, u->pod->metadata.name);
	if (w->containers)
		table_cell(t, u->container);
	table_cell(t, arena_printf(a, "%llum",
				   (unsigned long long)((cpu + us / 2) /
							(us ? us : 1)))); /* ns per us are thousandths */
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

static void show(struct context *x, const struct wish *w, struct users *users)
{
	struct table_view t = { .arena = x->arena };
	uint64_t at = clock_boot_us();

	list_each(u, users)
		cgroup_usage(&u->cgroup, &u->before);
	usleep(BETWEEN_US);
	uint64_t us = clock_boot_us() - at;
	if (!w->no_headers)
		add_headings(&t, w);
	list_each(u, users) {
		cgroup_usage(&u->cgroup, &u->now);
		add_row(&t, w, u, us, x->arena);
		cgroup_close(&u->cgroup);
	}
	if (w->watch && isatty(STDOUT_FILENO))
		printf("\033[H\033[J");
	table_print(&t);
	fflush(stdout);
}

static int look(struct context *x, const struct wish *w, const struct options *o, int first,
		const struct cgroup_system *s, struct error *err)
{
	struct found_pods pods = {};
	struct users users = {};
	struct cgroup base;
	int r = 0;

	for (int i = first; r == 0 && i < o->count; i++)
		r = pods_find(&x->in, x->namespace, o->positional[i], x->arena, list_add(x->arena, &pods),
			      err);
	if (r == 0 && first >= o->count)
		r = pods_list(&x->in, w->all_namespaces ? NULL : x->namespace, x->arena, &pods, err);
	if (r < 0)
		return r;
	if (cgroup_find(&base, s, NULL, x->in.cgroup) == 0)
		list_each(found, &pods)
			if (found->alive)
				add_pod(x, w, s, &base, found->pod, &users);
	cgroup_close(&base);
	if (users.n > 0 || w->watch)
		show(x, w, &users);
	else
		fprintf(stderr, "No running pods found\n");
	return 0;
}

int run_top(struct context *x, int argc, char **argv, struct error *err)
{
	const struct option_spec *option;
	struct cgroup_system system;
	struct wish w = {};
	const char *value;
	struct options o;
	int r;

	options_begin(&o, x->command, argc, argv);
	while ((r = options_next(&o, &option, &value, err)) > 0) {
		if (option->letter == 'n')
			use_namespace(x, value);
		else if (option->letter == 'w')
			w.watch = true;
		else if (option->letter == 'A')
			w.all_namespaces = true;
		else if (text_is(option->name, "containers"))
			w.containers = true;
		else
			w.no_headers = true;
	}
	if (r < 0 || (r = cgroup_probe(&system, err)) < 0)
		return r;
	int first = o.count > 0 && (text_is(o.positional[0], "pod") || text_is(o.positional[0], "pods") ||
				    text_is(o.positional[0], "po"));
	do {
		_cleanup_arena_ struct arena *fresh = arena_new();
		struct context y = *x;
		y.arena = fresh;
		r = look(&y, &w, &o, first, &system, err);
	} while (r == 0 && w.watch && usleep(AGAIN_US) == 0);
	cgroup_system_close(&system);
	return r;
}
