/* pod_validate_security.c — the rules of users, kernel parameters and of the two security contexts; see pod_validate.c. */
#include "api/annotations.h"
#include "api/sysctl.h"
#include "api/validation.h"

/* The pod has a user namespace of its own. */
static bool has_users(const struct pod *pod)
{
	return pod->spec.hostUsers.set && !pod->spec.hostUsers.value;
}

static bool adds_sys_admin(const struct security_context *s)
{
	if (s->capabilities)
		list_each(name, &s->capabilities->add)
			if (text_is(*name, "SYS_ADMIN") || text_is(*name, "CAP_SYS_ADMIN") ||
			    text_is(*name, "ALL"))
				return true;
	return false;
}

static void check_seccomp(struct validation *v, const struct seccomp_profile *p, const char *parent)
{
	char path[VALIDATION_PATH_SIZE];
	bool localhost = p && text_is(p->type, "Localhost");

	if (p && localhost != !text_empty(p->localhostProfile))
		wrong(v, path_field(path, parent, "seccompProfile"),
		      localhost ? "type Localhost needs localhostProfile"
				: "localhostProfile is only for type Localhost");
}

static void check_app_armor(struct validation *v, const struct app_armor_profile *p, const char *parent)
{
	char path[VALIDATION_PATH_SIZE];
	bool localhost = p && text_is(p->type, "Localhost");

	if (p && localhost != !text_empty(p->localhostProfile))
		wrong(v, path_field(path, parent, "appArmorProfile"),
		      localhost ? "type Localhost needs localhostProfile"
				: "localhostProfile is only for type Localhost");
}

/* What has no id in the pod's user namespace cannot be anybody's there (kubernetes validation, KEP-127). */
static void check_id(struct validation *v, const char *parent, const char *field, struct optional_int id)
{
	char path[VALIDATION_PATH_SIZE];

	if (id.set && id.value > 65535)
		wrong(v, path_field(path, parent, field),
		      "with hostUsers: false, ids are from 0 to 65535, not %lld", (long long)id.value);
}

void validate_security(struct validation *v, const struct container *c, const char *parent)
{
	char path[VALIDATION_PATH_SIZE];
	const struct security_context *s = c->securityContext;
	const struct pod_security_context *p = v->pod->spec.securityContext;
	struct optional_int uid = s && s->runAsUser.set ? s->runAsUser
				  : p                   ? p->runAsUser
							: (struct optional_int){};
	struct optional_bool non_root = s && s->runAsNonRoot.set ? s->runAsNonRoot
					: p                      ? p->runAsNonRoot
								 : (struct optional_bool){};

	path_field(path, parent, "securityContext");
	if (s && has_users(v->pod)) {
		check_id(v, path, "runAsUser", s->runAsUser);
		check_id(v, path, "runAsGroup", s->runAsGroup);
	}
	if (non_root.value && uid.set && uid.value == 0)
		wrong(v, path, "runAsNonRoot is true but runAsUser is 0");
	if (!s)
		return;
	if (s->privileged.value && s->allowPrivilegeEscalation.set && !s->allowPrivilegeEscalation.value)
		wrong(v, path, "allowPrivilegeEscalation: false and privileged: true exclude each other");
	if (s->allowPrivilegeEscalation.set && !s->allowPrivilegeEscalation.value && adds_sys_admin(s))
		wrong(v, path,
		      "allowPrivilegeEscalation: false and the capability SYS_ADMIN exclude each other");
	check_seccomp(v, s->seccompProfile, path);
	check_app_armor(v, s->appArmorProfile, path);
	if (text_is(s->procMount, "Unmasked") && !has_users(v->pod))
		wrong(v, path, "procMount: Unmasked needs spec.hostUsers: false"); /* KEP-4265 */
}

/* Kernel parameters belong to the namespace that holds them: the host's are not the pod's to set. */
static void check_sysctl(struct validation *v, const char *path, const char *given)
{
	const char *allowed = string_map_get(&v->pod->metadata.annotations, UNSAFE_SYSCTLS_ANNOTATION);
	char name[SYSCTL_SIZE];

	if (!sysctl_normalize(given, name))
		wrong(v, path, "'%.100s' is no name of a kernel parameter", given);
	else if (sysctl_is_network(name) && v->pod->spec.hostNetwork)
		wrong(v, path, "'%.100s' is the host's when hostNetwork is true", given);
	else if (sysctl_is_ipc(name) && v->pod->spec.hostIPC)
		wrong(v, path, "'%.100s' is the host's when hostIPC is true", given);
	else if (!sysctl_is_network(name) && !sysctl_is_ipc(name))
		wrong(v, path, "'%.100s' is of the whole machine, not of a namespace of the pod", given);
	else if (!sysctl_is_safe(name) && !sysctl_is_listed(name, allowed))
		wrong(v, path,
		      "'%.100s' is not on the list of safe ones (allow it by the "
		      "annotation " UNSAFE_SYSCTLS_ANNOTATION ")",
		      given);
}

static void check_sysctls(struct validation *v, const struct pod_security_context *security)
{
	char path[VALIDATION_PATH_SIZE], name[SYSCTL_SIZE], other[SYSCTL_SIZE];

	for (size_t i = 0; i < security->sysctls.n; i++) {
		path_item(path, "spec.securityContext", "sysctls", i);
		check_sysctl(v, path, security->sysctls.at[i].name);
		for (size_t j = 0; j < i; j++)
			if (sysctl_normalize(security->sysctls.at[i].name, name) &&
			    sysctl_normalize(security->sysctls.at[j].name, other) && text_is(name, other))
				wrong(v, path, "'%.100s' stands here twice", name);
	}
}

/* kubernetes pkg/apis/core/validation validateHostUsers */
static void check_users(struct validation *v)
{
	const struct pod_spec *spec = &v->pod->spec;
	const struct pod_security_context *security = spec->securityContext;
	const struct {
		const char *field;
		bool set;
	} hosts[] = { { "hostNetwork", spec->hostNetwork },
		      { "hostPID", spec->hostPID },
		      { "hostIPC", spec->hostIPC } };
	char path[VALIDATION_PATH_SIZE];

	for (size_t i = 0; i < 3; i++)
		if (hosts[i].set)
			wrong(v, path_field(path, "spec", hosts[i].field),
			      "it and hostUsers: false exclude each other");
	if (!security)
		return;
	check_id(v, "spec.securityContext", "runAsUser", security->runAsUser);
	check_id(v, "spec.securityContext", "runAsGroup", security->runAsGroup);
	check_id(v, "spec.securityContext", "fsGroup", security->fsGroup);
	list_each(group, &security->supplementalGroups)
		check_id(v, "spec.securityContext", "supplementalGroups",
			 (struct optional_int){ true, *group });
}

void validate_pod_security(struct validation *v)
{
	const struct pod_security_context *security = v->pod->spec.securityContext;

	if (has_users(v->pod))
		check_users(v);
	if (!security)
		return;
	check_seccomp(v, security->seccompProfile, "spec.securityContext");
	check_app_armor(v, security->appArmorProfile, "spec.securityContext");
	check_sysctls(v, security);
}
