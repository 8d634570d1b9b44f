/* bridge.h — the host's side of a network: the bridge, its address (the gateway of all pods), and what the kernel must allow.
 */
#pragma once

#include "linux/netlink.h"
#include "net/network.h"

/* Makes the bridge, or what is wrong of it right. */
int bridge_make(const struct network *n, struct netlink *rt, struct error *err);

void bridge_remove(const char *name);
