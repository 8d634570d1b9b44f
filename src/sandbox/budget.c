/* budget.c — see budget.h.
 *
 * Memory QoS is KEP-2570 as of Kubernetes 1.37: memory.high only for containers, since one that is slowed down is not to slow down the others, and not for those
 * that may have just what they ask for; what is kept is memory.min for Guaranteed pods and memory.low for Burstable ones, which give first when the machine
 * is full. The machine's memory stands for a missing limit. Huge pages: what is not asked for is none (kubelet GetHugepageLimitsFromResources).
 */
#include "sandbox/budget.h"

#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

static uint64_t bytes_of(const struct quantity *q)
{
	return q->set && q->nano > 0 ? (uint64_t)quantity_value(q) : 0;
}

/* REQUEST is kept, as far as its pod wants that. */
static void reserve(const struct pod *pod, uint64_t request, struct cgroup_limits *l)
{
	bool guaranteed = text_is(pod_qos_class(&pod->spec), "Guaranteed");
	struct memory_qos qos;

	pod_memory_qos(pod, &qos);
	l->memory_qos = qos.reserves || qos.factor_nano;
	if (qos.reserves)
		*(guaranteed ? &l->memory_min_bytes : &l->memory_low_bytes) = request;
}

static void throttle(const struct sandbox *s, uint64_t request, struct cgroup_limits *l)
{
	uint64_t limit = l->memory_limit_bytes ? l->memory_limit_bytes : s->facts.node_memory_bytes;
	struct memory_qos qos;

	pod_memory_qos(s->pod, &qos);
	if (!text_is(pod_qos_class(&s->pod->spec), "Guaranteed"))
		l->memory_high_bytes =
			cgroup_memory_high(request, limit, qos.factor_nano, (uint64_t)sysconf(_SC_PAGESIZE));
}

/* Of MAP, or (NULL) of all of POD. */
static uint64_t huge_bytes(const struct pod *pod, const struct quantity_map *map, uint64_t page,
			   struct arena *a)
{
	const struct containers *lists[] = { &pod->spec.initContainers, &pod->spec.containers };
	const struct quantity_map *own = pod->spec.resources ? &pod->spec.resources->requests : NULL;

	if (map) {
		list_each(pair, map)
			if (huge_page_resource(pair->key) == page)
				return bytes_of(&pair->value);
		return 0;
	}
	if (own)
		list_each(pair, own)
			if (huge_page_resource(pair->key) == page)
				return bytes_of(&pair->value);
	for (size_t i = 0; i < 2; i++) /* by the name that they use for it */
		list_each(c, lists[i])
			list_each(pair, &c->resources.requests)
				if (huge_page_resource(pair->key) == page) {
					struct quantity sum = pod_resource(&pod->spec, pair->key, false, a);
					return bytes_of(&sum);
				}
	return 0;
}

static void limit_huge_pages(const struct sandbox *s, const struct pod *pod, const struct quantity_map *map,
			     struct cgroup_limits *l)
{
	l->huge_n = s->huge.n;
	for (unsigned i = 0; i < s->huge.n; i++) {
		l->huge[i].page_bytes = s->huge.bytes[i];
		l->huge[i].limit_bytes = huge_bytes(pod, map, s->huge.bytes[i], s->arena);
	}
}

/* Containers of a pod that has none of them need no limits of their own. */
static bool uses_huge_pages(const struct sandbox *s)
{
	for (unsigned i = 0; i < s->huge.n; i++)
		if (huge_bytes(s->pod, NULL, s->huge.bytes[i], s->arena))
			return true;
	return false;
}

struct cgroup_limits budget_of_container(const struct sandbox *s, const struct container *c)
{
	struct quantity cpu = resource_get(&c->resources.limits, "cpu"),
			ask = resource_get(&c->resources.requests, "cpu");
	struct quantity memory = resource_get(&c->resources.limits, "memory"),
			request = resource_get(&c->resources.requests, "memory");
	struct cgroup_limits l = {
		.cpu_limit_milli = cpu.set ? (uint64_t)quantity_milli(&cpu) : 0,
		.cpu_request_milli = ask.set ? (uint64_t)quantity_milli(&ask) : 2,
		.memory_limit_bytes = memory.set ? (uint64_t)quantity_value(&memory) : 0,
		.oom_group = true,
	};

	reserve(s->pod, bytes_of(&request), &l);
	throttle(s, bytes_of(&request), &l);
	if (uses_huge_pages(s))
		limit_huge_pages(s, s->pod, &c->resources.requests, &l);
	return l;
}

struct cgroup_limits budget_of_pod(const struct sandbox *s, const struct pod *pod)
{
	struct quantity cpu = pod_resource(&pod->spec, "cpu", true, s->arena),
			ask = pod_resource(&pod->spec, "cpu", false, s->arena);
	struct quantity memory = pod_resource(&pod->spec, "memory", true, s->arena),
			request = pod_resource(&pod->spec, "memory", false, s->arena);
	struct cgroup_limits l = {
		.cpu_limit_milli = cpu.set ? (uint64_t)quantity_milli(&cpu) : 0,
		.cpu_request_milli = ask.set ? (uint64_t)quantity_milli(&ask) : 2,
		.memory_limit_bytes = memory.set ? (uint64_t)quantity_value(&memory) : 0,
	};

	reserve(pod, bytes_of(&request), &l);
	limit_huge_pages(s, pod, NULL, &l);
	return l;
}

static int check_huge_pages(const struct sandbox *s, const struct quantity_pair *pair, struct error *err)
{
	uint64_t page = huge_page_resource(pair->key), wanted, there;
	bool known = false;

	if (!page)
		return 0;
	for (unsigned i = 0; i < s->huge.n; i++)
		known = known || s->huge.bytes[i] == page;
	wanted = huge_bytes(s->pod, NULL, page, s->arena);
	there = known ? huge_pages_bytes(page) : 0;
	if (wanted <= there)
		return 0;
	return error_set(err, ENOENT,
			 "the pod asks for %s of %s, and this machine has %" PRIu64
			 " such pages (write more to nr_hugepages in /sys/kernel/mm/hugepages)",
			 pair->value.text, pair->key, there / page);
}

int budget_find_huge_pages(struct sandbox *s, struct error *err)
{
	const struct containers *lists[] = { &s->pod->spec.initContainers, &s->pod->spec.containers };
	const struct resource_requirements *own = s->pod->spec.resources;
	int r = 0;

	huge_sizes_find(&s->huge);
	for (size_t i = 0; i < 2; i++)
		list_each(c, lists[i])
			list_each(pair, &c->resources.requests)
				if (r == 0)
					r = check_huge_pages(s, pair, err);
	if (own)
		list_each(pair, &own->requests)
			if (r == 0)
				r = check_huge_pages(s, pair, err);
	if (r == 0 && !cgroup_has(&s->cgroups, CGROUP_HUGETLB) && !uses_huge_pages(s))
		s->huge.n = 0; /* nothing to limit, and nothing to limit it with */
	return r;
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
	const struct cgroup_limits pod = budget_of_pod(s, s->pod);
	int r = 0;

	cgroup_limit(&s->cgroup, &pod, NULL);
	for (size_t i = 0; r == 0 && i < n; i++) {
		const struct cgroup_limits limits = budget_of_container(s, running[i]->spec);
		r = cgroup_limit(&running[i]->cgroup, &limits, err);
		if (r < 0)
			error_prefix(err, "the container '%s'", running[i]->spec->name);
	}
	if (r == 0)
		r = cgroup_limit(&s->cgroup, &pod, err);
	cgroup_sum_protection(&s->base, pod.memory_qos);
	return r;
}
