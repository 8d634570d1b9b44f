/* pods.h — the pods of this machine, read from their directories: no daemon is asked.
 */
#pragma once

#include "api/pod.h"
#include "base/instance.h"

struct found_pod {
	struct pod *pod; /* with its status */
	bool alive;      /* its keeper runs */
};

struct found_pods LIST(struct found_pod);

/* Every pod of NAMESPACE (NULL: of all), sorted. One whose keeper was killed is swept away first. */
int pods_list(const struct instance *in, const char *namespace, struct arena *a, struct found_pods *out,
	      struct error *err);

/* One by name; -ENOENT. */
int pods_find(const struct instance *in, const char *namespace, const char *name, struct arena *a,
	      struct found_pod *out, struct error *err);
