/* service.c — the table of Service and the rules between its fields; see service.h. */
#include "api/service.h"

#include <stdio.h>
#include <string.h>

#include "api/names.h"
#include "base/text.h"

static const struct field port_fields[] = {
	VALUE(service_port, name, .check = name_dns_label,
	      .doc = "Its name, in DNS too; needed where there are several."),
	VALUE(service_port, protocol, .values = "TCP|UDP|SCTP", .fallback = "TCP", .doc = "The protocol."),
	VALUE(service_port, appProtocol, .effect = NO_EFFECT,
	      .why = "connections are forwarded whatever is spoken on them", .doc = "What is spoken there."),
	VALUE(service_port, port, .required = true, .min = 1, .max = 65535,
	      .doc = "The port at the service's address."),
	VALUE(service_port, targetPort,
	      .doc = "The pods' port, by number or by name; without it the same as 'port'. SRV records of a "
		     "headless "
		     "service tell it."),
	VALUE(service_port, nodePort, .min = 0, .max = 65535,
	      .doc = "The port at the host's addresses (NodePort); without it a free one is chosen."),
};
static const struct table port_table = TABLE(service_port, port_fields, "A port of a service.");

static const struct field client_ip_fields[] = {
	VALUE(client_ip_config, timeoutSeconds, .min = 1, .max = 86400,
	      .doc = "For how many seconds after its last connection a client keeps its pod (IPv4; 10800 "
		     "without it)."),
};
static const struct table client_ip_table = TABLE(client_ip_config, client_ip_fields, "Affinity by address.");

static const struct field affinity_fields[] = {
	OPTIONAL(session_affinity_config, clientIP, client_ip_table, .doc = "Of ClientIP."),
};
static const struct table affinity_table =
	TABLE(session_affinity_config, affinity_fields, "How affinity is kept.");

#define ONE_MACHINE .effect = NO_EFFECT, .why = "there is one machine"
#define NO_BALANCER .effect = REJECTED, .why = "needs a load balancer outside of this machine"

static const struct field spec_fields[] = {
	VALUE(service_spec, type, .values = "ClusterIP|NodePort|LoadBalancer|ExternalName",
	      .fallback = "ClusterIP",
	      .doc = "Where it is reached: at an address of its own, at a port of the host too, or only as "
		     "a name for another one."),
	VALUE(service_spec, selector, .check = name_qualified, .check_value = name_label_value,
	      .doc = "The labels of its pods."),
	OBJECTS(service_spec, ports, port_table, .doc = "Its ports."),
	VALUE(service_spec, clusterIP,
	      .doc = "Its address, chosen when absent; None: it has none, and its name stands for all "
		     "pods."),
	VALUE(service_spec, clusterIPs, .doc = "The same as a list; its first is clusterIP."),
	VALUE(service_spec, ipFamilies, .values = "IPv4|IPv6",
	      .doc = "The families of its addresses, the first one's first; without it IPv4."),
	VALUE(service_spec, ipFamilyPolicy, .values = "SingleStack|PreferDualStack|RequireDualStack",
	      .doc = "One address or one of each family; PreferDualStack: both if a network of this machine "
		     "has IPv6."),
	VALUE(service_spec, externalName, .check = name_dns_subdomain,
	      .doc = "The name that it stands for (ExternalName)."),
	VALUE(service_spec, sessionAffinity, .values = "None|ClientIP", .fallback = "None",
	      .doc = "ClientIP: all connections of a client's address go to the same pod."),
	OPTIONAL(service_spec, sessionAffinityConfig, affinity_table, .doc = "How affinity is kept."),
	VALUE(service_spec, publishNotReadyAddresses, .doc = "true: pods that are not ready count, too."),
	VALUE(service_spec, externalTrafficPolicy, ONE_MACHINE, .values = "Cluster|Local",
	      .doc = "Which machines' pods answer."),
	VALUE(service_spec, internalTrafficPolicy, ONE_MACHINE, .values = "Cluster|Local",
	      .doc = "Which machines' pods answer."),
	VALUE(service_spec, trafficDistribution, ONE_MACHINE, .doc = "Which pods are preferred."),
	VALUE(service_spec, allocateLoadBalancerNodePorts, .effect = NO_EFFECT,
	      .why = "a LoadBalancer is a NodePort here", .doc = "Whether a LoadBalancer has node ports."),
	VALUE(service_spec, externalIPs, .check = ip_address,
	      .doc = "Further addresses, whose packets come to this machine by somebody's routes."),
	VALUE(service_spec, loadBalancerIP, NO_BALANCER, .doc = "The balancer's address."),
	VALUE(service_spec, loadBalancerClass, NO_BALANCER, .doc = "Which balancer."),
	VALUE(service_spec, loadBalancerSourceRanges, NO_BALANCER, .doc = "Which clients it lets in."),
	VALUE(service_spec, healthCheckNodePort, NO_BALANCER, .doc = "Where it asks for health."),
};
static const struct table spec_table = TABLE(service_spec, spec_fields, "What a service is.");

static const struct field service_fields[] = {
	VALUE(service, apiVersion, .required = true, .values = "v1"),
	VALUE(service, kind, .required = true),
	OBJECT(service, metadata, object_meta_table, .required = true, .doc = "Name, labels, annotations."),
	OBJECT(service, spec, spec_table, .required = true, .doc = "What the service is to be."),
	VALUE(service, status, .doc = "Not read from manifests."),
};
const struct table service_table =
	TABLE(service, service_fields, "One name and one address for several pods.");

bool service_is_headless(const struct service *s)
{
	return text_is(s->spec.clusterIP, "None");
}

bool service_is_external(const struct service *s)
{
	return text_is(s->spec.type, "ExternalName");
}

bool service_selects(const struct service *s, const struct string_map *labels)
{
	list_each(pair, &s->spec.selector)
		if (!text_is(string_map_get(labels, pair->key), pair->value))
			return false;
	return s->spec.selector.n > 0;
}

bool service_read(const struct node *object, struct service *s, struct arena *a)
{
	struct problems ignored = { .arena = a };

	*s = (struct service){};
	return object_decode(&service_table, object, s, a, NULL, &ignored);
}

/* --- rules ---------------------------------------------------------------------------------------- */

#define wrong(p, path, ...) problem_error(p, 0, 0, path, __VA_ARGS__)

static void check_target(const struct service_port *port, const char *path, struct problems *p)
{
	const struct int_or_string *target = &port->targetPort;

	if (!target->set)
		return;
	if (target->text && name_port(target->text))
		wrong(p, path, "targetPort: '%.60s' %s", target->text, name_port(target->text));
	else if (!target->text && (target->number < 1 || target->number > 65535))
		wrong(p, path, "targetPort is %d, wanted 1 to 65535 or a port's name", target->number);
}

static void check_port(const struct service *s, size_t i, struct problems *p)
{
	const struct service_port *port = &s->spec.ports.at[i];
	char path[60];

	snprintf(path, sizeof(path), "spec.ports[%zu]", i);
	if (s->spec.ports.n > 1 && text_empty(port->name))
		wrong(p, path, "the field 'name' is missing (a service of several ports names each)");
	if (port->nodePort && (text_is(s->spec.type, "ClusterIP") || service_is_external(s)))
		wrong(p, path, "nodePort needs the type NodePort, not %s", s->spec.type);
	check_target(port, path, p);
	for (size_t j = 0; j < i; j++) {
		const struct service_port *other = &s->spec.ports.at[j];
		if (other->port == port->port && text_is(other->protocol, port->protocol))
			wrong(p, path, "the port %d/%s stands here twice", port->port, port->protocol);
		if (!text_empty(port->name) && text_is(other->name, port->name))
			wrong(p, path, "the name '%s' stands here twice", port->name);
	}
}

static void check_address(const struct service *s, struct problems *p)
{
	const char *ip = s->spec.clusterIP;

	if (text_empty(ip) || text_is(ip, "None"))
		return;
	if (ip_address(ip))
		wrong(p, "spec.clusterIP", "'%.60s' %s (or None)", ip, ip_address(ip));
	if (s->spec.clusterIPs.n && !text_is(s->spec.clusterIPs.at[0], ip))
		wrong(p, "spec.clusterIPs", "begins with %.60s, wanted the clusterIP, %.60s",
		      s->spec.clusterIPs.at[0], ip);
}

/* core/v1 validation: what would take the host's own traffic, or nobody's. */
static void check_externals(const struct service *s, struct problems *p)
{
	list_each(ip, &s->spec.externalIPs) {
		const char *what = text_starts(*ip, "127.") || text_is(*ip, "::1") ? "loopback address"
				   : text_is(*ip, "0.0.0.0") || text_is(*ip, "::") ? "wildcard"
				   : text_starts(*ip, "169.254.") || text_starts(*ip, "fe80:")
					   ? "link-local address"
					   : NULL;
		if (what)
			wrong(p, "spec.externalIPs",
			      "%.60s is a %s, wanted an address that is routed to here", *ip, what);
	}
}

static void check_type(const struct service *s, struct problems *p)
{
	bool external = service_is_external(s);

	if (external && text_empty(s->spec.externalName))
		wrong(p, "spec", "the field 'externalName' is missing (type ExternalName)");
	if (!external && !text_empty(s->spec.externalName))
		wrong(p, "spec.externalName", "needs the type ExternalName, not %s", s->spec.type);
	if (external && !text_empty(s->spec.clusterIP))
		wrong(p, "spec.clusterIP", "an ExternalName has no address");
	if (service_is_headless(s) && !text_is(s->spec.type, "ClusterIP"))
		wrong(p, "spec.clusterIP", "None needs the type ClusterIP, not %s", s->spec.type);
	if (!external && !service_is_headless(s) && s->spec.ports.n == 0)
		wrong(p, "spec", "the field 'ports' is missing");
	if (text_is(s->spec.type, "LoadBalancer"))
		problem_warning(p, 0, 0, "spec.type",
				"LoadBalancer: there is no balancer on one machine, so it is a NodePort");
}

static bool is_six(const char *ip)
{
	return strchr(ip, ':') != NULL;
}

static void check_families(const struct service *s, struct problems *p)
{
	const struct service_spec *spec = &s->spec;
	const struct strings *ips = &spec->clusterIPs, *families = &spec->ipFamilies;

	list_each(ip, ips)
		if (!text_is(*ip, "None") && ip_address(*ip))
			wrong(p, "spec.clusterIPs", "'%.60s' %s (or None)", *ip, ip_address(*ip));
	if (ips->n > 2 || (ips->n == 2 && is_six(ips->at[0]) == is_six(ips->at[1])))
		wrong(p, "spec.clusterIPs", "holds %zu addresses, wanted one or one of each family", ips->n);
	if (families->n > 2 || (families->n == 2 && text_is(families->at[0], families->at[1])))
		wrong(p, "spec.ipFamilies", "holds a family twice");
	if (text_is(spec->ipFamilyPolicy, "SingleStack") && (families->n > 1 || ips->n > 1))
		wrong(p, "spec.ipFamilyPolicy", "SingleStack is one family, and two are given");
	for (size_t i = 0; i < families->n && i < ips->n; i++)
		if (!text_is(ips->at[i], "None") && is_six(ips->at[i]) != text_is(families->at[i], "IPv6"))
			wrong(p, "spec.clusterIPs", "%.60s is not of the family %s (ipFamilies)", ips->at[i],
			      families->at[i]);
	if (ips->n == 0 && families->n && !text_empty(spec->clusterIP) && !text_is(spec->clusterIP, "None") &&
	    is_six(spec->clusterIP) != text_is(families->at[0], "IPv6"))
		wrong(p, "spec.clusterIP", "%.60s is not of the family %s (ipFamilies)", spec->clusterIP,
		      families->at[0]);
}

void service_families(const struct service_spec *spec, bool dual, struct arena *a, struct strings *out)
{
	const char *ip = spec->clusterIPs.n ? spec->clusterIPs.at[0] : spec->clusterIP;
	const char *first = spec->ipFamilies.n ? spec->ipFamilies.at[0] : ip && is_six(ip) ? "IPv6" : "IPv4";
	bool two = spec->ipFamilies.n > 1 || spec->clusterIPs.n > 1 ||
		   text_is(spec->ipFamilyPolicy, "RequireDualStack") ||
		   (dual && text_is(spec->ipFamilyPolicy, "PreferDualStack"));

	*list_add(a, out) = first;
	if (two)
		*list_add(a, out) = text_is(first, "IPv6") ? "IPv4" : "IPv6";
}

const char *service_address_of(const struct strings *list, bool six)
{
	list_each(ip, list)
		if (is_six(*ip) == six && !text_is(*ip, "None"))
			return *ip;
	return NULL;
}

bool service_validate(const struct service *s, struct problems *p)
{
	size_t before = p->errors.n + p->more;

	if (text_empty(s->metadata.name))
		wrong(p, "metadata", "the field 'name' is missing");
	else if (name_dns_label(s->metadata.name))
		wrong(p, "metadata.name", "'%.80s' %s", s->metadata.name, name_dns_label(s->metadata.name));
	check_type(s, p);
	check_address(s, p);
	check_families(s, p);
	check_externals(s, p);
	if (!service_is_external(s) && s->spec.selector.n == 0)
		problem_warning(
			p, 0, 0, "spec",
			"without a selector no pod is behind it (Endpoints cannot be written by hand)");
	for (size_t i = 0; i < s->spec.ports.n; i++)
		check_port(s, i, p);
	return p->errors.n + p->more == before;
}
