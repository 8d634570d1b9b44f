/* pod_resources.c — sums over a pod's containers: QoS class and budget; see pod.h. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "api/annotations.h"
#include "api/pod.h"
#include "base/duration.h"
#include "base/text.h"

struct quantity resource_get(const struct quantity_map *map, const char *name)
{
	list_each(pair, map)
		if (text_is(pair->key, name))
			return pair->value;
	return (struct quantity){};
}

static bool has_any(const struct resource_requirements *r)
{
	static const char *const names[] = { "cpu", "memory" };

	for (size_t i = 0; i < 2; i++) {
		struct quantity limit = resource_get(&r->limits, names[i]),
				request = resource_get(&r->requests, names[i]);
		if ((limit.set && limit.nano) || (request.set && request.nano))
			return true;
	}
	return false;
}

static bool is_guaranteed(const struct resource_requirements *r)
{
	static const char *const names[] = { "cpu", "memory" };

	for (size_t i = 0; i < 2; i++) {
		struct quantity limit = resource_get(&r->limits, names[i]),
				request = resource_get(&r->requests, names[i]);
		if (!limit.set || !limit.nano || (request.set && quantity_compare(&limit, &request) != 0))
			return false;
	}
	return true;
}

const char *pod_qos_class(const struct pod_spec *spec)
{
	bool any = false, all = true;

	if (spec->resources && has_any(spec->resources)) /* KEP-2837: the pod's own resources decide */
		return is_guaranteed(spec->resources) ? "Guaranteed" : "Burstable";
	const struct containers *lists[] = { &spec->initContainers, &spec->containers };
	for (size_t i = 0; i < 2; i++) {
		list_each(c, lists[i]) {
			any = any || has_any(&c->resources);
			all = all && is_guaranteed(&c->resources);
		}
	}
	return !any ? "BestEffort" : all ? "Guaranteed" : "Burstable";
}

int pod_pids_limit(const struct pod *pod, int64_t *limit)
{
	const char *text = string_map_get(&pod->metadata.annotations, PIDS_ANNOTATION);
	long long number = -1;
	bool any = text_is(text, "max") || text_is(text, "-1");

	*limit = 0;
	if (!text)
		return 0;
	if (!any && text_to_int(text, 1, 4194304, &number) < 0) /* PID_MAX_LIMIT of the kernel */
		return -EINVAL;
	*limit = number;
	return 0;
}

int pod_backoff(const struct pod *pod, const char *which, int *ms)
{
	char note[64];

	snprintf(note, sizeof(note), BACKOFF_ANNOTATION "%s", which);
	const char *text = string_map_get(&pod->metadata.annotations, note);
	return !text ? 0 : duration_parse(text, ms) < 0 ? -EINVAL : 1;
}

static struct quantity of_container(const struct container *c, const char *name, bool limits)
{
	return resource_get(limits ? &c->resources.limits : &c->resources.requests, name);
}

struct quantity pod_resource(const struct pod_spec *spec, const char *name, bool limits, struct arena *a)
{
	struct quantity sum = {}, sidecars = {}, largest_init = {};
	bool open = false;

	if (spec->resources) {
		struct quantity own =
			resource_get(limits ? &spec->resources->limits : &spec->resources->requests, name);
		if (own.set)
			return own;
	}
	list_each(c, &spec->initContainers) {
		struct quantity q = of_container(c, name, limits);
		open = open || !q.nano; /* a limit of 0 is none */
		if (container_is_sidecar(c)) {
			sidecars.nano += q.nano;
			continue;
		}
		__int128 with_sidecars = q.nano + sidecars.nano; /* those started before it run beside it */
		if (with_sidecars > largest_init.nano)
			largest_init.nano = with_sidecars;
	}
	list_each(c, &spec->containers) {
		struct quantity q = of_container(c, name, limits);
		open = open || !q.nano; /* a limit of 0 is none */
		sum.nano += q.nano;
	}
	sum.nano += sidecars.nano;
	if (largest_init.nano > sum.nano)
		sum.nano = largest_init.nano;
	if (sum.nano == 0 || (limits && open))
		return (struct quantity){};
	sum.set = true;
	bool whole = text_is(name, "cpu") ? sum.nano % 1000000000 == 0 : true;
	sum.text = whole ? arena_printf(a, "%" PRId64, quantity_value(&sum))
			 : arena_printf(a, "%" PRId64 "m", quantity_milli(&sum));
	return sum;
}
