/* subnet.c — see subnet.h. */
#include "net/subnet.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

enum { PREFIX = 16 };

const struct subnet_series subnets_of_pods = { 100, 120, "pods" },
			   subnets_of_services = { 220, 30, "services" };

void subnets_of_routes(const char *text, const char *bridge, struct arena *a, struct subnets *out)
{
	char link[IFNAMSIZ + 1];
	unsigned destination, mask;

	for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n')
		if (sscanf(line, "%16s %x %*x %*x %*d %*d %*d %x", link, &destination, &mask) == 3 &&
		    mask != 0 && !text_is(link, bridge))
			*list_add(a, out) =
				(struct subnet){ ntohl(destination), (uint32_t)__builtin_popcount(mask) };
}

void subnets_of_resolver(const char *text, struct arena *a, struct subnets *out)
{
	char address[INET_ADDRSTRLEN];
	struct in_addr server;

	for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n')
		if (sscanf(line, "nameserver %15[0-9.]", address) == 1 &&
		    inet_pton(AF_INET, address, &server) == 1)
			*list_add(a, out) = (struct subnet){ ntohl(server.s_addr), 32 };
}

bool subnet_overlaps(struct subnet s, const struct subnets *others)
{
	list_each(other, others) {
		uint32_t prefix = s.prefix < other->prefix ? s.prefix : other->prefix;
		uint32_t mask = prefix ? UINT32_MAX << (32 - prefix) : 0;
		if (((s.address ^ other->address) & mask) == 0)
			return true;
	}
	return false;
}

int subnet_choose(const struct subnet_series *series, unsigned start, const struct subnets *taken,
		  struct subnet *out, struct error *err)
{
	for (unsigned i = 0; i < series->count; i++) {
		*out = (struct subnet){ 10u << 24 | (series->first + (start + i) % series->count) << 16,
					PREFIX };
		if (!subnet_overlaps(*out, taken))
			return 0;
	}
	return error_set(err, EADDRNOTAVAIL,
			 "the host has routes over all of 10.%u.0.0/%d to 10.%u.0.0/%d, so no subnet is free "
			 "for %s (docs/networks.md: give one)",
			 series->first, PREFIX, series->first + series->count - 1, PREFIX, series->of);
}
