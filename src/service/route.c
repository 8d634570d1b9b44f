/* route.c — see route.h. */
#include "service/route.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "net/network.h"
#include "net/service.h"

static bool parse(const char *range, struct ip *to, unsigned *prefix)
{
	char address[INET6_ADDRSTRLEN];

	if (!range || sscanf(range, "%45[0-9a-fA-F.:]/%u", address, prefix) != 2)
		return false;
	to->family = strchr(address, ':') ? AF_INET6 : AF_INET;
	return inet_pton(to->family, address, &to->v4) == 1;
}

static int make(struct netlink *rt, const char *range, unsigned link)
{
	struct netlink_batch b;
	struct ip to = {};
	struct route route = { .to = &to, .link = link };

	if (!parse(range, &to, &route.prefix))
		return 0;
	route.family = to.family;
	batch_begin(&b, rt);
	route_add(&b, &route);
	return batch_send(&b);
}

int service_route_make6(const struct instance *in, struct netlink *rt, unsigned link)
{
	_cleanup_arena_ struct arena *a = arena_new();
	const char *range = services_range6(in, a);

	return range && link ? make(rt, range, link) : 0;
}

int service_routes_make(const struct instance *in, const struct service_ranges *ranges, struct error *err)
{
	_cleanup_arena_ struct arena *a = arena_new();
	struct networks networks = {};
	struct netlink rt = NETLINK_NONE;
	int r = netlink_open(&rt, NETLINK_ROUTE, err);

	if (r < 0)
		return r;
	errno = -(r = make(&rt, ranges->four, if_nametoindex("lo")));
	if (r < 0)
		error_errno(err, "cannot make a route to the addresses of services, %s", ranges->four);
	if (r == 0 && networks_list(in, a, &networks, NULL) == 0)
		list_each(n, &networks)
			if (n->ipv6 && network_is_ours(n) && if_nametoindex(n->bridge))
				service_route_make6(in, &rt, if_nametoindex(n->bridge));
	netlink_close(&rt);
	return r;
}

/* As batch_add and route_add make it, but to be removed. */
static void add_removal(struct netlink_batch *b, const char *range)
{
	struct ip to = {};
	unsigned prefix;

	if (!parse(range, &to, &prefix))
		return;
	struct nlmsghdr *m = batch_add(b, RTM_DELROUTE, 0);
	struct rtmsg *info = netlink_extend(m, sizeof(*info));
	info->rtm_family = (uint8_t)to.family;
	info->rtm_dst_len = (uint8_t)prefix;
	info->rtm_table = RT_TABLE_MAIN;
	info->rtm_scope = RT_SCOPE_NOWHERE;
	netlink_put(m, RTA_DST, &to.v4, to.family == AF_INET6 ? sizeof(to.v6) : sizeof(to.v4));
}

void service_routes_remove(const struct instance *in)
{
	_cleanup_arena_ struct arena *a = arena_new();
	struct netlink rt = NETLINK_NONE;
	struct netlink_batch b;

	if (netlink_open(&rt, NETLINK_ROUTE, NULL) < 0)
		return;
	batch_begin(&b, &rt);
	add_removal(&b, services_range(in, a));
	add_removal(&b, services_range6(in, a));
	batch_send(&b);
	netlink_close(&rt);
}
