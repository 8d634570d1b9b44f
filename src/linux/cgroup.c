/* cgroup.c — finding, making and entering cgroups; see cgroup.h.
 *
 * Everything is relative to directory descriptors. What differs between the versions is in the names of files and in the places that
 * ask for the version. Limits, devices, the end and the figures have files of their own.
 */
#include "linux/cgroup.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "linux/cgroup_file.h"

static const char *const names[CGROUP_CONTROLLERS] = {
	[CGROUP_CPU] = "cpu",         [CGROUP_CPUACCT] = "cpuacct", [CGROUP_MEMORY] = "memory",
	[CGROUP_PIDS] = "pids",       [CGROUP_DEVICES] = "devices", [CGROUP_FREEZER] = "freezer",
	[CGROUP_HUGETLB] = "hugetlb",
};

enum { CGROUP2_MAGIC = 0x63677270 };

/* v2: these are no controllers; every cgroup has what they did (cpu.stat, BPF, cgroup.freeze). */
enum { BUILT_IN = 1u << CGROUP_CPUACCT | 1u << CGROUP_DEVICES | 1u << CGROUP_FREEZER };

const char *cgroup_controller_name(enum cgroup_controller which)
{
	return names[which];
}

bool cgroup_has(const struct cgroup_system *s, enum cgroup_controller which)
{
	return s->version != 0 && s->available & 1u << which;
}

static bool has_word(const char *list, const char *word)
{
	size_t n = strlen(word);

	for (const char *at = list; (at = strstr(at, word)); at += n)
		if ((at == list || strchr(", \n", at[-1])) && (!at[n] || strchr(", \n", at[n])))
			return true;
	return false;
}

/* v2 is meant when the unified hierarchy is where all is mounted; a hybrid machine has it beside, without controllers. */
static bool probe_v2(struct cgroup_system *s)
{
	struct statfs fs;
	int fd = open("/sys/fs/cgroup", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || fstatfs(fd, &fs) < 0 || fs.f_type != CGROUP2_MAGIC) {
		close_fd(&fd);
		return false;
	}
	_cleanup_free_ char *controllers = cgroup_file_read(fd, "cgroup.controllers");
	s->version = 2;
	s->root[0] = fd;
	strcpy(s->path[0], "/sys/fs/cgroup");
	s->available = BUILT_IN;
	for (int i = 0; i < CGROUP_CONTROLLERS; i++)
		if (controllers && has_word(controllers, names[i]))
			s->available |= 1u << i;
	return true;
}

static enum cgroup_controller first_at(const struct cgroup_system *s, const char *path)
{
	int i = 0;

	while (!text_is(s->path[i], path))
		i++;
	return (enum cgroup_controller)i;
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
			if (s->root[i] >= 0 || !has_word(options, names[i]) ||
			    strlen(where) >= sizeof(s->path[i]))
				continue;
			s->root[i] = open(where, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
			if (s->root[i] < 0)
				continue;
			strcpy(s->path[i], where);
			s->available |= 1u << i;
			s->version = 1;
		}
	}
	for (int i = 0; i < CGROUP_CONTROLLERS; i++)
		s->mounted_as[i] = s->root[i] < 0 ? (enum cgroup_controller)i : first_at(s, s->path[i]);
}

int cgroup_probe(struct cgroup_system *s, struct error *err)
{
	(void)err;
	*s = (struct cgroup_system){ .root = { -1, -1, -1, -1, -1, -1, -1 } };
	if (!probe_v2(s))
		probe_v1(s);
	return 0;
}

void cgroup_system_close(struct cgroup_system *s)
{
	for (int i = 0; i < CGROUP_CONTROLLERS; i++)
		close_fd(&s->root[i]);
}

/* Hands on what is not yet: the kernel looks at everything below for each write, even if it changes nothing. All in one write; one
 * at a time if it will not have one of them. */
static int hand_on(const struct cgroup_system *s, int dir)
{
	_cleanup_free_ char *now = cgroup_file_read(dir, "cgroup.subtree_control");
	unsigned missing = 0;
	char all[80] = "", one[16];
	size_t n = 0;

	for (int i = 0; i < CGROUP_CONTROLLERS; i++)
		if (cgroup_has(s, (enum cgroup_controller)i) && !(BUILT_IN & 1u << i) &&
		    !(now && has_word(now, names[i]))) {
			missing |= 1u << i;
			n += (size_t)snprintf(all + n, sizeof(all) - n, "+%s ", names[i]);
		}
	int r = missing ? cgroup_file_write(dir, "cgroup.subtree_control", all) : 0;
	if (r == 0 || r == -EBUSY)
		return r;
	for (int i = 0; i < CGROUP_CONTROLLERS; i++) {
		snprintf(one, sizeof(one), "+%s", names[i]);
		if (missing & 1u << i)
			cgroup_file_write(dir, "cgroup.subtree_control", one);
	}
	return 0;
}

/* "No internal processes": all go one down. A process that is born meanwhile is found in the next round. */
static int move_down(int dir)
{
	if (mkdirat(dir, "init", 0755) < 0 && errno != EEXIST)
		return -errno;
	_cleanup_close_ int below = openat(dir, "init", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (int round = 0; round < 10; round++) {
		_cleanup_free_ char *list = cgroup_file_read(dir, "cgroup.procs");
		if (text_empty(list))
			return 0;
		for (char *save, *pid = strtok_r(list, "\n", &save); pid; pid = strtok_r(NULL, "\n", &save))
			cgroup_file_write(below, "cgroup.procs", pid);
	}
	return -EBUSY;
}

/* v2: what is below may be limited only in the controllers that are handed on to it. What then is missing is told by the limit that
 * wants it. */
static void delegate(const struct cgroup_system *s, int dir, bool is_root)
{
	if (hand_on(s, dir) == -EBUSY && is_root && move_down(dir) == 0)
		hand_on(s, dir);
}

static int make(struct cgroup *c, const struct cgroup *parent, const char *name, int i)
{
	const struct cgroup_system *s = c->system;
	int above = parent ? parent->dir[i] : s->root[i];

	if (above < 0)
		return 0;
	if (s->version == 2)
		delegate(s, above, !parent);
	if (mkdirat(above, name, 0755) < 0 && errno != EEXIST)
		return -errno;
	c->dir[i] = openat(above, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return c->dir[i] < 0 ? -errno : 0;
}

int cgroup_open(struct cgroup *c, const struct cgroup_system *s, const struct cgroup *parent,
		const char *name, const struct cgroup_limits *limits, struct error *err)
{
	*c = CGROUP_NONE;
	c->system = s;
	for (int i = 0; i < CGROUP_CONTROLLERS; i++) {
		int r = make(c, parent, name, i);
		if (r < 0) {
			cgroup_close(c);
			return error_code(err, r, "cannot make the cgroup '%s' in %s", name, s->path[i]);
		}
	}
	int r = limits ? cgroup_limit(c, limits, err) : 0;
	if (r < 0)
		cgroup_close(c);
	return r;
}

int cgroup_find(struct cgroup *c, const struct cgroup_system *s, const struct cgroup *parent,
		const char *name)
{
	bool any = false;

	*c = CGROUP_NONE;
	c->system = s;
	for (int i = 0; i < CGROUP_CONTROLLERS; i++) {
		int above = parent ? parent->dir[i] : s->root[i];
		c->dir[i] = above < 0 ? -1 : openat(above, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		any = any || c->dir[i] >= 0;
	}
	return any ? 0 : -ENOENT;
}

void cgroup_close(struct cgroup *c)
{
	for (int i = 0; i < CGROUP_CONTROLLERS; i++)
		close_fd(&c->dir[i]);
}

int cgroup_tasks(const struct cgroup *c, int fds[static CGROUP_CONTROLLERS])
{
	int n = 0;

	for (int i = 0; c->system->version == 1 && i < CGROUP_CONTROLLERS; i++) {
		bool again = c->system->mounted_as[i] != (enum cgroup_controller)i;
		int fd = c->dir[i] < 0 || again ? -1 : openat(c->dir[i], "tasks", O_WRONLY | O_CLOEXEC);
		if (fd >= 0)
			fds[n++] = fd;
	}
	return n;
}

int cgroup_directory(const struct cgroup *c)
{
	return c->system->version == 2 ? c->dir[0] : -1;
}

int cgroup_directory_of(const struct cgroup *c, pid_t pid)
{
	char path[40];

	if (c->system->version != 2)
		return -1;
	snprintf(path, sizeof(path), "/proc/%d/cgroup", (int)pid);
	_cleanup_free_ char *line = cgroup_file_read(AT_FDCWD, path);
	if (!line || !text_starts(line, "0::/") || text_starts(line, "0::/.."))
		return -1;
	line[strcspn(line, "\n")] = '\0';
	return openat(c->system->root[0], line[4] ? line + 4 : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}
