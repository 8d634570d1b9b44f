/* budget.h — what a pod and its containers may use, as limits of cgroups, at the start and when it changes (resize in place, KEP-1287, KEP-5419).
 */
#pragma once

#include "sandbox/sandbox.h"

/* Of container C of the sandbox's pod. */
struct cgroup_limits budget_of_container(const struct sandbox *s, const struct container *c);

/* Of the sandbox's pod as POD says it (a newer version of it), without the limit of processes. */
struct cgroup_limits budget_of_pod(const struct sandbox *s, const struct pod *pod);

/* Whether the machine has the huge pages that the pod asks for; finds their sizes. -ENOENT, with what it has in err. */
int budget_find_huge_pages(struct sandbox *s, struct error *err);

/* Whether what C uses now fits into the memory that NEW has for it. -EBUSY with both amounts in err. */
int budget_fits(const struct cgroup *c, const char *whose, const struct cgroup_limits *limits,
		struct error *err);

/* Sets the pod's limits and those of its running containers RUNNING[0..N) to what their specs say now. */
int budget_apply(const struct sandbox *s, struct sandbox_container *const *running, size_t n,
		 struct error *err);
