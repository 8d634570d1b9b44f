/* zone.c — see zone.h. */
#include "dns/zone.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"
#include "base/text.h"

enum { FIRST_SLOTS = 256 };

struct zone {
	struct zone_node **slots;
	size_t n_slots, n, records; /* a power of two; nodes; records */
	size_t apex_labels;
	knot_dname_storage_t apex;
	bool has_apex;
};

/* Names come from objects of this machine; a query can only look, so nobody can make a slot long. */
static uint32_t hash_name(const knot_dname_t *name, size_t size)
{
	return hash_add(HASH_BEGIN, name, size);
}

struct zone *zone_new(const knot_dname_t *apex)
{
	struct zone *z = memory_one(struct zone);

	z->n_slots = FIRST_SLOTS;
	z->slots = memory_new(z->n_slots, sizeof(struct zone_node *));
	z->has_apex = apex != NULL;
	if (apex) {
		name_store(z->apex, apex);
		z->apex_labels = knot_dname_labels(apex, NULL);
	}
	return z;
}

static void free_node(struct zone_node *node)
{
	for (struct zone_set *s = node->sets, *next; s; s = next) {
		next = s->next;
		knot_rdataset_clear(&s->records.rrs, NULL);
		free(s);
	}
	free(node);
}

void zone_free(struct zone *z)
{
	for (size_t i = 0; z && i < z->n_slots; i++)
		for (struct zone_node *n = z->slots[i], *next; n; n = next) {
			next = n->next;
			free_node(n);
		}
	if (z)
		free(z->slots);
	free(z);
}

const knot_dname_t *zone_apex(const struct zone *z)
{
	return z->has_apex ? z->apex : NULL;
}

size_t zone_records(const struct zone *z)
{
	return z->records;
}

static struct zone_node *find(const struct zone *z, const knot_dname_t *name, size_t size, uint32_t hash)
{
	for (struct zone_node *n = z->slots[hash & (z->n_slots - 1)]; n; n = n->next)
		if (n->hash == hash && knot_dname_size(n->name) == size && memcmp(n->name, name, size) == 0)
			return n;
	return NULL;
}

const struct zone_node *zone_find(const struct zone *z, const knot_dname_t *name)
{
	size_t size = knot_dname_size(name);
	return find(z, name, size, hash_name(name, size));
}

static void grow(struct zone *z)
{
	size_t n_slots = z->n_slots * 4;
	struct zone_node **slots = memory_new(n_slots, sizeof(*slots));

	for (size_t i = 0; i < z->n_slots; i++)
		for (struct zone_node *n = z->slots[i], *next; n; n = next) {
			next = n->next;
			n->next = slots[n->hash & (n_slots - 1)];
			slots[n->hash & (n_slots - 1)] = n;
		}
	free(z->slots);
	z->slots = slots;
	z->n_slots = n_slots;
}

static struct zone_node *need_one(struct zone *z, const knot_dname_t *name)
{
	size_t size = knot_dname_size(name);
	uint32_t hash = hash_name(name, size);
	struct zone_node *n = find(z, name, size, hash);

	if (n)
		return n;
	if (z->n >= z->n_slots)
		grow(z);
	n = memory_new(1, sizeof(*n) + size);
	n->hash = hash;
	memcpy(n->name, name, size);
	struct zone_node **slot = &z->slots[hash & (z->n_slots - 1)];
	n->next = *slot;
	*slot = n;
	z->n++;
	return n;
}

/* The node of NAME, and of what is between it and the apex. */
static struct zone_node *need(struct zone *z, const knot_dname_t *name)
{
	struct zone_node *node = need_one(z, name);

	if (zone_covers(z, name))
		for (size_t n = knot_dname_labels(name, NULL); n > z->apex_labels + 1; n--)
			need_one(z, name = knot_wire_next_label(name, NULL));
	return node;
}

void zone_add(struct zone *z, const knot_dname_t *owner, uint16_t type, uint32_t ttl, const uint8_t *data,
	      uint16_t size)
{
	struct zone_node *node = need(z, owner);
	struct zone_set *s = node->sets;

	while (s && s->records.type != type)
		s = s->next;
	if (!s) {
		s = memory_one(struct zone_set);
		knot_rrset_init(&s->records, node->name, type, KNOT_CLASS_IN, ttl);
		s->next = node->sets;
		node->sets = s;
	}
	if (ttl < s->records.ttl)
		s->records.ttl = ttl; /* one for all of a set (RFC 2181 5.2) */
	uint16_t before = s->records.rrs.count;
	knot_rrset_add_rdata(&s->records, data, size, NULL);
	z->records += s->records.rrs.count - before;
}

void zone_add_name(struct zone *z, const knot_dname_t *owner, uint16_t type, uint32_t ttl,
		   const knot_dname_t *target)
{
	zone_add(z, owner, type, ttl, target, (uint16_t)knot_dname_size(target));
}

void zone_add_address(struct zone *z, const knot_dname_t *owner, uint32_t ttl, const struct address *a)
{
	zone_add(z, owner, a->family == AF_INET ? KNOT_RRTYPE_A : KNOT_RRTYPE_AAAA, ttl, a->bytes,
		 (uint16_t)address_size(a));
}

void zone_add_text(struct zone *z, const knot_dname_t *owner, uint32_t ttl, const char *text)
{
	uint8_t data[512];
	size_t n = strnlen(text, 500);

	zone_add(z, owner, KNOT_RRTYPE_TXT, ttl, data, (uint16_t)text_to_strings(text, n, data));
}

void zone_add_srv(struct zone *z, const knot_dname_t *owner, uint32_t ttl, uint16_t priority, uint16_t weight,
		  uint16_t port, const knot_dname_t *target)
{
	uint8_t data[6 + KNOT_DNAME_MAXLEN];
	size_t n = knot_dname_size(target);

	knot_wire_write_u16(data, priority);
	knot_wire_write_u16(data + 2, weight);
	knot_wire_write_u16(data + 4, port);
	memcpy(data + 6, target, n);
	zone_add(z, owner, KNOT_RRTYPE_SRV, ttl, data, (uint16_t)(6 + n));
}

/* "ns.dns" and "hostmaster" below the apex, as the cluster's DNS of Kubernetes has it. */
void zone_add_soa(struct zone *z, uint32_t ttl, uint32_t serial)
{
	static const uint8_t server[] = "\x02ns\x03"
					"dns",
			     person[] = "\x0ahostmaster";
	const uint32_t times[] = { serial, 7200, 1800, 86400, ttl };
	uint8_t data[2 * KNOT_DNAME_MAXLEN + 20 + sizeof(server) + sizeof(person)], *at = data;
	size_t n = knot_dname_size(z->apex);

	at = mempcpy(at, server, sizeof(server) - 1);
	at = mempcpy(at, z->apex, n);
	at = mempcpy(at, person, sizeof(person) - 1);
	at = mempcpy(at, z->apex, n);
	for (size_t i = 0; i < 5; i++, at += 4)
		knot_wire_write_u32(at, times[i]);
	zone_add(z, z->apex, KNOT_RRTYPE_SOA, ttl, data, (uint16_t)(at - data));
}

const knot_rrset_t *zone_set(const struct zone_node *node, uint16_t type)
{
	for (const struct zone_set *s = node ? node->sets : NULL; s; s = s->next)
		if (s->records.type == type)
			return &s->records;
	return NULL;
}

bool zone_covers(const struct zone *z, const knot_dname_t *name)
{
	return z->has_apex && knot_dname_in_bailiwick(name, z->apex) >= 0;
}

void name_reverse(const struct address *a, knot_dname_storage_t out)
{
	char text[80], *at = text;

	if (a->family == AF_INET)
		at += sprintf(at, "%u.%u.%u.%u.in-addr.arpa", a->bytes[3], a->bytes[2], a->bytes[1],
			      a->bytes[0]);
	else
		for (int i = 15; i >= 0; i--)
			at += sprintf(at, "%x.%x.", a->bytes[i] & 15, a->bytes[i] >> 4);
	if (a->family != AF_INET)
		strcpy(at, "ip6.arpa");
	knot_dname_from_str(out, text, sizeof(knot_dname_storage_t));
}

bool name_parse(const char *text, knot_dname_storage_t out)
{
	if (text_empty(text) || !knot_dname_from_str(out, text, sizeof(knot_dname_storage_t)))
		return false;
	knot_dname_to_lower(out);
	return true;
}

size_t text_to_strings(const char *text, size_t n, uint8_t *out)
{
	uint8_t *at = out;

	do {
		uint8_t part = n > 255 ? 255 : (uint8_t)n;
		*at++ = part;
		at = mempcpy(at, text, part);
		text += part;
		n -= part;
	} while (n);
	return (size_t)(at - out);
}
