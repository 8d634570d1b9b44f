/* fields.h — the downward API: what a container may know of its own pod (Kubernetes docs "Downward API").
 */
#pragma once

#include "api/pod.h"
#include "base/error.h"

/* What is known only at run time. */
struct pod_facts {
	const char *pod_ip, *host_ip, *node_name;
	uint64_t node_memory_bytes, node_cpu_milli,
		node_disk_bytes; /* stand in for limits that are not set */
};

/* The value of a fieldPath (metadata.labels['x'], status.podIP …) in A; -EINVAL: there is no such field. */
int pod_field(const struct pod *pod, const struct pod_facts *facts, const char *path, struct arena *a,
	      const char **value, struct error *err);

/* The value of a resourceFieldRef; CONTAINER: whose environment it is, for a selector without containerName. */
int pod_resource_field(const struct pod *pod, const struct pod_facts *facts,
		       const struct container *container, const struct resource_field_selector *selector,
		       struct arena *a, const char **value, struct error *err);
