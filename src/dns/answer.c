/* answer.c — see answer.h. */
#include "dns/answer.h"

#include <string.h>

#include "base/text.h"
#include "dns/sky_answer.h"

static void put(knot_pkt_t *out, const knot_rrset_t *set, const knot_dname_t *owner, uint16_t turn,
		uint16_t flags)
{
	knot_rrset_t rr = *set;

	rr.owner = (knot_dname_t *)owner;
	knot_pkt_put_rotate(out, KNOT_COMPR_HINT_NONE, &rr, rr.rrs.count ? turn % rr.rrs.count : 0, flags);
}

/* The addresses of what SRV records name (RFC 2782: a server should add them). What does not fit is left out. */
static void put_additional(const struct view *v, const knot_rrset_t *srv, knot_pkt_t *out)
{
	knot_rdata_t *rdata = srv->rrs.rdata;

	knot_pkt_begin(out, KNOT_ADDITIONAL);
	for (uint16_t i = 0; i < srv->rrs.count; i++, rdata = knot_rdataset_next(rdata)) {
		const struct zone_node *node = zone_find(v->zone, rdata->data + 6);
		const knot_rrset_t *a = zone_set(node, KNOT_RRTYPE_A),
				   *aaaa = zone_set(node, KNOT_RRTYPE_AAAA);
		if (a)
			put(out, a, node->name, 0, KNOT_PF_NOTRUNC | KNOT_PF_CHECKDUP);
		if (aaaa)
			put(out, aaaa, node->name, 0, KNOT_PF_NOTRUNC | KNOT_PF_CHECKDUP);
	}
}

/* "There is no such thing", and for how long one may believe it (RFC 2308). */
static void put_soa(const struct zone *z, knot_pkt_t *out)
{
	const struct zone_node *node = zone_apex(z) ? zone_find(z, zone_apex(z)) : NULL;
	const knot_rrset_t *soa = zone_set(node, KNOT_RRTYPE_SOA);

	knot_pkt_begin(out, KNOT_AUTHORITY);
	if (soa)
		put(out, soa, node->name, 0, 0);
}

/* All of what a node has (ANY), or the set of one type. True if there was one. */
static bool put_sets(const struct view *v, const struct zone_node *node, const struct question *q,
		     const knot_dname_t *owner, knot_pkt_t *out)
{
	bool any = q->type == KNOT_RRTYPE_ANY;

	for (const struct zone_set *s = node->sets; any && s; s = s->next)
		put(out, &s->records, owner, 0, 0);
	const knot_rrset_t *set = any ? NULL : zone_set(node, q->type);
	if (set)
		put(out, set, owner, q->turn, 0);
	if (set && q->type == KNOT_RRTYPE_SRV)
		put_additional(v, set, out);
	return set || (any && node->sets);
}

/* Where NAME is only an alias: the target. */
static const knot_dname_t *alias(const struct zone_node *node, const struct question *q)
{
	const knot_rrset_t *cname = zone_set(node, KNOT_RRTYPE_CNAME);
	return cname && q->type != KNOT_RRTYPE_CNAME && q->type != KNOT_RRTYPE_ANY ? cname->rrs.rdata->data
										   : NULL;
}

/* --- words -------------------------------------------------------------------------------------------------------------- */

static bool is_word(const struct question *q, const knot_dname_t *name)
{
	return (q->type == KNOT_RRTYPE_A || q->type == KNOT_RRTYPE_AAAA) && name[0] && name[name[0] + 1] == 0;
}

static struct address address_of(uint16_t type, const knot_rdata_t *r)
{
	struct address a = { .family = type == KNOT_RRTYPE_A ? AF_INET : AF_INET6 };

	memcpy(a.bytes, r->data, r->len < sizeof(a.bytes) ? r->len : sizeof(a.bytes));
	return a;
}

/* Those of a word's addresses that the asker may be told. False: none. */
static bool choose(const struct view *v, const struct question *q, const struct home *home,
		   const knot_rrset_t *set, knot_rrset_t *out)
{
	knot_rdata_t *r = set->rrs.rdata;
	uint8_t *begin = arena_alloc(q->scratch, set->rrs.size), *at = begin;

	*out = *set;
	out->rrs = (knot_rdataset_t){ .rdata = (knot_rdata_t *)begin };
	for (uint16_t i = 0; i < set->rrs.count; i++, r = knot_rdataset_next(r)) {
		struct address a = address_of(set->type, r);
		if (!homes_share(v->homes, home, &a))
			continue;
		at = mempcpy(at, r, knot_rdata_size(r->len));
		out->rrs.count++;
	}
	out->rrs.size = (uint32_t)(at - begin);
	return out->rrs.count > 0;
}

static const struct zone_node *find_word(const struct view *v, const knot_dname_t *word,
					 const char *namespace)
{
	knot_dname_storage_t name;
	size_t n = strlen(namespace);

	memcpy(name, word, word[0] + 1u);
	name[word[0] + 1u] = (uint8_t)n;
	memcpy(name + word[0] + 2, namespace, n + 1);
	return n > 0 && n < 64 ? zone_find(v->words, name) : NULL;
}

static int answer_word(const struct view *v, const struct question *q, const knot_dname_t *word,
		       knot_pkt_t *out)
{
	const struct home *home = homes_find(v->homes, q->from);
	const struct zone_node *node = find_word(v, word, home ? home->namespace : "default");
	int code = KNOT_RCODE_NXDOMAIN;
	knot_rrset_t chosen;

	for (const struct zone_set *s = node ? node->sets : NULL; s; s = s->next) {
		if (!choose(v, q, home, &s->records, &chosen))
			continue;
		code = KNOT_RCODE_NOERROR;
		knot_wire_set_aa(out->wire);
		if (chosen.type == q->type)
			put(out, &chosen, word, q->turn, 0);
	}
	return code;
}

/* --- all ---------------------------------------------------------------------------------------------------------------- */

static int take_outside(const struct outside *outside, bool whole, knot_pkt_t *out)
{
	if (!outside->packet)
		return KNOT_RCODE_SERVFAIL;
	answer_copy(out, outside->packet, !whole, outside->aged_s, outside->most_ttl);
	if (whole && knot_wire_get_ad(outside->packet->wire))
		knot_wire_set_ad(out->wire);
	return knot_wire_get_rcode(outside->packet->wire);
}

static int not_here(const struct zone *z, bool exists, knot_pkt_t *out)
{
	knot_wire_set_aa(out->wire);
	put_soa(z, out);
	return exists ? KNOT_RCODE_NOERROR : KNOT_RCODE_NXDOMAIN;
}

/* The zone that NAME is of: the narrower one, if it is below the apex of both. */
static const struct zone *zone_of(const struct view *v, const knot_dname_t *name)
{
	if (!v->domain || !zone_covers(v->domain, name))
		return v->zone;
	return zone_covers(v->zone, name) && !zone_covers(v->zone, zone_apex(v->domain)) ? v->zone
											 : v->domain;
}

int answer_make(const struct view *v, const struct question *q, const struct outside *outside,
		knot_pkt_t *out, knot_dname_storage_t next)
{
	const knot_dname_t *name = q->name, *target;

	for (int aliases = 0; aliases <= ALIASES_MAX; aliases++, name = target) {
		const struct zone *z = zone_of(v, name);
		const struct zone_node *node = zone_find(z, name);
		enum sky_outcome sky = SKY_NO_NAME;
		if (aliases == 0 && (node || (v->sky && sky_owns(v->sky, name))))
			knot_wire_set_aa(out->wire);
		if (node && (target = alias(node, q))) {
			put(out, zone_set(node, KNOT_RRTYPE_CNAME), name, 0, 0);
			continue;
		}
		if (v->sky && sky_covers(v->sky, name))
			sky = sky_answer(v, q, name, zone_set(node, q->type), out, &target);
		if (sky == SKY_ALIAS)
			continue;
		if (sky == SKY_ANSWERED || (node && put_sets(v, node, q, name, out)))
			return KNOT_RCODE_NOERROR;
		if (z == v->domain && !node && !v->sky_known)
			return KNOT_RCODE_SERVFAIL;
		if (node || zone_covers(z, name))
			return not_here(z, node || sky != SKY_NO_NAME, out);
		if (is_word(q, name))
			return answer_word(v, q, name, out);
		if (outside && knot_dname_is_equal(name, outside->name))
			return take_outside(outside, name == q->name, out);
		name_store(next, name);
		return ANSWER_FORWARD;
	}
	return KNOT_RCODE_SERVFAIL; /* a circle of aliases */
}
