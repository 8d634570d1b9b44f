/* pod_validate.c — the rules between a Pod's fields, as the API server has them (kubernetes pkg/apis/core/validation); see pod.h.
 *
 * What one field alone can break is checked by its table. These are the rest: names that must differ, names that must be
 * defined, fields that exclude each other. Rules of volumes and of one container have files of their own. What is wrong is named
 * by its path; problems.h finds the line.
 */
#include "api/annotations.h"
#include "api/validation.h"
#include "base/cleanup.h"
#include "base/text.h"

/* An object in etcd cannot be larger than 1.5 MiB, so no cluster has larger pods either. */
enum { CONTAINERS_MAX = 1000, VOLUMES_MAX = 1000, HOST_PORTS_MAX = 10000 };

const char *path_field(char buffer[static VALIDATION_PATH_SIZE], const char *parent, const char *field)
{
	snprintf(buffer, VALIDATION_PATH_SIZE, "%.100s.%.60s", parent, field);
	return buffer;
}

const char *path_item(char buffer[static VALIDATION_PATH_SIZE], const char *parent, const char *field,
		      size_t i)
{
	snprintf(buffer, VALIDATION_PATH_SIZE, "%.100s.%.60s[%zu]", parent, field, i);
	return buffer;
}

static bool same_host_port(const struct container_port *a, const struct container_port *b)
{
	bool any = text_empty(a->hostIP) || text_empty(b->hostIP) || text_is(a->hostIP, "0.0.0.0") ||
		   text_is(b->hostIP, "0.0.0.0") || text_is(a->hostIP, "::") || text_is(b->hostIP, "::");
	return a->hostPort == b->hostPort && text_is(a->protocol, b->protocol) &&
	       (any || text_is(a->hostIP, b->hostIP));
}

/* Each published port once. Plain init containers never run beside the others, so theirs do not count. */
static void check_host_ports(struct validation *v)
{
	const struct containers *lists[] = { &v->pod->spec.initContainers, &v->pod->spec.containers };
	static const char *const names[] = { "initContainers", "containers" };
	const struct container_port **seen = memory_new(HOST_PORTS_MAX, sizeof(*seen));
	char path[VALIDATION_PATH_SIZE], port_path[VALIDATION_PATH_SIZE];
	size_t n = 0;

	for (size_t l = 0; l < 2; l++) {
		for (size_t i = 0; i < lists[l]->n; i++) {
			const struct container *c = &lists[l]->at[i];
			path_item(path, "spec", names[l], i);
			for (size_t j = 0; j < c->ports.n && n < HOST_PORTS_MAX; j++) {
				const struct container_port *port = &c->ports.at[j];
				if (!port->hostPort || (l == 0 && !container_is_sidecar(c)))
					continue;
				bool twice = false;
				for (size_t k = 0; k < n; k++)
					twice = twice || same_host_port(seen[k], port);
				if (twice)
					wrong(v, path_item(port_path, path, "ports", j),
					      "the host port %d/%s is published twice", port->hostPort,
					      port->protocol);
				seen[n++] = port;
			}
		}
	}
	free(seen);
}

static void check_dns(struct validation *v, const struct pod_spec *spec)
{
	const struct dns_config *dns = spec->dnsConfig;
	size_t length = 0;

	if (text_is(spec->dnsPolicy, "None") && (!dns || dns->nameservers.n == 0))
		wrong(v, "spec.dnsConfig", "dnsPolicy None needs a name server in dnsConfig.nameservers");
	if (!dns)
		return;
	if (dns->nameservers.n > 3)
		wrong(v, "spec.dnsConfig.nameservers", "a resolver has 3 name servers at most");
	list_each(search, &dns->searches)
		length += strlen(*search) + 1;
	if (dns->searches.n > 32 || length > 2048)
		wrong(v, "spec.dnsConfig.searches",
		      "a resolver has 32 search domains at most, of 2048 characters together");
}

/* No container may have more than the pod, nor all together ask for more (KEP-2837). */
static void check_budget(struct validation *v, const struct pod_spec *spec)
{
	static const char *const names[] = { "cpu", "memory" };
	_cleanup_arena_ struct arena *a = arena_new();
	struct pod_spec containers = *spec;

	containers.resources = NULL;
	for (size_t i = 0; i < 2; i++) {
		struct quantity limit = resource_get(&spec->resources->limits, names[i]);
		struct quantity request = resource_get(&spec->resources->requests, names[i]);
		struct quantity sum = pod_resource(&containers, names[i], false, a);
		if (request.set && sum.set && quantity_compare(&sum, &request) > 0)
			wrong(v, "spec.resources.requests",
			      "%s (%s) is less than what the containers request (%s)", names[i], request.text,
			      sum.text);
		const struct containers *lists[] = { &spec->initContainers, &spec->containers };
		for (size_t l = 0; limit.set && l < 2; l++) {
			list_each(c, lists[l]) {
				struct quantity own = resource_get(&c->resources.limits, names[i]);
				if (own.set && quantity_compare(&own, &limit) > 0)
					wrong(v, "spec.resources.limits",
					      "%s (%s) is less than the limit of the container '%s' (%s)",
					      names[i], limit.text, c->name, own.text);
			}
		}
	}
}

static void check_spec(struct validation *v)
{
	const struct pod_spec *spec = &v->pod->spec;

	if (spec->containers.n == 0)
		wrong(v, "spec.containers", "a pod needs one container at least");
	if (spec->hostPID && spec->shareProcessNamespace.value)
		wrong(v, "spec.shareProcessNamespace", "it and hostPID exclude each other");
	if (spec->hostnameOverride && spec->hostNetwork)
		wrong(v, "spec.hostnameOverride", "it and hostNetwork exclude each other");
	if (spec->hostnameOverride && strlen(spec->hostnameOverride) > 64)
		wrong(v, "spec.hostnameOverride", "the kernel's host name has 64 characters at most");
	if (spec->resources) {
		validate_resources(v, spec->resources, "spec");
		check_budget(v, spec);
	}
	check_dns(v, spec);
	validate_pod_security(v);
}

static void check_backoff(struct validation *v)
{
	static const char *const which[] = { "initial", "max", "reset" };
	int ms;

	for (size_t i = 0; i < 3; i++)
		if (pod_backoff(v->pod, which[i], &ms) < 0)
			wrong(v, "metadata.annotations",
			      BACKOFF_ANNOTATION "%s is no duration (1s, 500ms, 5m)", which[i]);
}

bool pod_validate(const struct pod *pod, struct problems *problems)
{
	struct validation v = { .pod = pod, .problems = problems };
	size_t before = problems->errors.n + problems->more;
	size_t count = pod->spec.containers.n + pod->spec.initContainers.n;
	char path[VALIDATION_PATH_SIZE];

	if (text_empty(pod->metadata.name))
		wrong(&v, "metadata", "the field 'name' is missing");
	if (count > CONTAINERS_MAX || pod->spec.volumes.n > VOLUMES_MAX) {
		wrong(&v, "spec",
		      "%zu containers and %zu volumes are more than one pod may have (%d of each)", count,
		      pod->spec.volumes.n, CONTAINERS_MAX);
		return false;
	}
	int64_t pids;
	if (pod_pids_limit(pod, &pids) < 0)
		wrong(&v, "metadata.annotations",
		      PIDS_ANNOTATION " is '%.40s', not a number of processes, or -1 for any",
		      string_map_get(&pod->metadata.annotations, PIDS_ANNOTATION));
	struct memory_qos qos;
	if (pod_memory_qos(pod, &qos) < 0)
		wrong(&v, "metadata.annotations",
		      MEMORY_FACTOR_ANNOTATION
		      " must be a number in (0, 1], and " MEMORY_RESERVATION_ANNOTATION
		      " None or TieredReservation");
	check_backoff(&v);
	check_spec(&v);
	validate_volumes(&v);
	for (size_t i = 0; i < pod->spec.initContainers.n; i++)
		validate_container(&v, &pod->spec.initContainers.at[i],
				   path_item(path, "spec", "initContainers", i), true);
	for (size_t i = 0; i < pod->spec.containers.n; i++)
		validate_container(&v, &pod->spec.containers.at[i], path_item(path, "spec", "containers", i),
				   false);
	for (size_t i = 0; i < pod->spec.ephemeralContainers.n; i++)
		validate_container(&v, &pod->spec.ephemeralContainers.at[i],
				   path_item(path, "spec", "ephemeralContainers", i), false);
	check_host_ports(&v);
	return problems->errors.n + problems->more == before;
}
