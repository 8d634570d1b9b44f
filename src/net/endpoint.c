/* endpoint.c — see endpoint.h. */
#include "net/endpoint.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "linux/proc.h"
#include "net/elements.h"
#include "net/reload.h"
#include "net/rules.h"

void endpoint_link_prefix(const struct instance *in, char prefix[static IFNAMSIZ])
{
	snprintf(prefix, IFNAMSIZ, "%.9sv", in->tag[0] ? in->bridge : "seapod");
}

/* --- claim ----------------------------------------------------------------------------------------------------------- */

static void describe(struct endpoint *e, const struct endpoint_owner *owner, const struct port_wish *ports,
		     unsigned n)
{
	const uint32_t number = ntohl(e->address.s_addr) - ntohl(e->network.subnet.s_addr);
	char prefix[IFNAMSIZ], address[INET_ADDRSTRLEN];

	endpoint_link_prefix(
		e->in,
		prefix); /* and the number: what a dead keeper left under the same address is recognised */
	e->record = (struct endpoint_record){
		.pod = owner->pod,
		.namespace = owner->namespace,
		.uid = owner->uid,
		.keeper = getpid(),
		.address = arena_strdup(e->arena, inet_ntop(AF_INET, &e->address, address, sizeof(address))),
		.link = arena_printf(e->arena, "%s%x", prefix, number & 0xffff),
	};
	for (unsigned i = 0; i < n; i++) {
		struct port_record *p = list_add(e->arena, &e->record.ports);
		p->protocol = protocol_name(ports[i].protocol);
		p->hostPort = ports[i].host_port;
		p->containerPort = ports[i].pod_port;
		if (ports[i].host.s_addr != INADDR_ANY)
			p->hostIP = arena_strdup(
				e->arena, inet_ntop(AF_INET, &ports[i].host, address, sizeof(address)));
	}
}

static int open_network(struct endpoint *e, struct error *err)
{
	int r = network_open(&e->network, e->in, err);

	if (r == 0)
		r = netlink_open(&e->rt, NETLINK_ROUTE, err);
	if (r == 0)
		r = netlink_open(&e->nf, NETLINK_NETFILTER, err);
	return r < 0 ? r : network_ensure(&e->network, e->in, &e->bridge, err);
}

static int claim(struct endpoint *e, int pool, struct port_wish *ports, unsigned n, struct error *err)
{
	e->address_claim =
		pool_claim(pool, e->network.subnet, e->network.prefix, &e->address, &e->stale, err);
	if (e->address_claim < 0)
		return e->address_claim;
	e->port_claims = memory_new(n, sizeof(*e->port_claims));
	for (; e->port_count < n; e->port_count++) {
		int fd = hostport_claim(&ports[e->port_count], pool, err);
		if (fd < 0)
			return fd;
		e->port_claims[e->port_count] = fd;
	}
	return 0;
}

static int publish(struct endpoint *e, int pool, struct error *err)
{
	_cleanup_close_ int lock = pool_lock(pool, LOCK_SH, err);

	if (lock < 0)
		return lock;
	int r = e->stale ? -ESTALE : elements_add(&e->nf, e->in, &e->record);
	if (r < 0) { /* something is not as it should be: all is made as it should */
		close_fd(&lock);
		r = network_reload_rules(&e->network, e->in, err);
	}
	if (r == 0)
		elements_forget_flows(&e->nf, &e->record);
	return r;
}

int endpoint_claim(struct endpoint *e, const struct instance *in, const struct endpoint_owner *owner,
		   struct port_wish *ports, unsigned n, struct error *err)
{
	*e = ENDPOINT_NONE;
	e->in = in;
	e->arena = arena_new();
	int r = open_network(e, err);
	_cleanup_close_ int pool = r < 0 ? -1 : pool_open(in, NETWORK_DEFAULT, err);
	if (r == 0)
		r = pool < 0 ? pool : claim(e, pool, ports, n, err);
	if (r == 0) {
		describe(e, owner, ports, n);
		r = record_write(e->address_claim, &e->record, err);
	}
	if (r == 0)
		r = publish(e, pool, err);
	if (r < 0)
		endpoint_release(e);
	return r;
}

/* --- attach ---------------------------------------------------------------------------------------------------------- */

static int make_veth(const struct network *n, const struct endpoint_record *r, unsigned bridge,
		     struct in_addr address, struct netlink *rt)
{
	struct veth veth = {
		.name = r->link, .peer = "eth0", .master = bridge, .pid = r->keeper, .mtu = n->mtu
	};
	struct netlink_batch b;

	network_mac(address, veth.mac);
	batch_begin(&b, rt);
	link_make_veth(&b, &veth);
	if (r->ports.n) /* with br_netfilter, who calls his own published port gets the frame back by the port that it came from */
		link_set_hairpin(&b, r->link);
	neighbour_add(&b, bridge, address, veth.mac);
	return batch_send(&b);
}

static int configure(const struct network *n, struct in_addr address, struct netlink *pod, unsigned eth0)
{
	unsigned char mac[MAC_SIZE];
	struct netlink_batch b;

	network_mac(n->gateway, mac);
	batch_begin(&b, pod);
	link_up(&b, "lo");
	link_up(&b, "eth0");
	address_add(&b, eth0, address, n->prefix);
	neighbour_add(&b, eth0, n->gateway, mac);
	route_add_default(&b, n->gateway);
	return batch_send(&b);
}

int endpoint_connect(const struct network *n, const struct endpoint_record *r, unsigned bridge,
		     struct netlink *rt, struct netlink *pod, struct error *err)
{
	struct netlink_batch b;
	struct in_addr address;
	unsigned eth0 = 0;

	inet_pton(AF_INET, r->address, &address);
	int result = make_veth(n, r, bridge, address, rt);
	if (result == -EEXIST) {
		batch_begin(&b, rt);
		link_remove(&b, r->link);
		batch_send(&b);
		result = make_veth(n, r, bridge, address, rt);
	}
	if (result == -EXFULL)
		return error_set(err, EXFULL,
				 "the bridge '%s' has as many pods as the kernel allows (1023): delete some",
				 n->bridge);
	errno = -result;
	if (result < 0)
		return error_errno(err, "cannot connect the pod to the bridge '%s'", n->bridge);
	result = link_index(pod, "eth0", &eth0);
	if (result == 0)
		result = configure(n, address, pod, eth0);
	errno = -result;
	return result < 0 ? error_errno(err, "cannot set the pod's address") : 0;
}

/* Links that come have no IPv6: the network has none, and else another pod could announce itself as a router to all. */
static void without_ipv6(void)
{
	proc_write("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
}

int endpoint_attach(struct endpoint *e, struct error *err)
{
	struct netlink pod = NETLINK_NONE;
	int r = netlink_open(&pod, NETLINK_ROUTE, err);

	if (r < 0)
		return r;
	without_ipv6();
	r = endpoint_connect(&e->network, &e->record, e->bridge, &e->rt, &pod, err);
	netlink_close(&pod);
	return r;
}

/* --- the end --------------------------------------------------------------------------------------------------------- */

/* The record first: who makes the rules anew from now on leaves this one out, and who has just done so is waited for. */
static void withdraw(struct endpoint *e)
{
	_cleanup_close_ int pool = pool_open(e->in, NETWORK_DEFAULT, NULL);
	struct netlink_batch b;

	if (pool < 0)
		return;
	pool_release(pool, e->address);
	if (!e->record.address)
		return;
	_cleanup_close_ int lock = pool_lock(pool, LOCK_SH, NULL);
	elements_remove(&e->nf, e->in, &e->record);
	elements_forget_flows(&e->nf, &e->record);
	batch_begin(&b, &e->rt);
	neighbour_remove(&b, e->bridge, e->address);
	batch_send(&b);
}

void endpoint_release(struct endpoint *e)
{
	if (e->address_claim >= 0)
		withdraw(e);
	for (unsigned i = 0; i < e->port_count; i++)
		close_fd(&e->port_claims[i]);
	free(e->port_claims);
	e->port_claims = NULL;
	e->port_count = 0;
	close_fd(&e->address_claim);
	netlink_close(
		&e->rt); /* the other one is left to the end of the process: closing it waits (netlink_close) */
	arena_free(e->arena);
	e->arena = NULL;
}

void endpoint_sweep(const struct instance *in, const char *uid, const char *address)
{
	_cleanup_arena_ struct arena *a = arena_new();
	_cleanup_close_ int pool = pool_open(in, NETWORK_DEFAULT, NULL), fd = -1;
	struct endpoint_record r = {};
	struct network n;

	if (pool < 0 || pool_look(pool, address, &fd) != 0 || !record_read(fd, &r, a) || !text_is(r.uid, uid))
		return;
	unlinkat(pool, address, 0);
	close_fd(&fd);
	if (rules_exist(in) && network_open(&n, in, NULL) == 0)
		network_reload_rules(&n, in, NULL);
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
	errno = -r;
	return r < 0 ? error_errno(err, "cannot set the loopback device up") : 0;
}
