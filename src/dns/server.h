/* server.h — the parts of the running server and how they know each other. One process, one loop, no thread.
 *
 *	listen.c, stream.c   questions come in by UDP and TCP, answers go out
 *	resolve.c            who may ask, what is answered at once, what others are asked for
 *	source.c             the objects of this machine, read when inotify says that they changed; a new view takes the old one's place
 *	forward.c            other servers
 *	etcd.c               what etcd has (by the program seapod-etcd) becomes the view's sky; what this machine has is announced there
 */
#pragma once

#include <ev.h>

#include "base/instance.h"
#include "dns/answer.h"
#include "dns/cache.h"
#include "dns/forward.h"
#include "dns/limit.h"
#include "dns/register.h"

struct server;
struct source;
struct connection;

struct etcd;

enum { STUBS_MAX = 64 };

/* --stub ZONE=ADDRESS */
struct stub_setting {
	const char *zone;
	struct address server;
};

/* A zone whose names are asked of servers of its own. Once there, it stays, maybe without servers: questions may be on their way. */
struct stub {
	struct stub *next;
	knot_dname_storage_t zone;
	struct forward_servers servers;
};

/* What the command line says. */
struct settings {
	struct arena *arena;
	const char *zone;
	struct addresses listen;            /* besides the networks' gateways */
	struct LIST(struct prefix) allowed; /* besides the networks */
	struct forward_servers upstream;    /* n == 0: those of the host's resolv.conf */
	bool on_demand;                     /* for pods: it ends with the last */
	uint16_t port;
	uint32_t rate;

	bool etcd;
	struct strings etcd_words; /* seapod-etcd's options */
	const char *domain;        /* of the sky */
	const char *local;         /* what local.dns.<domain> is an alias of; NULL: nothing */
	struct registration registration;
	const char *lease; /* seconds; NULL: the usual ones */
	struct LIST(struct stub_setting) stubs;
};

/* A place where questions come in. */
struct listener {
	struct listener *next;
	struct server *server;
	uint64_t serial;
	struct address at;
	bool of_network; /* it goes when the network does */
	int udp, tcp;
	ev_io udp_io, tcp_io;
};

/* Who is to be answered, maybe later: by then the listener or connection SERIAL may be gone. */
struct asker {
	struct address from;
	uint64_t serial;
	bool by_tcp;
};

struct server {
	struct ev_loop *loop;
	struct instance in;
	struct settings settings;
	knot_dname_storage_t apex;

	struct view view;
	struct source *source;
	struct addresses own;                /* where it answers, in the source's arena */
	struct LIST(struct prefix) networks; /* the same */

	struct listener *listeners;
	struct connection *connections;
	unsigned n_connections;
	uint64_t serials;

	struct forwarder forwarder;
	struct forward_servers upstream;
	struct timespec upstream_read; /* the time of the resolv.conf that it is from */
	struct cache cache;
	struct stub *stubs;
	struct etcd *etcd; /* NULL: none */
	struct limit limit;
	struct address host; /* an address of this machine that has asked, until then */
	uint64_t host_until_us;
	struct message_secret secret;
	knot_pkt_t *out; /* the answer that is being written */
	uint16_t turn;
};

/* --- listen.c */

/* Listens where the networks have their gateways and where the settings say; what is no longer among them is closed. An address that cannot be
 * had is an error only among the settings' (err), else a warning. */
int listen_update(struct server *s, struct error *err);
void listen_close(struct server *s);

/* Sends an answer; whoever is gone gets none. */
void asker_send(struct server *s, const struct asker *to, const uint8_t *wire, size_t n);

/* --- stream.c */
void stream_accept(struct server *s, int fd);
void stream_send(struct server *s, uint64_t serial, const uint8_t *wire, size_t n);
void stream_close_all(struct server *s);

/* --- resolve.c */

/* Answers the query WIRE: the answer's size in s->out, or 0: there is none, or not yet. */
size_t resolve(struct server *s, const struct asker *from, uint8_t *wire, size_t n);
void resolve_close(struct server *s);

/* --- source.c */
int source_open(struct server *s, struct error *err);
void source_close(struct server *s);

/* --- etcd.c */
int etcd_open(struct server *s, struct error *err);
void etcd_close(struct server *s);

/* There is a new view, made of these facts: what of it is announced may have changed. */
void etcd_announce(struct server *s, const struct cluster *c);
