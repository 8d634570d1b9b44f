/* sky_record.h — SkyDNS' message: what the value of a key in etcd says about a name. Pure: bytes in, a record out.
 *
 *	{"host": "10.1.0.9", "port": 8080, "priority": 10, "weight": 50, "text": "…", "ttl": 60, "targetstrip": 1, "group": "blue", "mail": true}
 *
 * All fields may be left out, and others that are there are passed over ("key" is one: SkyDNS writes it and reads it from the path). Who wrote it is not to be
 * trusted: a field of another type or out of its range makes it no record at all.
 *
 * Source: github.com/skynetservices/skydns msg/service.go and README; 0 means the default, as there.
 */
#pragma once

#include "base/memory.h"
#include "dns/zone.h"

enum {
	SKY_TTL = 3600,
	SKY_LEASED_TTL = 30, /* at most, of a record with a lease: it may end at any time */
	SKY_PRIORITY = 10,
	SKY_TEXT_MAX = 64512, /* what fits into one message, with the lengths of its strings */
};

/* One block of memory; free(3) it. */
struct sky_record {
	struct address address;     /* family 0: HOST is no address */
	const knot_dname_t *target; /* HOST as a name; NULL: it is none, or there is none */
	const char *text, *group;   /* NULL: none */
	size_t n_text, n_bytes;     /* n_bytes: of the block */
	uint32_t ttl;
	uint16_t port, priority, weight;
	uint8_t targetstrip;
	bool mail;
};

/* NULL: it is none, and err says why. LEASED: the key has a lease. */
struct sky_record *sky_record_read(const char *json, size_t n, bool leased, struct error *err);

/* Writes one with an address, a port (0: none), a ttl, as SkyDNS would read it. */
char *sky_record_write(struct arena *a, const struct address *host, uint16_t port, uint32_t ttl);
