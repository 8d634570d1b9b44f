/* resolve.c — from a query to its answer: who may ask, what is known here or was heard lately, and what others must be asked for.
 *
 * A question that others are asked for is kept as it came (struct waiting). When they have answered, it is answered anew from the start, with
 * what they said: zones may have changed meanwhile, and that is fine.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "dns/server.h"

enum {
	RESOLV_CONF_MAX = 65536,
	OUTSIDE_MAX = 8,   /* servers asked one after another for one answer */
	WORK_OF_QUERY = 8, /* nodes of the sky that take as long as an ordinary query */
	WORK_FREE = 64,    /* and as many are no matter */
};

struct waiting {
	struct server *server;
	struct asker asker;
	knot_dname_storage_t asked; /* what others are asked for */
	uint16_t type;
	bool dnssec;
	unsigned rounds;
	uint16_t turn; /* the same each time, so that the answer is */
	size_t n;
	uint8_t wire[]; /* the query */
};

static uint32_t now_s(void)
{
	return (uint32_t)(clock_boot_us() / US_PER_SECOND);
}

/* An address of this machine: what it sends to a gateway may have any of them (masquerading). From elsewhere such packets do not come, the kernel drops
 * them as martians. One can be bound to, others cannot; the last answer holds for a second. */
static bool is_host(struct server *s, const struct address *from, uint64_t now_us)
{
	struct sockaddr_storage at;
	struct address any_port = *from;

	if (address_equal(&s->host, from) && now_us < s->host_until_us)
		return true;
	any_port.port = 0;
	socklen_t size = address_to_socket(&any_port, &at);
	_cleanup_close_ int fd = socket(at.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, size) < 0)
		return false;
	s->host = *from;
	s->host_until_us = now_us + US_PER_SECOND;
	return true;
}

static bool may_ask(struct server *s, const struct address *from, uint64_t now_us)
{
	if (address_is_loopback(from))
		return true;
	list_each(own, &s->own)
		if (address_equal(own, from))
			return true;
	list_each(network, &s->networks)
		if (prefix_holds(network, from))
			return true;
	list_each(allowed, &s->settings.allowed)
		if (prefix_holds(allowed, from))
			return true;
	return is_host(s, from, now_us);
}

/* --- asking others ------------------------------------------------------------------------------------------------------ */

/* The host's resolv.conf may change at any time; it is looked at before it is needed. */
static struct forward_servers *upstream(struct server *s)
{
	_cleanup_free_ char *text = NULL;
	struct stat st;

	if (s->settings.upstream.n)
		return &s->settings.upstream;
	if (stat("/etc/resolv.conf", &st) < 0 ||
	    (st.st_mtim.tv_sec == s->upstream_read.tv_sec && st.st_mtim.tv_nsec == s->upstream_read.tv_nsec))
		return &s->upstream;
	if (file_read(AT_FDCWD, "/etc/resolv.conf", RESOLV_CONF_MAX, &text, NULL, NULL) == 0) {
		forward_servers_read(text, &s->own, &s->upstream);
		s->upstream_read = st.st_mtim;
	}
	return &s->upstream;
}

/* Those of the stub zone that NAME is in, the narrowest; else those for all names. */
static struct forward_servers *servers_for(struct server *s, const knot_dname_t *name)
{
	struct stub *best = NULL;

	for (struct stub *stub = s->stubs; stub; stub = stub->next)
		if (stub->servers.n && knot_dname_in_bailiwick(name, stub->zone) >= 0 &&
		    (!best || knot_dname_size(stub->zone) > knot_dname_size(best->zone)))
			best = stub;
	return best ? &best->servers : upstream(s);
}

static size_t answer(struct server *s, const struct asker *asker, struct query *q,
		     const struct outside *outside, unsigned rounds, uint16_t turn);

static void answer_waiting(struct waiting *w, const struct outside *outside)
{
	struct server *s = w->server;
	struct query q;

	if (query_read(&q, w->wire, w->n, &w->asker.from, w->asker.by_tcp, &s->secret, now_s())) {
		size_t n = answer(s, &w->asker, &q, outside, w->rounds + 1, w->turn);
		if (n)
			asker_send(s, &w->asker, s->out->wire, n);
	}
	query_free(&q);
}

/* What was heard before, for as long as it holds, or longer when there is nothing better. */
static knot_pkt_t *recall(struct server *s, const knot_dname_t *name, uint16_t type, bool dnssec,
			  bool even_stale, struct outside *out)
{
	bool stale;
	uint32_t now = now_s();
	const struct cache_entry *e = cache_find(&s->cache, name, type, dnssec, now, &stale);
	knot_pkt_t *p = e && (!stale || even_stale) ? knot_pkt_new(e->wire, e->size, NULL) : NULL;

	if (p && knot_pkt_parse(p, 0) != KNOT_EOK) {
		knot_pkt_free(p);
		p = NULL;
	}
	if (p)
		*out = (struct outside){ .packet = p,
					 .name = name,
					 .aged_s = stale ? 0 : now - e->since_s,
					 .most_ttl = stale ? STALE_TTL : UINT32_MAX };
	return p;
}

static void on_answer(void *data, const knot_pkt_t *packet)
{
	struct waiting *w = data;
	struct outside outside = { .packet = packet, .name = w->asked, .most_ttl = CACHE_TTL_MAX_S };
	knot_pkt_t *stale = NULL;
	bool failed = !packet || (knot_wire_get_rcode(packet->wire) != KNOT_RCODE_NOERROR &&
				  knot_wire_get_rcode(packet->wire) != KNOT_RCODE_NXDOMAIN);

	if (failed)
		stale = recall(w->server, w->asked, w->type, w->dnssec, true, &outside);
	else
		cache_put(&w->server->cache, w->asked, w->type, w->dnssec, packet, now_s());
	answer_waiting(w, &outside);
	knot_pkt_free(stale);
	free(w);
}

/* 0: it will be answered later; else the code to answer with now. */
static int ask_others(struct server *s, const struct asker *asker, const struct query *q,
		      const knot_dname_t *name, unsigned rounds, uint16_t turn)
{
	const knot_pkt_t *p = q->packet;

	if (!knot_wire_get_rd(p->wire))
		return KNOT_RCODE_REFUSED; /* it asks for what is known here, and it is not */
	if (rounds >= OUTSIDE_MAX)
		return KNOT_RCODE_SERVFAIL;
	struct waiting *w = memory_new(1, sizeof(*w) + p->size);
	*w = (struct waiting){ .server = s,
			       .asker = *asker,
			       .type = knot_pkt_qtype(p),
			       .dnssec = q->wants_dnssec,
			       .rounds = rounds,
			       .turn = turn,
			       .n = p->size };
	name_store(w->asked, name);
	memcpy(w->wire, p->wire, p->size);
	if (forward_ask(&s->forwarder, servers_for(s, name), name, w->type, w->dnssec, on_answer, w) == 0)
		return 0;
	free(w);
	return KNOT_RCODE_SERVFAIL;
}

void resolve_close(struct server *s)
{
	forward_close(&s->forwarder, free);
	cache_free(&s->cache);
}

/* --- answering ---------------------------------------------------------------------------------------------------------- */

static size_t end(struct server *s, const struct query *q, uint16_t code)
{
	answer_end(s->out, q, code, &s->secret, now_s());
	return s->out->size;
}

static size_t answer(struct server *s, const struct asker *asker, struct query *q,
		     const struct outside *outside, unsigned rounds, uint16_t turn)
{
	_cleanup_arena_ struct arena *scratch = arena_new();
	unsigned work = 0;
	const struct question question = { .name = knot_pkt_qname(q->packet),
					   .type = knot_pkt_qtype(q->packet),
					   .from = &q->from,
					   .turn = turn,
					   .scratch = scratch,
					   .work = &work };
	knot_dname_storage_t next;
	struct outside recalled;

	answer_begin(s->out, q);
	int code = answer_make(&s->view, &question, outside, s->out, next);
	if (code == ANSWER_FORWARD && rounds == 0) {
		knot_pkt_t *p = recall(s, next, question.type, q->wants_dnssec, false, &recalled);
		if (p) {
			answer_begin(s->out, q);
			code = answer_make(&s->view, &question, &recalled, s->out, next);
			knot_pkt_free(p);
		}
	}
	if (code == ANSWER_FORWARD) {
		knot_dname_storage_t asked;
		name_store(asked, next);
		if ((code = ask_others(s, asker, q, asked, rounds, turn)) == 0)
			return 0;
		answer_begin(s->out, q);
	}
	if (work > WORK_FREE)
		limit_charge(&s->limit, &asker->from, work / WORK_OF_QUERY, clock_boot_us());
	return end(s, q, (uint16_t)code);
}

static size_t refuse(struct server *s, struct query *q, uint16_t code)
{
	answer_begin(s->out, q);
	return end(s, q, code);
}

/* This host's queries, and those of who is certainly where he says he is, are not counted; but dear ones are. */
static bool has_turn(struct server *s, const struct asker *from, const struct query *q, uint64_t now_us)
{
	if (from->by_tcp)
		return true;
	if (q->cookie_is_good || address_is_loopback(&from->from))
		return !limit_owes(&s->limit, &from->from, now_us);
	return limit_allows(&s->limit, &from->from, now_us);
}

size_t resolve(struct server *s, const struct asker *from, uint8_t *wire, size_t n)
{
	uint64_t now = clock_boot_us();
	bool stranger = !may_ask(s, &from->from, now);
	struct query q;
	size_t size = 0;

	if (stranger && !limit_stranger(&s->limit, now))
		return 0;
	if (query_read(&q, wire, n, &from->from, from->by_tcp, &s->secret, (uint32_t)(now / US_PER_SECOND))) {
		if (stranger)
			size = refuse(s, &q, KNOT_RCODE_REFUSED);
		else if (has_turn(s, from, &q, now))
			size = q.code ? refuse(s, &q, q.code) : answer(s, from, &q, NULL, 0, s->turn++);
	}
	query_free(&q);
	return size;
}
