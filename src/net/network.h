/* network.h — the bridge network that pods are on by default.
 *
 * A network is a few facts in ROOT/networks/<name>.json: from them bridge and rules can be made at any time, by whoever first needs them,
 * and several at once agree. The subnet is the first of a list that no route of the host overlaps.
 */
#pragma once

#include <netinet/in.h>

#include "base/instance.h"
#include "linux/netlink.h"

struct network {
	char bridge[INSTANCE_NAME_SIZE];
	struct in_addr subnet, gateway; /* network byte order */
	unsigned prefix;
	uint32_t mtu;
};

/* Reads (at first use: chooses and writes) the default network. */
int network_open(struct network *n, const struct instance *in, struct error *err);

/* Makes what is missing on the host: bridge, address, forwarding, rules. Cheap when all is there. */
int network_ensure(const struct network *n, const struct instance *in, struct netlink *rt, struct error *err);

/* Removes bridge and rules again. */
void network_remove(const struct instance *in);
