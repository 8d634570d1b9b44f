/* endpoint_link.c — the links of endpoints, by driver; see endpoint.h.
 *
 * IPv6 addresses of pods are alone in their subnet (/128): all goes by the gateway, whose hardware address a pod is told and
 * does not ask for. So nothing that another pod says about neighbours or routers is ever listened to.
 */
#include <arpa/inet.h>
#include <linux/if_link.h>
#include <linux/ip.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "net/endpoint.h"

/* The addresses of both ends. */
struct ends {
	struct ip pod, gateway, pod6, gateway6;
	unsigned char mac[MAC_SIZE], gateway_mac[MAC_SIZE];
};

static struct ends find_ends(const struct network *n, const struct endpoint_record *r)
{
	struct ends e = { .pod.family = AF_INET,
			  .gateway = { AF_INET, { n->gateway } },
			  .pod6.family = AF_INET6,
			  .gateway6 = { AF_INET6, { .v6 = n->gateway6 } } };

	inet_pton(AF_INET, r->address, &e.pod.v4);
	if (r->address6)
		inet_pton(AF_INET6, r->address6, &e.pod6.v6);
	network_mac(e.pod.v4, e.mac);
	network_mac(n->gateway, e.gateway_mac);
	return e;
}

/* --- the host's side --------------------------------------------------------------------------------------------------- */

void endpoint_point_to(const struct network *n, const struct endpoint_record *r, unsigned link,
		       struct netlink_batch *b)
{
	const struct ends e = find_ends(n, r);

	neighbour_add(b, link, &e.pod, e.mac);
	if (n->driver == DRIVER_ROUTED)
		route_add(b, &(struct route){ .family = AF_INET, .to = &e.pod, .prefix = 32, .link = link });
	if (!r->address6)
		return;
	neighbour_add(b, link, &e.pod6, e.mac);
	if (n->driver == DRIVER_ROUTED)
		route_add(b,
			  &(struct route){ .family = AF_INET6, .to = &e.pod6, .prefix = 128, .link = link });
}

static int make_bridged(const struct network *n, const struct endpoint_record *r, unsigned bridge,
			struct netlink *rt)
{
	const struct ends e = find_ends(n, r);
	struct veth veth = {
		.name = r->link, .peer = r->interface, .master = bridge, .pid = r->keeper, .mtu = n->mtu
	};
	struct netlink_batch b;

	memcpy(veth.mac, e.mac, MAC_SIZE);
	batch_begin(&b, rt);
	link_make_veth(&b, &veth);
	/* with br_netfilter, who calls his own published port or Service gets the frame back by the port that it came from */
	link_set_hairpin(&b, r->link);
	endpoint_point_to(n, r, bridge, &b);
	return batch_send(&b);
}

/* Published ports on 127.0.0.1 need the kernel's leave, as on bridges (bridge.c); chain guard keeps pods from it. */
static int make_routed(const struct network *n, const struct endpoint_record *r, struct netlink *rt)
{
	const struct ends e = find_ends(n, r);
	struct veth veth = { .name = r->link,
			     .peer = r->interface,
			     .pid = r->keeper,
			     .mtu = n->mtu,
			     .host_mac = e.gateway_mac };
	struct netlink_batch b;
	unsigned link;

	memcpy(veth.mac, e.mac, MAC_SIZE);
	batch_begin(&b, rt);
	link_make_veth(&b, &veth);
	link_set_ipv4(&b, r->link, IPV4_DEVCONF_ROUTE_LOCALNET, 1);
	int result = batch_send(&b);
	if (result == 0)
		result = link_index(rt, r->link, &link);
	if (result < 0)
		return result;
	batch_begin(&b, rt);
	endpoint_point_to(n, r, link, &b);
	return batch_send(&b);
}

static uint32_t vlan_mode(const struct network *n)
{
	static const struct {
		const char *name;
		uint32_t mode;
	} modes[] = { { "bridge", MACVLAN_MODE_BRIDGE }, { "private", MACVLAN_MODE_PRIVATE },
		      { "vepa", MACVLAN_MODE_VEPA },     { "passthru", MACVLAN_MODE_PASSTHRU },
		      { "l2", IPVLAN_MODE_L2 },          { "l3", IPVLAN_MODE_L3 },
		      { "l3s", IPVLAN_MODE_L3S } };

	for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++)
		if (text_is(modes[i].name, n->mode))
			return modes[i].mode;
	return n->driver == DRIVER_MACVLAN ? MACVLAN_MODE_BRIDGE : IPVLAN_MODE_L2;
}

static int make_vlan(const struct network *n, const struct endpoint_record *r, unsigned parent,
		     struct netlink *rt)
{
	const struct ends e = find_ends(n, r);
	struct vlan v = { .kind = network_driver_name(n->driver),
			  .name = r->interface,
			  .parent = parent,
			  .mode = vlan_mode(n),
			  .pid = r->keeper };
	struct netlink_batch b;

	memcpy(v.mac, e.mac, MAC_SIZE);
	batch_begin(&b, rt);
	link_make_vlan(&b, &v);
	return batch_send(&b);
}

int endpoint_shape(const char *name, int64_t bytes_per_second, struct netlink *at, struct error *err)
{
	struct netlink_batch b;
	unsigned index = 0;
	int r = bytes_per_second ? link_index(at, name, &index) : 0;

	if (r < 0 || bytes_per_second == 0)
		return r < 0 ? error_code(err, r, "cannot find the pod's link '%s'", name) : 0;
	batch_begin(&b, at);
	link_shape(&b, index, (uint64_t)bytes_per_second);
	r = batch_send(&b);
	if (r == -ENOENT)
		return error_set(
			err, ENOENT,
			"the pod's bandwidth cannot be limited: this kernel has no tbf (modprobe sch_tbf)");
	return r < 0 ? error_code(err, r, "cannot limit the pod's bandwidth") : 0;
}

static int make_link(const struct network *n, const struct endpoint_record *r, unsigned link,
		     struct netlink *rt)
{
	struct netlink_batch b;

	if (!network_is_ours(n))
		return make_vlan(n, r, link, rt);
	int result = n->driver == DRIVER_ROUTED ? make_routed(n, r, rt) : make_bridged(n, r, link, rt);
	if (result != -EEXIST) /* of one who died */
		return result;
	batch_begin(&b, rt);
	link_remove(&b, r->link);
	batch_send(&b);
	return n->driver == DRIVER_ROUTED ? make_routed(n, r, rt) : make_bridged(n, r, link, rt);
}

/* --- the pod's side ------------------------------------------------------------------------------------------------------ */

static void add_ipv6(struct netlink_batch *b, const struct ends *e, unsigned link, bool gateway)
{
	address_add(b, link, &e->pod6, 128);
	route_add(b, &(struct route){ .family = AF_INET6, .to = &e->gateway6, .prefix = 128, .link = link });
	neighbour_add(b, link, &e->gateway6, e->gateway_mac);
	if (gateway)
		route_add(b, &(struct route){ .family = AF_INET6, .gateway = &e->gateway6, .link = link });
}

static int configure(const struct network *n, const struct endpoint_record *r, struct netlink *pod,
		     unsigned link)
{
	const struct ends e = find_ends(n, r);
	bool routed = n->driver == DRIVER_ROUTED, gateway = r->gateway && !n->internal;
	struct netlink_batch b;

	batch_begin(&b, pod);
	link_up(&b, "lo");
	link_up(&b, r->interface);
	address_add(&b, link, &e.pod, routed ? 32 : n->prefix);
	if (network_is_ours(n))
		neighbour_add(&b, link, &e.gateway, e.gateway_mac);
	if (routed)
		route_add(&b,
			  &(struct route){ .family = AF_INET, .to = &e.gateway, .prefix = 32, .link = link });
	if (gateway)
		route_add(&b,
			  &(struct route){
				  .family = AF_INET, .gateway = &e.gateway, .link = link, .onlink = routed });
	if (r->address6)
		add_ipv6(&b, &e, link, gateway);
	/* The other pods of a network without default route are behind the gateway. */
	if (!gateway && n->ipv6) {
		struct ip subnet = { AF_INET6, { .v6 = n->subnet6 } };
		route_add(&b, &(struct route){ .family = AF_INET6,
					       .to = &subnet,
					       .prefix = n->prefix6,
					       .gateway = &e.gateway6,
					       .link = link });
	}
	if (!gateway && routed) {
		struct ip subnet = { AF_INET, { n->subnet } };
		route_add(&b, &(struct route){ .family = AF_INET,
					       .to = &subnet,
					       .prefix = n->prefix,
					       .gateway = &e.gateway,
					       .link = link,
					       .onlink = true });
	}
	return batch_send(&b);
}

int endpoint_connect(const struct network *n, const struct endpoint_record *r, unsigned link,
		     struct netlink *rt, struct netlink *pod, struct error *err)
{
	unsigned index = 0;
	int result = make_link(n, r, link, rt);

	if (result == -EXFULL)
		return error_set(err, EXFULL,
				 "the bridge '%s' has as many pods as the kernel allows (1023): delete some, "
				 "or make a network that has no "
				 "bridge (seapod network create --driver routed)",
				 n->bridge);
	if (result == -EOPNOTSUPP && !network_is_ours(n))
		return error_set(err, EOPNOTSUPP, "this kernel has no %s (modprobe %s)",
				 network_driver_name(n->driver), network_driver_name(n->driver));
	if (result < 0)
		return error_code(err, result, "cannot connect the pod to the network '%s'", n->name);
	if ((result = endpoint_shape(r->link, r->ingress, rt, err)) < 0)
		return result;
	result = link_index(pod, r->interface, &index);
	if (result == 0)
		result = configure(n, r, pod, index);
	if (result == 0 && (result = endpoint_shape(r->interface, r->egress, pod, err)) < 0)
		return result;
	return result < 0
		       ? error_code(err, result, "cannot set the pod's address on the network '%s'", n->name)
		       : 0;
}

int loopback_up(struct error *err)
{
	struct netlink_batch b;
	struct netlink n = NETLINK_NONE;
	int r = netlink_open(&n, NETLINK_ROUTE, err);

	if (r < 0)
		return r;
	batch_begin(&b, &n);
	link_up(&b, "lo");
	r = batch_send(&b);
	netlink_close(&n);
	return r < 0 ? error_code(err, r, "cannot set the loopback device up") : 0;
}
