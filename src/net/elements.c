/* elements.c — see elements.h. */
#include "net/elements.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "net/hostport.h"
#include "net/network.h"
#include "net/port_map.h"

enum { CHUNK = 100, ELEMENT_BYTES = 128 }; /* elements of a message; room for one */

/* Messages of one transaction, one after another. */
struct transaction {
	struct netlink *nf;
	const struct instance *in;
	uint16_t type; /* NFT_MSG_NEWSETELEM, NFT_MSG_DELSETELEM */
	char *at;
	size_t used;
	struct nlmsghdr *last;
};

/* A set's or map's message, open for its elements (NFT_MSG_NEWSETELEM in <linux/netfilter/nf_tables.h>). */
struct set {
	struct transaction *to;
	struct nlmsghdr *message;
	struct nlattr *elements;
};

static struct nlmsghdr *add_message(struct transaction *t, uint16_t type, uint16_t flags, uint8_t family,
				    uint16_t resource)
{
	struct nlmsghdr *m = netlink_message(t->at + t->used, type, flags, ++t->nf->sequence);
	struct nfgenmsg *of = netlink_extend(m, sizeof(*of));

	*of = (struct nfgenmsg){ .nfgen_family = family, .version = NFNETLINK_V0, .res_id = htons(resource) };
	return m;
}

static struct set begin_set(struct transaction *t, uint8_t family, const char *name)
{
	uint16_t flags = t->type == NFT_MSG_NEWSETELEM ? NLM_F_CREATE : 0;
	struct set set = { .to = t,
			   .message = add_message(t, NFNL_SUBSYS_NFTABLES << 8 | t->type, flags, family, 0) };

	netlink_put_text(set.message, NFTA_SET_ELEM_LIST_TABLE, t->in->table);
	netlink_put_text(set.message, NFTA_SET_ELEM_LIST_SET, name);
	set.elements = netlink_nest(set.message, NFTA_SET_ELEM_LIST_ELEMENTS);
	return set;
}

static void end_set(struct set *set)
{
	netlink_nest_end(set->message, set->elements);
	set->to->last = set->message;
	set->to->used += NLMSG_ALIGN(set->message->nlmsg_len);
}

static void put_value(struct nlmsghdr *m, uint16_t type, const void *value, size_t size)
{
	struct nlattr *nest = netlink_nest(m, type);

	netlink_put(m, NFTA_DATA_VALUE, value, size);
	netlink_nest_end(m, nest);
}

/* END: the last key of a range; NULL: there is one. */
static void add_element(struct set *set, const void *key, size_t key_size, const void *end, const void *data,
			size_t data_size)
{
	struct nlattr *element = netlink_nest(set->message, NFTA_LIST_ELEM);

	put_value(set->message, NFTA_SET_ELEM_KEY, key, key_size);
	if (end)
		put_value(set->message, NFTA_SET_ELEM_KEY_END, end, key_size);
	if (data)
		put_value(set->message, NFTA_SET_ELEM_DATA, data, data_size);
	netlink_nest_end(set->message, element);
}

/* Concatenated keys and values are words of 4 bytes, each part padded at its end (nft(8) "Concatenations"). */
struct words {
	unsigned char at[48];
	size_t n;
};

static void add_word(struct words *w, const void *part, size_t size)
{
	memcpy(w->at + w->n, part, size);
	w->n += (size + 3) & ~(size_t)3;
}

static void add_port_word(struct words *w, int port)
{
	uint16_t big = htons((uint16_t)port);
	add_word(w, &big, sizeof(big));
}

static void add_address(struct words *w, const char *text, bool six)
{
	struct in6_addr address = {};

	inet_pton(six ? AF_INET6 : AF_INET, text, &address);
	add_word(w, &address, six ? sizeof(struct in6_addr) : sizeof(struct in_addr));
}

/* The pod's link with what it may send under: its hardware address follows from the IPv4 one. */
static void put_pod(struct transaction *t, const struct endpoint_record *r, bool six)
{
	const char *address = six ? r->address6 : r->address, *name = six ? "pods6" : "pods";
	unsigned char mac[MAC_SIZE];
	char link[IFNAMSIZ] = {};
	struct words key = {}, alone = {};
	struct in_addr four = {};

	strncpy(link, r->link, sizeof(link) - 1);
	inet_pton(AF_INET, r->address, &four);
	network_mac(four, mac);
	add_word(&key, link, sizeof(link));
	add_word(&key, mac, sizeof(mac));
	add_address(&key, address, six);
	struct set set = begin_set(t, NFPROTO_BRIDGE, name);
	add_element(&set, key.at, key.n, NULL, NULL, 0);
	end_set(&set);
	add_address(&alone, address, six);
	set = begin_set(t, NFPROTO_INET, name);
	add_element(&set, alone.at, alone.n, NULL, NULL, 0);
	end_set(&set);
}

/* Who reaches himself by a published port must not see his own address as that of the other end: see chain postrouting. On a bridge
 * that is so of all its IPv4. */
static void put_self(struct transaction *t, const struct endpoint_record *r, bool six)
{
	struct words pair = {};
	struct set set = begin_set(t, NFPROTO_INET, six ? "self6" : "self");

	add_address(&pair, six ? r->address6 : r->address, six);
	add_address(&pair, six ? r->address6 : r->address, six);
	add_element(&set, pair.at, pair.n, NULL, NULL, 0);
	end_set(&set);
}

static void add_port(struct set *set, const struct port_record *port, const char *pod, bool six, bool data)
{
	struct words key = {}, end, value = {};
	uint8_t protocol = protocol_number(port->protocol);

	if (port->hostIP)
		add_address(&key, port->hostIP, six);
	add_word(&key, &protocol, sizeof(protocol));
	end = key;
	add_port_word(&key, port->hostPort);
	add_port_word(&end, port->hostPort + port->count - 1);
	add_address(&value, pod, six);
	if (port->count <= 1)
		add_port_word(&value, port->containerPort);
	add_element(set, key.at, key.n, port->count > 1 ? end.at : NULL, data ? value.at : NULL, value.n);
}

/* The ports of R that belong into one map. */
static void put_ports(struct transaction *t, const struct endpoint_record *r, const struct port_map *map)
{
	const char *pod = map->six ? r->address6 : r->address;
	struct set set = {};
	unsigned n = 0;

	list_each(port, &r->ports) {
		if (!pod || !port_is_in(port, map))
			continue;
		if (n++ % CHUNK == 0) {
			if (n > 1)
				end_set(&set);
			set = begin_set(t, NFPROTO_INET, map->name);
		}
		add_port(&set, port, pod, map->six, t->type == NFT_MSG_NEWSETELEM);
	}
	if (n)
		end_set(&set);
}

static int transact(struct netlink *nf, const struct instance *in, const struct network *network,
		    const struct endpoint_record *r, uint16_t type)
{
	struct transaction t = { .nf = nf, .in = in, .type = type };
	size_t messages = 4 + 2 * PORT_MAPS, space = messages * 128 + (8 + 2 * r->ports.n) * ELEMENT_BYTES;
	_cleanup_free_ char *buffer = memory_new(NETLINK_MESSAGE + space, 1);

	t.at = buffer;
	struct nlmsghdr *begin = add_message(&t, NFNL_MSG_BATCH_BEGIN, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
	t.used = begin->nlmsg_len;
	if (network->driver == DRIVER_BRIDGE)
		put_pod(&t, r, false);
	if (network->driver == DRIVER_BRIDGE && r->address6)
		put_pod(&t, r, true);
	if (network->driver == DRIVER_ROUTED)
		put_self(&t, r, false);
	if (r->address6)
		put_self(&t, r, true);
	for (size_t i = 0; i < PORT_MAPS; i++)
		put_ports(&t, r, &port_maps[i]);
	if (!t.last)
		return 0;
	t.last->nlmsg_flags |= NLM_F_ACK;
	/* what is wrong with the transaction as a whole is answered under this number */
	begin->nlmsg_seq = t.last->nlmsg_seq;
	t.used += add_message(&t, NFNL_MSG_BATCH_END, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES)->nlmsg_len;
	return netlink_ask(nf, t.at, t.used, t.last->nlmsg_seq);
}

int elements_add(struct netlink *nf, const struct instance *in, const struct network *n,
		 const struct endpoint_record *r)
{
	return transact(nf, in, n, r, NFT_MSG_NEWSETELEM);
}

int elements_remove(struct netlink *nf, const struct instance *in, const struct network *n,
		    const struct endpoint_record *r)
{
	return transact(nf, in, n, r, NFT_MSG_DELSETELEM);
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
