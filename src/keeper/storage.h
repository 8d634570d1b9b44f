/* storage.h — whether a pod takes more on disk than it may.
 *
 * The kubelet's three rules, in its order and words (pkg/kubelet/eviction/eviction_manager.go localStorageEviction): an emptyDir beyond its sizeLimit; all
 * of the pod beyond the sum of its containers' limits of ephemeral-storage, where one has such a limit; an app container's own files and log beyond its
 * limit. Its requests only choose a node there, and have no effect here.
 */
#pragma once

#include "api/pod.h"

/* Is there a limit to watch? */
bool storage_is_limited(const struct pod_spec *spec);

/* The words for the first limit that is exceeded, in A; NULL: none. BYTES: sandbox/disk.h. */
const char *storage_excess(const struct pod_spec *spec, const int64_t *bytes, struct arena *a);
