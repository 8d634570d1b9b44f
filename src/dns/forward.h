/* forward.h — asks other name servers what is not known here.
 *
 * Each question goes out by a socket of its own, so with a port that the kernel chose at random, and with a random id (RFC 5452); an answer must
 * come from where the question went, with that id and question. What was cut is asked again by TCP. A server that is silent is passed over for
 * DOWN_US; those that fail are asked last. The same question of many askers goes out once.
 */
#pragma once

#include <ev.h>

#include "dns/facts.h"
#include "dns/message.h"

enum {
	FORWARD_SERVERS = 8,
	FORWARD_MOST = 512,   /* questions that wait for an answer; beyond it there is none */
	FORWARD_WAITERS = 64, /* askers of one of them */
	FORWARD_TRIES = 4,
	FORWARD_WAIT_MS = 1200, /* for one server */
};

struct forward_server {
	struct address address;
	uint64_t down_until_us; /* it was silent */
};

struct forward_servers {
	struct forward_server at[FORWARD_SERVERS];
	unsigned n;
};

struct errand;

struct forwarder {
	struct ev_loop *loop;
	struct errand *errands;
	unsigned n;
};

/* Called once, maybe before forward_ask returns: PACKET is the forwarder's, NULL when nobody has answered. */
typedef void forward_done(void *data, const knot_pkt_t *packet);

/* Asks SERVERS (which outlives the question) for NAME and TYPE. -EAGAIN: too many wait already, and DONE is not called; -ENETUNREACH: there is no
 * server to ask. */
int forward_ask(struct forwarder *f, struct forward_servers *servers, const knot_dname_t *name, uint16_t type,
		bool dnssec, forward_done *done, void *data);

/* Ends all questions without calling anybody back. */
void forward_close(struct forwarder *f, void (*forget)(void *data));

/* The name servers of a resolv.conf(5); those of OWN addresses are left out. */
void forward_servers_read(const char *resolv_conf, const struct addresses *own, struct forward_servers *out);
