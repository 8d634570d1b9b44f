/* endpoint.h — a pod's place on a network: address, veth pair, published ports.
 *
 *	host's namespace: endpoint_claim     address (a lock), host ports (bound sockets), bridge, rules, the maps' elements
 *	then the keeper moves into a new network namespace
 *	pod's namespace:  endpoint_attach    the veth in one message, addresses and routes in another
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
};

struct endpoint {
	const struct instance *in;
	struct network network;
	unsigned bridge; /* its index: names mean other links once the keeper has moved */
	struct in_addr address;
	int address_claim;
	struct netlink rt, nf; /* the host's */
	struct arena *arena;   /* of the record */
	struct endpoint_record record;
	int *port_claims;
	unsigned port_count;
	bool stale; /* somebody who died had the address: what he left in the rules must go */
};

#define ENDPOINT_NONE ((struct endpoint){ .rt = NETLINK_NONE, .nf = NETLINK_NONE, .address_claim = -1 })

/* PORTS[i].host_port is filled in when it was 0. */
int endpoint_claim(struct endpoint *e, const struct instance *in, const struct endpoint_owner *owner,
		   struct port_wish *ports, unsigned n, struct error *err);

/* From inside the pod's network namespace. */
int endpoint_attach(struct endpoint *e, struct error *err);

/* Takes the pod out of the rules and gives the claims back. The veth goes with the namespace. Nothing in it waits for the kernel to have
 * forgotten it all, but the end of the process does. */
void endpoint_release(struct endpoint *e);

/* Removes what an endpoint left whose keeper was killed: that of the pod UID at ADDRESS, if there is one. */
void endpoint_sweep(const struct instance *in, const char *uid, const char *address);

/* How the names of the host's halves begin in this instance. */
void endpoint_link_prefix(const struct instance *in, char prefix[static IFNAMSIZ]);

/* Makes R's veth: the half on the host a port of BRIDGE, the other one, with its address, in the network namespace of its keeper, in which
 * POD is a socket. */
int endpoint_connect(const struct network *n, const struct endpoint_record *r, unsigned bridge,
		     struct netlink *rt, struct netlink *pod, struct error *err);

/* The loopback device of the current namespace is set up (mode none, and every other). */
int loopback_up(struct error *err);
