/* config_linux.c — config-linux.md but for resources, as tables; see config.h. */
#include "runtime/config.h"
#include "runtime/config_tables.h"

static const char *check_absolute(const char *s)
{
	return *s == '/' ? NULL : "is not an absolute path";
}

static const struct field namespace_fields[] = {
	VALUE(config_namespace, type, .required = true,
	      .values = "pid|network|mount|ipc|uts|user|cgroup|time"),
	VALUE(config_namespace, path),
};
static const struct table namespace_table =
	TABLE(config_namespace, namespace_fields, "A namespace.", .open = true);

static const struct field offset_fields[] = {
	VALUE(time_offset, secs),
	VALUE(time_offset, nanosecs, .min = 0, .max = 999999999),
};
static const struct table offset_table = TABLE(time_offset, offset_fields, "Of a clock.", .open = true);

static const struct field offsets_fields[] = {
	OPTIONAL(time_offsets, boottime, offset_table),
	OPTIONAL(time_offsets, monotonic, offset_table),
};
static const struct table offsets_table =
	TABLE(time_offsets, offsets_fields, "Of a time namespace."); /* the kernel has no other clocks */

static const struct field device_fields[] = {
	VALUE(config_device, type, .required = true, .values = "c|b|u|p"),
	VALUE(config_device, path, .required = true, .check = check_absolute),
	VALUE(config_device, major, .min = 0, .max = 0xfff),
	VALUE(config_device, minor, .min = 0, .max = 0xfffff),
	VALUE(config_device, fileMode, .min = 0, .max = UINT32_MAX),
	VALUE(config_device, uid, .min = 0, .max = UINT32_MAX - 1),
	VALUE(config_device, gid, .min = 0, .max = UINT32_MAX - 1),
};
static const struct table device_table = TABLE(config_device, device_fields, "A device.", .open = true);

static const struct field rdt_fields[] = {
	VALUE(config_intel_rdt, closID),           VALUE(config_intel_rdt, l3CacheSchema),
	VALUE(config_intel_rdt, memBwSchema),      VALUE(config_intel_rdt, schemata),
	VALUE(config_intel_rdt, enableMonitoring),
};
static const struct table rdt_table =
	TABLE(config_intel_rdt, rdt_fields, "Cache and bandwidth.", .open = true);

static const struct field policy_fields[] = {
	VALUE(config_memory_policy, mode, .required = true,
	      .values = "MPOL_DEFAULT|MPOL_BIND|MPOL_INTERLEAVE|MPOL_WEIGHTED_INTERLEAVE|MPOL_PREFERRED|"
			"MPOL_PREFERRED_MANY|MPOL_LOCAL"),
	VALUE(config_memory_policy, nodes),
	VALUE(config_memory_policy, flags,
	      .values = "MPOL_F_NUMA_BALANCING|MPOL_F_RELATIVE_NODES|MPOL_F_STATIC_NODES"),
};
static const struct table policy_table =
	TABLE(config_memory_policy, policy_fields, "On which nodes memory is taken.", .open = true);

static const struct field personality_fields[] = {
	VALUE(config_personality, domain, .required = true, .values = "LINUX|LINUX32"),
	VALUE(config_personality, flags),
};
static const struct table personality_table =
	TABLE(config_personality, personality_fields, "The execution domain.", .open = true);

static const struct field linux_fields[] = {
	OBJECTS(config_linux, namespaces, namespace_table),
	OBJECTS(config_linux, uidMappings, id_mapping_table),
	OBJECTS(config_linux, gidMappings, id_mapping_table),
	OPTIONAL(config_linux, timeOffsets, offsets_table),
	OBJECTS(config_linux, devices, device_table),
	VALUE(config_linux, netDevices),
	VALUE(config_linux, cgroupsPath),
	OPTIONAL(config_linux, resources, config_resources_table),
	OPTIONAL(config_linux, intelRdt, rdt_table),
	OPTIONAL(config_linux, memoryPolicy, policy_table),
	VALUE(config_linux, sysctl),
	VALUE(config_linux, seccomp),
	VALUE(config_linux, rootfsPropagation,
	      .values = "shared|slave|private|unbindable|rshared|rslave|rprivate|runbindable|"),
	VALUE(config_linux, maskedPaths, .check = check_absolute),
	VALUE(config_linux, readonlyPaths, .check = check_absolute),
	VALUE(config_linux, mountLabel),
	OPTIONAL(config_linux, personality, personality_table),
};
const struct table config_linux_table =
	TABLE(config_linux, linux_fields, "What is Linux's alone.", .open = true);
