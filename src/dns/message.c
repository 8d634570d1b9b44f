/* message.c — see message.h. */
#include "dns/message.h"

#include <string.h>

enum { OPTIONS_MAX = 4 + 8 + 16, OPT_BYTES = 11 + OPTIONS_MAX };

/* --- queries ------------------------------------------------------------------------------------------------------------ */

static knot_edns_cookie_params_t cookie_params(const struct message_secret *secret,
					       const struct sockaddr_storage *client, uint32_t now_s)
{
	knot_edns_cookie_params_t p = { .version = 1,
					.timestamp = now_s,
					.lifetime_before = 3600,
					.lifetime_after = 300,
					.client_addr = client };

	memcpy(p.secret, secret->secret, sizeof(p.secret));
	return p;
}

static void read_cookie(struct query *q, const struct message_secret *secret, uint32_t now_s)
{
	const uint8_t *option = knot_pkt_edns_option(q->packet, KNOT_EDNS_OPTION_COOKIE);
	struct sockaddr_storage client;
	knot_edns_cookie_t server;

	if (!option)
		return;
	uint16_t size = knot_edns_opt_get_length(option);
	if (knot_edns_cookie_parse(&q->client_cookie, &server, knot_edns_opt_get_data((uint8_t *)option),
				   size) != KNOT_EOK) {
		q->code = KNOT_RCODE_FORMERR; /* RFC 7873 5.2.2 */
		return;
	}
	q->has_cookie = true;
	address_to_socket(&q->from, &client);
	knot_edns_cookie_params_t params = cookie_params(secret, &client, now_s);
	q->cookie_is_good = server.len > 0 &&
			    knot_edns_cookie_server_check(&server, &q->client_cookie, &params) == KNOT_EOK;
}

static void read_edns(struct query *q, const struct message_secret *secret, uint32_t now_s)
{
	uint16_t payload = knot_edns_get_payload(q->packet->opt_rr);

	q->has_edns = true;
	q->wants_dnssec = knot_edns_do(q->packet->opt_rr);
	if (!q->by_tcp) {
		q->room = payload < MESSAGE_PLAIN_MAX ? MESSAGE_PLAIN_MAX
			  : payload > MESSAGE_UDP_MAX ? MESSAGE_UDP_MAX
						      : payload;
	}
	if (knot_edns_get_version(q->packet->opt_rr) != 0)
		q->code = KNOT_RCODE_BADVERS;
	else
		read_cookie(q, secret, now_s);
}

static uint16_t judge(const knot_pkt_t *p, int parsed)
{
	const uint8_t *wire = p->wire;

	if (knot_wire_get_opcode(wire) != KNOT_OPCODE_QUERY)
		return KNOT_RCODE_NOTIMPL;
	if (parsed != KNOT_EOK || knot_wire_get_qdcount(wire) != 1 || p->qname_size == 0)
		return KNOT_RCODE_FORMERR;
	if (knot_pkt_qclass(p) != KNOT_CLASS_IN)
		return KNOT_RCODE_REFUSED;
	switch (knot_pkt_qtype(p)) {
	case KNOT_RRTYPE_AXFR:
	case KNOT_RRTYPE_IXFR:
		return KNOT_RCODE_REFUSED; /* nobody is given all names at once */
	case KNOT_RRTYPE_OPT:
	case KNOT_RRTYPE_TSIG:
		return KNOT_RCODE_FORMERR;
	default:
		return KNOT_RCODE_NOERROR;
	}
}

bool query_read(struct query *q, uint8_t *wire, size_t n, const struct address *from, bool by_tcp,
		const struct message_secret *secret, uint32_t now_s)
{
	*q = (struct query){ .from = *from,
			     .by_tcp = by_tcp,
			     .room = by_tcp ? MESSAGE_MAX : MESSAGE_PLAIN_MAX };
	if (n < KNOT_WIRE_HEADER_SIZE || n > MESSAGE_MAX || knot_wire_get_qr(wire))
		return false;
	q->packet = knot_pkt_new(wire, (uint16_t)n, NULL);
	if (!q->packet)
		return false;
	int parsed = knot_pkt_parse(q->packet, 0);
	q->code = judge(q->packet, parsed);
	if (parsed == KNOT_EOK && q->packet->opt_rr)
		read_edns(q, secret, now_s);
	return true;
}

void query_free(struct query *q)
{
	knot_pkt_free(q->packet);
	q->packet = NULL;
}

/* --- answers ------------------------------------------------------------------------------------------------------------ */

void answer_begin(knot_pkt_t *out, const struct query *q)
{
	knot_pkt_clear(out);
	if (knot_pkt_init_response(out, q->packet) != KNOT_EOK) { /* a question that cannot be repeated */
		memcpy(out->wire, q->packet->wire, KNOT_WIRE_HEADER_SIZE);
		memset(out->wire + 4, 0, KNOT_WIRE_HEADER_SIZE - 4);
		out->size = KNOT_WIRE_HEADER_SIZE;
		knot_wire_set_qr(out->wire);
	}
	knot_wire_clear_aa(out->wire);
	knot_wire_clear_ad(out->wire);
	knot_wire_set_ra(out->wire);
	out->max_size = q->room;
	if (q->has_edns)
		knot_pkt_reserve(out, OPT_BYTES);
	knot_pkt_begin(out, KNOT_ANSWER);
}

static void put_edns(knot_pkt_t *out, const struct query *q, uint16_t code,
		     const struct message_secret *secret, uint32_t now_s)
{
	knot_rrset_t opt;
	struct sockaddr_storage client;
	knot_edns_cookie_t server;

	if (knot_edns_init(&opt, MESSAGE_UDP_MAX, (uint8_t)(code >> 4), 0, &out->mm) != KNOT_EOK)
		return;
	if (q->wants_dnssec)
		knot_edns_set_do(&opt);
	address_to_socket(&q->from, &client);
	knot_edns_cookie_params_t params = cookie_params(secret, &client, now_s);
	if (q->has_cookie &&
	    knot_edns_cookie_server_generate(&server, &q->client_cookie, &params) == KNOT_EOK) {
		uint8_t option[OPTIONS_MAX], *data = NULL;
		uint16_t size = knot_edns_cookie_size(&q->client_cookie, &server);
		if (size <= sizeof(option) &&
		    knot_edns_cookie_write(option, size, &q->client_cookie, &server) == KNOT_EOK &&
		    knot_edns_reserve_option(&opt, KNOT_EDNS_OPTION_COOKIE, size, &data, &out->mm) ==
			    KNOT_EOK)
			memcpy(data, option, size);
	}
	knot_pkt_put(out, KNOT_COMPR_HINT_NONE, &opt, KNOT_PF_NOTRUNC | KNOT_PF_FREE);
}

void answer_end(knot_pkt_t *out, const struct query *q, uint16_t code, const struct message_secret *secret,
		uint32_t now_s)
{
	knot_wire_set_rcode(out->wire, (short)(code & 15));
	if (!q->has_edns)
		return;
	knot_pkt_reclaim(out, OPT_BYTES);
	if (out->current != KNOT_ADDITIONAL)
		knot_pkt_begin(out, KNOT_ADDITIONAL);
	put_edns(out, q, code, secret, now_s);
}

static void copy_section(knot_pkt_t *out, const knot_pktsection_t *section, uint32_t aged_s,
			 uint32_t most_ttl, uint16_t flags)
{
	for (uint16_t i = 0; i < section->count; i++) {
		knot_rrset_t rr = *knot_pkt_rr(section, i);
		if (rr.type == KNOT_RRTYPE_OPT || rr.type == KNOT_RRTYPE_TSIG)
			continue;
		rr.ttl = rr.ttl > aged_s ? rr.ttl - aged_s : 0;
		if (rr.ttl > most_ttl)
			rr.ttl = most_ttl;
		if (knot_pkt_put(out, KNOT_COMPR_HINT_NONE, &rr, flags) != KNOT_EOK)
			return;
	}
}

void answer_copy(knot_pkt_t *out, const knot_pkt_t *from, bool answers_only, uint32_t aged_s,
		 uint32_t most_ttl)
{
	copy_section(out, knot_pkt_section(from, KNOT_ANSWER), aged_s, most_ttl, 0);
	if (answers_only || knot_wire_get_tc(out->wire))
		return;
	knot_pkt_begin(out, KNOT_AUTHORITY);
	copy_section(out, knot_pkt_section(from, KNOT_AUTHORITY), aged_s, most_ttl, KNOT_PF_NOTRUNC);
	knot_pkt_begin(out, KNOT_ADDITIONAL);
	copy_section(out, knot_pkt_section(from, KNOT_ADDITIONAL), aged_s, most_ttl, KNOT_PF_NOTRUNC);
}

/* --- as a client -------------------------------------------------------------------------------------------------------- */

size_t question_write(uint8_t *out, uint16_t id, const knot_dname_t *name, uint16_t type, bool dnssec,
		      bool recursive)
{
	uint8_t *at = out + KNOT_WIRE_HEADER_SIZE;
	size_t n = knot_dname_size(name);

	memset(out, 0, KNOT_WIRE_HEADER_SIZE);
	knot_wire_set_id(out, id);
	if (recursive)
		knot_wire_set_rd(out);
	knot_wire_set_qdcount(out, 1);
	knot_wire_set_arcount(out, 1);
	at = mempcpy(at, name, n);
	knot_wire_write_u16(at, type);
	knot_wire_write_u16(at + 2, KNOT_CLASS_IN);
	at += 4;
	*at = 0; /* OPT: the root, its size for class, the DO bit in its TTL (RFC 6891 6.1.2) */
	knot_wire_write_u16(at + 1, KNOT_RRTYPE_OPT);
	knot_wire_write_u16(at + 3, MESSAGE_UDP_MAX);
	knot_wire_write_u32(at + 5, dnssec ? 0x8000 : 0);
	knot_wire_write_u16(at + 9, 0);
	return (size_t)(at + 11 - out);
}

knot_pkt_t *response_read(uint8_t *wire, size_t n, uint16_t id, const knot_dname_t *name, uint16_t type)
{
	if (n < KNOT_WIRE_HEADER_SIZE || n > MESSAGE_MAX || !knot_wire_get_qr(wire) ||
	    knot_wire_get_id(wire) != id)
		return NULL;
	knot_pkt_t *p = knot_pkt_new(wire, (uint16_t)n, NULL);
	if (p && knot_pkt_parse(p, 0) == KNOT_EOK && knot_wire_get_qdcount(wire) == 1 &&
	    knot_pkt_qtype(p) == type && knot_dname_is_case_equal(knot_pkt_wire_qname(p), name))
		return p;
	knot_pkt_free(p);
	return NULL;
}
