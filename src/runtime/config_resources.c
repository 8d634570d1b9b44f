/* config_resources.c — config-linux.md "Control groups", as tables; see config.h. */
#include "runtime/config.h"

#include <string.h>

/* Any mix of r, w and m. */
static const char *check_access(const char *s)
{
	return s[strspn(s, "rwm")] == '\0' ? NULL : "is not made of r, w and m";
}

static const struct field device_fields[] = {
	VALUE(device_rule, allow, .required = true),
	VALUE(device_rule, type, .values = "a|c|b|"),
	VALUE(device_rule, major, .min = -1, .max = UINT32_MAX),
	VALUE(device_rule, minor, .min = -1, .max = UINT32_MAX),
	VALUE(device_rule, access, .check = check_access),
};
static const struct table device_table =
	TABLE(device_rule, device_fields, "Who may use which devices.", .open = true);

static const struct field memory_fields[] = {
	VALUE(config_memory, limit, .min = -1, .max = INT64_MAX),
	VALUE(config_memory, reservation, .min = -1, .max = INT64_MAX),
	VALUE(config_memory, swap, .min = -1, .max = INT64_MAX),
	VALUE(config_memory, kernel, .min = -1, .max = INT64_MAX),
	VALUE(config_memory, kernelTCP, .min = -1, .max = INT64_MAX),
	VALUE(config_memory, swappiness, .min = 0, .max = 100),
	VALUE(config_memory, disableOOMKiller),
	VALUE(config_memory, useHierarchy),
	VALUE(config_memory, checkBeforeUpdate),
};
static const struct table memory_table = TABLE(config_memory, memory_fields, "Memory.", .open = true);

static const struct field cpu_fields[] = {
	VALUE(config_cpu, shares, .min = 0, .max = INT64_MAX),
	VALUE(config_cpu, quota, .min = -1, .max = INT64_MAX),
	VALUE(config_cpu, burst, .min = 0, .max = INT64_MAX),
	VALUE(config_cpu, period, .min = 0, .max = INT64_MAX),
	VALUE(config_cpu, realtimeRuntime),
	VALUE(config_cpu, realtimePeriod, .min = 0, .max = INT64_MAX),
	VALUE(config_cpu, idle, .min = 0, .max = 1),
	VALUE(config_cpu, cpus),
	VALUE(config_cpu, mems),
};
static const struct table cpu_table = TABLE(config_cpu, cpu_fields, "Processors.", .open = true);

static const struct field pids_fields[] = {
	VALUE(config_pids, limit, .min = -1, .max = INT64_MAX),
};
static const struct table pids_table = TABLE(config_pids, pids_fields, "Processes.", .open = true);

static const struct field weight_fields[] = {
	VALUE(io_weight, major, .required = true, .min = 0, .max = UINT32_MAX),
	VALUE(io_weight, minor, .required = true, .min = 0, .max = UINT32_MAX),
	VALUE(io_weight, weight, .min = 0, .max = UINT16_MAX),
	VALUE(io_weight, leafWeight, .min = 0, .max = UINT16_MAX),
};
static const struct table weight_table = TABLE(io_weight, weight_fields, "Of a device.", .open = true);

static const struct field throttle_fields[] = {
	VALUE(io_throttle, major, .required = true, .min = 0, .max = UINT32_MAX),
	VALUE(io_throttle, minor, .required = true, .min = 0, .max = UINT32_MAX),
	VALUE(io_throttle, rate, .required = true),
};
static const struct table throttle_table = TABLE(io_throttle, throttle_fields, "Of a device.", .open = true);

static const struct field block_fields[] = {
	VALUE(config_block_io, weight, .min = 0, .max = UINT16_MAX),
	VALUE(config_block_io, leafWeight, .min = 0, .max = UINT16_MAX),
	OBJECTS(config_block_io, weightDevice, weight_table),
	OBJECTS(config_block_io, throttleReadBpsDevice, throttle_table),
	OBJECTS(config_block_io, throttleWriteBpsDevice, throttle_table),
	OBJECTS(config_block_io, throttleReadIOPSDevice, throttle_table),
	OBJECTS(config_block_io, throttleWriteIOPSDevice, throttle_table),
};
static const struct table block_table = TABLE(config_block_io, block_fields, "Disks.", .open = true);

static const struct field hugepage_fields[] = {
	VALUE(hugepage_limit, pageSize, .required = true),
	VALUE(hugepage_limit, limit, .required = true),
};
static const struct table hugepage_table =
	TABLE(hugepage_limit, hugepage_fields, "Huge pages.", .open = true);

static const struct field priority_fields[] = {
	VALUE(interface_priority, name, .required = true),
	VALUE(interface_priority, priority, .required = true, .min = 0, .max = UINT32_MAX),
};
static const struct table priority_table =
	TABLE(interface_priority, priority_fields, "Of traffic on a link.", .open = true);

static const struct field network_fields[] = {
	VALUE(config_network, classID, .min = 0, .max = UINT32_MAX),
	OBJECTS(config_network, priorities, priority_table),
};
static const struct table network_table =
	TABLE(config_network, network_fields, "Marks of packets.", .open = true);

static const struct field resources_fields[] = {
	OBJECTS(config_resources, devices, device_table),
	OPTIONAL(config_resources, memory, memory_table),
	OPTIONAL(config_resources, cpu, cpu_table),
	OPTIONAL(config_resources, pids, pids_table),
	OPTIONAL(config_resources, blockIO, block_table),
	OBJECTS(config_resources, hugepageLimits, hugepage_table),
	OPTIONAL(config_resources, network, network_table),
	VALUE(config_resources, rdma),
	VALUE(config_resources, unified),
};
const struct table config_resources_table =
	TABLE(config_resources, resources_fields, "The container's control group.", .open = true);
