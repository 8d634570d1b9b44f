/* config.c — config.md: what is common to all platforms, as tables; see config.h. */
#include "runtime/config.h"

#include <ctype.h>
#include <string.h>

#include "object/json.h"
#include "runtime/config_tables.h"

/* SemVer 2.0.0 as far as a version is to be understood, of the major version that this runtime speaks. */
static const char *check_version(const char *s)
{
	const char *at = s;

	for (int i = 0; i < 3; i++) {
		if (!isdigit((unsigned char)*at) || (*at == '0' && isdigit((unsigned char)at[1])))
			return "is not a version in the format of SemVer 2.0.0, such as 1.3.0";
		at += strspn(at, "0123456789");
		if (i < 2 && *at++ != '.')
			return "is not a version in the format of SemVer 2.0.0, such as 1.3.0";
	}
	if (*at && *at != '-' && *at != '+')
		return "is not a version in the format of SemVer 2.0.0, such as 1.3.0";
	if (strncmp(s, "1.", 2) != 0)
		return "is not a version that Seapod supports (1.0.0 to " OCI_VERSION_MAX ")";
	return NULL;
}

static const char *check_not_empty(const char *s)
{
	return *s ? NULL : "is empty";
}

static const char *check_absolute(const char *s)
{
	return *s == '/' ? NULL : "is not an absolute path";
}

static const char *check_assignment(const char *s)
{
	return *s && *s != '=' ? NULL : "is not of the form NAME=value";
}

static const char *check_key(const char *s)
{
	return *s ? NULL : "is empty";
}

static const struct field root_fields[] = {
	VALUE(config_root, path, .required = true, .check = check_not_empty),
	VALUE(config_root, readonly),
};
static const struct table root_table = TABLE(config_root, root_fields, "The root file system.", .open = true);

static const struct field mapping_fields[] = {
	VALUE(id_mapping, containerID, .required = true, .min = 0, .max = UINT32_MAX),
	VALUE(id_mapping, hostID, .required = true, .min = 0, .max = UINT32_MAX),
	VALUE(id_mapping, size, .required = true, .min = 1, .max = UINT32_MAX),
};
const struct table id_mapping_table = TABLE(id_mapping, mapping_fields, "A range of ids.", .open = true);

static const struct field mount_fields[] = {
	VALUE(config_mount, destination, .required = true, .check = check_not_empty),
	VALUE(config_mount, type),
	VALUE(config_mount, source),
	VALUE(config_mount, options),
	OBJECTS(config_mount, uidMappings, id_mapping_table),
	OBJECTS(config_mount, gidMappings, id_mapping_table),
};
static const struct table mount_table = TABLE(config_mount, mount_fields, "A mount.", .open = true);

static const struct field console_fields[] = {
	VALUE(console_size, height, .required = true, .min = 0, .max = UINT16_MAX),
	VALUE(console_size, width, .required = true, .min = 0, .max = UINT16_MAX),
};
static const struct table console_table =
	TABLE(console_size, console_fields, "Of the terminal.", .open = true);

static const struct field rlimit_fields[] = {
	VALUE(config_rlimit, type, .required = true,
	      .values =
		      "RLIMIT_AS|RLIMIT_CORE|RLIMIT_CPU|RLIMIT_DATA|RLIMIT_FSIZE|RLIMIT_LOCKS|RLIMIT_MEMLOCK|"
		      "RLIMIT_MSGQUEUE|RLIMIT_NICE|RLIMIT_NOFILE|RLIMIT_NPROC|RLIMIT_RSS|RLIMIT_RTPRIO|"
		      "RLIMIT_RTTIME|"
		      "RLIMIT_SIGPENDING|RLIMIT_STACK"),
	VALUE(config_rlimit, soft, .required = true),
	VALUE(config_rlimit, hard, .required = true),
};
static const struct table rlimit_table =
	TABLE(config_rlimit, rlimit_fields, "A resource limit.", .open = true);

static const struct field capabilities_fields[] = {
	VALUE(config_capabilities, bounding),    VALUE(config_capabilities, effective),
	VALUE(config_capabilities, inheritable), VALUE(config_capabilities, permitted),
	VALUE(config_capabilities, ambient),
};
static const struct table capabilities_table =
	TABLE(config_capabilities, capabilities_fields, "Sets of capabilities.", .open = true);

static const struct field scheduler_fields[] = {
	VALUE(config_scheduler, policy, .required = true,
	      .values = "SCHED_OTHER|SCHED_FIFO|SCHED_RR|SCHED_BATCH|SCHED_ISO|SCHED_IDLE|SCHED_DEADLINE"),
	VALUE(config_scheduler, nice),
	VALUE(config_scheduler, priority),
	VALUE(config_scheduler, flags,
	      .values = "SCHED_FLAG_RESET_ON_FORK|SCHED_FLAG_RECLAIM|SCHED_FLAG_DL_OVERRUN|SCHED_FLAG_KEEP_"
			"POLICY|"
			"SCHED_FLAG_KEEP_PARAMS|SCHED_FLAG_UTIL_CLAMP_MIN|SCHED_FLAG_UTIL_CLAMP_MAX"),
	VALUE(config_scheduler, runtime),
	VALUE(config_scheduler, deadline),
	VALUE(config_scheduler, period),
};
static const struct table scheduler_table =
	TABLE(config_scheduler, scheduler_fields, "How it is scheduled.", .open = true);

static const struct field io_priority_fields[] = {
	VALUE(config_io_priority, class, .required = true,
	      .values = "IOPRIO_CLASS_RT|IOPRIO_CLASS_BE|IOPRIO_CLASS_IDLE"),
	VALUE(config_io_priority, priority, .required = true, .min = 0, .max = 7),
};
static const struct table io_priority_table =
	TABLE(config_io_priority, io_priority_fields, "Of its input and output.", .open = true);

static const struct field affinity_fields[] = {
	VALUE(config_affinity, initial),
	VALUE(config_affinity, final),
};
static const struct table affinity_table =
	TABLE(config_affinity, affinity_fields, "The CPUs of what is executed in it.", .open = true);

static const struct field user_fields[] = {
	VALUE(config_user, uid, .required = true, .min = 0, .max = UINT32_MAX - 1),
	VALUE(config_user, gid, .required = true, .min = 0, .max = UINT32_MAX - 1),
	VALUE(config_user, umask, .min = 0, .max = 0777),
	VALUE(config_user, additionalGids, .min = 0, .max = UINT32_MAX - 1),
};
static const struct table user_table = TABLE(config_user, user_fields, "Who it is.", .open = true);

static const struct field process_fields[] = {
	VALUE(config_process, terminal),
	OPTIONAL(config_process, consoleSize, console_table),
	OBJECT(config_process, user, user_table),
	VALUE(config_process, args),
	VALUE(config_process, env, .check = check_assignment),
	VALUE(config_process, cwd, .required = true, .check = check_absolute),
	OBJECTS(config_process, rlimits, rlimit_table),
	VALUE(config_process, apparmorProfile),
	VALUE(config_process, selinuxLabel),
	OPTIONAL(config_process, capabilities, capabilities_table),
	VALUE(config_process, noNewPrivileges),
	VALUE(config_process, oomScoreAdj, .min = -1000, .max = 1000),
	OPTIONAL(config_process, scheduler, scheduler_table),
	OPTIONAL(config_process, ioPriority, io_priority_table),
	OPTIONAL(config_process, execCPUAffinity, affinity_table),
};
const struct table config_process_table =
	TABLE(config_process, process_fields, "The container's process.", .open = true);

static const struct field hook_fields[] = {
	VALUE(config_hook, path, .required = true, .check = check_absolute),
	VALUE(config_hook, args),
	VALUE(config_hook, env, .check = check_assignment),
	VALUE(config_hook, timeout, .min = 1, .max = INT32_MAX),
};
static const struct table hook_table = TABLE(config_hook, hook_fields, "A program to run.", .open = true);

static const struct field hooks_fields[] = {
	OBJECTS(config_hooks, prestart, hook_table),        OBJECTS(config_hooks, createRuntime, hook_table),
	OBJECTS(config_hooks, createContainer, hook_table), OBJECTS(config_hooks, startContainer, hook_table),
	OBJECTS(config_hooks, poststart, hook_table),       OBJECTS(config_hooks, poststop, hook_table),
};
static const struct table hooks_table =
	TABLE(config_hooks, hooks_fields, "Programs to run at points of its life.", .open = true);

static const struct field config_fields[] = {
	VALUE(oci_config, ociVersion, .required = true, .check = check_version),
	OPTIONAL(oci_config, root, root_table, .required = true),
	OBJECTS(oci_config, mounts, mount_table),
	OPTIONAL(oci_config, process, config_process_table),
	VALUE(oci_config, hostname),
	VALUE(oci_config, domainname),
	OBJECT(oci_config, hooks, hooks_table),
	VALUE(oci_config, annotations, .check = check_key),
	{ .name = "linux",
	  .type = FIELD_OPTIONAL,
	  .offset = offsetof(struct oci_config, linux_),
	  .size = sizeof(struct config_linux),
	  .table = &config_linux_table },
};
const struct table oci_config_table = TABLE(oci_config, config_fields, "A container.", .open = true);

/* --- reading --- */

static int read_table(const struct table *table, const char *text, size_t size, struct arena *a, void *out,
		      const char *path, struct error *err)
{
	struct problems problems = { .arena = a };
	struct node *n = node_from_json(a, text, size, err);

	if (!n)
		return -err->code;
	if (object_decode(table, n, out, a, path, &problems))
		return 0;
	return error_set(err, EINVAL, "%s", problems.errors.at[0].text);
}

int oci_config_read(const char *text, size_t size, struct arena *a, struct oci_config *c, struct error *err)
{
	*c = (struct oci_config){};
	int r = read_table(&oci_config_table, text, size, a, c, NULL, err);

	return r < 0 ? r : oci_config_check(c, err);
}

int oci_config_read_process(const char *text, size_t size, struct arena *a, struct config_process *p,
			    struct error *err)
{
	*p = (struct config_process){};
	int r = read_table(&config_process_table, text, size, a, p, "process", err);

	return r < 0 ? r : oci_config_check_process(p, err);
}

int oci_config_read_resources(const char *text, size_t size, struct arena *a,
			      struct config_resources *resources, struct error *err)
{
	*resources = (struct config_resources){};
	return read_table(&config_resources_table, text, size, a, resources, "resources", err);
}
