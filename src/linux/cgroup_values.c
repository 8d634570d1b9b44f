/* cgroup_values.c — from Kubernetes' amounts to the kernel's; see cgroup.h. Pure. */
#include "linux/cgroup.h"

uint64_t cgroup_cpu_shares(uint64_t milli)
{
	uint64_t shares = milli * 1024 / 1000;
	return shares < 2 ? 2 : shares > 262144 ? 262144 : shares;
}

uint64_t cgroup_cpu_weight(uint64_t milli)
{
	return 1 + (cgroup_cpu_shares(milli) - 2) * 9999 / 262142;
}

uint64_t cgroup_cpu_quota_us(uint64_t milli)
{
	uint64_t quota = milli * CGROUP_CPU_PERIOD_US / 1000;
	return quota < 1000 ? 1000 : quota;
}
