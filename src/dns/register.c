/* register.c — see register.h. */
#include "dns/register.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/text.h"
#include "dns/sky.h"

enum { PATH_SIZE = 1024, LABEL_SIZE = 64, HOST_PART = 40 };

struct making {
	const struct registration *r;
	const struct cluster *cluster;
	struct arena *arena;
	struct announcements *out;
	char domain[PATH_SIZE]; /* "/skydns/local/skydns" */
};

/* "skydns.local" as "/skydns/local/skydns" */
static void path_of_name(const char *name, char out[static PATH_SIZE])
{
	char copy[PATH_SIZE];
	size_t n = (size_t)snprintf(out, PATH_SIZE, "/skydns");

	snprintf(copy, sizeof(copy), "%s", name);
	for (char *dot; (dot = strrchr(copy, '.'));) {
		if (dot[1])
			n += (size_t)snprintf(out + n, PATH_SIZE - n, "/%s", dot + 1);
		*dot = '\0';
	}
	snprintf(out + n, PATH_SIZE - n, "/%s", copy);
}

static void add(struct making *m, const char *value, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void add(struct making *m, const char *value, const char *format, ...)
{
	char text[PATH_SIZE];
	va_list args;

	va_start(args, format);
	int n = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (n < 0 || n >= (int)sizeof(text) || m->out->n >= ANNOUNCED_MAX)
		return;
	for (char *at = text; *at; at++)
		*at = (char)tolower((unsigned char)*at);
	*list_add(m->arena, m->out) = (struct announcement){ arena_strdup(m->arena, text), value };
}

static const char *value(struct making *m, const struct address *a, int32_t port)
{
	return sky_record_write(m->arena, a, (uint16_t)port, ANNOUNCED_TTL);
}

/* What tells one pod's records from another's below one name: the pod's name as one label. */
static char *pod_label(const struct fact_pod *p, char out[static LABEL_SIZE])
{
	uint32_t hash = hash_add(HASH_BEGIN, p->name, strlen(p->name));

	snprintf(out, LABEL_SIZE, "%.45s-%08x", p->name, hash);
	for (char *at = out; *at; at++)
		if (*at == '.')
			*at = '-';
	return out;
}

static bool is_here(const struct fact_pod *p)
{
	return !p->over && p->addresses.n > 0;
}

/* --- where others reach a pod ------------------------------------------------------------------------------------------- */

struct place {
	const struct address *address;
	int32_t port; /* 0: any */
};

/* At which place the N-th address of P has PORT (of a container; NULL: no particular one); false: nowhere. */
static bool place_of(const struct making *m, const struct fact_pod *p, const struct fact_port *port, size_t n,
		     struct place *out)
{
	const struct address *advertised = &m->r->advertise;

	if (!advertised->family) {
		if (n >= p->addresses.n)
			return false;
		*out = (struct place){ &p->addresses.at[n], port ? port->containerPort : 0 };
		return !p->host_network || !address_is_loopback(out->address);
	}
	if (n > 0 || (port && !port->hostPort && !p->host_network))
		return false;
	*out = (struct place){ advertised, !port             ? 0
					   : p->host_network ? port->containerPort
							     : port->hostPort };
	return true;
}

/* A port of a container that others reach; with pods' own addresses there need not be one. */
static bool reaches(const struct making *m, const struct fact_pod *p)
{
	if (!m->r->advertise.family || p->host_network)
		return true;
	list_each(c, &p->containers)
		list_each(port, &c->ports)
			if (port->hostPort)
				return true;
	return false;
}

/* --- pods --------------------------------------------------------------------------------------------------------------- */

static void add_reverse(struct making *m, const struct fact_pod *p, const struct address *a)
{
	knot_dname_storage_t name;
	char text[KNOT_DNAME_TXT_MAXLEN + 1], path[PATH_SIZE];

	name_reverse(a, name);
	if (!knot_dname_to_str(text, name, sizeof(text)))
		return;
	path_of_name(text, path);
	add(m,
	    arena_printf(m->arena, "{\"host\":\"%s.%s.pod.%s\",\"ttl\":%d}", p->name, p->namespace,
			 m->r->domain, ANNOUNCED_TTL),
	    "%s/%s", path, m->r->machine);
}

static void add_pod(struct making *m, const struct fact_pod *p)
{
	char name[PATH_SIZE];
	struct place at;
	size_t n = 0;

	if (!reaches(m, p))
		return;
	path_of_name(p->name, name); /* a pod's name may have dots: each part is a label */
	for (; place_of(m, p, NULL, n, &at); n++) {
		add(m, value(m, at.address, at.port), "%s/pod/%s%s/%s/%zu", m->domain, p->namespace,
		    name + sizeof("/skydns") - 1, m->r->machine, n);
		if (!m->r->advertise.family && !p->host_network)
			add_reverse(m, p, at.address);
	}
}

/* --- Services ----------------------------------------------------------------------------------------------------------- */

/* The container's port that a Service's port leads to. SCRATCH is for one that no container names. */
static const struct fact_port *target(const struct fact_port *port, const struct fact_pod *p,
				      struct fact_port *scratch)
{
	const char *name = port->targetPort.set ? port->targetPort.text : NULL;
	int32_t number = name ? 0 : port->targetPort.set ? port->targetPort.number : port->port;

	list_each(c, &p->containers)
		list_each(candidate, &c->ports)
			if (text_is(candidate->protocol, port->protocol) &&
			    (name ? text_is(candidate->name, name) : candidate->containerPort == number))
				return candidate;
	*scratch = (struct fact_port){ .containerPort = number };
	return number ? scratch : NULL;
}

static void add_port(struct making *m, const struct fact_service *s, const struct fact_pod *p,
		     const struct fact_port *port)
{
	struct fact_port scratch;
	const struct fact_port *to = target(port, p, &scratch);
	char label[LABEL_SIZE];
	struct place at;

	for (size_t n = 0; to && place_of(m, p, to, n, &at); n++)
		add(m, value(m, at.address, at.port), "%s/svc/%s/%s/_%s/_%s/%s/%s-%zu", m->domain,
		    s->namespace, s->name, port->protocol, port->name, m->r->machine, pod_label(p, label), n);
}

static void add_endpoint(struct making *m, const struct fact_service *s, const struct fact_pod *p)
{
	char label[LABEL_SIZE];
	struct fact_port scratch;
	bool named = false;
	struct place at;

	list_each(port, &s->ports)
		if (!text_empty(port->name)) {
			add_port(m, s, p, port);
			named = true;
		}
	if (named)
		return;
	const struct fact_port *to = s->ports.n ? target(s->ports.at, p, &scratch) : NULL;
	for (size_t n = 0; (to || !s->ports.n) && place_of(m, p, to, n, &at); n++)
		add(m, value(m, at.address, at.port), "%s/svc/%s/%s/%s/%s-%zu", m->domain, s->namespace,
		    s->name, m->r->machine, pod_label(p, label), n);
}

static void add_service(struct making *m, const struct fact_service *s)
{
	if (s->externalName)
		return; /* an alias is the same everywhere */
	list_each(p, &m->cluster->pods)
		if (is_here(*p) && ((*p)->ready || s->not_ready_too) && fact_selects(s, *p) && reaches(m, *p))
			add_endpoint(m, s, *p);
}

/* --- all ---------------------------------------------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct announcement *)a)->key, ((const struct announcement *)b)->key);
}

void announcements_make(const struct registration *r, const struct cluster *c, struct arena *a,
			struct announcements *out)
{
	struct making m = { .r = r, .cluster = c, .arena = a, .out = out };
	size_t kept = 0, servers = 0;

	*out = (struct announcements){};
	if (!r->on)
		return;
	path_of_name(r->domain, m.domain);
	list_each(p, &c->pods)
		if (is_here(*p))
			add_pod(&m, *p);
	list_each(s, &c->services)
		add_service(&m, *s);
	list_each(server, &c->announced)
		if (!address_is_loopback(server))
			add(&m, value(&m, server, 0), "%s/dns/ns/%s/%zu", m.domain, r->machine, servers++);
	if (out->n)
		qsort(out->at, out->n, sizeof(*out->at), compare);
	for (size_t i = 0; i < out->n; i++)
		if (i == 0 || compare(&out->at[i], &out->at[kept - 1]) != 0)
			out->at[kept++] = out->at[i];
	out->n = kept;
}

void announcements_compare(const struct announcements *before, const struct announcements *after,
			   void (*what)(void *data, const struct announcement *one), void *data)
{
	for (size_t i = 0, k = 0; i < before->n || k < after->n;) {
		const struct announcement *old = i < before->n ? &before->at[i] : NULL,
					  *new = k < after->n ? &after->at[k] : NULL;
		int order = !old ? 1 : !new ? -1 : compare(old, new);
		if (order < 0)
			what(data, &(struct announcement){ old->key, NULL });
		else if (order > 0 || !text_is(old->value, new->value))
			what(data, new);
		i += order <= 0;
		k += order >= 0;
	}
}

char *machine_label(struct arena *a, const char *host, const char *tag)
{
	char part[HOST_PART + 1];
	size_t n = 0;

	for (; n < HOST_PART && (isalnum((unsigned char)host[n]) || host[n] == '-'); n++)
		part[n] = (char)tolower((unsigned char)host[n]);
	while (n && part[n - 1] == '-')
		n--;
	part[n] = '\0';
	return arena_printf(a, "%s-%s", n ? part : "machine", tag);
}
