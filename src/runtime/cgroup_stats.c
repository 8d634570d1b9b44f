/* cgroup_stats.c — figures of a cgroup, in the form that runc's `events` has and that its callers read (cgroup.h). */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "runtime/cgroup.h"

/* The number after KEY in FILE, or with KEY NULL FILE's only number; "max" and what is not there: 0. */
static int64_t number(const struct oci_cgroup *g, const char *controller, const char *file, const char *key)
{
	int dir = oci_cgroup_dir(g, controller);
	_cleanup_free_ char *text = dir < 0 ? NULL : cgroup_file_read(dir, file);
	const char *at = text;
	size_t n = key ? strlen(key) : 0;

	while (at && key && !(strncmp(at, key, n) == 0 && at[n] == ' ')) {
		at = strchr(at, '\n');
		at = at ? at + 1 : NULL;
	}
	uint64_t value = at ? strtoull(at + n, NULL, 10) : 0;
	return value > INT64_MAX ? INT64_MAX : (int64_t)value;
}

static void put(struct arena *a, struct node *n, const char *key, int64_t value)
{
	node_put(a, n, key, node_int(a, value));
}

static struct node *cpu(const struct oci_cgroup *g, struct arena *a)
{
	enum { NS_PER_TICK = 10000000 }; /* USER_HZ is 100 */
	struct node *usage = node_new(a, NODE_MAP), *throttling = node_new(a, NODE_MAP),
		    *n = node_new(a, NODE_MAP);

	put(a, usage, "total",
	    g->v2 ? number(g, "cpu", "cpu.stat", "usage_usec") * 1000
		  : number(g, "cpuacct", "cpuacct.usage", NULL));
	put(a, usage, "kernel",
	    g->v2 ? number(g, "cpu", "cpu.stat", "system_usec") * 1000
		  : number(g, "cpuacct", "cpuacct.stat", "system") * NS_PER_TICK);
	put(a, usage, "user",
	    g->v2 ? number(g, "cpu", "cpu.stat", "user_usec") * 1000
		  : number(g, "cpuacct", "cpuacct.stat", "user") * NS_PER_TICK);
	put(a, throttling, "periods", number(g, "cpu", "cpu.stat", "nr_periods"));
	put(a, throttling, "throttledPeriods", number(g, "cpu", "cpu.stat", "nr_throttled"));
	put(a, throttling, "throttledTime",
	    g->v2 ? number(g, "cpu", "cpu.stat", "throttled_usec") * 1000
		  : number(g, "cpu", "cpu.stat", "throttled_time"));
	node_put(a, n, "usage", usage);
	node_put(a, n, "throttling", throttling);
	return n;
}

/* memory.stat as it is: a map of numbers. */
static struct node *raw(const struct oci_cgroup *g, struct arena *a)
{
	int dir = oci_cgroup_dir(g, "memory");
	_cleanup_free_ char *text = dir < 0 ? NULL : cgroup_file_read(dir, "memory.stat");
	struct node *n = node_new(a, NODE_MAP);

	for (char *state, *line = text ? strtok_r(text, "\n", &state) : NULL; line;
	     line = strtok_r(NULL, "\n", &state)) {
		char *blank = strchr(line, ' ');
		if (!blank)
			continue;
		*blank = '\0';
		put(a, n, line, strtoll(blank + 1, NULL, 10));
	}
	return n;
}

static struct node *memory(const struct oci_cgroup *g, struct arena *a)
{
	struct node *usage = node_new(a, NODE_MAP), *n = node_new(a, NODE_MAP);

	put(a, usage, "usage", number(g, "memory", g->v2 ? "memory.current" : "memory.usage_in_bytes", NULL));
	put(a, usage, "limit", number(g, "memory", g->v2 ? "memory.max" : "memory.limit_in_bytes", NULL));
	put(a, usage, "max", number(g, "memory", g->v2 ? "memory.peak" : "memory.max_usage_in_bytes", NULL));
	put(a, usage, "failcnt",
	    g->v2 ? number(g, "memory", "memory.events", "max")
		  : number(g, "memory", "memory.failcnt", NULL));
	put(a, n, "cache", number(g, "memory", "memory.stat", g->v2 ? "file" : "cache"));
	node_put(a, n, "usage", usage);
	node_put(a, n, "raw", raw(g, a));
	return n;
}

struct node *oci_cgroup_stats(const struct oci_cgroup *g, struct arena *a)
{
	struct node *n = node_new(a, NODE_MAP), *pids = node_new(a, NODE_MAP);

	put(a, pids, "current", number(g, "pids", "pids.current", NULL));
	put(a, pids, "limit", number(g, "pids", "pids.max", NULL));
	node_put(a, n, "cpu", cpu(g, a));
	node_put(a, n, "memory", memory(g, a));
	node_put(a, n, "pids", pids);
	return n;
}
