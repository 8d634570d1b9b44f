/* pod_resize.c — what may change of a running pod's resources (KEP-1287, KEP-5419; kubernetes validation ValidatePodResize); see pod.h. */
#include <errno.h>

#include "api/pod.h"

#include "base/text.h"

static bool is_resizable(const char *name)
{
	return text_is(name, "cpu") || text_is(name, "memory");
}

static bool differs(const struct quantity_map *a, const struct quantity_map *b, const char *name)
{
	struct quantity one = resource_get(a, name), other = resource_get(b, name);

	return one.set != other.set || (one.set && quantity_compare(&one, &other) != 0);
}

static int check_map(const struct quantity_map *old, const struct quantity_map *new, const char *what,
		     struct error *err)
{
	list_each(pair, old)
		if (!resource_get(new, pair->key).set && is_resizable(pair->key))
			return error_set(err, EINVAL, "the %s of %s can be changed, but not taken away", what,
					 pair->key);
	list_each(pair, old)
		if (!is_resizable(pair->key) && differs(old, new, pair->key))
			return error_set(err, EINVAL,
					 "%s cannot be changed as the pod runs (cpu and memory can)",
					 pair->key);
	list_each(pair, new)
		if (!is_resizable(pair->key) && differs(old, new, pair->key))
			return error_set(err, EINVAL,
					 "%s cannot be changed as the pod runs (cpu and memory can)",
					 pair->key);
	return 0;
}

static int check(const struct resource_requirements *old, const struct resource_requirements *new,
		 struct error *err)
{
	int r = check_map(&old->limits, &new->limits, "limit", err);

	return r < 0 ? r : check_map(&old->requests, &new->requests, "request", err);
}

static int check_list(const struct containers *old, const struct containers *new, bool init,
		      struct error *err)
{
	for (size_t i = 0; i < old->n && i < new->n; i++) {
		const struct container *before = &old->at[i], *after = &new->at[i];
		bool same = !differs(&before->resources.limits, &after->resources.limits, "cpu") &&
			    !differs(&before->resources.limits, &after->resources.limits, "memory") &&
			    !differs(&before->resources.requests, &after->resources.requests, "cpu") &&
			    !differs(&before->resources.requests, &after->resources.requests, "memory");
		int r = check(&before->resources, &after->resources, err);
		if (r == 0 && init && !same && !container_is_sidecar(before))
			r = error_set(err, EINVAL,
				      "an init container's resources cannot be changed as the pod runs");
		if (r < 0)
			return error_prefix(err, "the container '%s'", before->name);
	}
	return 0;
}

int pod_resize_check(const struct pod *old, const struct pod *new, struct error *err)
{
	const char *before = pod_qos_class(&old->spec), *after = pod_qos_class(&new->spec);
	int r = check_list(&old->spec.containers, &new->spec.containers, false, err);

	if (r == 0)
		r = check_list(&old->spec.initContainers, &new->spec.initContainers, true, err);
	if (r == 0 && !old->spec.resources != !new->spec.resources)
		r = error_set(err, EINVAL,
			      "the pod's own resources can be changed, but not added or taken away");
	if (r == 0 && old->spec.resources)
		r = check(old->spec.resources, new->spec.resources, err);
	if (r == 0 && !text_is(before, after))
		r = error_set(err, EINVAL,
			      "the QoS class would change from %s to %s, which a running pod cannot", before,
			      after);
	return r;
}

bool container_resize_restarts(const struct container *old, const struct container *new)
{
	list_each(policy, &old->resizePolicy)
		if (text_is(policy->restartPolicy, "RestartContainer") &&
		    (differs(&old->resources.limits, &new->resources.limits, policy->resourceName) ||
		     differs(&old->resources.requests, &new->resources.requests, policy->resourceName)))
			return true;
	return false;
}
