/* show.c — state, list, ps, events, spec; see commands.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "command/table.h"
#include "runtime/cgroup.h"
#include "runtime/runtime.h"
#include "runtime_cli/commands.h"

const struct option_spec oci_list_options[] = {
	{ "format", 'f', "table|json", "how it looks" },
	{ "quiet", 'q', NULL, "ids only" },
	{},
};
const struct option_spec oci_ps_options[] = {
	{ "format", 'f', "table|json", "how it looks" },
	{},
};
const struct option_spec oci_events_options[] = {
	{ "stats", 0, NULL, "once, and no more" },
	{ "interval", 0, "SECONDS", "how often (5s)" },
	{},
};
const struct option_spec oci_spec_options[] = {
	{ "bundle", 'b', "DIR", "where to write it (the current directory)" },
	{},
};

static void print(const struct node *n, bool pretty)
{
	_cleanup_text_ struct text text = {};

	node_to_json(n, pretty, &text);
	puts(text.at);
}

int oci_run_state(struct context *x, int argc, char **argv, struct error *err)
{
	struct oci_state s;
	struct options o;
	const char *id = oci_id_and_flag(x, argc, argv, &o, NULL, err);

	if (!id)
		return -EXIT_USAGE;
	int r = oci_state_open(oci.rootfd, id, false, &s, err);
	if (r == 0)
		print(oci_state_node(&s, NULL, x->arena), true);
	oci_state_close(&s);
	return r;
}

/* --- list --- */

struct listing {
	struct table_view table;
	struct node *items;
	bool json, quiet;
};

static void list_one(struct listing *l, const char *id, struct arena *a)
{
	struct oci_state s;

	if (oci_state_open(oci.rootfd, id, false, &s, NULL) == 0) {
		if (l->quiet)
			puts(id);
		else if (l->json)
			node_append(a, l->items, oci_state_node(&s, NULL, a));
		else
			table_row(&l->table, arena_strdup(a, id),
				  arena_printf(a, "%lld",
					       s.status == OCI_STOPPED ? 0LL : (long long)s.record.pid),
				  oci_status_name(s.status),
				  arena_strdup(a, s.record.bundle ? s.record.bundle : ""),
				  arena_strdup(a, s.record.created ? s.record.created : ""),
				  arena_strdup(a, s.record.owner ? s.record.owner : ""), NULL, NULL);
	}
	oci_state_close(&s);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void list_all(struct listing *l, struct arena *a)
{
	int copy = oci.rootfd < 0 ? -1 : openat(oci.rootfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_closedir_ DIR *d = copy < 0 ? NULL : fdopendir(copy);
	struct LIST(const char *) ids = {};

	for (struct dirent *e; d && (e = readdir(d));)
		if (e->d_type == DT_DIR && !oci_id_check(e->d_name))
			*list_add(a, &ids) = arena_strdup(a, e->d_name);
	if (ids.n)
		qsort(ids.at, ids.n, sizeof(*ids.at), by_name);
	list_each(id, &ids)
		list_one(l, *id, a);
}

int oci_run_list(struct context *x, int argc, char **argv, struct error *err)
{
	struct listing l = { .table = { .arena = x->arena }, .items = node_new(x->arena, NODE_LIST) };
	const struct option_spec *option;
	const char *value;
	struct options o;
	int r;

	options_begin(&o, x->command, argc, argv);
	while ((r = options_next(&o, &option, &value, err)) > 0) {
		l.quiet |= option->letter == 'q';
		l.json |= option->letter == 'f' && text_is(value, "json");
		if (option->letter == 'f' && !text_is(value, "json") && !text_is(value, "table"))
			return usage_error(err, "--format: '%s' is neither table nor json", value);
	}
	if (r < 0)
		return r;
	table_row(&l.table, "ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER", NULL, NULL);
	list_all(&l, x->arena);
	if (l.json)
		print(l.items, false);
	else if (!l.quiet)
		table_print(&l.table);
	return 0;
}

/* --- ps --- */

static bool is_listed(const struct pids *pids, int pid)
{
	list_each(p, pids)
		if (*p == pid)
			return true;
	return false;
}

/* ps(1)'s lines whose column PID is one of the container's. */
static int show_table(const struct pids *pids, struct error *err)
{
	FILE *ps = popen("ps -ef", "re");
	_cleanup_free_ char *line = NULL;
	size_t space = 0;

	if (!ps)
		return error_errno(err, "cannot run ps");
	for (bool first = true; getline(&line, &space, ps) > 0; first = false) {
		int pid = 0;
		if (first || (sscanf(line, "%*s %d", &pid) == 1 && is_listed(pids, pid)))
			fputs(line, stdout);
	}
	return pclose(ps) == 0 ? 0 : error_set(err, EIO, "ps failed");
}

int oci_run_ps(struct context *x, int argc, char **argv, struct error *err)
{
	const struct option_spec *option;
	const char *value, *id, *format = "table";
	struct oci_cgroup g = {};
	struct pids pids = {};
	struct oci_state s;
	struct options o;
	int r;

	options_begin(&o, x->command, argc, argv);
	while ((r = options_next(&o, &option, &value, err)) > 0)
		format = value;
	if (r < 0 || !(id = need(&o, 0, "the id of the container", err)))
		return -EXIT_USAGE;
	r = oci_state_open(oci.rootfd, id, false, &s, err);
	if (r == 0)
		r = oci_container_cgroup(&s, &g, err);
	if (r == 0)
		r = oci_cgroup_pids(&g, x->arena, &pids, err);
	oci_cgroup_close(&g);
	oci_state_close(&s);
	if (r < 0 || !text_is(format, "json"))
		return r < 0 ? r : show_table(&pids, err);
	struct node *list = node_new(x->arena, NODE_LIST);
	list_each(pid, &pids)
		node_append(x->arena, list, node_int(x->arena, *pid));
	print(list, false);
	return 0;
}

/* --- events --- */

/* 1: printed; 0: it is not there any more. */
static int show_stats(const char *id, struct error *err)
{
	_cleanup_arena_ struct arena *a = arena_new();
	struct oci_cgroup g = {};
	struct oci_state s;
	int r = oci_state_open(oci.rootfd, id, false, &s, err);

	if (r == 0 && s.status == OCI_STOPPED)
		r = error_set(err, ESRCH, "container not running: '%s' is stopped", id);
	if (r == 0)
		r = oci_container_cgroup(&s, &g, err);
	if (r == 0) {
		struct node *n = node_new(a, NODE_MAP);
		node_put(a, n, "type", node_string(a, "stats"));
		node_put(a, n, "id", node_string(a, id));
		node_put(a, n, "data", oci_cgroup_stats(&g, a));
		print(n, false);
		fflush(stdout);
	}
	oci_cgroup_close(&g);
	oci_state_close(&s);
	return r;
}

int oci_run_events(struct context *x, int argc, char **argv, struct error *err)
{
	const struct option_spec *option;
	const char *value, *id;
	unsigned seconds = 5;
	bool once = false;
	struct options o;
	int r;

	options_begin(&o, x->command, argc, argv);
	while ((r = options_next(&o, &option, &value, err)) > 0) {
		once |= text_is(option->name, "stats");
		seconds = value ? (unsigned)strtoul(value, NULL, 10) : seconds; /* "5" or "5s" */
	}
	if (r < 0 || !(id = need(&o, 0, "the id of the container", err)))
		return -EXIT_USAGE;
	if (seconds == 0)
		return usage_error(err, "--interval: it must be at least one second");
	if ((r = show_stats(id, err)) < 0 || once)
		return r;
	while (sleep(seconds), show_stats(id, NULL) == 0)
		;
	return 0;
}

/* --- spec --- */

/* share/config.json, made into an object by the build. */
extern const unsigned char oci_default_config[];
extern const unsigned oci_default_config_size;

int oci_run_spec(struct context *x, int argc, char **argv, struct error *err)
{
	const struct option_spec *option;
	const char *value, *dir = ".";
	struct options o;
	int r;

	options_begin(&o, x->command, argc, argv);
	while ((r = options_next(&o, &option, &value, err)) > 0)
		dir = value;
	if (r < 0)
		return r;
	_cleanup_close_ int at = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (at < 0)
		return error_errno(err, "cannot open '%s'", dir);
	_cleanup_close_ int fd = openat(at, "config.json", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (fd < 0)
		return error_errno(err, "cannot make '%s/config.json'", dir);
	r = write_all(fd, oci_default_config, oci_default_config_size);
	return r < 0 ? error_set(err, -r, "cannot write '%s/config.json': %s", dir, error_meaning(-r)) : 0;
}
