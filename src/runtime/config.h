/* config.h — config.json of a bundle as it is written: the OCI runtime specification 1.3 as C structs and field tables.
 *
 * Every property for Linux is here under its own name, the ones that Seapod refuses, too, so that nothing is overlooked. What the
 * specification says a property MUST be is in the tables (config.c, config_linux.c, config_resources.c) and in config_check.c; unknown
 * properties are passed over ("Extensibility"). What is decoded becomes an oci_spec (spec.h), which is what the executor knows
 * (config_spec.c).
 *
 * Source: opencontainers/runtime-spec v1.3 config.md, config-linux.md.
 */
#pragma once

#include "base/error.h"
#include "object/field.h"

#define OCI_VERSION_MAX "1.3.0"
enum { OCI_CONFIG_MAX = 16 * 1024 * 1024 };

struct config_root {
	const char *path;
	bool readonly;
};

struct id_mapping {
	int64_t containerID, hostID, size;
};
struct id_mappings LIST(struct id_mapping);

struct config_mount {
	const char *destination, *type, *source;
	struct strings options;
	struct id_mappings uidMappings, gidMappings;
};

struct console_size {
	int64_t height, width;
};

struct config_rlimit {
	const char *type;
	uint64_t soft, hard;
};

struct config_capabilities {
	struct strings bounding, effective, inheritable, permitted, ambient;
};

struct config_scheduler {
	const char *policy;
	int32_t nice, priority;
	struct strings flags;
	uint64_t runtime, deadline, period;
};

struct config_io_priority {
	const char *class;
	int64_t priority;
};

struct config_affinity {
	const char *initial, *final;
};

struct config_user {
	int64_t uid, gid;
	struct optional_int umask;
	struct ints additionalGids;
};

struct config_process {
	bool terminal;
	struct console_size *consoleSize;
	struct config_user user;
	struct strings args, env;
	const char *cwd;
	struct LIST(struct config_rlimit) rlimits;
	const char *apparmorProfile, *selinuxLabel;
	struct config_capabilities *capabilities;
	bool noNewPrivileges;
	struct optional_int oomScoreAdj;
	struct config_scheduler *scheduler;
	struct config_io_priority *ioPriority;
	struct config_affinity *execCPUAffinity;
};

struct config_hook {
	const char *path;
	struct strings args, env;
	struct optional_int timeout;
};
struct config_hook_list LIST(struct config_hook);

struct config_hooks {
	struct config_hook_list prestart, createRuntime, createContainer, startContainer, poststart, poststop;
};

struct config_namespace {
	const char *type, *path;
};

struct time_offset {
	int64_t secs, nanosecs;
};

struct time_offsets {
	struct time_offset *boottime, *monotonic;
};

struct config_device {
	const char *type, *path;
	struct optional_int major, minor, fileMode, uid, gid;
};

struct config_personality {
	const char *domain;
	struct strings flags;
};

struct config_intel_rdt {
	const char *closID, *l3CacheSchema, *memBwSchema;
	struct strings schemata;
	bool enableMonitoring;
};

struct config_memory_policy {
	const char *mode, *nodes;
	struct strings flags;
};

/* --- linux.resources --- */

struct device_rule {
	bool allow;
	const char *type, *access;
	struct optional_int major, minor;
};

struct config_memory {
	struct optional_int limit, reservation, swap, kernel, kernelTCP, swappiness;
	struct optional_bool disableOOMKiller, useHierarchy;
	bool checkBeforeUpdate;
};

struct config_cpu {
	struct optional_int shares, quota, burst, period, realtimeRuntime, realtimePeriod, idle;
	const char *cpus, *mems;
};

struct config_pids {
	struct optional_int limit;
};

struct io_weight {
	int64_t major, minor;
	struct optional_int weight, leafWeight;
};

struct io_throttle {
	int64_t major, minor;
	uint64_t rate;
};
struct io_throttles LIST(struct io_throttle);

struct config_block_io {
	struct optional_int weight, leafWeight;
	struct LIST(struct io_weight) weightDevice;
	struct io_throttles throttleReadBpsDevice, throttleWriteBpsDevice, throttleReadIOPSDevice,
		throttleWriteIOPSDevice;
};

struct hugepage_limit {
	const char *pageSize;
	uint64_t limit;
};

struct interface_priority {
	const char *name;
	int64_t priority;
};

struct config_network {
	struct optional_int classID;
	struct LIST(struct interface_priority) priorities;
};

struct config_resources {
	struct LIST(struct device_rule) devices;
	struct config_memory *memory;
	struct config_cpu *cpu;
	struct config_pids *pids;
	struct config_block_io *blockIO;
	struct LIST(struct hugepage_limit) hugepageLimits;
	struct config_network *network;
	struct node *rdma; /* a map: device -> { hcaHandles, hcaObjects } */
	struct string_map unified;
};

struct config_linux {
	struct LIST(struct config_namespace) namespaces;
	struct id_mappings uidMappings, gidMappings;
	struct time_offsets *timeOffsets;
	struct LIST(struct config_device) devices;
	struct node *netDevices; /* a map: name on the host -> { name } */
	const char *cgroupsPath;
	struct config_resources *resources;
	struct config_intel_rdt *intelRdt;
	struct config_memory_policy *memoryPolicy;
	struct string_map sysctl;
	struct node *seccomp; /* read by the worker that compiles it (seccomp_profile.h) */
	const char *rootfsPropagation;
	struct strings maskedPaths, readonlyPaths;
	const char *mountLabel;
	struct config_personality *personality;
};

struct oci_config {
	const char *ociVersion;
	struct config_root *root;
	struct LIST(struct config_mount) mounts;
	struct config_process *process;
	const char *hostname, *domainname;
	struct config_hooks hooks;
	struct string_map annotations;
	struct config_linux *linux_; /* "linux" is a macro of gcc's */
};

extern const struct table oci_config_table, config_process_table, config_linux_table, config_resources_table;

/* Reads SIZE bytes of a config.json into *C; all memory in A. One sentence names the first property that is wrong. */
int oci_config_read(const char *text, size_t size, struct arena *a, struct oci_config *c, struct error *err);

/* The same for a process alone (exec --process) and for resources alone (update --resources). */
int oci_config_read_process(const char *text, size_t size, struct arena *a, struct config_process *p,
			    struct error *err);
int oci_config_read_resources(const char *text, size_t size, struct arena *a, struct config_resources *r,
			      struct error *err);

/* What no table can say: rules between properties. Pure. */
int oci_config_check(const struct oci_config *c, struct error *err);
int oci_config_check_process(const struct config_process *p, struct error *err);
