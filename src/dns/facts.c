/* facts.c — see facts.h. */
#include "dns/facts.h"

#include <string.h>

#include "api/annotations.h"
#include "api/meta.h"
#include "base/cleanup.h"
#include "object/json.h"

struct condition {
	const char *type, *status;
};

struct address_entry {
	const char *ip;
};

struct document_spec { /* of a Pod or of a Service: they have no name in common with different meanings */
	const char *hostname, *subdomain, *type, *clusterIP, *externalName;
	bool hostNetwork, publishNotReadyAddresses;
	struct strings clusterIPs;
	struct string_map selector;
	struct fact_ports ports;
	struct LIST(struct fact_container) containers;
};

struct document_status {
	const char *phase, *podIP;
	struct LIST(struct address_entry) podIPs;
	struct LIST(struct condition) conditions;
};

static const struct field port_fields[] = {
	VALUE(fact_port, name),       VALUE(fact_port, protocol, .fallback = "TCP"),
	VALUE(fact_port, port),       VALUE(fact_port, containerPort),
	VALUE(fact_port, targetPort), VALUE(fact_port, hostPort),
};
static const struct table port_table = TABLE(fact_port, port_fields, "A port.", .open = true);

static const struct field container_fields[] = {
	VALUE(fact_container, name),
	OBJECTS(fact_container, ports, port_table),
};
static const struct table container_table =
	TABLE(fact_container, container_fields, "A container.", .open = true);

static const struct field spec_fields[] = {
	VALUE(document_spec, hostname),
	VALUE(document_spec, subdomain),
	VALUE(document_spec, type),
	VALUE(document_spec, clusterIP),
	VALUE(document_spec, externalName),
	VALUE(document_spec, hostNetwork),
	VALUE(document_spec, publishNotReadyAddresses),
	VALUE(document_spec, clusterIPs),
	VALUE(document_spec, selector),
	OBJECTS(document_spec, ports, port_table),
	OBJECTS(document_spec, containers, container_table),
};
static const struct table spec_table = TABLE(document_spec, spec_fields, "A spec.", .open = true);

static const struct field condition_fields[] = { VALUE(condition, type), VALUE(condition, status) };
static const struct table condition_table = TABLE(condition, condition_fields, "A condition.", .open = true);
static const struct field entry_fields[] = { VALUE(address_entry, ip) };
static const struct table entry_table = TABLE(address_entry, entry_fields, "An address.", .open = true);

static const struct field status_fields[] = {
	VALUE(document_status, phase),
	VALUE(document_status, podIP),
	OBJECTS(document_status, podIPs, entry_table),
	OBJECTS(document_status, conditions, condition_table),
};
static const struct table status_table = TABLE(document_status, status_fields, "A status.", .open = true);

static struct node *parse(const char *text, size_t size, struct arena *a)
{
	struct node *n = text ? node_from_json(a, text, size, NULL) : NULL;
	return n && n->kind == NODE_MAP ? n : NULL;
}

static const char *copy(const struct node *n, const char *key, struct arena *a)
{
	const char *text = node_get_string(n, key);
	return text ? arena_strdup(a, text) : NULL;
}

static bool decode(const struct table *table, const struct node *n, void *out, struct arena *a)
{
	struct problems ignored = { .arena = a };
	return n && n->kind == NODE_MAP && object_decode(table, n, out, a, NULL, &ignored);
}

static void take_labels(const struct node *labels, struct arena *a, struct string_map *out)
{
	if (labels && labels->kind == NODE_MAP)
		list_each(pair, &labels->pairs)
			if (pair->value->kind == NODE_STRING)
				*list_add(a, out) =
					(struct string_pair){ arena_strdup(a, pair->key),
							      arena_strdup(a, pair->value->text) };
}

static void take_aliases(const char *text, struct arena *a, struct strings *out)
{
	char *copy = arena_strdup(a, text ? text : ""), *state;

	for (char *word = strtok_r(copy, ", ", &state); word; word = strtok_r(NULL, ", ", &state))
		*list_add(a, out) = word;
}

static void take_address(const char *text, struct arena *a, struct addresses *out)
{
	struct address address;

	if (text_empty(text) || address_parse(text, 0, &address, NULL) < 0)
		return;
	list_each(there, out)
		if (address_equal(there, &address))
			return;
	*list_add(a, out) = address;
}

static bool read_status(const struct node *n, struct arena *a, struct fact_pod *out)
{
	struct document_status status = {};

	if (!decode(&status_table, n, &status, a))
		return false;
	take_address(status.podIP, a, &out->addresses);
	list_each(entry, &status.podIPs)
		take_address(entry->ip, a, &out->addresses);
	list_each(condition, &status.conditions)
		out->ready = out->ready ||
			     (text_is(condition->type, "Ready") && text_is(condition->status, "True"));
	out->over = text_is(status.phase, "Succeeded") || text_is(status.phase, "Failed");
	return true;
}

bool fact_pod_read(const char *object, size_t object_size, const char *status, size_t status_size,
		   struct arena *a, struct fact_pod *out)
{
	_cleanup_arena_ struct arena *tree = arena_new(); /* what is kept is a tenth of it */
	const struct node *n = parse(object, object_size, tree), *metadata = node_get(n, "metadata");
	struct document_spec spec = {};

	*out = (struct fact_pod){ .name = copy(metadata, "name", a),
				  .namespace = copy(metadata, "namespace", a) };
	if (!out->name || !out->namespace || !decode(&spec_table, node_get(n, "spec"), &spec, a))
		return false;
	take_labels(node_get(metadata, "labels"), a, &out->labels);
	take_aliases(node_get_string(node_get(metadata, "annotations"), NETWORK_ALIASES_ANNOTATION), a,
		     &out->aliases);
	out->hostname = spec.hostname;
	out->subdomain = spec.subdomain;
	out->host_network = spec.hostNetwork;
	memcpy(&out->containers, &spec.containers, sizeof(out->containers));
	if (!read_status(parse(status, status_size, tree), a, out))
		return false;
	/* EndpointSlice: what is terminating is not ready, whatever its probes say */
	out->ready = out->ready && !node_get(metadata, "deletionTimestamp");
	return true;
}

bool fact_service_read(const char *object, size_t size, struct arena *a, struct fact_service *out)
{
	_cleanup_arena_ struct arena *tree = arena_new();
	const struct node *n = parse(object, size, tree), *metadata = node_get(n, "metadata");
	struct document_spec spec = {};

	*out = (struct fact_service){ .name = copy(metadata, "name", a),
				      .namespace = copy(metadata, "namespace", a) };
	if (!out->name || !out->namespace || !decode(&spec_table, node_get(n, "spec"), &spec, a))
		return false;
	if (text_is(spec.type, "ExternalName"))
		out->externalName = spec.externalName;
	out->headless = text_is(spec.clusterIP, "None");
	out->not_ready_too = spec.publishNotReadyAddresses;
	out->selector = spec.selector;
	out->ports = spec.ports;
	take_address(spec.clusterIP, a, &out->addresses);
	list_each(ip, &spec.clusterIPs)
		take_address(*ip, a, &out->addresses);
	return true;
}

/* The gateway is the first address unless the file says another one. That of a macvlan or ipvlan network is not this host's, and its pods cannot reach
 * this host: nothing to serve there. */
bool fact_network_read(const char *object, size_t size, struct arena *a, struct fact_network *out)
{
	const struct node *n = parse(object, size, a);
	const char *subnet = node_get_string(n, "subnet"), *subnet6 = node_get_string(n, "subnet6"),
		   *gateway = node_get_string(n, "gateway"), *driver = node_get_string(n, "driver");

	*out = (struct fact_network){ .name = node_get_string(n, "name") };
	if (!subnet || prefix_parse(subnet, &out->subnet, NULL) < 0)
		return false;
	if (subnet6 && prefix_parse(subnet6, &out->subnet6, NULL) < 0)
		out->subnet6 = (struct prefix){};
	if (text_is(driver, "macvlan") || text_is(driver, "ipvlan"))
		return true;
	out->gateway = out->subnet.address;
	out->gateway.bytes[address_size(&out->gateway) - 1] |= 1;
	return !gateway || address_parse(gateway, 0, &out->gateway, NULL) == 0;
}

bool fact_selects(const struct fact_service *s, const struct fact_pod *p)
{
	list_each(wanted, &s->selector)
		if (!text_is(string_map_get(&p->labels, wanted->key), wanted->value))
			return false;
	return s->selector.n > 0 && text_is(s->namespace, p->namespace);
}
