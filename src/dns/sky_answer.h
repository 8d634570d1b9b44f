/* sky_answer.h — records of the sky for a question: SkyDNS' rules. Pure.
 *
 *	A, AAAA   the hosts that are addresses. Where all are names: an alias (CNAME) of one of them, each in turn. A record that names a host
 *	          beside others that have addresses adds the addresses that are known here.
 *	SRV       of each priority, weights are given as parts of a hundred (100, 100, 100: 33 each). A host that is an address gets the key's own name,
 *	          without TARGETSTRIP labels, and the address goes with it.
 *	MX        of those with "mail"; the priority is the preference
 *	TXT       "text"
 *	NS        of the domain: the records below dns/ns.<domain> that have addresses
 *	PTR       names, below /skydns/arpa
 *
 * SkyDNS answers with several aliases for a name; two aliases of one name are no answer (RFC 1034 3.6.2), so here it is one at a time.
 */
#pragma once

#include "dns/answer.h"

enum sky_outcome {
	SKY_NO_NAME,
	SKY_NO_DATA,
	SKY_ANSWERED,
	SKY_ALIAS, /* TARGET is to be answered next */
};

/* Puts what the sky has for NAME into OUT, together with ALSO (NULL: nothing): a set of the same type that is known otherwise. */
enum sky_outcome sky_answer(const struct view *v, const struct question *q, const knot_dname_t *name,
			    const knot_rrset_t *also, knot_pkt_t *out, const knot_dname_t **target);
