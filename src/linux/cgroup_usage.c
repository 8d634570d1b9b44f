/* cgroup_usage.c — what a cgroup has used, and whether the kernel killed in it; see cgroup.h. */
#include "linux/cgroup.h"
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
