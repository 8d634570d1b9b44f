/* cgroup_usage.c — what a cgroup has used, and whether the kernel killed in it; see cgroup.h. */
#include "linux/cgroup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "linux/cgroup_file.h"

uint64_t cgroup_oom_kills(const struct cgroup *c)
{
	if (c->system->version == 2)
		return cgroup_file_number(c->dir[0], "memory.events", "oom_kill");
	return c->dir[CGROUP_MEMORY] < 0
		       ? 0
		       : cgroup_file_number(c->dir[CGROUP_MEMORY], "memory.oom_control", "oom_kill");
}

void cgroup_usage(const struct cgroup *c, struct cgroup_usage *u)
{
	bool v2 = c->system->version == 2;
	int memory = c->dir[v2 ? 0 : CGROUP_MEMORY], pids = c->dir[v2 ? 0 : CGROUP_PIDS];
	int cpu = c->dir[v2 ? 0 : CGROUP_CPUACCT];

	*u = (struct cgroup_usage){};
	if (memory >= 0) {
		uint64_t used =
			cgroup_file_number(memory, v2 ? "memory.current" : "memory.usage_in_bytes", NULL);
		uint64_t idle = cgroup_file_number(memory, "memory.stat",
						   v2 ? "inactive_file" : "total_inactive_file");
		u->memory_bytes = used > idle ? used - idle : 0;
	}
	if (pids >= 0)
		u->pids = cgroup_file_number(pids, "pids.current", NULL);
	if (cpu >= 0)
		u->cpu_ns = v2 ? cgroup_file_number(cpu, "cpu.stat", "usage_usec") * 1000
			       : cgroup_file_number(cpu, "cpuacct.usage", NULL);
}

/* "8:0 rbytes=1 wbytes=2 rios=3 …", a line a disk. */
static int64_t sum_of(const char *text, const char *key)
{
	int64_t sum = 0;

	for (const char *at = text; (at = strstr(at, key)); at += strlen(key))
		sum += strtoll(at + strlen(key), NULL, 10);
	return sum;
}

/* "some avg10=0.05 avg60=…" */
static int32_t waits(int dir, const char *file)
{
	_cleanup_free_ char *text = cgroup_file_read(dir, file);
	unsigned whole, hundredths;

	if (!text || sscanf(text, "some avg10=%u.%2u", &whole, &hundredths) != 2)
		return -1;
	return (int32_t)(whole * 100 + hundredths);
}

void cgroup_io(const struct cgroup *c, struct cgroup_io *io)
{
	*io = (struct cgroup_io){ -1, -1, -1, -1, -1 };
	if (c->system->version != 2 || c->dir[0] < 0)
		return;
	_cleanup_free_ char *stat = cgroup_file_read(c->dir[0], "io.stat");
	if (stat) {
		io->read_bytes = sum_of(stat, "rbytes=");
		io->written_bytes = sum_of(stat, "wbytes=");
	}
	io->cpu_waits = waits(c->dir[0], "cpu.pressure");
	io->memory_waits = waits(c->dir[0], "memory.pressure");
	io->io_waits = waits(c->dir[0], "io.pressure");
}
