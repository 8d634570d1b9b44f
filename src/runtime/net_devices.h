/* net_devices.h — linux.netDevices: network devices of the host that move into a container (config-linux.md "Network Devices"). */
#pragma once

#include <sys/types.h>

#include "base/error.h"
#include "object/node.h"

/* NULL or what is wrong with NAME as that of a network device. */
const char *net_device_name_check(const char *name);

/* Moves DEVICES into the network namespace of the process PID: renamed, with their lasting addresses, up. The names are looked at before
 * the first is moved; a device that has been moved goes with its namespace. */
int net_devices_move(const struct node *devices, pid_t pid, struct error *err);
