/* pod_validate_container.c — the rules of one container; see pod_validate.c. */
#include "api/names.h"
#include "api/validation.h"

enum { RULES_MAX = 20, RULE_CODES_MAX = 255 };

static void check_mounts(struct validation *v, const struct container *c, const char *parent)
{
	char path[VALIDATION_PATH_SIZE], below[VALIDATION_PATH_SIZE];

	for (size_t i = 0; i < c->volumeMounts.n; i++) {
		const struct volume_mount *m = &c->volumeMounts.at[i];
		bool privileged = c->securityContext && c->securityContext->privileged.value;
		path_item(path, parent, "volumeMounts", i);
		if (!validation_find_volume(v->pod, m->name))
			wrong(v, path_field(below, path, "name"),
			      "there is no volume called '%s' (define it in spec.volumes)", m->name);
		for (size_t j = 0; j < i; j++)
			if (text_is(c->volumeMounts.at[j].mountPath, m->mountPath))
				wrong(v, path, "there are two mounts at '%s'", m->mountPath);
		if (m->subPath && *m->subPath && m->subPathExpr && *m->subPathExpr)
			wrong(v, path, "subPath and subPathExpr exclude each other");
		if (text_is(m->mountPropagation, "Bidirectional") && !privileged)
			wrong(v, path,
			      "mountPropagation Bidirectional needs securityContext.privileged: true");
		if (m->recursiveReadOnly && !text_is(m->recursiveReadOnly, "Disabled") && !m->readOnly)
			wrong(v, path, "recursiveReadOnly needs readOnly: true");
	}
}

static void check_env(struct validation *v, const struct container *c, const char *parent)
{
	char path[VALIDATION_PATH_SIZE];

	for (size_t i = 0; i < c->env.n; i++) {
		const struct env_var *e = &c->env.at[i];
		const struct env_var_source *from = e->valueFrom;
		path_item(path, parent, "env", i);
		if (!from)
			continue;
		int sources = !!from->fieldRef + !!from->resourceFieldRef + !!from->configMapKeyRef +
			      !!from->secretKeyRef + !!from->fileKeyRef;
		if (sources != 1)
			wrong(v, path, "valueFrom of '%s' must have exactly one source", e->name);
		if (!text_empty(e->value))
			wrong(v, path, "'%s' has both value and valueFrom", e->name);
		if (from->fileKeyRef && !validation_find_volume(v->pod, from->fileKeyRef->volumeName))
			wrong(v, path, "there is no volume called '%.100s' for fileKeyRef",
			      from->fileKeyRef->volumeName);
		validate_downward(v, path, from->fieldRef, from->resourceFieldRef, false);
	}
	for (size_t i = 0; i < c->envFrom.n; i++)
		if (!!c->envFrom.at[i].configMapRef + !!c->envFrom.at[i].secretRef != 1)
			wrong(v, path_item(path, parent, "envFrom", i),
			      "needs exactly one of configMapRef and secretRef");
}

/* They are whole pages, and what is asked for is what one may have (kubernetes validation ValidateResourceRequirements). */
static void check_huge_pages(struct validation *v, const struct resource_requirements *r,
			     const struct quantity_pair *pair, const char *path)
{
	uint64_t page = huge_page_resource(pair->key);
	struct quantity limit = resource_get(&r->limits, pair->key),
			request = resource_get(&r->requests, pair->key);

	if (!page)
		wrong(v, path, "'%.60s' names no size of page (hugepages-2Mi, hugepages-1Gi)", pair->key);
	else if (pair->value.nano % ((__int128)page * 1000000000))
		wrong(v, path, "%s is %s, not a multiple of the size of its pages", pair->key,
		      pair->value.text);
	else if (!limit.set || (request.set && quantity_compare(&limit, &request) != 0))
		wrong(v, path, "%s needs a limit, and a request is the same as the limit", pair->key);
	else if (!resource_get(&r->requests, "cpu").set && !resource_get(&r->requests, "memory").set &&
		 !resource_get(&r->limits, "cpu").set && !resource_get(&r->limits, "memory").set &&
		 !v->pod->spec.resources)
		wrong(v, path, "%s needs cpu or memory beside it", pair->key);
}

/* Requests may not exceed limits; what this machine cannot give is said. */
void validate_resources(struct validation *v, const struct resource_requirements *r, const char *parent)
{
	char path[VALIDATION_PATH_SIZE];
	const struct quantity_map *maps[] = { &r->limits, &r->requests };
	static const char *const names[] = { "resources.limits", "resources.requests" };

	for (size_t i = 0; i < 2; i++) {
		list_each(pair, maps[i]) {
			struct quantity limit = resource_get(&r->limits, pair->key);
			if (i == 1 && limit.set && quantity_compare(&limit, &pair->value) == 0)
				continue; /* the limit was looked at; the request may be its copy */
			path_field(path, parent, names[i]);
			if (pair->value.nano < 0)
				wrong(v, path, "%s is negative: %s", pair->key, pair->value.text);
			if (strchr(pair->key, '/'))
				wrong(v, path, "this machine has no resource '%.100s' to give", pair->key);
			else if (text_starts(pair->key, HUGE_PAGES))
				check_huge_pages(v, r, pair, path);
			else if (!text_is(pair->key, "cpu") && !text_is(pair->key, "memory") &&
				 !text_is(pair->key, "ephemeral-storage"))
				problem_warning(v->problems, 0, 0, path,
						"%s has no effect: there is no such resource", pair->key);
		}
	}
	path_field(path, parent, "resources.requests");
	list_each(request, &r->requests) {
		struct quantity limit = resource_get(&r->limits, request->key);
		if (limit.set && quantity_compare(&request->value, &limit) > 0)
			wrong(v, path, "the request of %s (%s) is more than its limit (%s)", request->key,
			      request->value.text, limit.text);
	}
}

static void check_probe(struct validation *v, const struct probe *p, const char *parent, const char *name)
{
	char path[VALIDATION_PATH_SIZE];

	if (!p)
		return;
	path_field(path, parent, name);
	int handlers = !!p->exec + !!p->httpGet + !!p->tcpSocket + !!p->grpc;
	if (handlers != 1)
		wrong(v, path, "needs exactly one of exec, httpGet, tcpSocket and grpc");
	if (p->successThreshold > 1 && !text_is(name, "readinessProbe"))
		wrong(v, path, "successThreshold must be 1");
	if (p->exec && p->exec->command.n == 0)
		wrong(v, path, "exec needs a command");
	if (p->terminationGracePeriodSeconds.set && text_is(name, "readinessProbe"))
		wrong(v, path, "a readiness probe ends nothing, so it has no terminationGracePeriodSeconds");
}

static void check_handler(struct validation *v, const struct lifecycle_handler *h, const char *parent,
			  const char *name)
{
	char path[VALIDATION_PATH_SIZE];

	if (h && !!h->exec + !!h->httpGet + !!h->sleep != 1)
		wrong(v, path_field(path, parent, name), "needs exactly one of exec, httpGet and sleep");
	if (h && h->exec && h->exec->command.n == 0)
		wrong(v, path_field(path, parent, name), "exec needs a command");
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

static void check_ports(struct validation *v, const struct container *c, const char *parent)
{
	char path[VALIDATION_PATH_SIZE];

	for (size_t i = 0; i < c->ports.n; i++) {
		const struct container_port *port = &c->ports.at[i];
		path_item(path, parent, "ports", i);
		if (v->pod->spec.hostNetwork && port->hostPort && port->hostPort != port->containerPort)
			wrong(v, path, "with hostNetwork, hostPort (%d) must be the containerPort (%d)",
			      port->hostPort, port->containerPort);
		for (size_t j = 0; port->name && j < i; j++)
			if (text_is(c->ports.at[j].name, port->name))
				wrong(v, path, "there are two ports called '%s'", port->name);
	}
}

static void check_restart(struct validation *v, const struct container *c, const char *parent, bool init)
{
	char path[VALIDATION_PATH_SIZE];

	if (init && !container_is_sidecar(c) &&
	    (c->lifecycle || c->livenessProbe || c->readinessProbe || c->startupProbe))
		wrong(v, parent,
		      "an init container may have no lifecycle and no probes unless its restartPolicy is "
		      "Always");
	if (c->restartPolicyRules.n && !c->restartPolicy)
		wrong(v, path_field(path, parent, "restartPolicyRules"),
		      "needs restartPolicy on the same container");
	if (c->restartPolicyRules.n > RULES_MAX)
		wrong(v, path_field(path, parent, "restartPolicyRules"), "has %zu rules; at most %d",
		      c->restartPolicyRules.n, RULES_MAX);
	for (size_t i = 0; i < c->restartPolicyRules.n; i++) {
		const struct restart_rule_exit_codes *codes = c->restartPolicyRules.at[i].exitCodes;
		path_item(path, parent, "restartPolicyRules", i);
		if (!codes || codes->values.n == 0 || codes->values.n > RULE_CODES_MAX)
			wrong(v, path, "needs exitCodes with 1 to %d values", RULE_CODES_MAX);
	}
}

static void check_resize_policy(struct validation *v, const struct container *c, const char *parent)
{
	char path[VALIDATION_PATH_SIZE];

	for (size_t i = 0; i < c->resizePolicy.n; i++) {
		const struct resize_policy *p = &c->resizePolicy.at[i];
		path_item(path, parent, "resizePolicy", i);
		for (size_t j = 0; j < i; j++)
			if (text_is(c->resizePolicy.at[j].resourceName, p->resourceName))
				wrong(v, path, "there are two policies for %s", p->resourceName);
		if (text_is(p->restartPolicy, "RestartContainer") &&
		    text_is(v->pod->spec.restartPolicy, "Never"))
			wrong(v, path, "RestartContainer needs a restartPolicy of the pod that is not Never");
	}
}

static void check_lifecycle(struct validation *v, const struct container *c, const char *parent)
{
	char path[VALIDATION_PATH_SIZE];

	if (!c->lifecycle)
		return;
	check_handler(v, c->lifecycle->postStart, parent, "lifecycle.postStart");
	check_handler(v, c->lifecycle->preStop, parent, "lifecycle.preStop");
	if (c->lifecycle->stopSignal && !v->pod->spec.os) /* KEP-4960 */
		wrong(v, path_field(path, parent, "lifecycle.stopSignal"), "needs spec.os.name: linux");
}

void validate_container(struct validation *v, const struct container *c, const char *parent, bool init)
{
	char path[VALIDATION_PATH_SIZE];

	if (name_is_taken(v->pod, c))
		wrong(v, path_field(path, parent, "name"), "there are two containers called '%s'", c->name);
	if (text_empty(c->image))
		wrong(v, parent, "the image is empty");
	check_mounts(v, c, parent);
	check_env(v, c, parent);
	validate_resources(v, &c->resources, parent);
	check_resize_policy(v, c, parent);
	validate_security(v, c, parent);
	check_probe(v, c->livenessProbe, parent, "livenessProbe");
	check_probe(v, c->readinessProbe, parent, "readinessProbe");
	check_probe(v, c->startupProbe, parent, "startupProbe");
	check_lifecycle(v, c, parent);
	check_restart(v, c, parent, init);
	check_ports(v, c, parent);
}
