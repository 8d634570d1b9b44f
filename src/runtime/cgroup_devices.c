/* cgroup_devices.c — see cgroup_devices.h. How rules become the kernel's is linux/cgroup_device.c. */
#include "runtime/cgroup_devices.h"

#include <errno.h>

#include "linux/cgroup.h"

int cgroup_devices_set(const struct oci_cgroup *g, const struct config_resources *r, struct error *err)
{
	struct LIST(struct cgroup_device) rules = {};
	int dir = oci_cgroup_dir(g, "devices");

	if (r->devices.n == 0)
		return 0;
	if (dir < 0)
		return error_set(err, EOPNOTSUPP,
				 "linux.resources.devices: this machine has no 'devices' cgroup controller");
	list_each(d, &r->devices)
		*list_add(g->arena, &rules) = (struct cgroup_device){
			.allow = d->allow,
			.type = text_empty(d->type) ? 'a' : *d->type,
			.major = d->major.set ? d->major.value : -1,
			.minor = d->minor.set ? d->minor.value : -1,
			.access = text_empty(d->access) ? "rwm" : d->access,
		};
	for (size_t i = 0; i < CGROUP_USUAL_DEVICES; i++)
		*list_add(g->arena, &rules) = cgroup_usual_devices[i];
	int result = cgroup_set_devices(g->v2 ? 2 : 1, dir, rules.at, rules.n, err);
	return result < 0 ? error_prefix(err, "linux.resources.devices") : 0;
}
