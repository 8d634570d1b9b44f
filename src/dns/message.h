/* message.h — DNS messages as bytes: what a query asks, how an answer begins and ends. No sockets, no clock.
 *
 * Wire format by libknot (Knot DNS): 0.45 µs for reading a query and writing an answer, where ldns takes 6 (docs/dns.md). What is not a
 * query is dropped; a query that cannot be answered gets the code that says why (RFC 1035 4.1.1, 6891, 7873).
 */
#pragma once

#include "dns/knot.h"

#include "dns/address.h"

enum {
	MESSAGE_UDP_MAX = 1232,  /* what passes everywhere (DNS flag day 2020) */
	MESSAGE_PLAIN_MAX = 512, /* RFC 1035, without EDNS */
	MESSAGE_MAX = 65535,
};

/* Server cookies (RFC 9018): nobody without the secret can make one, so who has one is where he says he is. */
struct message_secret {
	uint8_t secret[KNOT_EDNS_COOKIE_SECRET_SIZE];
};

/* A query that was read. */
struct query {
	knot_pkt_t *packet; /* refers to the bytes it was read from */
	struct address from;
	bool by_tcp;
	bool has_edns, wants_dnssec, has_cookie, cookie_is_good;
	uint16_t room; /* how many bytes the answer may have */
	uint16_t code; /* not 0: it can only be answered with this (KNOT_RCODE_FORMERR …) */
	knot_edns_cookie_t client_cookie;
};

/* Reads N bytes of WIRE. False: no answer is due (no query, or a broken header). Q->packet must be freed (query_free). */
bool query_read(struct query *q, uint8_t *wire, size_t n, const struct address *from, bool by_tcp,
		const struct message_secret *secret, uint32_t now_s);
void query_free(struct query *q);

/* Begins the answer to Q in OUT, an empty packet over a buffer of MESSAGE_MAX bytes; the section of answers is open. */
void answer_begin(knot_pkt_t *out, const struct query *q);

/* Ends it: the code, EDNS and cookie. Its size is OUT->size. */
void answer_end(knot_pkt_t *out, const struct query *q, uint16_t code, const struct message_secret *secret,
		uint32_t now_s);

/* Puts what the answer FROM says into OUT: records of answers first (only those if ANSWERS_ONLY), each AGED_S seconds older, none with more than
 * MOST_TTL. */
void answer_copy(knot_pkt_t *out, const knot_pkt_t *from, bool answers_only, uint32_t aged_s,
		 uint32_t most_ttl);

/* A query for NAME and TYPE into OUT (of at least 512 bytes), as this server asks others: its size. */
size_t question_write(uint8_t *out, uint16_t id, const knot_dname_t *name, uint16_t type, bool dnssec,
		      bool recursive);

/* Reads an answer of another server to that question; NULL if it is not one. Free with knot_pkt_free. */
knot_pkt_t *response_read(uint8_t *wire, size_t n, uint16_t id, const knot_dname_t *name, uint16_t type);
