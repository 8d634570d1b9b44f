/* cache.h — answers of other servers, for as long as they said, and longer when nobody answers any more. Pure: the time is passed in.
 *
 * A table of CACHE_SETS x CACHE_WAYS places, each for one answer in wire format: what is to be kept is replaced where it falls, the one that ends first
 * first, so memory has a ceiling and nothing needs to be tidied. That there is no such name is kept as long as the SOA says (RFC 2308 5),
 * at most NEGATIVE_MAX_S; an answer that is over may still be given for STALE_MAX_S when its servers are silent (RFC 8767).
 */
#pragma once

#include "dns/knot.h"

enum {
	CACHE_SETS = 1024,
	CACHE_WAYS = 4,
	CACHE_ANSWER_MAX = 4096, /* bytes; what is longer is asked for again */
	CACHE_TTL_MAX_S = 86400,
	NEGATIVE_MAX_S = 900,
	STALE_MAX_S = 86400,
};

struct cache_entry {
	uint8_t *wire; /* owned; NULL: free */
	uint16_t size, type;
	bool dnssec;
	uint32_t hash, since_s, until_s;
	knot_dname_storage_t name;
};

struct cache {
	struct cache_entry *sets[CACHE_SETS]; /* CACHE_WAYS each, made when first used */
};

void cache_free(struct cache *c);

/* The answer to a question; *STALE: its time is over. NULL: there is none. It is the cache's, until it is put to again. */
const struct cache_entry *cache_find(const struct cache *c, const knot_dname_t *name, uint16_t type,
				     bool dnssec, uint32_t now_s, bool *stale);

/* Keeps the answer P, if it is one to keep. */
void cache_put(struct cache *c, const knot_dname_t *name, uint16_t type, bool dnssec, const knot_pkt_t *p,
	       uint32_t now_s);

/* For how many seconds P may be kept; 0: not at all. */
uint32_t cache_seconds(const knot_pkt_t *p);
