/* cgroup_end.c — killing what is in a cgroup, and removing it; see cgroup.h. */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "linux/cgroup.h"
#include "linux/cgroup_file.h"

enum { DEPTH_MAX = 8, FREEZE_TRIES = 50, STOP_TRIES = 3000, REMOVE_TRIES = 200 };

static void pause_us(long us)
{
	nanosleep(&(struct timespec){ .tv_nsec = us * 1000 }, NULL);
}

static void kill_listed(int dir)
{
	_cleanup_free_ char *list = cgroup_file_read(dir, "cgroup.procs");

	for (char *at = list, *end; at && *at; at = end + (*end == '\n')) {
		pid_t pid = (pid_t)strtol(at, &end, 10);
		if (end == at)
			break;
		if (pid > 0)
			kill(pid, SIGKILL);
	}
}

static void kill_below(int dir, unsigned depth)
{
	kill_listed(dir);
	int copy = depth > DEPTH_MAX ? -1 : openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_closedir_ DIR *d = copy < 0 ? NULL : fdopendir(copy);
	for (struct dirent *entry; d && (entry = readdir(d));) {
		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		_cleanup_close_ int below = openat(dir, entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (below >= 0)
			kill_below(below, depth + 1);
	}
}

/* Any hierarchy in which the processes are. */
static int process_hierarchy(const struct cgroup *c)
{
	static const int order[] = { CGROUP_FREEZER, CGROUP_PIDS,    CGROUP_MEMORY,
				     CGROUP_CPU,     CGROUP_CPUACCT, CGROUP_DEVICES };

	for (size_t i = 0; i < sizeof(order) / sizeof(*order); i++)
		if (c->dir[order[i]] >= 0)
			return c->dir[order[i]];
	return -1;
}

/* Something that cannot be stopped now (it waits for a disk) makes no children now, either. */
static void freeze(int freezer)
{
	cgroup_file_write(freezer, "freezer.state", "FROZEN");
	for (int tries = 0; tries < FREEZE_TRIES; tries++) {
		_cleanup_free_ char *state = cgroup_file_read(freezer, "freezer.state");
		if (!state || !text_starts(state, "FREEZING"))
			return;
		pause_us(200);
	}
}

static bool is_frozen(const struct cgroup *c)
{
	bool v1 = c->system->version == 1;
	_cleanup_free_ char *state = v1 ? cgroup_file_read(c->dir[CGROUP_FREEZER], "freezer.state")
					: cgroup_file_read(c->dir[0], "cgroup.events");

	return state && (v1 ? text_starts(state, "FROZEN") : strstr(state, "frozen 1") != NULL);
}

int cgroup_freeze(const struct cgroup *c, bool stopped)
{
	int dir = c->system->version == 1 ? c->dir[CGROUP_FREEZER] : c->system->version == 2 ? c->dir[0] : -1;
	int r = dir < 0 ? -EOPNOTSUPP
		: c->system->version == 1
			? cgroup_file_write(dir, "freezer.state", stopped ? "FROZEN" : "THAWED")
			: cgroup_file_write(dir, "cgroup.freeze", stopped ? "1" : "0");

	for (int tries = 0; r == 0 && stopped && !is_frozen(c); tries++) {
		if (tries == STOP_TRIES)
			r = -EBUSY;
		pause_us(1000);
	}
	if (r == -EBUSY)
		cgroup_freeze(c, false);
	return r;
}

/* v1 knows only single processes: a fork bomb is frozen first, so that nothing is born while the list is read. */
static void kill_v1(const struct cgroup *c)
{
	int dir = process_hierarchy(c), freezer = c->dir[CGROUP_FREEZER];

	if (dir < 0)
		return;
	if (freezer >= 0)
		freeze(freezer);
	kill_below(dir, 0);
	if (freezer >= 0)
		cgroup_file_write(freezer, "freezer.state", "THAWED");
}

void cgroup_kill(const struct cgroup *c)
{
	if (c->system->version == 1)
		kill_v1(c);
	else if (c->system->version == 2)
		cgroup_file_write(c->dir[0], "cgroup.kill", "1"); /* Linux 5.14 */
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

static int remove_once(const struct cgroup_system *s, const struct cgroup *parent, const char *name)
{
	int result = 0;

	for (int i = 0; i < CGROUP_CONTROLLERS; i++) {
		int above = parent ? parent->dir[i] : s->root[i];
		int r = above < 0 ? 0 : remove_below(above, name);
		if (r < 0)
			result = r;
	}
	return result;
}

int cgroup_remove(const struct cgroup_system *s, const struct cgroup *parent, const char *name)
{
	int r;

	for (int tries = 0; (r = remove_once(s, parent, name)) == -EBUSY && tries < REMOVE_TRIES; tries++) {
		struct cgroup c = CGROUP_NONE;
		c.system = s;
		for (int i = 0; i < CGROUP_CONTROLLERS; i++) {
			int above = parent ? parent->dir[i] : s->root[i];
			c.dir[i] = above < 0 ? -1 : openat(above, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		}
		cgroup_kill(&c);
		cgroup_close(&c);
		pause_us(1000 + tries * 100);
	}
	return r;
}
