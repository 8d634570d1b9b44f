/* budget.h — what a pod and its containers may use, as limits of cgroups, at the start and when it changes (resize in place, KEP-1287, KEP-5419).
 */
#pragma once

#include "sandbox/sandbox.h"

struct cgroup_limits budget_of_container(const struct container *c);

/* Without the limit of processes. */
struct cgroup_limits budget_of_pod(const struct pod *pod, struct arena *a);

/* Whether what C uses now fits into the memory that NEW has for it. -EBUSY with both amounts in err. */
int budget_fits(const struct cgroup *c, const char *whose, const struct cgroup_limits *limits,
		struct error *err);

/* Sets the pod's limits and those of its running containers RUNNING[0..N) to what their specs say now. */
int budget_apply(const struct sandbox *s, struct sandbox_container *const *running, size_t n,
		 struct error *err);
