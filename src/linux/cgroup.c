/* cgroup.c — finding, making, limiting and removing cgroups; see cgroup.h.
 *
 * Everything is relative to directory descriptors. What differs between the versions is in the tables of file names below and in the two
 * places that say `version == 2`.
 */
#include "linux/cgroup.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"

static const char *const names[CGROUP_CONTROLLERS] = { "cpu", "cpuacct", "memory", "pids", "devices", "freezer" };

enum { CGROUP2_MAGIC = 0x63677270 };

static int write_at(int dir, const char *file, const char *text)
{
	_cleanup_close_ int fd = openat(dir, file, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		return -errno;
	return 0;
}

static int write_number(int dir, const char *file, uint64_t value)
{
	char text[32];
	snprintf(text, sizeof(text), "%" PRIu64, value);
	return write_at(dir, file, text);
}

static char *read_at(int dir, const char *file)
{
	char *text = NULL;
	return file_read(dir, file, 1024 * 1024, &text, NULL, NULL) < 0 ? NULL : text;
}

/* The number after KEY in a file of "key value" lines; with KEY NULL the file's only number. */
static uint64_t read_number(int dir, const char *file, const char *key)
{
	_cleanup_free_ char *text = read_at(dir, file);
	const char *at = text;

	while (at && key && !(text_starts(at, key) && at[strlen(key)] == ' ')) {
		at = strchr(at, '\n');
		at = at ? at + 1 : NULL;
	}
	return at ? strtoull(key ? at + strlen(key) : at, NULL, 10) : 0;
}

static bool has_word(const char *list, const char *word)
{
	size_t n = strlen(word);

	for (const char *at = list; (at = strstr(at, word)); at += n)
		if ((at == list || strchr(", \n", at[-1])) && (!at[n] || strchr(", \n", at[n])))
			return true;
	return false;
}

/* v2 is meant when the unified hierarchy has the controllers; a hybrid machine has it without. */
static bool probe_v2(struct cgroup_system *s)
{
	struct statfs fs;
	int fd = open("/sys/fs/cgroup", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || fstatfs(fd, &fs) < 0 || fs.f_type != CGROUP2_MAGIC) {
		close_fd(&fd);
		return false;
	}
	_cleanup_free_ char *controllers = read_at(fd, "cgroup.controllers");
	s->version = 2;
	s->root[0] = fd;
	strcpy(s->path[0], "/sys/fs/cgroup");
	for (int i = 0; i < CGROUP_CONTROLLERS; i++)
		if (controllers && has_word(controllers, names[i]))
			s->available |= 1u << i;
	s->available |= 1u << CGROUP_CPUACCT | 1u << CGROUP_FREEZER | 1u << CGROUP_DEVICES;
	return true;
}

/* Finds "… - cgroup <source> rw,…,memory,…" in mountinfo for each controller (proc_pid_mountinfo(5)). */
static void probe_v1(struct cgroup_system *s)
{
	_cleanup_fclose_ FILE *f = fopen("/proc/self/mountinfo", "re");
	_cleanup_free_ char *line = NULL;
	size_t space = 0;

	while (f && getline(&line, &space, f) > 0) {
		char *end = strstr(line, " - cgroup ");
		char where[256];
		if (!end || sscanf(line, "%*d %*d %*s %*s %255s", where) != 1)
			continue;
		const char *options = strrchr(end, ' ');
		for (int i = 0; i < CGROUP_CONTROLLERS; i++) {
			if (s->root[i] >= 0 || !has_word(options, names[i]) || strlen(where) >= sizeof(s->path[i]))
				continue;
			s->root[i] = open(where, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
			if (s->root[i] < 0)
				continue;
			strcpy(s->path[i], where);
			s->available |= 1u << i;
			s->version = 1;
		}
	}
}

int cgroup_probe(struct cgroup_system *s, struct error *err)
{
	(void)err;
	*s = (struct cgroup_system){ .root = { -1, -1, -1, -1, -1, -1 } };
	if (!probe_v2(s))
		probe_v1(s);
	return 0;
}

void cgroup_system_close(struct cgroup_system *s)
{
	for (int i = 0; i < CGROUP_CONTROLLERS; i++)
		close_fd(&s->root[i]);
}

static int hierarchies(const struct cgroup_system *s)
{
	return s->version == 2 ? 1 : s->version == 1 ? CGROUP_CONTROLLERS : 0;
}

/* v2: what is below may be limited only in the controllers that are enabled for it. */
static void delegate(const struct cgroup_system *s, int dir)
{
	char text[80] = "";

	for (int i = 0; i < CGROUP_CONTROLLERS; i++) {
		if (i == CGROUP_CPUACCT || i == CGROUP_DEVICES || i == CGROUP_FREEZER || !(s->available & 1u << i))
			continue;
		snprintf(text, sizeof(text), "+%s", names[i]);
		write_at(dir, "cgroup.subtree_control", text);
	}
}

int cgroup_open(struct cgroup *c, const struct cgroup_system *s, const struct cgroup *parent, const char *name,
		const struct cgroup_limits *limits, struct error *err)
{
	*c = CGROUP_NONE;
	c->system = s;
	for (int i = 0; i < hierarchies(s); i++) {
		int above = parent ? parent->dir[i] : s->root[i];
		if (above < 0)
			continue;
		if (s->version == 2)
			delegate(s, above);
		if (mkdirat(above, name, 0755) < 0 && errno != EEXIST) {
			int r = error_errno(err, "cannot make the cgroup '%s' in %s", name, s->path[i]);
			cgroup_close(c);
			return r;
		}
		c->dir[i] = openat(above, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	int r = limits ? cgroup_limit(c, limits, err) : 0;
	if (r < 0)
		cgroup_close(c);
	return r;
}

void cgroup_close(struct cgroup *c)
{
	for (int i = 0; i < CGROUP_CONTROLLERS; i++)
		close_fd(&c->dir[i]);
}

static int need(const struct cgroup *c, enum cgroup_controller which, const char *what, struct error *err)
{
	if (c->system->version != 0 && c->system->available & 1u << which)
		return 0;
	return error_set(err, EOPNOTSUPP, "this machine cannot limit %s: it has no '%s' cgroup controller", what, names[which]);
}

static int failed(int r, const char *what, struct error *err)
{
	errno = -r;
	return error_errno(err, "cannot set the %s", what);
}

static int limit_v2(int dir, const struct cgroup_limits *l, struct error *err)
{
	char text[64];
	int r;

	if (l->cpu_request_milli && (r = write_number(dir, "cpu.weight", cgroup_cpu_weight(l->cpu_request_milli))) < 0)
		return failed(r, "CPU request", err);
	if (l->cpu_limit_milli) {
		snprintf(text, sizeof(text), "%" PRIu64 " %d", cgroup_cpu_quota_us(l->cpu_limit_milli), CGROUP_CPU_PERIOD_US);
		if ((r = write_at(dir, "cpu.max", text)) < 0)
			return failed(r, "CPU limit", err);
	}
	if (l->memory_limit_bytes && (r = write_number(dir, "memory.max", l->memory_limit_bytes)) < 0)
		return failed(r, "memory limit", err);
	if (l->memory_limit_bytes)
		write_at(dir, "memory.swap.max", "0");
	if (l->oom_group)
		write_at(dir, "memory.oom.group", "1");
	if (l->pids && (r = write_number(dir, "pids.max", l->pids)) < 0)
		return failed(r, "limit of processes", err);
	return 0;
}

static int limit_v1(const struct cgroup *c, const struct cgroup_limits *l, struct error *err)
{
	int r;

	if (l->cpu_request_milli && (r = write_number(c->dir[CGROUP_CPU], "cpu.shares", cgroup_cpu_shares(l->cpu_request_milli))) < 0)
		return failed(r, "CPU request", err);
	if (l->cpu_limit_milli) {
		r = write_number(c->dir[CGROUP_CPU], "cpu.cfs_period_us", CGROUP_CPU_PERIOD_US);
		if (r == 0)
			r = write_number(c->dir[CGROUP_CPU], "cpu.cfs_quota_us", cgroup_cpu_quota_us(l->cpu_limit_milli));
		if (r < 0)
			return failed(r, "CPU limit", err);
	}
	if (l->memory_limit_bytes) {
		r = write_number(c->dir[CGROUP_MEMORY], "memory.limit_in_bytes", l->memory_limit_bytes);
		if (r < 0)
			return failed(r, "memory limit", err);
		write_number(c->dir[CGROUP_MEMORY], "memory.memsw.limit_in_bytes", l->memory_limit_bytes);
	}
	if (l->pids && (r = write_number(c->dir[CGROUP_PIDS], "pids.max", l->pids)) < 0)
		return failed(r, "limit of processes", err);
	return 0;
}

int cgroup_limit(const struct cgroup *c, const struct cgroup_limits *l, struct error *err)
{
	int r = 0;

	if (l->cpu_limit_milli)
		r = need(c, CGROUP_CPU, "CPU time", err);
	if (r == 0 && l->memory_limit_bytes)
		r = need(c, CGROUP_MEMORY, "memory", err);
	if (r == 0 && l->pids)
		r = need(c, CGROUP_PIDS, "the number of processes", err);
	if (r < 0 || c->system->version == 0)
		return r;
	struct cgroup_limits possible = *l;
	if (!(c->system->available & 1u << CGROUP_CPU))
		possible.cpu_request_milli = 0;
	return c->system->version == 2 ? limit_v2(c->dir[0], &possible, err) : limit_v1(c, &possible, err);
}

int cgroup_restrict_devices(const struct cgroup *c, struct error *err)
{
	static const char *const allowed[] = {
		"c *:* m", "b *:* m", "c 1:3 rwm", "c 1:5 rwm", "c 1:7 rwm", "c 1:8 rwm",
		"c 1:9 rwm", "c 5:0 rwm", "c 5:2 rwm", "c 136:* rwm",
	};
	int dir = c->dir[CGROUP_DEVICES];

	if (c->system->version != 1 || dir < 0)
		return 0;
	int r = write_at(dir, "devices.deny", "a");
	for (size_t i = 0; r == 0 && i < sizeof(allowed) / sizeof(*allowed); i++)
		r = write_at(dir, "devices.allow", allowed[i]);
	return r < 0 ? failed(r, "device rules", err) : 0;
}

int cgroup_tasks(const struct cgroup *c, int fds[static CGROUP_CONTROLLERS])
{
	int n = 0;

	if (c->system->version != 1)
		return 0;
	for (int i = 0; i < CGROUP_CONTROLLERS; i++) {
		if (c->dir[i] < 0)
			continue;
		/* Controllers may share one hierarchy ("cpu,cpuacct"): once is enough. */
		bool again = i > 0 && c->dir[i - 1] >= 0 && text_is(c->system->path[i], c->system->path[i - 1]);
		int fd = again ? -1 : openat(c->dir[i], "tasks", O_WRONLY | O_CLOEXEC);
		if (fd >= 0)
			fds[n++] = fd;
	}
	return n;
}

int cgroup_directory(const struct cgroup *c)
{
	return c->system->version == 2 ? c->dir[0] : -1;
}

static void kill_listed(int dir)
{
	_cleanup_free_ char *list = read_at(dir, "cgroup.procs");

	for (char *at = list, *end; at && *at; at = end + (*end == '\n')) {
		pid_t pid = (pid_t)strtol(at, &end, 10);
		if (end == at)
			break;
		if (pid > 0)
			kill(pid, SIGKILL);
	}
}

/* The hierarchy to look for processes in: on v1 the freezer, or any other. */
static int process_hierarchy(const struct cgroup *c)
{
	static const int order[] = { CGROUP_FREEZER, CGROUP_PIDS, CGROUP_MEMORY, CGROUP_CPU, CGROUP_CPUACCT, CGROUP_DEVICES };

	for (size_t i = 0; i < sizeof(order) / sizeof(*order); i++)
		if (c->dir[order[i]] >= 0)
			return c->dir[order[i]];
	return -1;
}

static void kill_below(int dir, unsigned depth)
{
	kill_listed(dir);
	int copy = depth > 8 ? -1 : openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_closedir_ DIR *d = copy < 0 ? NULL : fdopendir(copy);
	for (struct dirent *entry; d && (entry = readdir(d));) {
		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		_cleanup_close_ int below = openat(dir, entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (below >= 0)
			kill_below(below, depth + 1);
	}
}

void cgroup_kill(const struct cgroup *c)
{
	if (c->system->version == 2) {
		if (write_at(c->dir[0], "cgroup.kill", "1") < 0)
			kill_below(c->dir[0], 0);
		return;
	}
	/* v1: a fork bomb is frozen first, so that nothing is born while the list is read. */
	int dir = process_hierarchy(c);
	if (dir < 0)
		return;
	int freezer = c->dir[CGROUP_FREEZER];
	if (freezer >= 0)
		write_at(freezer, "freezer.state", "FROZEN");
	kill_below(dir, 0);
	if (freezer >= 0)
		write_at(freezer, "freezer.state", "THAWED");
}

/* Removes the directory NAME with its sub-directories; a cgroup's files cannot and need not be removed. */
static int remove_below(int above, const char *name)
{
	if (unlinkat(above, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return 0;
	int fd = openat(above, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_closedir_ DIR *d = fd < 0 ? NULL : fdopendir(fd);
	for (struct dirent *entry; d && (entry = readdir(d));)
		if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
			remove_below(dirfd(d), entry->d_name);
	return unlinkat(above, name, AT_REMOVEDIR) == 0 || errno == ENOENT ? 0 : -errno;
}

int cgroup_remove(const struct cgroup_system *s, const struct cgroup *parent, const char *name)
{
	int result = 0;

	for (int tries = 0; tries < 200; tries++) {
		result = 0;
		for (int i = 0; i < hierarchies(s); i++) {
			int above = parent ? parent->dir[i] : s->root[i];
			int r = above < 0 ? 0 : remove_below(above, name);
			if (r < 0)
				result = r;
		}
		if (result != -EBUSY)
			return result;
		struct cgroup c = CGROUP_NONE;
		c.system = s;
		for (int i = 0; i < hierarchies(s); i++)
			c.dir[i] = openat(parent ? parent->dir[i] : s->root[i], name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		cgroup_kill(&c);
		cgroup_close(&c);
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 + tries * 100000 }, NULL);
	}
	return result;
}

uint64_t cgroup_oom_kills(const struct cgroup *c)
{
	if (c->system->version == 2)
		return read_number(c->dir[0], "memory.events", "oom_kill");
	return c->dir[CGROUP_MEMORY] < 0 ? 0 : read_number(c->dir[CGROUP_MEMORY], "memory.oom_control", "oom_kill");
}

void cgroup_usage(const struct cgroup *c, struct cgroup_usage *u)
{
	bool v2 = c->system->version == 2;
	int memory = c->dir[v2 ? 0 : CGROUP_MEMORY], pids = c->dir[v2 ? 0 : CGROUP_PIDS];
	int cpu = c->dir[v2 ? 0 : CGROUP_CPUACCT];

	*u = (struct cgroup_usage){};
	if (memory >= 0) {
		uint64_t used = read_number(memory, v2 ? "memory.current" : "memory.usage_in_bytes", NULL);
		uint64_t idle = read_number(memory, "memory.stat", v2 ? "inactive_file" : "total_inactive_file");
		u->memory_bytes = used > idle ? used - idle : 0; /* the working set, as cadvisor has it */
	}
	if (pids >= 0)
		u->pids = read_number(pids, "pids.current", NULL);
	if (cpu >= 0)
		u->cpu_ns = v2 ? read_number(cpu, "cpu.stat", "usage_usec") * 1000 : read_number(cpu, "cpuacct.usage", NULL);
}
