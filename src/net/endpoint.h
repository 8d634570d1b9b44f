/* endpoint.h — a pod's place on a network: address, veth pair, published ports.
 *
 *	host's namespace: endpoint_claim     address (a lock), host ports (bound sockets), netlink sockets, bridge and rules
 *	then the keeper moves into a new network namespace
 *	pod's namespace:  endpoint_attach    veth in one message, address, route, then the ports' map elements
 *
 * Everything that is claimed is a descriptor of the keeper's: it dies with the keeper.
 */
#pragma once

#include <net/if.h>

#include "net/network.h"
#include "net/rules.h"

struct port_wish {
	uint8_t protocol;
	struct in_addr host; /* INADDR_ANY: every address of the host */
	uint16_t host_port;  /* 0: any free one */
	uint16_t pod_port;
};

struct endpoint {
	const struct instance *in;
	struct network network;
	unsigned bridge; /* its index: names mean other links once the keeper has moved */
	struct in_addr address;
	int address_claim;
	struct netlink rt, nf; /* the host's */
	char link[IFNAMSIZ];   /* the host's half */
	struct port_rule *ports;
	int *port_claims;
	unsigned port_count;
	bool published;
};

#define ENDPOINT_NONE ((struct endpoint){ .address_claim = -1 })

/* PORTS[i].host_port is filled in when it was 0 (see e->ports). */
int endpoint_claim(struct endpoint *e, const struct instance *in, const struct port_wish *ports, unsigned n, struct error *err);

/* From inside the pod's network namespace. */
int endpoint_attach(struct endpoint *e, struct error *err);

/* Takes the ports out of the rules and the claims back. The veth goes with the namespace. */
void endpoint_release(struct endpoint *e);

/* The loopback device of the current namespace is set up (mode none, and every other). */
int loopback_up(struct error *err);
