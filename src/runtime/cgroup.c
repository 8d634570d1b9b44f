/* cgroup.c — see cgroup.h: finding, making and removing. Values are in cgroup_set.c, figures in cgroup_stats.c. */
#include "runtime/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"

enum { DEPTH_MAX = 32 };

/* --- finding --- */

static bool has_word(const char *list, const char *word)
{
	size_t n = strlen(word);

	for (const char *at = list; n > 0 && (at = strstr(at, word)); at += n)
		if ((at == list || strchr(", ", at[-1])) && (!at[n] || strchr(", \n", at[n])))
			return true;
	return false;
}

/* The controllers among the options of a mount: those that cgroups(7) names. */
static const char *controllers_of(const char *options, struct arena *a)
{
	static const char *const known[] = { "cpu",      "cpuacct",    "cpuset", "memory",  "devices",
					     "freezer",  "blkio",      "pids",   "hugetlb", "net_cls",
					     "net_prio", "perf_event", "rdma",   "misc" };
	const char *list = "", *name = strstr(options, "name=");

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (has_word(options, known[i]))
			list = arena_printf(a, "%s%s%s", list, *list ? "," : "", known[i]);
	return !*list && name ? arena_strndup(a, name, strcspn(name, ",\n ")) : list;
}

/* "36 35 98:0 / /sys/fs/cgroup/memory rw … - cgroup cgroup rw,memory" (proc_pid_mountinfo(5)). */
static void add_mount(struct oci_cgroup *g, char *line)
{
	char where[512], type[32], options[512];
	const char *end = strstr(line, " - ");

	if (!end || sscanf(line, "%*s %*s %*s %*s %511s", where) != 1 ||
	    sscanf(end, " - %31s %*s %511s", type, options) != 2)
		return;
	bool unified = text_is(type, "cgroup2");
	if ((!unified && !text_is(type, "cgroup")) || !text_starts(where, "/sys/fs/cgroup"))
		return;
	const char *controllers = unified ? "" : controllers_of(options, g->arena);
	list_each(h, &g->all)
		if (h->unified == unified && text_is(h->controllers, controllers))
			return;
	*list_add(g->arena, &g->all) =
		(struct oci_hierarchy){ controllers, arena_strdup(g->arena, where), -1, unified };
	g->v2 |= unified && text_is(where, "/sys/fs/cgroup");
}

static int check_path(const char *path, struct error *err)
{
	for (const char *at = path; (at = strstr(at, "..")); at += 2)
		if ((at == path || at[-1] == '/') && (!at[2] || at[2] == '/'))
			return error_set(err, EINVAL, "linux.cgroupsPath: '%s' has '..'", path);
	if (strlen(path) > 2048 || strchr(path, '\n'))
		return error_set(err, EINVAL, "linux.cgroupsPath: it is too long or has a line end");
	if (strspn(path, "/") == strlen(path))
		return error_set(err, EINVAL,
				 "linux.cgroupsPath: '%s' is the root, in which no container may be", path);
	return 0;
}

int oci_cgroup_find(struct oci_cgroup *g, const char *path, struct arena *a, struct error *err)
{
	_cleanup_fclose_ FILE *f = fopen("/proc/self/mountinfo", "re");
	_cleanup_free_ char *line = NULL;
	size_t space = 0;
	int r = check_path(path, err);

	*g = (struct oci_cgroup){ .arena = a,
				  .path = arena_printf(a, "%s%s", *path == '/' ? "" : "/", path) };
	if (r < 0)
		return r;
	while (f && getline(&line, &space, f) > 0)
		if (strstr(line, " - cgroup"))
			add_mount(g, line);
	return 0;
}

/* --- making --- */

/* v1: a new cpuset has neither CPUs nor memory, and nothing can run in it: it gets its parent's. Also one that another made, who may be
 * just about to do that, or was killed before. */
static void inherit_cpuset(int above, int dir)
{
	static const char *const files[] = { "cpuset.cpus", "cpuset.mems" };

	for (int i = 0; i < 2; i++) {
		_cleanup_free_ char *own = cgroup_file_read(dir, files[i]), *parents = NULL;
		if (own && (*own == '\n' || !*own) && (parents = cgroup_file_read(above, files[i])))
			cgroup_file_write(dir, files[i], parents);
	}
}

/* v2: what is below may use only controllers that are enabled for it. Some may be refused (realtime processes, domains): those then lack. */
static void enable_controllers(int dir)
{
	_cleanup_free_ char *list = cgroup_file_read(dir, "cgroup.controllers");
	char one[64];

	for (char *state, *name = list ? strtok_r(list, " \n", &state) : NULL; name;
	     name = strtok_r(NULL, " \n", &state)) {
		snprintf(one, sizeof(one), "+%.60s", name);
		cgroup_file_write(dir, "cgroup.subtree_control", one);
	}
}

/* What was made and cannot be opened is removed again: without a descriptor nobody would find it. */
static int take_back(struct oci_hierarchy *h, int dir, const char *name)
{
	int r = -errno;

	if (h->made)
		unlinkat(dir, name, AT_REMOVEDIR);
	h->made = false;
	return r;
}

static int open_step_by_step(const struct oci_cgroup *g, struct oci_hierarchy *h, bool make)
{
	_cleanup_close_ int dir = open(h->mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char *copy = arena_strdup(g->arena, g->path), *state;

	if (dir < 0)
		return -errno;
	for (char *name = strtok_r(copy, "/", &state); name; name = strtok_r(NULL, "/", &state)) {
		if (make && h->unified)
			enable_controllers(dir);
		h->made = make && mkdirat(dir, name, 0755) == 0;
		if (make && !h->made && errno != EEXIST)
			return -errno;
		int below = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (below < 0)
			return take_back(h, dir, name);
		if (make && has_word(h->controllers, "cpuset"))
			inherit_cpuset(dir, below);
		close(dir);
		dir = below;
	}
	h->dir = take_fd(&dir);
	return 0;
}

/* Mostly what is above it is there, and nothing is to be done on the way: one call then (there are no links in a cgroup file system). */
static int open_one(const struct oci_cgroup *g, struct oci_hierarchy *h, bool make)
{
	const char *whole = arena_printf(g->arena, "%s%s", h->mount, g->path);

	if (make && (h->unified || has_word(h->controllers, "cpuset")))
		return open_step_by_step(g, h, make);
	h->made = make && mkdir(whole, 0755) == 0;
	if (make && !h->made && errno == ENOENT)
		return open_step_by_step(g, h, make);
	if (make && !h->made && errno != EEXIST)
		return -errno;
	h->dir = open(whole, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return h->dir < 0 ? take_back(h, AT_FDCWD, whole) : 0;
}

static int open_some(struct oci_cgroup *g, const char *controller, bool make, struct error *err)
{
	list_each(h, &g->all) {
		if (h->unified && !g->v2 && !g->tracked)
			continue; /* a hybrid machine: it has no controllers */
		if (controller && !h->unified && !has_word(h->controllers, controller))
			continue;
		int r = open_one(g, h, make);
		if (r < 0 && (make || r != -ENOENT))
			return error_set(err, -r, "cannot %s the cgroup '%s' in %s: %s",
					 make ? "make" : "open", g->path, h->mount, error_meaning(-r));
	}
	return 0;
}

int oci_cgroup_open(struct oci_cgroup *g, bool make, struct error *err)
{
	return open_some(g, NULL, make, err);
}

int oci_cgroup_open_only(struct oci_cgroup *g, const char *controller, struct error *err)
{
	return open_some(g, controller, false, err);
}

int oci_cgroup_claim(struct oci_cgroup *g, struct error *err)
{
	int r = oci_cgroup_open(g, true, err);
	bool existed = false;

	list_each(h, &g->all)
		existed |= h->dir >= 0 && !h->made;
	if (r < 0 || !existed || (oci_cgroup_is_empty(g) && !oci_cgroup_is_frozen(g)))
		return r;
	list_each(h, &g->all)
		if (h->made)
			rmdir(arena_printf(g->arena, "%s%s", h->mount, g->path));
	return error_set(err, EBUSY,
			 "linux.cgroupsPath: the cgroup '%s' is in use: it has processes or is frozen",
			 g->path);
}

void oci_cgroup_close(struct oci_cgroup *g)
{
	list_each(h, &g->all)
		close_fd(&h->dir);
}

int oci_cgroup_dir(const struct oci_cgroup *g, const char *controller)
{
	list_each(h, &g->all)
		if (h->dir >= 0 && (h->unified ? g->v2 : has_word(h->controllers, controller)))
			return h->dir;
	return -1;
}

int oci_cgroup_tasks(const struct oci_cgroup *g, int *fds, int max)
{
	int n = 0;

	list_each(h, &g->all) {
		int fd = h->dir < 0 || h->unified || n == max ? -1
							      : openat(h->dir, "tasks", O_WRONLY | O_CLOEXEC);
		if (fd >= 0)
			fds[n++] = fd;
	}
	return n;
}

int oci_cgroup_directory(const struct oci_cgroup *g)
{
	list_each(h, &g->all)
		if (h->unified)
			return h->dir;
	return -1;
}

/* --- what is in it --- */

static int any_dir(const struct oci_cgroup *g)
{
	static const char *const order[] = { "freezer", "pids", "devices", "memory", "cpu", "name=systemd" };

	for (size_t i = 0; i < sizeof(order) / sizeof(*order); i++)
		if (oci_cgroup_dir(g, order[i]) >= 0)
			return oci_cgroup_dir(g, order[i]);
	return -1;
}

/* Calls WHAT with every directory from DIR downwards. */
static void walk(int dir, unsigned depth, void (*what)(int dir, void *context), void *context)
{
	int copy = depth < DEPTH_MAX ? openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	_cleanup_closedir_ DIR *d = copy < 0 ? NULL : fdopendir(copy);

	what(dir, context);
	for (struct dirent *e; d && (e = readdir(d));) {
		_cleanup_close_ int below =
			e->d_type != DT_DIR || e->d_name[0] == '.'
				? -1
				: openat(dir, e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (below >= 0)
			walk(below, depth + 1, what, context);
	}
}

struct collection {
	struct arena *a;
	struct pids *pids;
};

static void collect(int dir, void *context)
{
	const struct collection *c = context;
	_cleanup_free_ char *list = cgroup_file_read(dir, "cgroup.procs");

	for (char *state, *line = list ? strtok_r(list, "\n", &state) : NULL; line;
	     line = strtok_r(NULL, "\n", &state))
		if (atoi(line) > 0)
			*list_add(c->a, c->pids) = atoi(line);
}

int oci_cgroup_pids(const struct oci_cgroup *g, struct arena *a, struct pids *pids, struct error *err)
{
	struct collection c = { a, pids };
	int dir = any_dir(g);

	if (dir < 0)
		return error_set(err, ENOENT, "the container has no cgroup");
	walk(dir, 0, collect, &c);
	return 0;
}

bool oci_cgroup_is_empty(const struct oci_cgroup *g)
{
	_cleanup_arena_ struct arena *a = arena_new();
	struct pids pids = {};

	return oci_cgroup_pids(g, a, &pids, NULL) < 0 || pids.n == 0;
}

int oci_cgroup_freeze(const struct oci_cgroup *g, bool freeze, struct error *err)
{
	int dir = oci_cgroup_dir(g, "freezer");
	int r = dir < 0 ? -EOPNOTSUPP
		: g->v2 ? cgroup_file_write(dir, "cgroup.freeze", freeze ? "1" : "0")
			: cgroup_file_write(dir, "freezer.state", freeze ? "FROZEN" : "THAWED");

	/* v1 answers FREEZING until all have stopped; writing again helps it along (freezer-subsystem). */
	for (int tries = 0; r == 0 && !g->v2 && tries < 1000; tries++) {
		_cleanup_free_ char *state = cgroup_file_read(dir, "freezer.state");
		if (!state || text_starts(state, freeze ? "FROZEN" : "THAWED"))
			break;
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
		r = cgroup_file_write(dir, "freezer.state", freeze ? "FROZEN" : "THAWED");
	}
	return r < 0 ? error_set(err, -r, "cannot %s the container: %s", freeze ? "pause" : "resume",
				 error_meaning(-r))
		     : 0;
}

bool oci_cgroup_is_frozen(const struct oci_cgroup *g)
{
	int dir = oci_cgroup_dir(g, "freezer");
	_cleanup_free_ char *state =
		dir < 0 ? NULL : cgroup_file_read(dir, g->v2 ? "cgroup.freeze" : "freezer.state");

	return state &&
	       (g->v2 ? *state == '1' : text_starts(state, "FROZEN") || text_starts(state, "FREEZING"));
}

int oci_cgroup_signal(const struct oci_cgroup *g, int number, struct error *err)
{
	_cleanup_arena_ struct arena *a = arena_new();
	struct pids pids = {};
	int r = oci_cgroup_pids(g, a, &pids, err);

	list_each(pid, &pids)
		kill(*pid, number);
	return r;
}

/* --- removing --- */

static int remove_below(int above, const char *name, unsigned depth)
{
	if (unlinkat(above, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return 0;
	if (depth == DEPTH_MAX)
		return -ELOOP;
	int fd = openat(above, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	_cleanup_closedir_ DIR *d = fd < 0 ? NULL : fdopendir(fd);
	for (struct dirent *e; d && (e = readdir(d));)
		if (e->d_type == DT_DIR && e->d_name[0] != '.')
			remove_below(dirfd(d), e->d_name, depth + 1);
	return unlinkat(above, name, AT_REMOVEDIR) == 0 || errno == ENOENT ? 0 : -errno;
}

static int remove_all(struct oci_cgroup *g)
{
	const char *name = strrchr(g->path, '/') + 1;
	int result = 0;

	list_each(h, &g->all) {
		/* Mostly that is all, and it takes no descriptor, of which there may be none left. */
		if (h->dir >= 0 &&
		    (rmdir(arena_printf(g->arena, "%s%s", h->mount, g->path)) == 0 || errno == ENOENT))
			continue;
		_cleanup_close_ int above =
			h->dir < 0 ? -1 : openat(h->dir, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		int r = h->dir < 0 ? 0 : above < 0 ? -errno : remove_below(above, name, 0);
		if (r < 0)
			result = r;
	}
	return result;
}

int oci_cgroup_remove(struct oci_cgroup *g, struct error *err)
{
	int r = 0;

	for (int tries = 0; tries < 300; tries++) {
		if ((r = remove_all(g)) != -EBUSY)
			break;
		if (oci_cgroup_is_frozen(g))
			oci_cgroup_freeze(g, false, NULL);
		oci_cgroup_signal(g, SIGKILL, NULL);
		nanosleep(&(struct timespec){ .tv_nsec = 500000 + tries * 50000 }, NULL);
	}
	return r < 0 ? error_set(err, -r, "cannot remove the cgroup '%s': %s", g->path, error_meaning(-r))
		     : 0;
}
