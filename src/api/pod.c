/* pod.c — the tables of the Pod and its spec; see pod.h. */
#include "api/pod.h"

#include "api/names.h"
#include "base/text.h"

#define ONE_MACHINE   .effect = NO_EFFECT, .why = "there is one machine and no scheduler"
#define NO_API_SERVER .effect = NO_EFFECT, .why = "there is no API server"

static const struct field dns_option_fields[] = {
	VALUE(dns_option, name, .required = true, .doc = "As in resolv.conf(5)."),
	VALUE(dns_option, value, .doc = "Its value."),
};
static const struct table dns_option_table = TABLE(dns_option, dns_option_fields, "A resolver option.");

static const struct field dns_config_fields[] = {
	VALUE(dns_config, nameservers, .check = ip_address,
	      .doc = "Name servers, added to those of dnsPolicy."),
	VALUE(dns_config, searches, .doc = "Search domains, added to those of dnsPolicy."),
	OBJECTS(dns_config, options, dns_option_table, .doc = "Options, added to those of dnsPolicy."),
};
static const struct table dns_config_table = TABLE(dns_config, dns_config_fields, "The pod's resolver.");

static const struct field host_alias_fields[] = {
	VALUE(host_alias, ip, .required = true, .check = ip_address, .doc = "The address."),
	VALUE(host_alias, hostnames, .check = name_dns_subdomain, .doc = "Its names."),
};
static const struct table host_alias_table = TABLE(host_alias, host_alias_fields, "A line of /etc/hosts.");

static const struct field reference_fields[] = { VALUE(local_reference, name, .doc = "The Secret's name.") };
static const struct table reference_table =
	TABLE(local_reference, reference_fields, "An object of the same namespace.");

static const struct field gate_fields[] = {
	VALUE(readiness_gate, conditionType, .required = true, .check = name_qualified,
	      .doc = "The condition's type."),
};
static const struct table readiness_gate_table =
	TABLE(readiness_gate, gate_fields, "A condition that must be True.");

static const struct field os_fields[] = {
	VALUE(pod_os, name, .required = true, .values = "linux", .doc = "linux; windows cannot run here."),
};
static const struct table os_table = TABLE(pod_os, os_fields, "The operating system.");

static const struct field spec_fields[] = {
	OBJECTS(pod_spec, volumes, volume_table, .doc = "Storage that its containers may mount."),
	OBJECTS(pod_spec, initContainers, container_table,
		.doc = "Run one after another before the others; restartPolicy Always: a sidecar."),
	OBJECTS(pod_spec, containers, container_table, .required = true, .doc = "The containers."),
	OBJECTS(pod_spec, ephemeralContainers, ephemeral_container_table, .since = "1.25",
		.doc = "Containers that came to the running pod to look at it (seapod debug)."),
	VALUE(pod_spec, restartPolicy, .values = "Always|OnFailure|Never", .fallback = "Always",
	      .doc = "When containers are started again."),
	VALUE(pod_spec, terminationGracePeriodSeconds, .fallback = "30", .min = 0, .max = INT32_MAX,
	      .doc = "Time between TERM and KILL."),
	VALUE(pod_spec, activeDeadlineSeconds, .min = 1, .max = INT32_MAX,
	      .doc = "The pod fails after this time."),
	VALUE(pod_spec, dnsPolicy, .values = "ClusterFirst|ClusterFirstWithHostNet|Default|None",
	      .fallback = "ClusterFirst", .doc = "What resolv.conf begins with."),
	OPTIONAL(pod_spec, dnsConfig, dns_config_table, .doc = "What is added to resolv.conf."),
	VALUE(pod_spec, hostNetwork, .doc = "Use the host's network."),
	VALUE(pod_spec, hostPID, .doc = "See the host's processes."),
	VALUE(pod_spec, hostIPC, .doc = "Use the host's IPC namespace."),
	VALUE(pod_spec, hostUsers,
	      .doc = "false: the pod has users of its own, who are nobody on the host (a user namespace)."),
	VALUE(pod_spec, shareProcessNamespace, .doc = "One process namespace for all containers."),
	OPTIONAL(pod_spec, securityContext, pod_security_context_table, .doc = "Security of all containers."),
	OBJECTS(pod_spec, imagePullSecrets, reference_table,
		.doc = "Secrets with logins at registries (kubernetes.io/dockerconfigjson)."),
	VALUE(pod_spec, hostname, .check = name_dns_label,
	      .doc = "The host name; the pod's name by default."),
	VALUE(pod_spec, subdomain, .check = name_dns_label, .doc = "Part of the pod's full name."),
	VALUE(pod_spec, hostnameOverride, .check = name_dns_subdomain, .since = "1.37",
	      .doc = "The host name, before all others."),
	VALUE(pod_spec, setHostnameAsFQDN, .doc = "Use the full name as host name."),
	OBJECTS(pod_spec, hostAliases, host_alias_table, .doc = "More lines of /etc/hosts."),
	OBJECTS(pod_spec, readinessGates, readiness_gate_table,
		.doc = "Conditions that the pod's readiness needs."),
	OPTIONAL(pod_spec, resources, resource_requirements_table, .since = "1.37",
		 .doc = "The pod's budget, shared by its containers."),
	OPTIONAL(pod_spec, os, os_table, .doc = "The operating system."),
	VALUE(pod_spec, enableServiceLinks, .effect = NO_EFFECT, .why = "no variables are made for Services",
	      .doc = "Variables for Services."),
	VALUE(pod_spec, nodeSelector, ONE_MACHINE, .doc = "Scheduling."),
	VALUE(pod_spec, affinity, .table = &affinity_table, ONE_MACHINE, .doc = "Scheduling."),
	VALUE(pod_spec, topologySpreadConstraints, .table = &topology_spread_table, ONE_MACHINE,
	      .doc = "Scheduling."),
	VALUE(pod_spec, tolerations, .table = &toleration_table, ONE_MACHINE, .doc = "Scheduling."),
	VALUE(pod_spec, schedulingGates, .table = &scheduling_gate_table, ONE_MACHINE, .doc = "Scheduling."),
	VALUE(pod_spec, schedulingGroup, ONE_MACHINE, .doc = "Scheduling."),
	VALUE(pod_spec, nodeName, ONE_MACHINE, .doc = "The machine's name."),
	VALUE(pod_spec, schedulerName, ONE_MACHINE, .doc = "Scheduling."),
	VALUE(pod_spec, priorityClassName, ONE_MACHINE, .doc = "Scheduling."),
	VALUE(pod_spec, priority, ONE_MACHINE, .doc = "Scheduling."),
	VALUE(pod_spec, preemptionPolicy, .values = "PreemptLowerPriority|Never", ONE_MACHINE,
	      .doc = "Scheduling."),
	VALUE(pod_spec, runtimeClassName, .effect = NO_EFFECT, .why = "there is one runtime",
	      .doc = "The runtime."),
	VALUE(pod_spec, overhead, .effect = NO_EFFECT, .why = "there is one runtime",
	      .doc = "Set by a RuntimeClass."),
	VALUE(pod_spec, serviceAccountName, NO_API_SERVER, .doc = "Identity towards an API server."),
	VALUE(pod_spec, serviceAccount, NO_API_SERVER, .doc = "Deprecated."),
	VALUE(pod_spec, automountServiceAccountToken, NO_API_SERVER,
	      .doc = "Identity towards an API server."),
	VALUE(pod_spec, resourceClaims, .effect = REJECTED,
	      .why = "needs dynamic resource allocation, which Seapod has not", .doc = "Claims."),
	VALUE(pod_spec, evictionResponders, NO_API_SERVER, .doc = "Eviction."),
};
const struct table pod_spec_table = TABLE(pod_spec, spec_fields, "What the pod is to be.");

static const struct field pod_fields[] = {
	VALUE(pod, apiVersion, .required = true, .values = "v1"),
	VALUE(pod, kind, .required = true),
	OBJECT(pod, metadata, object_meta_table, .required = true, .doc = "Name, labels, annotations."),
	OBJECT(pod, spec, pod_spec_table, .required = true, .doc = "What the pod is to be."),
	OBJECT(pod, status, pod_status_table, .doc = "What the pod is; ignored on input."),
};
const struct table pod_table =
	TABLE(pod, pod_fields,
	      "A group of containers that share one network, volumes and one budget of resources, and that "
	      "live and die together.");

static void container_defaults(struct container *c)
{
	const char *slash = strrchr(c->image ? c->image : "", '/');
	const char *name = slash ? slash : c->image;

	/* Always for :latest and no tag, else IfNotPresent; a digest pins (core/v1 types.go, imagePullPolicy). */
	if (!c->imagePullPolicy && name) {
		const char *colon = strchr(name, ':');
		bool latest = !strchr(name, '@') && (!colon || text_is(colon, ":latest"));
		c->imagePullPolicy = latest ? "Always" : "IfNotPresent";
		c->pull_policy_defaulted = true;
	}
}

/* A limit without a request is also the request (core/v1 types.go, ResourceRequirements). */
static void request_limits(struct resource_requirements *r, struct arena *a)
{
	list_each(limit, &r->limits)
		if (!resource_get(&r->requests, limit->key).set)
			*list_add(a, &r->requests) = *limit;
}

/* What a pod with resources of its own does not request is what its containers do, and without them its limit (KEP-2837). */
static void request_for_all(struct pod_spec *spec, struct arena *a)
{
	static const char *const names[] = { "cpu", "memory" };

	for (size_t i = 0; i < 2; i++) {
		struct quantity sum = pod_resource(spec, names[i], false, a);
		if (sum.set && !resource_get(&spec->resources->requests, names[i]).set)
			*list_add(a, &spec->resources->requests) = (struct quantity_pair){ names[i], sum };
	}
	request_limits(spec->resources, a);
}

int volume_sources(const struct volume *v)
{
	return !!v->emptyDir + !!v->hostPath + !!v->configMap + !!v->secret + !!v->downwardAPI +
	       !!v->projected + !!v->persistentVolumeClaim + !!v->image + !!v->ephemeral;
}

/* "volumes: [{name: x}]" is an emptyDir (kubernetes SetDefaults_Volume). */
static void volume_defaults(struct volume *v, struct arena *a)
{
	if (volume_sources(v) == 0)
		v->emptyDir = arena_one(a, struct empty_dir_volume);
}

void pod_defaults(struct pod *pod, struct arena *a)
{
	struct containers *all[] = { &pod->spec.initContainers, &pod->spec.containers,
				     &pod->spec.ephemeralContainers };

	for (size_t i = 0; i < 3; i++) {
		list_each(c, all[i]) {
			container_defaults(c);
			request_limits(&c->resources, a);
		}
	}
	list_each(volume, &pod->spec.volumes)
		volume_defaults(volume, a);
	if (pod->spec.resources)
		request_for_all(&pod->spec, a);
	for (size_t i = 0; pod->spec.hostNetwork && i < 2; i++)
		list_each(c, all[i])
			list_each(port, &c->ports)
				if (!port->hostPort)
					port->hostPort = port->containerPort;
	pod->apiVersion = "v1";
	pod->kind = "Pod";
}

bool container_is_sidecar(const struct container *c)
{
	return text_is(c->restartPolicy, "Always");
}

const struct container *pod_find_container(const struct pod *pod, const char *name)
{
	list_each(c, &pod->spec.containers)
		if (text_is(c->name, name))
			return c;
	list_each(c, &pod->spec.initContainers)
		if (text_is(c->name, name))
			return c;
	list_each(c, &pod->spec.ephemeralContainers)
		if (text_is(c->name, name))
			return c;
	return NULL;
}
