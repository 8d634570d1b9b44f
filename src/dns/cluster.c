/* cluster.c — see cluster.h. */
#include "dns/cluster.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

enum { NAME_TEXT_SIZE = 1024 };

/* What is being made. */
struct making {
	const struct cluster *cluster;
	struct zone *zone;
	char apex[KNOT_DNAME_TXT_MAXLEN + 1]; /* as text, without the last dot */
};

/* A name below the apex; false: too long for the DNS, and so it has none. */
static bool name_below(const struct making *m, knot_dname_storage_t out, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static bool name_below(const struct making *m, knot_dname_storage_t out, const char *format, ...)
{
	char text[NAME_TEXT_SIZE];
	va_list args;

	va_start(args, format);
	int n = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (n < 0 || (size_t)n + strlen(m->apex) + 2 > sizeof(text))
		return false;
	text[n] = '.';
	strcpy(text + n + 1, m->apex);
	return name_parse(text, out);
}

/* "10-1-2-3", "fd00--1" */
static char *dashed(const struct address *a, char text[static ADDRESS_TEXT_SIZE])
{
	address_text(a, text);
	for (char *at = text; *at; at++)
		if (*at == '.' || *at == ':')
			*at = '-';
	return text;
}

static bool has_names(const struct fact_pod *p)
{
	return !p->over && p->addresses.n > 0;
}

static void add_reverse(struct making *m, const struct address *a, const knot_dname_t *name)
{
	knot_dname_storage_t reverse;

	name_reverse(a, reverse);
	zone_add_name(m->zone, reverse, KNOT_RRTYPE_PTR, CLUSTER_TTL, name);
}

/* --- pods -------------------------------------------------------------------------------------------------------------- */

static void add_pod(struct making *m, const struct fact_pod *p)
{
	knot_dname_storage_t name, by_address;
	char text[ADDRESS_TEXT_SIZE];
	bool named = name_below(m, name, "%s.%s.pod", p->name, p->namespace);

	list_each(a, &p->addresses) {
		if (named)
			zone_add_address(m->zone, name, CLUSTER_TTL, a);
		if (name_below(m, by_address, "%s.%s.pod", dashed(a, text), p->namespace))
			zone_add_address(m->zone, by_address, CLUSTER_TTL, a);
		if (named && !p->host_network)
			add_reverse(m, a, name);
	}
}

/* --- Services ---------------------------------------------------------------------------------------------------------- */

static bool is_endpoint(const struct fact_service *s, const struct fact_pod *p)
{
	return has_names(p) && (p->ready || s->not_ready_too) && fact_selects(s, p);
}

/* The number of the pod's port that PORT of the Service leads to; 0: the pod has no such port. */
static int32_t target_port(const struct fact_port *port, const struct fact_pod *p)
{
	if (!port->targetPort.set)
		return port->port;
	if (!port->targetPort.text)
		return port->targetPort.number;
	list_each(c, &p->containers)
		list_each(candidate, &c->ports)
			if (text_is(candidate->name, port->targetPort.text) &&
			    text_is(candidate->protocol, port->protocol))
				return candidate->containerPort;
	return 0;
}

static bool port_name(const struct making *m, const struct fact_service *s, const struct fact_port *port,
		      knot_dname_storage_t out)
{
	char protocol[8];
	size_t n = 0;

	for (const char *at = port->protocol; *at && n < sizeof(protocol) - 1; at++)
		protocol[n++] = (char)tolower(*at);
	protocol[n] = '\0';
	return !text_empty(port->name) &&
	       name_below(m, out, "_%s._%s.%s.%s.svc", port->name, protocol, s->name, s->namespace);
}

static void add_address_service(struct making *m, const struct fact_service *s, const knot_dname_t *name)
{
	knot_dname_storage_t owner;

	list_each(a, &s->addresses) {
		zone_add_address(m->zone, name, CLUSTER_TTL, a);
		add_reverse(m, a, name);
	}
	list_each(port, &s->ports)
		if (port_name(m, s, port, owner))
			zone_add_srv(m->zone, owner, CLUSTER_TTL, 0, 100, (uint16_t)port->port, name);
}

/* An endpoint of a headless Service, one of WEIGHTS alike. */
static void add_endpoint(struct making *m, const struct fact_service *s, const struct fact_pod *p,
			 const struct address *a, const knot_dname_t *service, uint16_t weight)
{
	knot_dname_storage_t name, owner;
	char text[ADDRESS_TEXT_SIZE];
	bool hosted = p->hostname && text_is(p->subdomain, s->name);

	if (!name_below(m, name, "%s.%s.%s.svc", hosted ? p->hostname : dashed(a, text), s->name,
			s->namespace))
		return;
	zone_add_address(m->zone, service, CLUSTER_TTL, a);
	zone_add_address(m->zone, name, CLUSTER_TTL, a);
	add_reverse(m, a, name);
	list_each(port, &s->ports) {
		int32_t number = target_port(port, p);
		if (number > 0 && port_name(m, s, port, owner))
			zone_add_srv(m->zone, owner, CLUSTER_TTL, 0, weight, (uint16_t)number, name);
	}
}

static void add_headless(struct making *m, const struct fact_service *s, const knot_dname_t *name)
{
	size_t n = 0;

	list_each(p, &m->cluster->pods)
		if (is_endpoint(s, *p))
			n += (*p)->addresses.n;
	list_each(p, &m->cluster->pods)
		if (is_endpoint(s, *p))
			list_each(a, &(*p)->addresses)
				add_endpoint(m, s, *p, a, name, n < 100 ? (uint16_t)(100 / n) : 1);
}

static void add_service(struct making *m, const struct fact_service *s)
{
	knot_dname_storage_t name, target;

	if (!name_below(m, name, "%s.%s.svc", s->name, s->namespace))
		return;
	if (s->externalName) {
		if (name_parse(s->externalName, target))
			zone_add_name(m->zone, name, KNOT_RRTYPE_CNAME, CLUSTER_TTL, target);
	} else if (s->headless) {
		add_headless(m, s, name);
	} else {
		add_address_service(m, s, name);
	}
}

/* --- all --------------------------------------------------------------------------------------------------------------- */

static void add_zone_itself(struct making *m)
{
	knot_dname_storage_t name;

	zone_add_soa(m->zone, CLUSTER_TTL, m->cluster->serial);
	if (!name_below(m, name, "ns.dns"))
		return;
	zone_add_name(m->zone, zone_apex(m->zone), KNOT_RRTYPE_NS, CLUSTER_TTL, name);
	list_each(a, &m->cluster->servers)
		zone_add_address(m->zone, name, CLUSTER_TTL, a);
}

static struct making begin(const struct cluster *c, const knot_dname_t *apex)
{
	struct making m = { .cluster = c, .zone = zone_new(apex) };

	knot_dname_to_str(m.apex, apex, sizeof(m.apex));
	m.apex[strlen(m.apex) - 1] = '\0';
	add_zone_itself(&m);
	return m;
}

static void add_local(struct making *m)
{
	knot_dname_storage_t name, target;

	if (m->cluster->local && name_below(m, name, "local.dns") && name_parse(m->cluster->local, target))
		zone_add_name(m->zone, name, KNOT_RRTYPE_CNAME, CLUSTER_TTL, target);
}

struct zone *cluster_domain(const struct cluster *c, const knot_dname_t *apex)
{
	struct making m = begin(c, apex);

	add_local(&m);
	return m.zone;
}

struct zone *cluster_zone(const struct cluster *c, const knot_dname_t *apex)
{
	struct making m = begin(c, apex);
	knot_dname_storage_t name;

	if (name_below(&m, name, "dns-version"))
		zone_add_text(m.zone, name, CLUSTER_TTL, "1.1.0");
	add_local(&m);
	list_each(s, &c->services)
		add_service(&m, *s);
	list_each(p, &c->pods)
		if (has_names(*p))
			add_pod(&m, *p);
	return m.zone;
}

static void add_word(struct zone *z, const struct fact_pod *p, const char *word)
{
	knot_dname_storage_t name;
	char text[NAME_TEXT_SIZE];

	if (text_empty(word) || strchr(word, '.'))
		return;
	snprintf(text, sizeof(text), "%s.%s", word, p->namespace);
	if (name_parse(text, name))
		list_each(a, &p->addresses)
			zone_add_address(z, name, CLUSTER_TTL, a);
}

struct zone *cluster_words(const struct cluster *c)
{
	struct zone *z = zone_new(NULL);

	list_each(p, &c->pods) {
		if (!has_names(*p))
			continue;
		add_word(z, *p, (*p)->name);
		add_word(z, *p, (*p)->hostname);
		list_each(container, &(*p)->containers)
			add_word(z, *p, container->name);
		list_each(alias, &(*p)->aliases)
			add_word(z, *p, *alias);
	}
	return z;
}
