/* cgroup.c — the pod's control group: the budget that its containers share, and which devices they may use. */
#include "sandbox/parts.h"

#include <fcntl.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "sandbox/budget.h"

static uint64_t kernel_number(const char *path)
{
	_cleanup_free_ char *text = NULL;
	return file_read(AT_FDCWD, path, 64, &text, NULL, NULL) < 0 ? 0 : strtoull(text, NULL, 10);
}

/* The pod's, as the kubelet's podPidsLimit is. What nobody asked for is not missed where it cannot be had. */
static uint64_t pids_limit(const struct sandbox *s)
{
	int64_t wish = 0;

	pod_pids_limit(s->pod, &wish);
	if (wish)
		return wish < 0 ? 0 : (uint64_t)wish;
	if (!cgroup_has(&s->cgroups, CGROUP_PIDS)) {
		log_warning("this machine has no 'pids' cgroup controller: the pod may have any number of "
			    "processes");
		return 0;
	}
	uint64_t threads = kernel_number("/proc/sys/kernel/threads-max"),
		 pids = kernel_number("/proc/sys/kernel/pid_max");
	return cgroup_default_pids(pids && pids < threads ? pids : threads);
}

int sandbox_limit_devices(const struct cgroup *c, struct error *err)
{
	int r = cgroup_restrict_devices(c, err);
	return r < 0 ? error_hint(err, "only a privileged container may use every device") : 0;
}

static bool is_privileged(const struct container *c)
{
	return c->securityContext && c->securityContext->privileged.value;
}

static bool has_privileged(const struct pod_spec *spec)
{
	list_each(c, &spec->initContainers)
		if (is_privileged(c))
			return true;
	list_each(c, &spec->containers)
		if (is_privileged(c))
			return true;
	return false;
}

/* The cgroup above all pods gets the weight of the whole machine, as the kubelet's "kubepods" does: else a single one that asks for
 * two processors would get no more than each program of the host. */
int sandbox_cgroup_make(struct sandbox *s, struct error *err)
{
	const struct cgroup_limits machine = { .cpu_request_milli = s->facts.node_cpu_milli };
	struct cgroup_limits limits = {};
	int r = cgroup_probe(&s->cgroups, err);

	snprintf(s->cgroup_name, sizeof(s->cgroup_name), "pod%s", s->pod->metadata.uid);
	if (r == 0)
		r = budget_find_huge_pages(s, err);
	limits = budget_of_pod(s, s->pod);
	limits.pids = pids_limit(s);
	if (r == 0)
		r = cgroup_open(&s->base, &s->cgroups, NULL, s->in->cgroup, &machine, err);
	if (r == 0)
		r = cgroup_open(&s->cgroup, &s->cgroups, &s->base, s->cgroup_name, &limits, err);
	if (r == 0)
		cgroup_sum_protection(&s->base, limits.memory_qos);
	if (r < 0 || has_privileged(&s->pod->spec))
		return r;
	r = sandbox_limit_devices(&s->cgroup, err);
	s->devices_limited = r == 0;
	return r;
}
