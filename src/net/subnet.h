/* subnet.h — which subnet pods may have: the first of a list that nothing the host knows overlaps. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/memory.h"

struct subnet {
	uint32_t address, prefix; /* host byte order */
};

struct subnets LIST(struct subnet);

/* What the text of /proc/net/route says but default routes and routes of the link BRIDGE. */
void subnets_of_routes(const char *text, const char *bridge, struct arena *a, struct subnets *out);

/* The name servers of a resolv.conf: reached by a default route, maybe, and not to be hidden either. */
void subnets_of_resolver(const char *text, struct arena *a, struct subnets *out);

bool subnet_overlaps(struct subnet s, const struct subnets *others);

/* 10.FIRST.0.0/16 and the COUNT - 1 subnets after it. */
struct subnet_series {
	unsigned first, count;
	const char *of; /* "pods", for errors */
};
extern const struct subnet_series subnets_of_pods, subnets_of_services;

/* The first of SERIES, beginning with number START, that overlaps none of TAKEN. -EADDRNOTAVAIL */
int subnet_choose(const struct subnet_series *series, unsigned start, const struct subnets *taken,
		  struct subnet *out, struct error *err);
