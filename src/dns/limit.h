/* limit.h — how many queries one asker may make, so that none takes the server from the others. Pure: the time is passed in.
 *
 * A bucket for each address, in a table of fixed size: RATE tokens a second, at most a second's worth. Two addresses that fall into the same
 * place take turns, which lets through more, never less. A question whose answer is dear (SkyDNS' subtrees and wildcards) is charged by what it cost. Strangers, whose addresses may be forged, all share one bucket (limit_stranger): that they
 * are refused is said to a few of them each second, so nobody is flooded with answers that he did not ask for.
 */
#pragma once

#include "dns/address.h"

enum { LIMIT_PLACES = 1024, LIMIT_RATE = 20000, LIMIT_STRANGERS = 20 };

struct limit_bucket {
	struct address address;
	uint64_t at_us; /* when TOKENS was right; 0: not used yet */
	int64_t tokens; /* below 0: it owes */
};

struct limit {
	uint32_t rate; /* queries a second of one address; 0: no limit */
	struct limit_bucket places[LIMIT_PLACES], strangers;
};

/* Takes a token for a query; false: there is none. */
bool limit_allows(struct limit *l, const struct address *from, uint64_t now_us);

/* A query has cost as much as TOKENS others: they are owed, at most a second's worth. */
void limit_charge(struct limit *l, const struct address *from, uint32_t tokens, uint64_t now_us);

/* True as long as that is not paid off, also of those whose queries are not counted. */
bool limit_owes(struct limit *l, const struct address *from, uint64_t now_us);

bool limit_stranger(struct limit *l, uint64_t now_us);
