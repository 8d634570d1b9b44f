/* register.h — what of this machine is announced in etcd, as SkyDNS' messages. Pure: facts in, keys and values out.
 *
 *	/skydns/<domain>/pod/<namespace>/<pod>/<machine>/<n>                       each pod
 *	/skydns/<domain>/svc/<namespace>/<Service>/_tcp/_http/<machine>/<n>        each ready pod of a Service, for each port with a name,
 *	/skydns/<domain>/svc/<namespace>/<Service>/<machine>/<n>                   or, without such ports, for each of its addresses
 *	/skydns/arpa/in-addr/10/0/0/9/<machine>                                    the pod's name
 *	/skydns/<domain>/dns/ns/<machine>/<n>                                      this server, at each --listen that is no loopback
 *
 * Questions are answered from a whole subtree, so what several machines announce below one name is one name. The address of a Service
 * (clusterIP) is not announced: it leads nowhere on another machine. Pods' own addresses do if their networks are routed there. If they are not, --advertise
 * says at which address of this machine its published ports are; then those are announced, and nothing else.
 */
#pragma once

#include "dns/cluster.h"

struct registration {
	bool on;
	const char *domain;
	const char *machine;      /* one label */
	struct address advertise; /* family 0: pods' own addresses */
};

struct announcement {
	const char *key, *value;
};
struct announcements LIST(struct announcement);

enum { ANNOUNCED_TTL = 5, ANNOUNCED_MAX = 100000 };

/* Sorted by key, each key once. Memory is in A. */
void announcements_make(const struct registration *r, const struct cluster *c, struct arena *a,
			struct announcements *out);

/* Calls WHAT for each key of AFTER that is not the same in BEFORE, and with a value of NULL for each that is only in BEFORE. */
void announcements_compare(const struct announcements *before, const struct announcements *after,
			   void (*what)(void *data, const struct announcement *one), void *data);

/* "web1.example.org" and a tag: "web1-1a2b3c4d", a label that no other machine has by chance. */
char *machine_label(struct arena *a, const char *host, const char *tag);
