/* bridge.h — the host's side of a network: the bridge, its address (the gateway of all pods), and what the kernel must allow.
 */
#pragma once

#include "linux/netlink.h"
#include "net/network.h"

/* The bridge's index; made, with the whole network, if it is not there (then N's subnet may change, see network.h). Several at once agree. */
int bridge_ensure(struct network *n, const struct instance *in, struct netlink *rt, unsigned *index, struct error *err);

/* Makes the bridge, or what is wrong of it right. */
int bridge_make(const struct network *n, struct netlink *rt, struct error *err);

/* Removes bridge, rules and the choice of the subnet: nothing of the network is left. */
void network_remove(const struct instance *in);
