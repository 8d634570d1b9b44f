/* network_wish.h — which networks a pod is to be on: what a Pod has no field for stands in annotations. Pure.
 *
 *	seapod.io/network: front,back       names of networks (none, container:NAME and ns:PATH are not networks; sandbox.c)
 *	seapod.io/ip: 10.1.0.5,back=10.2.0.7   addresses; without a network's name: of the first
 *	seapod.io/default-route: back       where the default route goes; without it, the first
 *	seapod.io/aliases: db,cache         more names on its networks
 *	kubernetes.io/ingress-bandwidth: 10M   bits a second into the pod on each of its networks; egress-bandwidth: out of it
 */
#pragma once

#include "api/meta.h"
#include "net/endpoint.h"

struct network_wishes {
	struct endpoint_wish *at;
	size_t n;
	struct strings aliases;
	int64_t ingress, egress; /* bytes a second; 0: no limit */
};

/* The limits of bandwidth alone. */
int network_bandwidth_read(const struct string_map *annotations, int64_t *ingress, int64_t *egress,
			   struct error *err);

/* Memory in A. -EINVAL: a name that stands twice, too many, an address that is none or of no network named. */
int network_wishes_read(const struct string_map *annotations, struct arena *a, struct network_wishes *out,
			struct error *err);
