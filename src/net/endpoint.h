/* endpoint.h — a pod's places on networks: on each an address and a link; on one of them published ports.
 *
 *	host's namespace: endpoints_claim    addresses (locks), host ports (bound sockets), bridges, rules, the maps' elements
 *	then the keeper moves into a new network namespace
 *	pod's namespace:  endpoints_attach   each link in one message, its addresses and routes in another
 *
 * Everything that is claimed is a descriptor of the keeper's: it dies with the keeper. What follows from it for others is in the endpoint's
 * record (record.h), from which it can be made again (reload.h).
 */
#pragma once

#include <net/if.h>

#include "linux/netlink.h"
#include "net/hostport.h"
#include "net/network.h"
#include "net/record.h"

struct endpoint_owner {
	const char *pod, *namespace, *uid;
	struct strings aliases;  /* more names on its networks */
	int64_t ingress, egress; /* bytes a second on each of them; 0: no limit */
};

/* A network that a pod is to be on. */
struct endpoint_wish {
	const char *network;
	struct in_addr address; /* 0: any */
	bool gateway;           /* its default route goes there */
};

struct endpoint {
	struct network network;
	unsigned
		link; /* the index of the bridge or the parent: names mean other links once the keeper has moved */
	struct in_addr address;
	int claim;
	struct endpoint_record record;
	bool stale; /* somebody who died had the address: what he left in the rules must go */
};

struct endpoints {
	const struct instance *in;
	struct netlink rt, nf; /* the host's */
	struct arena *arena;   /* of what follows */
	struct endpoint *at;
	unsigned n;
	int *port_claims;
	unsigned port_count;
};

#define ENDPOINTS_NONE ((struct endpoints){ .rt = NETLINK_NONE, .nf = NETLINK_NONE })

/* PORTS[i].host_port is filled in when it was 0. They are published on the first of the networks that can do it. */
int endpoints_claim(struct endpoints *e, const struct instance *in, const struct endpoint_owner *owner,
		    const struct endpoint_wish *wishes, unsigned wish_count, struct port_wish *ports,
		    unsigned n, struct error *err);

/* From inside the pod's network namespace. */
int endpoints_attach(struct endpoints *e, struct error *err);

/* Takes the pod out of the rules and gives the claims back. The links go with the namespace. Nothing in it waits for the kernel to have
 * forgotten it all, but the end of the process does. */
void endpoints_release(struct endpoints *e);

/* Removes what an endpoint left whose keeper was killed: that of the pod UID at ADDRESS of NETWORK, if there is one. */
void endpoint_sweep(const struct instance *in, const char *uid, const char *network, const char *address);

/* Makes R's link: on the host's side (LINK: the index of bridge or parent) and, with its addresses and routes, in the network namespace of its
 * keeper, in which POD is a socket. */
int endpoint_connect(const struct network *n, const struct endpoint_record *r, unsigned link,
		     struct netlink *rt, struct netlink *pod, struct error *err);

/* What the host's side knows of the pod behind R's link, which is there: neighbours, routes. Added to B. */
void endpoint_point_to(const struct network *n, const struct endpoint_record *r, unsigned link,
		       struct netlink_batch *b);

/* What is sent by the link NAME of AT's namespace goes at BYTES_PER_SECOND at most (0: no limit). */
int endpoint_shape(const char *name, int64_t bytes_per_second, struct netlink *at, struct error *err);

/* The loopback device of the current namespace is set up (mode none, and every other). */
int loopback_up(struct error *err);
