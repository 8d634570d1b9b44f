/* pod_validate.c — the rules between a Pod's fields, as the API server has them (kubernetes pkg/apis/core/validation); see pod.h.
 *
 * What one field alone can break is checked by its table. These are the rest: names that must differ, names that must be
 * defined, sources of which there is exactly one.
 */
#include "api/pod.h"

#include <stdio.h>

#include "api/names.h"
#include "base/text.h"

enum { CONTAINERS_MAX = 1000, VOLUMES_MAX = 1000, PATH_SIZE = 200 };

struct validation {
	const struct pod *pod;
	struct problems *problems;
};

#define wrong(v, path, ...) problem_error((v)->problems, 0, 0, path, __VA_ARGS__)

/* spec.containers[2] + FIELD */
static const char *at(char buffer[static PATH_SIZE], const char *parent, const char *field, size_t i)
{
	if (i == (size_t)-1)
		snprintf(buffer, PATH_SIZE, "%s.%s", parent, field);
	else
		snprintf(buffer, PATH_SIZE, "%s.%s[%zu]", parent, field, i);
	return buffer;
}

static const struct volume *find_volume(const struct pod *pod, const char *name)
{
	list_each(volume, &pod->spec.volumes)
		if (text_is(volume->name, name))
			return volume;
	return NULL;
}

static void check_volumes(struct validation *v)
{
	char path[PATH_SIZE];

	for (size_t i = 0; i < v->pod->spec.volumes.n; i++) {
		const struct volume *volume = &v->pod->spec.volumes.at[i];
		int sources = !!volume->emptyDir + !!volume->hostPath + !!volume->configMap + !!volume->secret +
			      !!volume->downwardAPI + !!volume->projected;
		at(path, "spec", "volumes", i);
		if (sources == 0)
			wrong(v, path, "the volume '%s' has no source (emptyDir, hostPath, configMap, secret …)", volume->name);
		else if (sources > 1)
			wrong(v, path, "the volume '%s' has more than one source", volume->name);
		if (find_volume(v->pod, volume->name) != volume)
			wrong(v, path, "there are two volumes called '%s'", volume->name);
		if (volume->hostPath && path_relative(volume->hostPath->path + 1))
			wrong(v, path, "the hostPath '%s' may not have '..' in it", volume->hostPath->path);
		if (volume->emptyDir && volume->emptyDir->sizeLimit.set && volume->emptyDir->sizeLimit.nano <= 0)
			wrong(v, path, "the sizeLimit of '%s' must be more than 0", volume->name);
	}
}

static void check_mounts(struct validation *v, const struct container *c, const char *parent)
{
	char path[PATH_SIZE];

	for (size_t i = 0; i < c->volumeMounts.n; i++) {
		const struct volume_mount *m = &c->volumeMounts.at[i];
		bool privileged = c->securityContext && c->securityContext->privileged.value;
		at(path, parent, "volumeMounts", i);
		if (!find_volume(v->pod, m->name))
			wrong(v, path, "there is no volume called '%s' (define it in spec.volumes)", m->name);
		for (size_t j = 0; j < i; j++)
			if (text_is(c->volumeMounts.at[j].mountPath, m->mountPath))
				wrong(v, path, "there are two mounts at '%s'", m->mountPath);
		if (m->subPath && *m->subPath && m->subPathExpr && *m->subPathExpr)
			wrong(v, path, "subPath and subPathExpr exclude each other");
		if (text_is(m->mountPropagation, "Bidirectional") && !privileged)
			wrong(v, path, "mountPropagation Bidirectional needs securityContext.privileged: true");
		if (m->recursiveReadOnly && !text_is(m->recursiveReadOnly, "Disabled") && !m->readOnly)
			wrong(v, path, "recursiveReadOnly needs readOnly: true");
	}
}

static void check_env(struct validation *v, const struct container *c, const char *parent)
{
	char path[PATH_SIZE];

	for (size_t i = 0; i < c->env.n; i++) {
		const struct env_var *e = &c->env.at[i];
		const struct env_var_source *from = e->valueFrom;
		at(path, parent, "env", i);
		if (!from)
			continue;
		int sources = !!from->fieldRef + !!from->resourceFieldRef + !!from->configMapKeyRef + !!from->secretKeyRef;
		if (sources != 1)
			wrong(v, path, "valueFrom of '%s' must have exactly one source", e->name);
		if (!text_empty(e->value))
			wrong(v, path, "'%s' has both value and valueFrom", e->name);
	}
	for (size_t i = 0; i < c->envFrom.n; i++)
		if (!!c->envFrom.at[i].configMapRef + !!c->envFrom.at[i].secretRef != 1)
			wrong(v, at(path, parent, "envFrom", i), "needs exactly one of configMapRef and secretRef");
}

/* Requests may not exceed limits. */
static void check_resources(struct validation *v, const struct resource_requirements *r, const char *parent)
{
	char path[PATH_SIZE];

	at(path, parent, "resources", (size_t)-1);
	list_each(request, &r->requests) {
		struct quantity limit = resource_get(&r->limits, request->key);
		if (limit.set && quantity_compare(&request->value, &limit) > 0)
			wrong(v, path, "the request of %s (%s) is more than its limit (%s)", request->key, request->value.text,
			      limit.text);
		if (request->value.nano < 0)
			wrong(v, path, "the request of %s is negative", request->key);
	}
	list_each(limit, &r->limits)
		if (limit->value.nano < 0)
			wrong(v, path, "the limit of %s is negative", limit->key);
}

static void check_probe(struct validation *v, const struct probe *p, const char *parent, const char *name)
{
	char path[PATH_SIZE];

	if (!p)
		return;
	at(path, parent, name, (size_t)-1);
	int handlers = !!p->exec + !!p->httpGet + !!p->tcpSocket + !!p->grpc;
	if (handlers != 1)
		wrong(v, path, "needs exactly one of exec, httpGet, tcpSocket and grpc");
	if (p->successThreshold > 1 && !text_is(name, "readinessProbe"))
		wrong(v, path, "successThreshold must be 1");
}

static void check_handler(struct validation *v, const struct lifecycle_handler *h, const char *parent, const char *name)
{
	char path[PATH_SIZE];

	if (h && !!h->exec + !!h->httpGet + !!h->sleep != 1)
		wrong(v, at(path, parent, name, (size_t)-1), "needs exactly one of exec, httpGet and sleep");
}

static void check_security(struct validation *v, const struct container *c, const char *parent)
{
	char path[PATH_SIZE];
	const struct security_context *s = c->securityContext;
	const struct pod_security_context *p = v->pod->spec.securityContext;
	struct optional_int uid = s && s->runAsUser.set ? s->runAsUser : p ? p->runAsUser : (struct optional_int){};
	struct optional_bool non_root = s && s->runAsNonRoot.set ? s->runAsNonRoot :
					p			 ? p->runAsNonRoot :
								   (struct optional_bool){};

	at(path, parent, "securityContext", (size_t)-1);
	if (non_root.value && uid.set && uid.value == 0)
		wrong(v, path, "runAsNonRoot is true but runAsUser is 0");
	if (!s)
		return;
	if (s->privileged.value && s->allowPrivilegeEscalation.set && !s->allowPrivilegeEscalation.value)
		wrong(v, path, "allowPrivilegeEscalation: false and privileged: true exclude each other");
	if (text_is(s->procMount, "Unmasked"))
		wrong(v, path, "procMount: Unmasked needs hostUsers: false, which is not supported yet");
}

static bool name_is_taken(const struct pod *pod, const struct container *c)
{
	const struct containers *lists[] = { &pod->spec.initContainers, &pod->spec.containers };

	for (size_t i = 0; i < 2; i++) {
		list_each(other, lists[i]) {
			if (other == c)
				return false;
			if (text_is(other->name, c->name))
				return true;
		}
	}
	return false;
}

static void check_container(struct validation *v, const struct container *c, const char *parent, bool init)
{
	char path[PATH_SIZE];

	if (name_is_taken(v->pod, c))
		wrong(v, parent, "there are two containers called '%s'", c->name);
	if (text_empty(c->image))
		wrong(v, parent, "the image is empty");
	check_mounts(v, c, parent);
	check_env(v, c, parent);
	check_resources(v, &c->resources, parent);
	check_security(v, c, parent);
	check_probe(v, c->livenessProbe, parent, "livenessProbe");
	check_probe(v, c->readinessProbe, parent, "readinessProbe");
	check_probe(v, c->startupProbe, parent, "startupProbe");
	if (c->lifecycle) {
		check_handler(v, c->lifecycle->postStart, parent, "lifecycle.postStart");
		check_handler(v, c->lifecycle->preStop, parent, "lifecycle.preStop");
	}
	bool plain_init = init && !container_is_sidecar(c);
	if (plain_init && (c->lifecycle || c->livenessProbe || c->readinessProbe || c->startupProbe))
		wrong(v, parent, "an init container may have no lifecycle and no probes unless its restartPolicy is Always");
	if (c->restartPolicyRules.n && !c->restartPolicy)
		wrong(v, at(path, parent, "restartPolicyRules", (size_t)-1), "needs restartPolicy on the same container");
	list_each(port, &c->ports)
		if (v->pod->spec.hostNetwork && port->hostPort && port->hostPort != port->containerPort)
			wrong(v, parent, "with hostNetwork, hostPort (%d) must be the containerPort (%d)", port->hostPort,
			      port->containerPort);
}

static bool same_host_port(const struct container_port *a, const struct container_port *b)
{
	const char *x = a->hostIP ? a->hostIP : "0.0.0.0", *y = b->hostIP ? b->hostIP : "0.0.0.0";
	bool any = text_is(x, "0.0.0.0") || text_is(y, "0.0.0.0");
	return a->hostPort && a->hostPort == b->hostPort && text_is(a->protocol, b->protocol) && (any || text_is(x, y));
}

static void check_host_ports(struct validation *v)
{
	const struct containers *all = &v->pod->spec.containers;
	char path[PATH_SIZE];

	for (size_t i = 0; i < all->n; i++)
		for (size_t j = 0; j < all->at[i].ports.n; j++)
			for (size_t k = 0; k <= i; k++)
				for (size_t l = 0; l < (k == i ? j : all->at[k].ports.n); l++)
					if (same_host_port(&all->at[i].ports.at[j], &all->at[k].ports.at[l]))
						wrong(v, at(path, "spec", "containers", i), "the host port %d/%s is published twice",
						      all->at[i].ports.at[j].hostPort, all->at[i].ports.at[j].protocol);
}

static void check_spec(struct validation *v)
{
	const struct pod_spec *spec = &v->pod->spec;

	if (spec->containers.n == 0)
		wrong(v, "spec.containers", "a pod needs one container at least");
	if (spec->hostUsers.set && !spec->hostUsers.value)
		wrong(v, "spec.hostUsers", "false (a user namespace of the pod's own) is not supported yet");
	if (spec->hostPID && spec->shareProcessNamespace.value)
		wrong(v, "spec.shareProcessNamespace", "it and hostPID exclude each other");
	if (text_is(spec->dnsPolicy, "None") && (!spec->dnsConfig || spec->dnsConfig->nameservers.n == 0))
		wrong(v, "spec.dnsConfig", "dnsPolicy None needs a name server in dnsConfig.nameservers");
	if (spec->hostnameOverride && spec->hostNetwork)
		wrong(v, "spec.hostnameOverride", "it and hostNetwork exclude each other");
	if (spec->resources)
		check_resources(v, spec->resources, "spec");
}

bool pod_validate(const struct pod *pod, struct problems *problems)
{
	struct validation v = { .pod = pod, .problems = problems };
	size_t before = problems->errors.n + problems->more;
	size_t count = pod->spec.containers.n + pod->spec.initContainers.n;
	char path[PATH_SIZE];

	if (text_empty(pod->metadata.name))
		wrong(&v, "metadata", "the field 'name' is missing");
	if (count > CONTAINERS_MAX || pod->spec.volumes.n > VOLUMES_MAX) {
		wrong(&v, "spec", "%zu containers and %zu volumes are more than one pod may have (%d of each)", count,
		      pod->spec.volumes.n, CONTAINERS_MAX);
		return false;
	}
	check_spec(&v);
	check_volumes(&v);
	for (size_t i = 0; i < pod->spec.initContainers.n; i++)
		check_container(&v, &pod->spec.initContainers.at[i], at(path, "spec", "initContainers", i), true);
	for (size_t i = 0; i < pod->spec.containers.n; i++)
		check_container(&v, &pod->spec.containers.at[i], at(path, "spec", "containers", i), false);
	check_host_ports(&v);
	return problems->errors.n + problems->more == before;
}
