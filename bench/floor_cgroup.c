/* floor_cgroup.c — the control groups of a pod and its containers, with the limits that the measured pod asks for. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "floor.h"

static const char *const hierarchies[HIERARCHIES] = {
	"cpu", "cpuacct", "memory", "devices", "freezer", "pids"
};
static int hierarchy_fd[HIERARCHIES];

void cgroups_open(void)
{
	char path[64];

	for (int i = 0; i < HIERARCHIES; i++) {
		snprintf(path, sizeof(path), "/sys/fs/cgroup/%s/spfloor", hierarchies[i]);
		if (mkdir(path, 0755) < 0 && errno != EEXIST)
			die("%s (cgroup v1 is needed)", path);
		hierarchy_fd[i] = must(open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), path);
	}
}

void cgroups_close(void)
{
	char path[64];

	for (int i = 0; i < HIERARCHIES; i++) {
		snprintf(path, sizeof(path), "/sys/fs/cgroup/%s/spfloor", hierarchies[i]);
		rmdir(path);
	}
}

static void put(int at, const char *file, const char *value)
{
	int fd = must(openat(at, file, O_WRONLY | O_CLOEXEC), file);

	must(write(fd, value, strlen(value)), file);
	close(fd);
}

static int sub(int above, const char *name)
{
	must(mkdirat(above, name, 0755), name);
	return must(openat(above, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC), name);
}

static void limit_container(const int at[HIERARCHIES])
{
	static const char *const devices[] = { "c *:* m",   "b *:* m",    "c 1:3 rwm", "c 1:5 rwm",
					       "c 1:7 rwm", "c 1:8 rwm",  "c 1:9 rwm", "c 5:0 rwm",
					       "c 5:2 rwm", "c 136:* rwm" };

	put(at[0], "cpu.shares", "512");
	put(at[0], "cpu.cfs_period_us", "100000");
	put(at[0], "cpu.cfs_quota_us", "50000");
	put(at[2], "memory.limit_in_bytes", "67108864");
	put(at[2], "memory.memsw.limit_in_bytes", "67108864");
	if (wish.bare)
		return;
	put(at[3], "devices.deny", "a");
	for (size_t i = 0; i < sizeof(devices) / sizeof(*devices); i++)
		put(at[3], "devices.allow", devices[i]);
}

/* Makes the pod's cgroup and those of its containers, and opens the files by which their processes will enter. */
void cgroups_make(const char *pod, int tasks[CONTAINERS][HIERARCHIES])
{
	int at[HIERARCHIES], below[CONTAINERS][HIERARCHIES];

	for (int i = 0; i < HIERARCHIES; i++)
		at[i] = sub(hierarchy_fd[i], pod);
	put(at[0], "cpu.shares", "1024");
	for (int c = 0; c < CONTAINERS; c++) {
		for (int i = 0; i < HIERARCHIES; i++) {
			below[c][i] = sub(at[i], c ? "b" : "a");
			tasks[c][i] = must(openat(below[c][i], "tasks", O_WRONLY | O_CLOEXEC), "tasks");
		}
		limit_container(below[c]);
	}
}

void cgroups_remove(const char *pod)
{
	char path[64];

	for (int i = 0; i < HIERARCHIES; i++) {
		for (int c = 0; c < CONTAINERS; c++) {
			snprintf(path, sizeof(path), "%s/%c", pod, 'a' + c);
			must(unlinkat(hierarchy_fd[i], path, AT_REMOVEDIR), "rmdir of a cgroup");
		}
		must(unlinkat(hierarchy_fd[i], pod, AT_REMOVEDIR), "rmdir of a cgroup");
	}
}
