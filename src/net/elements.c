/* elements.c — see elements.h. */
#include "net/elements.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <net/if.h>
#include <string.h>

#include "net/hostport.h"
#include "net/network.h"
#include "net/port_map.h"
#include "net/set_key.h"
#include "net/transaction.h"

/* One endpoint's elements: all of them come, or all go. */
struct elements {
	struct transaction transaction;
	enum element_change how;
	const struct endpoint_record *of;
};

/* The pod's link with what it may send under: its hardware address follows from the IPv4 one. */
static void put_pod(struct elements *e, bool six)
{
	const char *address = six ? e->of->address6 : e->of->address, *name = six ? "pods6" : "pods";
	unsigned char mac[MAC_SIZE];
	char link[IFNAMSIZ] = {};
	struct set_key key = {}, alone = {};
	struct in_addr four = {};

	strncpy(link, e->of->link, sizeof(link) - 1);
	inet_pton(AF_INET, e->of->address, &four);
	network_mac(four, mac);
	set_key_add(&key, link, sizeof(link));
	set_key_add(&key, mac, sizeof(mac));
	set_key_address(&key, address, six);
	e->transaction.family = NFPROTO_BRIDGE;
	transaction_element(&e->transaction, e->how, name, key.at, key.n, NULL, 0);
	e->transaction.family = NFPROTO_INET;
	set_key_address(&alone, address, six);
	transaction_element(&e->transaction, e->how, name, alone.at, alone.n, NULL, 0);
}

/* Who reaches himself by a published port must not see his own address as that of the other end: see chain postrouting. On a bridge
 * that is so of all its IPv4. */
static void put_self(struct elements *e, bool six)
{
	const char *address = six ? e->of->address6 : e->of->address;
	struct set_key pair = {};

	set_key_address(&pair, address, six);
	set_key_address(&pair, address, six);
	transaction_element(&e->transaction, e->how, six ? "self6" : "self", pair.at, pair.n, NULL, 0);
}

static void put_port(struct elements *e, const struct port_record *port, const char *pod,
		     const struct port_map *map)
{
	struct set_key key = {}, end, value = {};
	bool range = port->count > 1;

	if (port->hostIP)
		set_key_address(&key, port->hostIP, map->six);
	set_key_protocol(&key, port->protocol);
	end = key;
	set_key_port(&key, port->hostPort);
	set_key_port(&end, port->hostPort + port->count - 1);
	set_key_address(&value, pod, map->six);
	if (!range)
		set_key_port(&value, port->containerPort);
	transaction_range(&e->transaction, e->how, map->name, key.at, range ? end.at : NULL, key.n, value.at,
			  value.n);
}

/* The ports that belong into one map. */
static void put_ports(struct elements *e, const struct port_map *map)
{
	const char *pod = map->six ? e->of->address6 : e->of->address;

	list_each(port, &e->of->ports)
		if (pod && port_is_in(port, map))
			put_port(e, port, pod, map);
}

static int transact(struct netlink *nf, const struct instance *in, const struct network *network,
		    const struct endpoint_record *r, enum element_change how)
{
	struct elements e = { .how = how, .of = r };

	transaction_begin(&e.transaction, NFPROTO_INET, in->table);
	if (network->driver == DRIVER_BRIDGE)
		put_pod(&e, false);
	if (network->driver == DRIVER_BRIDGE && r->address6)
		put_pod(&e, true);
	if (network->driver == DRIVER_ROUTED)
		put_self(&e, false);
	if (r->address6)
		put_self(&e, true);
	for (size_t i = 0; i < PORT_MAPS; i++)
		put_ports(&e, &port_maps[i]);
	int result = transaction_commit(&e.transaction, nf);
	transaction_free(&e.transaction);
	return result;
}

int elements_add(struct netlink *nf, const struct instance *in, const struct network *n,
		 const struct endpoint_record *r)
{
	return transact(nf, in, n, r, ELEMENT_COMES);
}

int elements_remove(struct netlink *nf, const struct instance *in, const struct network *n,
		    const struct endpoint_record *r)
{
	return transact(nf, in, n, r, ELEMENT_GOES);
}

/* --- flows ----------------------------------------------------------------------------------------------------------- */

/* Which parts of the tuple count (the kernel's net/netfilter/nf_internals.h); before Linux 5.8 nothing is deleted. */
enum { FILTER_PROTOCOL = 1 << 3, FILTER_PORT = 1 << 5 };

static void forget_port(struct netlink_batch *b, uint8_t of, uint16_t host_port)
{
	struct nlmsghdr *m = batch_add(b, NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE, 0);
	struct nfgenmsg *family = netlink_extend(m, sizeof(*family));

	family->nfgen_family = of;
	family->version = NFNETLINK_V0;
	struct nlattr *tuple = netlink_nest(m, CTA_TUPLE_ORIG);
	struct nlattr *protocol = netlink_nest(m, CTA_TUPLE_PROTO);
	netlink_put_u8(m, CTA_PROTO_NUM, IPPROTO_UDP);
	netlink_put_u16(m, CTA_PROTO_DST_PORT, htons(host_port));
	netlink_nest_end(m, protocol);
	netlink_nest_end(m, tuple);
	struct nlattr *filter = netlink_nest(m, CTA_FILTER);
	netlink_put_u32(m, CTA_FILTER_ORIG_FLAGS, FILTER_PROTOCOL | FILTER_PORT);
	netlink_nest_end(m, filter);
}

static void forget(struct netlink *nf, uint8_t family, int port)
{
	struct netlink_batch b;

	batch_begin(&b, nf);
	forget_port(&b, family, (uint16_t)port);
	batch_send(&b);
}

void elements_forget_flows(struct netlink *nf, const struct endpoint_record *r)
{
	list_each(port, &r->ports) {
		if (protocol_number(port->protocol) != IPPROTO_UDP)
			continue;
		for (int i = 0; i < (port->count > 1 ? port->count : 1); i++) {
			forget(nf, AF_INET, port->hostPort + i);
			if (r->address6)
				forget(nf, AF_INET6, port->hostPort + i);
		}
	}
}
