/* cache.c — see cache.h. */
#include "dns/cache.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"

void cache_free(struct cache *c)
{
	for (size_t i = 0; i < CACHE_SETS; i++) {
		for (size_t way = 0; c->sets[i] && way < CACHE_WAYS; way++)
			free(c->sets[i][way].wire);
		free(c->sets[i]);
		c->sets[i] = NULL;
	}
}

/* Who asks from outside chooses names, but only in the same few places: a set has CACHE_WAYS of them, whatever falls there. */
static uint32_t hash_question(const knot_dname_t *name, uint16_t type, bool dnssec)
{
	uint32_t hash = hash_add(HASH_BEGIN ^ type ^ (dnssec ? 0x10000u : 0), name, knot_dname_size(name));
	return hash ^ hash >> 15;
}

static bool is_it(const struct cache_entry *e, uint32_t hash, const knot_dname_t *name, uint16_t type,
		  bool dnssec)
{
	return e->wire && e->hash == hash && e->type == type && e->dnssec == dnssec &&
	       knot_dname_is_equal(e->name, name);
}

const struct cache_entry *cache_find(const struct cache *c, const knot_dname_t *name, uint16_t type,
				     bool dnssec, uint32_t now_s, bool *stale)
{
	uint32_t hash = hash_question(name, type, dnssec);
	const struct cache_entry *set = c->sets[hash % CACHE_SETS];

	for (size_t i = 0; set && i < CACHE_WAYS; i++) {
		const struct cache_entry *e = &set[i];
		if (!is_it(e, hash, name, type, dnssec) || now_s > e->until_s + STALE_MAX_S)
			continue;
		*stale = now_s >= e->until_s;
		return e;
	}
	return NULL;
}

static uint32_t least_ttl(const knot_pktsection_t *section, uint32_t ttl)
{
	for (uint16_t i = 0; i < section->count; i++) {
		const knot_rrset_t *rr = knot_pkt_rr(section, i);
		if (rr->type != KNOT_RRTYPE_OPT && rr->ttl < ttl)
			ttl = rr->ttl;
	}
	return ttl;
}

/* RFC 2308: the lesser of the SOA's TTL and its last field; without an SOA nothing may be kept. */
static uint32_t negative_seconds(const knot_pkt_t *p)
{
	const knot_pktsection_t *section = knot_pkt_section(p, KNOT_AUTHORITY);

	for (uint16_t i = 0; i < section->count; i++) {
		const knot_rrset_t *rr = knot_pkt_rr(section, i);
		if (rr->type != KNOT_RRTYPE_SOA || rr->rrs.count == 0 || rr->rrs.rdata->len < 4)
			continue;
		uint32_t least = knot_wire_read_u32(rr->rrs.rdata->data + rr->rrs.rdata->len - 4);
		least = rr->ttl < least ? rr->ttl : least;
		return least < NEGATIVE_MAX_S ? least : NEGATIVE_MAX_S;
	}
	return 0;
}

uint32_t cache_seconds(const knot_pkt_t *p)
{
	uint8_t code = knot_wire_get_rcode(p->wire);
	bool none = knot_pkt_section(p, KNOT_ANSWER)->count == 0;

	if (knot_wire_get_tc(p->wire) || p->size > CACHE_ANSWER_MAX ||
	    (code != KNOT_RCODE_NOERROR && code != KNOT_RCODE_NXDOMAIN))
		return 0;
	if (none || code == KNOT_RCODE_NXDOMAIN)
		return negative_seconds(p);
	uint32_t ttl = least_ttl(knot_pkt_section(p, KNOT_ANSWER), CACHE_TTL_MAX_S);
	return least_ttl(knot_pkt_section(p, KNOT_AUTHORITY), ttl);
}

/* The place for it: its own, a free one, or that of what ends first. */
static struct cache_entry *place(struct cache *c, uint32_t hash, const knot_dname_t *name, uint16_t type,
				 bool dnssec)
{
	struct cache_entry **set = &c->sets[hash % CACHE_SETS], *best = NULL;

	if (!*set)
		*set = memory_new(CACHE_WAYS, sizeof(**set));
	for (struct cache_entry *e = *set; e < *set + CACHE_WAYS; e++) {
		if (is_it(e, hash, name, type, dnssec))
			return e;
		if (!best || (best->wire && (!e->wire || e->until_s < best->until_s)))
			best = e;
	}
	return best;
}

void cache_put(struct cache *c, const knot_dname_t *name, uint16_t type, bool dnssec, const knot_pkt_t *p,
	       uint32_t now_s)
{
	uint32_t seconds = cache_seconds(p), hash = hash_question(name, type, dnssec);

	if (seconds == 0)
		return;
	struct cache_entry *e = place(c, hash, name, type, dnssec);
	free(e->wire);
	*e = (struct cache_entry){ .size = (uint16_t)p->size,
				   .type = type,
				   .dnssec = dnssec,
				   .hash = hash,
				   .since_s = now_s,
				   .until_s = now_s + seconds };
	e->wire = memory_new(1, p->size);
	memcpy(e->wire, p->wire, p->size);
	name_store(e->name, name);
}
