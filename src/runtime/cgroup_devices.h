/* cgroup_devices.h — which devices the processes of a cgroup may use (linux.resources.devices).
 */
#pragma once

#include "runtime/cgroup.h"

/* R's rules in their order, then what every container may use (the default devices, terminals, and mknod of any). */
int cgroup_devices_set(const struct oci_cgroup *g, const struct config_resources *r, struct error *err);
