/* spec.c — see spec.h. */
#include "sandbox/spec.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <unistd.h>

#include "api/config.h"
#include "api/expand.h"
#include "api/store.h"
#include "base/cleanup.h"
#include "linux/capability.h"
#include "linux/security_module.h"
#include "oci/defaults.h"
#include "sandbox/user.h"

const char *spec_variable(const void *context, const char *name)
{
	const struct oci_process *p = context;
	size_t n = strlen(name);

	for (size_t i = p->env.n; i-- > 0;)
		if (strncmp(p->env.at[i], name, n) == 0 && p->env.at[i][n] == '=')
			return p->env.at[i] + n + 1;
	return NULL;
}

/* Sets NAME, replacing an earlier value. */
static void set_env(const struct sandbox *s, struct oci_process *p, const char *name, const char *value)
{
	const char *entry = arena_printf(s->arena, "%s=%s", name, value);
	size_t n = strlen(name);

	list_each(e, &p->env) {
		if (strncmp(*e, name, n) == 0 && (*e)[n] == '=') {
			*e = entry;
			return;
		}
	}
	*list_add(s->arena, &p->env) = entry;
}

/* What is not there yet can still come: sandbox_container_create says so by its code. */
static int missing(struct error *err)
{
	err->code = err->code == ENOENT ? ENODATA : err->code;
	return -err->code;
}

/* The value of KEY in a stored object; NULL with -ENOENT. */
static const char *object_value(const struct sandbox *s, const char *kind, const char *name, const char *key,
				struct error *err)
{
	struct problems ignored = { .arena = s->arena };
	struct node *object = store_get(s->in, kind, s->pod->metadata.namespace, name, s->arena, err);

	if (!object)
		return NULL;
	if (text_is(kind, "configmaps")) {
		const char *value = node_get_string(node_get(object, "data"), key);
		if (!value)
			error_set(err, ENOENT, "the ConfigMap '%s' has no key '%s'", name, key);
		return value;
	}
	struct secret secret = {};
	object_decode(&secret_table, object, &secret, s->arena, NULL, &ignored);
	list_each(pair, &secret.data)
		if (text_is(pair->key, key))
			return pair->value.at;
	error_set(err, ENOENT, "the Secret '%s' has no key '%s'", name, key);
	return NULL;
}

static int value_from(const struct sandbox *s, const struct container *c, const struct env_var_source *from,
		      const char **value, struct error *err)
{
	const struct key_selector *key = from->configMapKeyRef ? from->configMapKeyRef : from->secretKeyRef;

	*value = NULL;
	if (from->fieldRef)
		return pod_field(s->pod, &s->facts, from->fieldRef->fieldPath, s->arena, value, err);
	if (from->resourceFieldRef)
		return pod_resource_field(s->pod, &s->facts, c, from->resourceFieldRef, s->arena, value, err);
	if (from->fileKeyRef)
		return volume_file_key(&s->volumes, from->fileKeyRef, s->arena, value, err);
	*value = object_value(s, from->configMapKeyRef ? "configmaps" : "secrets", key->name, key->key, err);
	return *value || (key->optional.value && err->code == ENOENT) ? 0 : missing(err);
}

static int env_from(const struct sandbox *s, const struct env_from_source *from, struct oci_process *p,
		    struct error *err)
{
	const struct env_source *source = from->configMapRef ? from->configMapRef : from->secretRef;
	struct problems ignored = { .arena = s->arena };
	struct node *object = store_get(s->in, from->configMapRef ? "configmaps" : "secrets",
					s->pod->metadata.namespace, source->name, s->arena, err);
	const char *prefix = from->prefix ? from->prefix : "";

	if (!object)
		return source->optional.value && err->code == ENOENT ? 0 : missing(err);
	if (from->configMapRef) {
		struct config_map map = {};
		object_decode(&config_map_table, object, &map, s->arena, NULL, &ignored);
		list_each(pair, &map.data)
			set_env(s, p, arena_printf(s->arena, "%s%s", prefix, pair->key), pair->value);
		return 0;
	}
	struct secret secret = {};
	object_decode(&secret_table, object, &secret, s->arena, NULL, &ignored);
	list_each(pair, &secret.data)
		set_env(s, p, arena_printf(s->arena, "%s%s", prefix, pair->key), pair->value.at);
	return 0;
}

/* The image's, then whole objects, then single ones; later wins (core/v1 Container.envFrom). */
static int make_env(const struct sandbox *s, const struct sandbox_container *c, struct oci_process *p,
		    struct error *err)
{
	int r;

	*list_add(s->arena, &p->env) = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
	list_each(entry, &c->image->config.Env) {
		const char *equals = strchr(*entry, '=');
		if (equals)
			set_env(s, p, arena_strndup(s->arena, *entry, (size_t)(equals - *entry)), equals + 1);
	}
	if (c->spec->tty && !spec_variable(p, "TERM"))
		set_env(s, p, "TERM", "xterm");
	set_env(s, p, "HOSTNAME",
		s->facts.node_name && s->pod->spec.hostNetwork ? s->facts.node_name : s->pod->metadata.name);
	list_each(from, &c->spec->envFrom)
		if ((r = env_from(s, from, p, err)) < 0)
			return r;
	list_each(e, &c->spec->env) {
		const char *value = e->value ? expand(e->value, spec_variable, p, s->arena, NULL) : "";
		if (e->valueFrom && (r = value_from(s, c->spec, e->valueFrom, &value, err)) < 0)
			return r;
		if (value)
			set_env(s, p, e->name, value);
	}
	return 0;
}

static void add_expanded(const struct sandbox *s, struct oci_process *p, const struct strings *from,
			 bool references)
{
	list_each(word, from)
		*list_add(s->arena, &p->args) =
			references ? expand(*word, spec_variable, p, s->arena, NULL) : *word;
}

/* command replaces ENTRYPOINT and with it CMD; args replaces CMD (Kubernetes docs "Define a Command and Arguments"). */
static int make_args(const struct sandbox *s, const struct sandbox_container *c, struct oci_process *p,
		     struct error *err)
{
	bool command = c->spec->command.n > 0, args = c->spec->args.n > 0;

	add_expanded(s, p, command ? &c->spec->command : &c->image->config.Entrypoint, command);
	if (args || !command)
		add_expanded(s, p, args ? &c->spec->args : &c->image->config.Cmd, args);
	if (p->args.n == 0)
		return error_set(err, EINVAL,
				 "neither the pod nor the image '%s' says what to run (give command)",
				 c->image->reference);
	return 0;
}

/* ASKED: the name or ids of another user than the container's; NULL: its own. */
static int make_user(const struct sandbox *s, const struct sandbox_container *c, const char *asked,
		     struct oci_process *p, struct error *err)
{
	const struct pod_security_context *ps = s->pod->spec.securityContext;
	const struct security_context *cs = c->spec->securityContext;
	struct optional_int uid = cs && cs->runAsUser.set ? cs->runAsUser
				  : ps                    ? ps->runAsUser
							  : (struct optional_int){};
	struct optional_int gid = cs && cs->runAsGroup.set ? cs->runAsGroup
				  : ps                     ? ps->runAsGroup
							   : (struct optional_int){};
	struct LIST(gid_t) groups = {};
	struct LIST(int) roots = {};
	struct user user = {};

	if (ps)
		list_each(group, &ps->supplementalGroups)
			*list_add(s->arena, &groups) = (gid_t)*group;
	if (ps && ps->fsGroup.set)
		*list_add(s->arena, &groups) = (gid_t)ps->fsGroup.value;
	for (size_t i = c->image->layers.n; i-- > 0;)
		*list_add(s->arena, &roots) = open(c->image->layers.at[i], O_PATH | O_DIRECTORY | O_CLOEXEC);
	const struct user_wish wish = {
		.name = asked ? asked : c->image->config.User,
		.has_uid = uid.set && !asked,
		.uid = (uid_t)uid.value,
		.has_gid = gid.set && !asked,
		.gid = (gid_t)gid.value,
		.groups = groups.at,
		.group_count = groups.n,
		.strict = ps && text_is(ps->supplementalGroupsPolicy, "Strict"),
	};
	int r = user_find(roots.at, roots.n, &wish, s->arena, &user, err);
	list_each(root, &roots)
		close(*root);
	if (r < 0)
		return r;
	bool non_root = cs && cs->runAsNonRoot.set ? cs->runAsNonRoot.value : ps && ps->runAsNonRoot.value;
	if (non_root && user.uid == 0)
		return error_set(err, EPERM, "runAsNonRoot is true, but %s user 0 (set runAsUser)",
				 asked ? "this would be" : "the container would run as");
	p->uid = user.uid;
	p->gid = user.gid;
	p->additionalGids.n = 0;
	list_each(group, &user.groups)
		*list_add(s->arena, &p->additionalGids) = *group;
	if (asked || !spec_variable(p, "HOME"))
		set_env(s, p, "HOME", user.home);
	return 0;
}

int spec_user(const struct sandbox *s, const struct sandbox_container *c, const char *name,
	      struct oci_process *p, struct error *err)
{
	return make_user(s, c, name, p, err);
}

static int apply_names(uint64_t *set, const struct strings *names, bool add, struct error *err)
{
	list_each(name, names) {
		int number = capability_number(*name);
		uint64_t which = text_is(*name, "ALL") || text_is(*name, "all") ? capability_all()
				 : number >= 0                                  ? CAPABILITY(number)
										: 0;
		if (!which)
			return error_set(err, EINVAL, "there is no capability '%s'", *name);
		*set = add ? *set | which : *set & ~which;
	}
	return 0;
}

/* drop, then add, as the CRI runtimes do it: "drop: [ALL], add: [X]" leaves X. */
static int make_capabilities(const struct sandbox_container *c, struct oci_process *p, struct error *err)
{
	const struct security_context *cs = c->spec->securityContext;
	bool privileged = cs && cs->privileged.value;
	uint64_t set = privileged ? capability_all() : default_capabilities & capability_all();
	int r = 0;

	if (cs && cs->capabilities) {
		r = apply_names(&set, &cs->capabilities->drop, false, err);
		if (r == 0)
			r = apply_names(&set, &cs->capabilities->add, true, err);
		set &= capability_all();
	}
	p->capabilities = (struct oci_capabilities){ .bounding = set, .effective = set, .permitted = set };
	p->noNewPrivileges = cs && cs->allowPrivilegeEscalation.set && !cs->allowPrivilegeEscalation.value &&
			     !privileged && !(set & CAPABILITY(CAP_SYS_ADMIN));
	return r;
}

int spec_filter(const struct sandbox *s, const struct container *c, struct oci_process *p,
		struct seccomp_filter *f, struct error *err)
{
	const struct security_context *cs = c->securityContext;
	const struct pod_security_context *ps = s->pod->spec.securityContext;
	const struct seccomp_profile *profile = cs && cs->seccompProfile ? cs->seccompProfile
						: ps                     ? ps->seccompProfile
									 : NULL;
	const char *file = NULL;

	if ((cs && cs->privileged.value) || (profile && text_is(profile->type, "Unconfined")))
		return 0;
	if (profile && text_is(profile->type, "Localhost"))
		file = arena_printf(s->arena, "%s/seccomp/%s", s->in->root, profile->localhostProfile);
	int r = seccomp_filter_get(s->in, file, p->capabilities.bounding, f, err);
	p->seccomp = f->filter;
	return r;
}

/* As the kubelet admits a pod: a profile that is asked for and cannot be had is refused (pkg/security/apparmor validate.go). */
static int make_label(const struct sandbox *s, const struct sandbox_container *c, struct oci_process *p,
		      struct error *err)
{
	const struct security_context *cs = c->spec->securityContext;
	const struct pod_security_context *ps = s->pod->spec.securityContext;
	const struct app_armor_profile *profile = cs && cs->appArmorProfile ? cs->appArmorProfile
						  : ps                      ? ps->appArmorProfile
									    : NULL;

	if (!profile || text_is(profile->type, "Unconfined") || (cs && cs->privileged.value))
		return 0;
	if (!security_module_is_active("apparmor"))
		return error_set(err, EOPNOTSUPP,
				 "appArmorProfile: AppArmor is not active on this machine (take it out, or "
				 "say Unconfined)");
	if (!text_is(profile->type, "Localhost"))
		return error_set(err, EOPNOTSUPP,
				 "appArmorProfile: Seapod has no default profile to load (load one, and say "
				 "Localhost)");
	struct oci_label *label = arena_one(s->arena, struct oci_label);
	*label = (struct oci_label){ "/proc/self/attr/apparmor/exec",
				     arena_printf(s->arena, "exec %s", profile->localhostProfile) };
	p->label = label;
	return 0;
}

static int64_t memory_request(const struct container *c)
{
	struct quantity request = resource_get(&c->resources.requests, "memory");
	return quantity_value(&request);
}

/* What the pod requests beyond its containers, in equal parts (KEP-2837). */
static int64_t part_of_the_rest(const struct pod_spec *spec, struct arena *a)
{
	struct pod_spec containers = *spec;
	struct quantity all = pod_resource(spec, "memory", false, a);

	containers.resources = NULL;
	struct quantity sum = pod_resource(&containers, "memory", false, a);
	return (quantity_value(&all) - quantity_value(&sum)) /
	       (int64_t)(spec->containers.n + spec->initContainers.n);
}

/* The less a container asked for, the sooner it is the one (Kubernetes docs "Node out of memory behavior"); a sidecar not before every app
 * container (kubelet qos/policy.go). */
static int oom_score(const struct sandbox *s, const struct container *c)
{
	const struct pod_spec *spec = &s->pod->spec;
	const char *qos = pod_qos_class(spec);
	int64_t request = memory_request(c), least = INT64_MAX;

	if (text_is(qos, "Guaranteed"))
		return -997;
	if (text_is(qos, "BestEffort") || !s->facts.node_memory_bytes)
		return 1000;
	list_each(app, &spec->containers)
		least = memory_request(app) < least ? memory_request(app) : least;
	if (container_is_sidecar(c) && least > request)
		request = least;
	if (spec->resources)
		request += part_of_the_rest(spec, s->arena);
	int64_t score = 1000 - (int64_t)((__int128)1000 * request / s->facts.node_memory_bytes);
	return score < 3 ? 3 : score > 999 ? 999 : (int)score;
}

int spec_process(const struct sandbox *s, const struct sandbox_container *c, struct oci_process *p,
		 struct error *err)
{
	*p = (struct oci_process){ .terminal = c->spec->tty,
				   .has_oom_score_adj = true,
				   .oomScoreAdj = oom_score(s, c->spec) };
	p->cwd = !text_empty(c->spec->workingDir)           ? c->spec->workingDir
		 : !text_empty(c->image->config.WorkingDir) ? c->image->config.WorkingDir
							    : "/";
	int r = make_env(s, c, p, err);
	if (r == 0)
		r = make_args(s, c, p, err);
	if (r == 0)
		r = make_user(s, c, NULL, p, err);
	if (r == 0)
		r = make_capabilities(c, p, err);
	if (r == 0)
		r = make_label(s, c, p, err);
	return r;
}
