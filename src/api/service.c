/* service.c — the table of Service and the rules between its fields; see service.h. */
#include "api/service.h"

#include <stdio.h>
#include <string.h>

#include "api/names.h"
#include "base/text.h"

/* A Service is kept, and answers by names (dns/); nothing sends packets on from its address to pods. */
#define NOT_FORWARDED .effect = NO_EFFECT, .why = "it is kept, but no connections are forwarded to pods yet"

static const struct field port_fields[] = {
	VALUE(service_port, name, .check = name_dns_label,
	      .doc = "Its name, in DNS too; needed where there are several."),
	VALUE(service_port, protocol, .values = "TCP|UDP|SCTP", .fallback = "TCP", .doc = "The protocol."),
	VALUE(service_port, appProtocol, NOT_FORWARDED, .doc = "What is spoken there."),
	VALUE(service_port, port, .required = true, .min = 1, .max = 65535,
	      .doc = "The port at the service's address."),
	VALUE(service_port, targetPort,
	      .doc = "The pods' port, by number or by name; without it the same as 'port'. SRV records of a "
		     "headless "
		     "service tell it."),
	VALUE(service_port, nodePort, NOT_FORWARDED, .min = 0, .max = 65535,
	      .doc = "The port at the host's addresses (NodePort); without it a free one is chosen."),
};
static const struct table port_table = TABLE(service_port, port_fields, "A port of a service.");

static const struct field client_ip_fields[] = {
	VALUE(client_ip_config, timeoutSeconds, .min = 1, .max = 86400, .effect = NO_EFFECT,
	      .why = "no connections are forwarded to pods yet",
	      .doc = "For how long a client keeps its pod."),
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
		     "a name for another one. Only names work yet: neither the address nor the host's port "
		     "forwards."),
	VALUE(service_spec, selector, .check = name_qualified, .check_value = name_label_value,
	      .doc = "The labels of its pods."),
	OBJECTS(service_spec, ports, port_table, .doc = "Its ports."),
	VALUE(service_spec, clusterIP,
	      .doc = "Its address, chosen when absent, which does not forward yet; None: it has none, and "
		     "its "
		     "name stands for all pods."),
	VALUE(service_spec, clusterIPs, .doc = "The same as a list; its first is clusterIP."),
	VALUE(service_spec, ipFamilies, .values = "IPv4|IPv6",
	      .doc = "IPv4: services have no IPv6 addresses yet."),
	VALUE(service_spec, ipFamilyPolicy, .values = "SingleStack|PreferDualStack|RequireDualStack",
	      .doc = "SingleStack or PreferDualStack: it has an IPv4 address."),
	VALUE(service_spec, externalName, .check = name_dns_subdomain,
	      .doc = "The name that it stands for (ExternalName)."),
	VALUE(service_spec, sessionAffinity, NOT_FORWARDED, .values = "None|ClientIP", .fallback = "None",
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
	VALUE(service_spec, externalIPs, .effect = REJECTED,
	      .why = "needs addresses that are routed here (publish ports with hostIP)",
	      .doc = "Further addresses."),
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
	else if (strchr(ip, ':'))
		wrong(p, "spec.clusterIP", "'%.60s' is an IPv6 address; services have IPv4 addresses only",
		      ip);
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

static void check_families(const struct service *s, struct problems *p)
{
	if (s->spec.clusterIPs.n > 1)
		wrong(p, "spec.clusterIPs", "holds %zu addresses; a service has one", s->spec.clusterIPs.n);
	list_each(family, &s->spec.ipFamilies)
		if (text_is(*family, "IPv6"))
			wrong(p, "spec.ipFamilies", "IPv6: services have IPv4 addresses only");
	if (text_is(s->spec.ipFamilyPolicy, "RequireDualStack"))
		wrong(p, "spec.ipFamilyPolicy", "RequireDualStack: services have IPv4 addresses only");
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
	if (!service_is_external(s) && !service_is_headless(s))
		problem_warning(
			p, 0, 0, "spec",
			"a Service is stored and answers by DNS only: its address and node ports forward "
			"nothing yet (clusterIP: None gives its pods' own addresses)");
	for (size_t i = 0; i < s->spec.ports.n; i++)
		check_port(s, i, p);
	return p->errors.n + p->more == before;
}
