/* fields.c — see fields.h. */
#include "volume/fields.h"

#include <inttypes.h>

#include "base/text.h"

/* "metadata.labels['KEY']": the KEY of PREFIX['…'], or NULL. */
static const char *subscript(const char *path, const char *prefix, struct arena *a)
{
	size_t n = strlen(prefix);

	if (!text_starts(path, prefix) || !text_starts(path + n, "['") || !text_ends(path, "']"))
		return NULL;
	return arena_strndup(a, path + n + 2, strlen(path) - n - 4);
}

static const char *all_pairs(const struct string_map *map, struct arena *a)
{
	const char *text = "";

	list_each(pair, map)
		text = arena_printf(a, "%s%s=\"%s\"\n", text, pair->key, pair->value);
	return text;
}

int pod_field(const struct pod *pod, const struct pod_facts *facts, const char *path, struct arena *a,
	      const char **value, struct error *err)
{
	const struct {
		const char *path, *value;
	} simple[] = {
		{ "metadata.name", pod->metadata.name },
		{ "metadata.namespace", pod->metadata.namespace },
		{ "metadata.uid", pod->metadata.uid },
		{ "spec.nodeName", facts->node_name },
		{ "spec.serviceAccountName", pod->spec.serviceAccountName
						     ? pod->spec.serviceAccountName
						     : "default" }, /* admission sets it */
		{ "status.hostIP", facts->host_ip },
		{ "status.hostIPs", facts->host_ip },
		{ "status.podIP", facts->pod_ip },
		{ "status.podIPs", facts->pod_ip },
	};
	const char *label = subscript(path, "metadata.labels", a),
		   *note = subscript(path, "metadata.annotations", a);

	*value = NULL;
	for (size_t i = 0; i < sizeof(simple) / sizeof(*simple); i++) {
		if (text_is(path, simple[i].path)) {
			*value = simple[i].value ? simple[i].value : "";
			return 0;
		}
	}
	if (label)
		*value = string_map_get(&pod->metadata.labels, label);
	else if (note)
		*value = string_map_get(&pod->metadata.annotations, note);
	else if (text_is(path, "metadata.labels"))
		*value = all_pairs(&pod->metadata.labels, a);
	else if (text_is(path, "metadata.annotations"))
		*value = all_pairs(&pod->metadata.annotations, a);
	else
		return error_set(err, EINVAL, "the pod has no field '%s' for fieldRef", path);
	*value = *value ? *value : "";
	return 0;
}

/* In billionths, as quantities are. Of hugepages a container without a limit has none. */
static __int128 machine_has(const struct pod_facts *facts, const char *name)
{
	const __int128 billion = 1000000000;

	return text_is(name, "cpu")                 ? facts->node_cpu_milli * (billion / 1000)
	       : text_is(name, "memory")            ? facts->node_memory_bytes * billion
	       : text_is(name, "ephemeral-storage") ? facts->node_disk_bytes * billion
						    : 0;
}

int pod_resource_field(const struct pod *pod, const struct pod_facts *facts,
		       const struct container *container, const struct resource_field_selector *selector,
		       struct arena *a, const char **value, struct error *err)
{
	const struct container *c =
		selector->containerName ? pod_find_container(pod, selector->containerName) : container;
	bool limits = text_starts(selector->resource, "limits.");
	const char *name = limits                                         ? selector->resource + 7
			   : text_starts(selector->resource, "requests.") ? selector->resource + 9
									  : NULL;

	if (!c || !name)
		return error_set(err, EINVAL, "resourceFieldRef '%s' of the container '%s' is not there",
				 selector->resource, selector->containerName ? selector->containerName : "?");
	struct quantity q = resource_get(limits ? &c->resources.limits : &c->resources.requests, name);
	if (!q.set && limits) /* what the machine has (core/v1 ResourceFieldSelector) */
		q.nano = machine_has(facts, name);
	__int128 divisor =
		selector->divisor.set && selector->divisor.nano > 0 ? selector->divisor.nano : 1000000000;
	*value = arena_printf(a, "%" PRId64, (int64_t)((q.nano + divisor - 1) / divisor));
	return 0;
}
