/* route.h — the host's own way to addresses of Services.
 *
 * A packet of the host is given a route before the filter sees it, so there must be one: to nowhere (the loopback device), since it is sent on to a pod before it
 * leaves, or refused. Packets of pods come to the host by their default routes.
 */
#pragma once

#include "service/rules.h"

/* The route of IPv6 goes by LINK, the bridge of a network that has IPv6: one by the loopback device would refuse. */
int service_route_make6(const struct instance *in, struct netlink *rt, unsigned link);

int service_routes_make(const struct instance *in, const struct service_ranges *ranges, struct error *err);
void service_routes_remove(const struct instance *in);
