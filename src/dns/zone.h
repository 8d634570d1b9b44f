/* zone.h — records by name: what the server knows for certain.
 *
 * A zone is made whole, from objects, and then only read; who wants another one makes another one and changes a pointer, so no query meets a
 * half-made zone. Names are in wire format and lower case (libknot's knot_dname_t). A name that only stands between others ("_tcp.web…") is
 * there, too, without records: it exists, so the answer is "no such data" and not "no such name" (RFC 8020).
 */
#pragma once

#include "dns/knot.h"

#include "dns/address.h"

struct zone_set {
	struct zone_set *next;
	knot_rrset_t records; /* its owner is the node's name */
};

struct zone_node {
	struct zone_node *next; /* of the same slot */
	struct zone_set *sets;
	uint32_t hash;
	knot_dname_t name[];
};

struct zone;

/* APEX: below it, and nowhere else, the zone knows what does not exist; NULL: a zone that knows only what exists. Lower case, copied. */
struct zone *zone_new(const knot_dname_t *apex);
void zone_free(struct zone *z); /* NULL is fine */

const knot_dname_t *zone_apex(const struct zone *z);
size_t zone_records(const struct zone *z); /* how many there are */

/* Adds a record; one that is there already is there once. A name above the apex may have records as well (reverse names). */
void zone_add(struct zone *z, const knot_dname_t *owner, uint16_t type, uint32_t ttl, const uint8_t *data,
	      uint16_t size);

/* The same for data that is a single name (CNAME, PTR, NS), an address, text, and the two with numbers before a name. */
void zone_add_name(struct zone *z, const knot_dname_t *owner, uint16_t type, uint32_t ttl,
		   const knot_dname_t *target);
void zone_add_address(struct zone *z, const knot_dname_t *owner, uint32_t ttl, const struct address *a);
void zone_add_text(struct zone *z, const knot_dname_t *owner, uint32_t ttl, const char *text);
void zone_add_srv(struct zone *z, const knot_dname_t *owner, uint32_t ttl, uint16_t priority, uint16_t weight,
		  uint16_t port, const knot_dname_t *target);
void zone_add_soa(struct zone *z, uint32_t ttl, uint32_t serial);

const struct zone_node *zone_find(const struct zone *z, const knot_dname_t *name); /* NAME in lower case */
const knot_rrset_t *zone_set(const struct zone_node *node, uint16_t type);         /* NULL: none */
bool zone_covers(const struct zone *z, const knot_dname_t *name);                  /* the apex, or below it */

/* "4.3.2.10.in-addr.arpa." of an address (RFC 1035 3.5, RFC 3596 2.5). */
void name_reverse(const struct address *a, knot_dname_storage_t out);

/* TEXT as a name in lower case, "\" escapes as in master files; false: it is none. */
bool name_parse(const char *text, knot_dname_storage_t out);

/* Text of N bytes (at most 65,280) as character strings of at most 255 bytes (RFC 1035 3.3.14). Its size in OUT, which must hold
 * N + N / 255 + 1 bytes. */
size_t text_to_strings(const char *text, size_t n, uint8_t *out);
