/* pod_security.c — the tables of the two security contexts; see pod.h. */
#include "api/pod.h"

#include "api/names.h"
#include "base/text.h"

#define LINUX_ONLY .effect = REJECTED, .why = "is for Windows"

static const struct field capabilities_fields[] = {
	VALUE(capabilities, add, .doc = "Capabilities added to the default set, without CAP_; ALL for all."),
	VALUE(capabilities, drop, .doc = "Capabilities taken away; ALL for all."),
};
static const struct table capabilities_table =
	TABLE(capabilities, capabilities_fields, "POSIX capabilities.");

static const struct field seccomp_fields[] = {
	VALUE(seccomp_profile, type, .required = true, .values = "RuntimeDefault|Localhost|Unconfined",
	      .doc = "Which profile. Without a profile, Seapod uses RuntimeDefault."),
	VALUE(seccomp_profile, localhostProfile, .check = path_relative,
	      .doc = "A profile's file, below ROOT/seccomp; for Localhost."),
};
static const struct table seccomp_table = TABLE(seccomp_profile, seccomp_fields, "A system call filter.");

static const struct field apparmor_fields[] = {
	VALUE(app_armor_profile, type, .required = true, .values = "RuntimeDefault|Localhost|Unconfined",
	      .doc = "Which profile: Localhost, where AppArmor is active; there is no default profile."),
	VALUE(app_armor_profile, localhostProfile, .doc = "The name of a loaded profile; for Localhost."),
};
static const struct table apparmor_table = TABLE(app_armor_profile, apparmor_fields, "An AppArmor profile.");

static const struct field sysctl_fields[] = {
	VALUE(sysctl, name, .required = true, .doc = "As in sysctl(8), with '.' or '/'."),
	VALUE(sysctl, value, .required = true, .doc = "What to set it to."),
};
static const struct table sysctl_table =
	TABLE(sysctl, sysctl_fields, "A kernel parameter of the pod's namespaces.");

static const struct field selinux_fields[] = {
	CHECKED("user", FIELD_STRING),
	CHECKED("role", FIELD_STRING),
	CHECKED("type", FIELD_STRING),
	CHECKED("level", FIELD_STRING),
};
static const struct table selinux_table =
	CHECKED_TABLE("SELinuxOptions", selinux_fields, "An SELinux label.");

static const struct field pod_fields[] = {
	VALUE(pod_security_context, runAsUser, .min = 0, .max = INT32_MAX,
	      .doc = "The user id of all containers."),
	VALUE(pod_security_context, runAsGroup, .min = 0, .max = INT32_MAX,
	      .doc = "The group id of all containers."),
	VALUE(pod_security_context, runAsNonRoot,
	      .doc = "true: a container that would run as user 0 is not started."),
	VALUE(pod_security_context, supplementalGroups, .min = 0, .max = INT32_MAX,
	      .doc = "More groups of all processes."),
	VALUE(pod_security_context, supplementalGroupsPolicy, .values = "Merge|Strict", .since = "1.35",
	      .doc = "Whether groups of the image's /etc/group are added."),
	VALUE(pod_security_context, fsGroup, .min = 0, .max = INT32_MAX,
	      .doc = "The group that owns the pod's volumes."),
	VALUE(pod_security_context, fsGroupChangePolicy, .values = "Always|OnRootMismatch",
	      .doc = "When fsGroup is applied."),
	OBJECTS(pod_security_context, sysctls, sysctl_table,
		.doc = "Kernel parameters of the pod's namespaces."),
	OPTIONAL(pod_security_context, seccompProfile, seccomp_table,
		 .doc = "The system call filter of all containers."),
	OPTIONAL(pod_security_context, appArmorProfile, apparmor_table,
		 .doc = "The AppArmor profile of all containers."),
	VALUE(pod_security_context, seLinuxOptions, .table = &selinux_table, .effect = NO_EFFECT,
	      .why = "files and processes get no labels, as on a node without SELinux",
	      .doc = "The SELinux label."),
	VALUE(pod_security_context, seLinuxChangePolicy, .values = "MountOption|Recursive",
	      .effect = NO_EFFECT, .why = "files and processes get no labels, as on a node without SELinux",
	      .doc = "How volumes are labelled."),
	VALUE(pod_security_context, windowsOptions, LINUX_ONLY, .doc = "Windows."),
};
const struct table pod_security_context_table =
	TABLE(pod_security_context, pod_fields, "Security of all containers.");

static const struct field container_fields[] = {
	VALUE(security_context, runAsUser, .min = 0, .max = INT32_MAX, .doc = "The user id."),
	VALUE(security_context, runAsGroup, .min = 0, .max = INT32_MAX, .doc = "The group id."),
	VALUE(security_context, runAsNonRoot, .doc = "true: it is not started as user 0."),
	VALUE(security_context, privileged,
	      .doc = "All capabilities and devices, no filter, no masked paths."),
	VALUE(security_context, allowPrivilegeEscalation,
	      .doc = "false: set-user-id programs give no rights (no_new_privs)."),
	VALUE(security_context, readOnlyRootFilesystem, .doc = "The root file system cannot be written."),
	OPTIONAL(security_context, capabilities, capabilities_table, .doc = "Capabilities."),
	VALUE(security_context, procMount, .values = "Default|Unmasked",
	      .doc = "Unmasked: nothing of /proc is hidden; needs hostUsers: false."),
	OPTIONAL(security_context, seccompProfile, seccomp_table, .doc = "The system call filter."),
	OPTIONAL(security_context, appArmorProfile, apparmor_table, .doc = "The AppArmor profile."),
	VALUE(security_context, seLinuxOptions, .table = &selinux_table, .effect = NO_EFFECT,
	      .why = "files and processes get no labels, as on a node without SELinux",
	      .doc = "The SELinux label."),
	VALUE(security_context, windowsOptions, LINUX_ONLY, .doc = "Windows."),
};
const struct table security_context_table =
	TABLE(security_context, container_fields, "Security of one container.");
