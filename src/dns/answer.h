/* answer.h — what is answered to a question. Pure: zones and a question in, records out.
 *
 * A name is looked for where it belongs: below the cluster's zone (and there is none if it is not there), among reverse names, among the words of
 * the asker's namespace; and among what etcd has (sky_answer.h), if there is a sky. An alias (CNAME) is followed, at most ALIASES_MAX times. What lies outside is for another server to say: then the answer is
 * asked for again once it is there, and made anew with it, so there is no state to keep between.
 */
#pragma once

#include "dns/cluster.h"
#include "dns/message.h"
#include "dns/sky.h"

enum { ALIASES_MAX = 8, STALE_TTL = 30 };

/* What the server knows at one moment. */
struct view {
	const struct zone *zone, *words;
	const struct homes *homes;
	const struct zone *domain; /* of the sky: its apex; NULL: there is none, or it is the zone's */
	const struct sky *sky;     /* NULL: none */
	bool sky_known;            /* what is not in the sky does not exist; before, nobody knows */
};

struct question {
	const knot_dname_t *name; /* in lower case */
	uint16_t type;
	const struct address *from;
	uint16_t
		turn; /* records of a set are rotated by it: who takes the first one takes another one each time */
	struct arena *scratch; /* for records that are made for this answer: they live until it is sent */
	unsigned *work; /* counts what it costs, roughly: nodes that were looked at (NULL: nobody asks) */
};

/* What another server said to an earlier question of the same answer. */
struct outside {
	const knot_pkt_t *packet; /* NULL: it said nothing */
	const knot_dname_t *name;
	uint32_t aged_s, most_ttl;
};

enum { ANSWER_FORWARD = -1 };

/* Fills OUT, whose answer section is open. The code to end it with (KNOT_RCODE_…), or ANSWER_FORWARD: NEXT must be asked elsewhere first, and then
 * this again, with a new OUT and what was said OUTSIDE (else NULL). */
int answer_make(const struct view *v, const struct question *q, const struct outside *outside,
		knot_pkt_t *out, knot_dname_storage_t next);
