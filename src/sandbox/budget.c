/* budget.c — see budget.h. */
#include "sandbox/budget.h"

#include <inttypes.h>

struct cgroup_limits budget_of_container(const struct container *c)
{
	struct quantity cpu = resource_get(&c->resources.limits, "cpu"),
			ask = resource_get(&c->resources.requests, "cpu");
	struct quantity memory = resource_get(&c->resources.limits, "memory");

	return (struct cgroup_limits){
		.cpu_limit_milli = cpu.set ? (uint64_t)quantity_milli(&cpu) : 0,
		.cpu_request_milli = ask.set ? (uint64_t)quantity_milli(&ask) : 2,
		.memory_limit_bytes = memory.set ? (uint64_t)quantity_value(&memory) : 0,
		.oom_group = true,
	};
}

struct cgroup_limits budget_of_pod(const struct pod *pod, struct arena *a)
{
	struct quantity cpu = pod_resource(&pod->spec, "cpu", true, a),
			ask = pod_resource(&pod->spec, "cpu", false, a);
	struct quantity memory = pod_resource(&pod->spec, "memory", true, a);

	return (struct cgroup_limits){
		.cpu_limit_milli = cpu.set ? (uint64_t)quantity_milli(&cpu) : 0,
		.cpu_request_milli = ask.set ? (uint64_t)quantity_milli(&ask) : 2,
		.memory_limit_bytes = memory.set ? (uint64_t)quantity_value(&memory) : 0,
	};
}

/* A lower limit would not be refused by version 2 but met by killing (cgroup-v2.rst, memory.max). */
int budget_fits(const struct cgroup *c, const char *whose, const struct cgroup_limits *limits,
		struct error *err)
{
	struct cgroup_usage usage;

	if (!limits->memory_limit_bytes || c->system->version == 0)
		return 0;
	cgroup_usage(c, &usage);
	if (usage.memory_bytes <= limits->memory_limit_bytes)
		return 0;
	return error_set(err, EBUSY,
			 "%s uses %" PRIu64 "Ki of memory, and would be killed with a limit of %" PRIu64 "Ki",
			 whose, usage.memory_bytes / 1024, limits->memory_limit_bytes / 1024);
}

/* A pod may not have less CPU time than one of its containers at any moment (version 1 refuses that): it is tried before them,
 * which is right when it grows, and set after them, which is right when it shrinks. */
int budget_apply(const struct sandbox *s, struct sandbox_container *const *running, size_t n,
		 struct error *err)
{
	const struct cgroup_limits pod = budget_of_pod(s->pod, s->arena);
	int r = 0;

	cgroup_limit(&s->cgroup, &pod, NULL);
	for (size_t i = 0; r == 0 && i < n; i++) {
		const struct cgroup_limits limits = budget_of_container(running[i]->spec);
		r = cgroup_limit(&running[i]->cgroup, &limits, err);
		if (r < 0)
			error_prefix(err, "the container '%s'", running[i]->spec->name);
	}
	return r < 0 ? r : cgroup_limit(&s->cgroup, &pod, err);
}
