/* pod_memory.c — what a pod says about memory besides its amounts: huge pages, and memory QoS; see pod.h. */
#include <errno.h>

#include "api/annotations.h"
#include "api/pod.h"
#include "base/cleanup.h"
#include "base/text.h"

enum { BILLION = 1000000000 };

uint64_t huge_page_resource(const char *name)
{
	struct quantity size;

	if (!text_starts(name, HUGE_PAGES) || quantity_parse(name + strlen(HUGE_PAGES), &size) < 0)
		return 0;
	int64_t bytes = quantity_value(&size);
	bool is_size = bytes >= 4096 && (bytes & (bytes - 1)) == 0;
	return is_size ? (uint64_t)bytes : 0;
}

/* *BYTES: 0 until one was found. */
static int add_size(const struct resource_requirements *r, uint64_t *bytes)
{
	list_each(pair, &r->requests) {
		uint64_t size = huge_page_resource(pair->key);
		if (size && *bytes && *bytes != size)
			return -EMLINK;
		*bytes = size ? size : *bytes;
	}
	return 0;
}

/* kubelet emptydir getPageSizeMountOption */
int pod_huge_page_size(const struct pod_spec *spec, const char *medium, uint64_t *bytes)
{
	const struct containers *lists[] = { &spec->initContainers, &spec->containers };
	int r = 0;

	*bytes = 0;
	if (text_starts(medium, "HugePages-")) {
		_cleanup_free_ char *name = memory_printf("%s%s", HUGE_PAGES, medium + strlen("HugePages-"));
		*bytes = huge_page_resource(name);
		return *bytes ? 0 : -EINVAL;
	}
	if (spec->resources)
		r = add_size(spec->resources, bytes);
	for (size_t i = 0; i < 2; i++)
		list_each(c, lists[i])
			if (r == 0)
				r = add_size(&c->resources, bytes);
	return r < 0 ? r : *bytes ? 0 : -ENOENT;
}

int pod_memory_qos(const struct pod *pod, struct memory_qos *qos)
{
	const char *factor = string_map_get(&pod->metadata.annotations, MEMORY_FACTOR_ANNOTATION),
		   *policy = string_map_get(&pod->metadata.annotations, MEMORY_RESERVATION_ANNOTATION);
	struct quantity q = {};

	*qos = (struct memory_qos){ .reserves = text_is(policy, "TieredReservation") };
	if (policy && !qos->reserves && !text_is(policy, "None"))
		return -EINVAL;
	if (factor && (quantity_parse(factor, &q) < 0 || q.nano <= 0 || q.nano > BILLION))
		return -EINVAL;
	qos->factor_nano = (uint32_t)q.nano;
	return 0;
}
