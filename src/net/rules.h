/* rules.h — Seapod's part of the packet filter: one table of its own, rules that never change, and maps that do.
 *
 * A published port is one element of a map: (protocol, port) -> (pod's address, port). Adding and removing one is a netlink message of a few
 * microseconds, whatever their number. The rules themselves are text for nft(8), loaded once when the table is missing; nobody else's
 * table is touched. docs/networks.md has the way of a packet.
 */
#pragma once

#include "net/network.h"

struct port_rule {
	uint8_t protocol;	/* IPPROTO_TCP, IPPROTO_UDP */
	struct in_addr host;	/* INADDR_ANY: every address of the host */
	uint16_t host_port;	/* host byte order */
	struct in_addr pod;
	uint16_t pod_port;
};

bool rules_exist(const struct instance *in);
int rules_make(const struct network *n, const struct instance *in, struct error *err);
void rules_remove(const struct instance *in);

/* Through NF, a socket of the bus NETLINK_NETFILTER in the host's namespace. What a dead keeper left under the same key is replaced. */
int rules_publish(struct netlink *nf, const struct instance *in, const struct port_rule *rules, unsigned n, struct error *err);
void rules_unpublish(struct netlink *nf, const struct instance *in, const struct port_rule *rules, unsigned n);
