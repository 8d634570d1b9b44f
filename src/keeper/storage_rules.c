/* storage_rules.c — see storage.h. Pure. */
#include "keeper/storage.h"

static const char name[] = "ephemeral-storage";

static struct quantity size_limit(const struct volume *v)
{
	return v->emptyDir && text_empty(v->emptyDir->medium) ? v->emptyDir->sizeLimit : (struct quantity){};
}

static struct quantity limit_of(const struct container *c)
{
	return resource_get(&c->resources.limits, name);
}

static bool is_more(int64_t bytes, const struct quantity *limit)
{
	return limit->set && limit->nano > 0 && bytes > quantity_value(limit);
}

/* component-helpers resource.PodLimits: as pod_resource has it, but a container without a limit adds nothing. */
static struct quantity total_limit(const struct pod_spec *spec, struct arena *a)
{
	struct quantity sum = {}, sidecars = {}, init = {};
	char text[QUANTITY_TEXT_SIZE];

	list_each(c, &spec->initContainers) {
		struct quantity q = limit_of(c);
		if (container_is_sidecar(c))
			sidecars.nano += q.nano;
		__int128 beside = container_is_sidecar(c) ? sidecars.nano : sidecars.nano + q.nano;
		init.nano = beside > init.nano ? beside : init.nano;
	}
	list_each(c, &spec->containers) {
		struct quantity q = limit_of(c);
		sum.format = q.set ? q.format : sum.format;
		sum.nano += q.nano;
	}
	sum.nano += sidecars.nano;
	if (init.nano > sum.nano)
		sum.nano = init.nano;
	sum.set = sum.nano > 0;
	if (sum.set)
		sum.text = arena_strdup(a, quantity_text(&sum, text));
	return sum;
}

bool storage_is_limited(const struct pod_spec *spec)
{
	list_each(v, &spec->volumes)
		if (size_limit(v).set)
			return true;
	list_each(c, &spec->initContainers)
		if (limit_of(c).nano > 0)
			return true;
	list_each(c, &spec->containers)
		if (limit_of(c).nano > 0)
			return true;
	return false;
}

const char *storage_excess(const struct pod_spec *spec, const int64_t *bytes, struct arena *a)
{
	const int64_t *own = bytes + spec->volumes.n + spec->initContainers.n;
	size_t n = spec->volumes.n + spec->initContainers.n + spec->containers.n;
	struct quantity total = total_limit(spec, a);
	int64_t sum = 0;

	for (size_t i = 0; i < spec->volumes.n; i++) {
		struct quantity limit = size_limit(&spec->volumes.at[i]);
		if (is_more(bytes[i], &limit))
			return arena_printf(a, "Usage of EmptyDir volume \"%s\" exceeds the limit \"%s\". ",
					    spec->volumes.at[i].name, limit.text);
	}
	for (size_t i = 0; i < n; i++)
		sum += bytes[i];
	if (is_more(sum, &total))
		return arena_printf(
			a, "Pod ephemeral local storage usage exceeds the total limit of containers %s. ",
			total.text);
	for (size_t i = 0; i < spec->containers.n; i++) {
		struct quantity limit = limit_of(&spec->containers.at[i]);
		if (is_more(own[i], &limit))
			return arena_printf(
				a, "Container %s exceeded its local ephemeral storage limit \"%s\". ",
				spec->containers.at[i].name, limit.text);
	}
	return NULL;
}
