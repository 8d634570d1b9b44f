/* sky_answer.c — see sky_answer.h. */
#include "dns/sky_answer.h"

#include <stdlib.h>
#include <string.h>

enum {
	SET_BYTES_MAX = 60000, /* what fits into a message beside a question; a single record may be longer */
	WEIGHT = 100,
	HOSTS_MAX = 16, /* that are names, and looked for */
};

/* A set of records that is being made. */
struct making {
	const struct view *view;
	struct arena *arena;
	struct LIST(knot_rdata_t *) data;
	size_t bytes;
	uint32_t ttl;
	unsigned *work;
};

enum { HIT_WORK = 4 /* a record is put into sets, sorted and packed */ };

static void find(const struct view *v, unsigned *work, const knot_dname_t *name, struct sky_found *found)
{
	sky_find(v->sky, name, found);
	if (work)
		*work += found->visits + HIT_WORK * found->n;
}

static void add(struct making *m, const void *data, size_t n, uint32_t ttl)
{
	size_t size = knot_rdata_size((uint16_t)n);

	if (m->bytes + size > SET_BYTES_MAX && m->data.n)
		return;
	knot_rdata_t *r = arena_alloc(m->arena, size);
	knot_rdata_init(r, (uint16_t)n, data);
	*list_add(m->arena, &m->data) = r;
	m->bytes += size;
	if (ttl < m->ttl)
		m->ttl = ttl;
}

static void add_set(struct making *m, const knot_rrset_t *set)
{
	knot_rdata_t *r = set ? set->rrs.rdata : NULL;

	for (uint16_t i = 0; set && i < set->rrs.count; i++, r = knot_rdataset_next(r))
		add(m, r->data, r->len, set->ttl);
}

static int compare_data(const void *a, const void *b)
{
	const knot_rdata_t *one = *(knot_rdata_t *const *)a, *other = *(knot_rdata_t *const *)b;

	return one->len != other->len ? one->len - other->len : memcmp(one->data, other->data, one->len);
}

/* Each record once, one behind the other, as libknot has sets. False: there is none. */
static bool finish(struct making *m, const knot_dname_t *owner, uint16_t type, knot_rrset_t *out)
{
	uint8_t *begin = arena_alloc(m->arena, m->bytes + 1), *at = begin;
	uint16_t n = 0;

	if (m->data.n == 0)
		return false;
	qsort(m->data.at, m->data.n, sizeof(*m->data.at), compare_data);
	for (size_t i = 0; i < m->data.n; i++) {
		if (i && compare_data(&m->data.at[i - 1], &m->data.at[i]) == 0)
			continue;
		size_t size = knot_rdata_size(m->data.at[i]->len);
		at = mempcpy(at, m->data.at[i], size);
		n++;
	}
	knot_rrset_init(out, (knot_dname_t *)owner, type, KNOT_CLASS_IN, m->ttl);
	out->rrs = (knot_rdataset_t){ n, (uint32_t)(at - begin), (knot_rdata_t *)begin };
	return true;
}

static struct making make(const struct view *v, const struct question *q)
{
	return (struct making){ .view = v, .arena = q->scratch, .ttl = UINT32_MAX, .work = q->work };
}

static bool put(struct making *m, const struct question *q, const knot_dname_t *owner, uint16_t type,
		knot_pkt_t *out)
{
	knot_rrset_t set;

	if (!finish(m, owner, type, &set))
		return false;
	knot_pkt_put_rotate(out, KNOT_COMPR_HINT_NONE, &set, q->turn % set.rrs.count, 0);
	return true;
}

/* --- addresses ---------------------------------------------------------------------------------------------------------- */

static sa_family_t family_of(uint16_t type)
{
	return type == KNOT_RRTYPE_A ? AF_INET : AF_INET6;
}

static void add_addresses(struct making *m, const struct sky_found *found, uint16_t type)
{
	for (unsigned i = 0; i < found->n; i++) {
		const struct sky_record *r = found->at[i]->record;
		if (r->address.family == family_of(type))
			add(m, r->address.bytes, address_size(&r->address), r->ttl);
	}
}

/* Those that are known here of a host that is a name. */
static void add_host(struct making *m, const knot_dname_t *host, uint16_t type)
{
	const struct view *v = m->view;
	struct sky_found found;

	add_set(m, zone_set(zone_find(v->zone, host), type));
	if (!sky_owns(v->sky, host))
		return;
	find(v, m->work, host, &found);
	add_addresses(m, &found, type);
}

/* The host that NAME is an alias of, this time: NULL if some record has an address. */
static const struct sky_node *choose_alias(const struct sky_found *found, uint16_t turn)
{
	unsigned n = 0;

	for (unsigned i = 0; i < found->n; i++) {
		if (found->at[i]->record->address.family)
			return NULL;
		n += found->at[i]->record->target != NULL;
	}
	unsigned chosen = n ? turn % n : 0;
	for (unsigned i = 0; n && i < found->n; i++)
		if (found->at[i]->record->target && chosen-- == 0)
			return found->at[i];
	return NULL;
}

static bool put_alias(const struct sky_node *node, const struct question *q, const knot_dname_t *name,
		      knot_pkt_t *out)
{
	struct making m = make(NULL, q);

	add(&m, node->record->target, knot_dname_size(node->record->target), node->record->ttl);
	return put(&m, q, name, KNOT_RRTYPE_CNAME, out);
}

static bool put_addresses(const struct view *v, const struct question *q, const struct sky_found *found,
			  uint16_t type, const knot_dname_t *name, const knot_rrset_t *also, knot_pkt_t *out)
{
	struct making m = make(v, q);

	add_set(&m, also);
	add_addresses(&m, found, type);
	for (unsigned i = 0, hosts = 0; i < found->n && hosts < HOSTS_MAX; i++)
		if (found->at[i]->record->target) {
			add_host(&m, found->at[i]->record->target, type);
			hosts++;
		}
	return put(&m, q, name, type, out);
}

/* --- SRV, MX, NS: a host that is an address has a name, too ------------------------------------------------------------- */

static const knot_dname_t *host_name(const struct sky_node *n, struct arena *a)
{
	knot_dname_storage_t name;

	if (n->record->target)
		return n->record->target;
	sky_node_name(n, n->record->targetstrip, name);
	return memcpy(arena_alloc(a, knot_dname_size(name)), name, knot_dname_size(name));
}

/* The addresses of hosts that were named, as far as they are known here and fit. */
static void put_hosts(const struct view *v, const struct question *q, const struct sky_found *found,
		      knot_pkt_t *out)
{
	static const uint16_t types[] = { KNOT_RRTYPE_A, KNOT_RRTYPE_AAAA };
	knot_rrset_t set;

	knot_pkt_begin(out, KNOT_ADDITIONAL);
	for (unsigned i = 0, hosts = 0; i < found->n && hosts < HOSTS_MAX; i++) {
		const struct sky_record *r = found->at[i]->record;
		bool own = r->address.family && !r->targetstrip; /* then nobody else has this name */
		hosts += r->target != NULL;
		for (int t = 0; t < 2 && (q->type != KNOT_RRTYPE_MX || r->mail); t++) {
			struct making m = make(v, q);
			if (r->address.family == family_of(types[t]))
				add(&m, r->address.bytes, address_size(&r->address), r->ttl);
			else if (r->target)
				add_host(&m, r->target, types[t]);
			if (finish(&m, host_name(found->at[i], q->scratch), types[t], &set) &&
			    knot_pkt_put(out, KNOT_COMPR_HINT_NONE, &set,
					 KNOT_PF_NOTRUNC | (own ? 0 : KNOT_PF_CHECKDUP)) == KNOT_ESPACE)
				return;
		}
	}
}

static bool has_host(const struct sky_node *n)
{
	return n->record->target || n->record->address.family;
}

static unsigned weight_of(const struct sky_node *n)
{
	return n->record->weight ? n->record->weight : WEIGHT;
}

static int compare_priority(const void *a, const void *b)
{
	return (*(const struct sky_node *const *)a)->record->priority -
	       (*(const struct sky_node *const *)b)->record->priority;
}

static void add_service(struct making *m, const struct sky_node *n, unsigned long all)
{
	uint8_t data[6 + KNOT_DNAME_MAXLEN];
	const knot_dname_t *host = host_name(n, m->arena);
	unsigned long weight = (unsigned long)WEIGHT * weight_of(n) / all;

	knot_wire_write_u16(data, n->record->priority);
	knot_wire_write_u16(data + 2, (uint16_t)(weight ? weight : 1));
	knot_wire_write_u16(data + 4, n->record->port);
	memcpy(data + 6, host, knot_dname_size(host));
	add(m, data, 6 + knot_dname_size(host), n->record->ttl);
}

static bool put_services(const struct view *v, const struct question *q, struct sky_found *found,
			 const knot_dname_t *name, const knot_rrset_t *also, knot_pkt_t *out)
{
	struct making m = make(v, q);

	add_set(&m, also);
	qsort(found->at, found->n, sizeof(*found->at), compare_priority);
	for (unsigned i = 0, next; i < found->n; i = next) {
		unsigned long all = 0;
		for (next = i; next < found->n && !compare_priority(&found->at[i], &found->at[next]); next++)
			all += has_host(found->at[next]) ? weight_of(found->at[next]) : 0;
		for (unsigned k = i; k < next; k++)
			if (has_host(found->at[k]))
				add_service(&m, found->at[k], all);
	}
	return put(&m, q, name, KNOT_RRTYPE_SRV, out);
}

static bool put_mail(const struct view *v, const struct question *q, const struct sky_found *found,
		     const knot_dname_t *name, knot_pkt_t *out)
{
	struct making m = make(v, q);
	uint8_t data[2 + KNOT_DNAME_MAXLEN];

	for (unsigned i = 0; i < found->n; i++) {
		const struct sky_record *r = found->at[i]->record;
		if (!r->mail || !has_host(found->at[i]))
			continue;
		const knot_dname_t *host = host_name(found->at[i], q->scratch);
		knot_wire_write_u16(data, r->priority);
		memcpy(data + 2, host, knot_dname_size(host));
		add(&m, data, 2 + knot_dname_size(host), r->ttl);
	}
	return put(&m, q, name, KNOT_RRTYPE_MX, out);
}

static bool put_servers(const struct view *v, const struct question *q, const struct sky_found *found,
			const knot_dname_t *name, knot_pkt_t *out)
{
	struct making m = make(v, q);

	for (unsigned i = 0; i < found->n; i++) {
		const knot_dname_t *host = host_name(found->at[i], q->scratch);
		if (found->at[i]->record->address.family)
			add(&m, host, knot_dname_size(host), found->at[i]->record->ttl);
	}
	return put(&m, q, name, KNOT_RRTYPE_NS, out);
}

/* --- text and reverse names --------------------------------------------------------------------------------------------- */

static bool put_text(const struct view *v, const struct question *q, const struct sky_found *found,
		     const knot_dname_t *name, const knot_rrset_t *also, knot_pkt_t *out)
{
	struct making m = make(v, q);

	add_set(&m, also);
	for (unsigned i = 0; i < found->n; i++) {
		const struct sky_record *r = found->at[i]->record;
		if (!r->text)
			continue;
		uint8_t *data = arena_alloc(q->scratch, r->n_text + r->n_text / 255 + 1);
		add(&m, data, text_to_strings(r->text, r->n_text, data), r->ttl);
	}
	return put(&m, q, name, KNOT_RRTYPE_TXT, out);
}

static bool put_names(const struct view *v, const struct question *q, const struct sky_found *found,
		      const knot_dname_t *name, const knot_rrset_t *also, knot_pkt_t *out)
{
	struct making m = make(v, q);

	add_set(&m, also);
	for (unsigned i = 0; i < found->n; i++)
		if (found->at[i]->record->target)
			add(&m, found->at[i]->record->target, knot_dname_size(found->at[i]->record->target),
			    found->at[i]->record->ttl);
	return put(&m, q, name, KNOT_RRTYPE_PTR, out);
}

/* --- all ---------------------------------------------------------------------------------------------------------------- */

static bool is_servers(const struct sky *s, const knot_dname_t *name)
{
	knot_dname_storage_t servers;

	return knot_dname_is_equal(name, s->domain) ||
	       (sky_name_below(s, "ns.dns", servers) && knot_dname_is_equal(name, servers));
}

static bool put_type(const struct view *v, const struct question *q, struct sky_found *found, uint16_t type,
		     const knot_dname_t *name, const knot_rrset_t *also, knot_pkt_t *out)
{
	knot_dname_storage_t servers;

	switch (type) {
	case KNOT_RRTYPE_A:
	case KNOT_RRTYPE_AAAA:
		return put_addresses(v, q, found, type, name, also, out);
	case KNOT_RRTYPE_SRV:
		return put_services(v, q, found, name, also, out);
	case KNOT_RRTYPE_MX:
		return put_mail(v, q, found, name, out);
	case KNOT_RRTYPE_TXT:
		return put_text(v, q, found, name, also, out);
	case KNOT_RRTYPE_PTR:
		return put_names(v, q, found, name, also, out);
	case KNOT_RRTYPE_NS:
		if (!is_servers(v->sky, name) || !sky_name_below(v->sky, "ns.dns", servers))
			return false;
		find(v, q->work, servers, found);
		return put_servers(v, q, found, name, out);
	default:
		return false;
	}
}

/* All there is, as far as it may stand side by side; no aliases. */
static bool put_any(const struct view *v, const struct question *q, struct sky_found *found,
		    const knot_dname_t *name, knot_pkt_t *out)
{
	static const uint16_t types[] = { KNOT_RRTYPE_A, KNOT_RRTYPE_AAAA, KNOT_RRTYPE_TXT, KNOT_RRTYPE_MX,
					  KNOT_RRTYPE_SRV };
	bool any = false;

	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		any = put_type(v, q, found, types[i], name, NULL, out) || any;
	return any;
}

enum sky_outcome sky_answer(const struct view *v, const struct question *q, const knot_dname_t *name,
			    const knot_rrset_t *also, knot_pkt_t *out, const knot_dname_t **target)
{
	bool addresses = q->type == KNOT_RRTYPE_A || q->type == KNOT_RRTYPE_AAAA, put_it;
	struct sky_found found;

	find(v, q->work, name, &found);
	enum sky_outcome none = found.exists ? SKY_NO_DATA : SKY_NO_NAME;
	const struct sky_node *alias = also ? NULL : choose_alias(&found, q->turn);
	if (alias && (addresses || q->type == KNOT_RRTYPE_CNAME) && sky_owns(v->sky, name)) {
		put_alias(alias, q, name, out);
		*target = alias->record->target;
		return addresses ? SKY_ALIAS : SKY_ANSWERED;
	}
	if (q->type == KNOT_RRTYPE_ANY)
		put_it = put_any(v, q, &found, name, out);
	else
		put_it = put_type(v, q, &found, q->type, name, also, out);
	if (put_it && (q->type == KNOT_RRTYPE_SRV || q->type == KNOT_RRTYPE_MX || q->type == KNOT_RRTYPE_NS))
		put_hosts(v, q, &found, out);
	return put_it ? SKY_ANSWERED : none;
}
