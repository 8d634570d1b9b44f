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

static void add_element(struct set *set, const void *key, size_t key_size, const void *data, size_t data_size)
{
	struct nlattr *element = netlink_nest(set->message, NFTA_LIST_ELEM);

	put_value(set->message, NFTA_SET_ELEM_KEY, key, key_size);
	if (data)
		put_value(set->message, NFTA_SET_ELEM_DATA, data, data_size);
	netlink_nest_end(set->message, element);
}

/* Concatenated keys and values are words of 4 bytes, each part padded at its end (nft(8) "Concatenations"). */
static void put_pod(struct transaction *t, const struct endpoint_record *r)
{
	struct {
		char link[IFNAMSIZ];
		unsigned char mac[8];
		struct in_addr address;
	} key = {};
	struct set set = begin_set(t, NFPROTO_BRIDGE, "pods");

	strncpy(key.link, r->link, sizeof(key.link) - 1);
	inet_pton(AF_INET, r->address, &key.address);
	network_mac(key.address, key.mac);
	add_element(&set, &key, sizeof(key), NULL, 0);
	end_set(&set);
}

static void put_address(struct transaction *t, const struct endpoint_record *r)
{
	struct set set = begin_set(t, NFPROTO_INET, "pods");
	struct in_addr address = {};

	inet_pton(AF_INET, r->address, &address);
	add_element(&set, &address, sizeof(address), NULL, 0);
	end_set(&set);
}

static void add_port(struct set *set, const struct port_record *port, struct in_addr pod, bool data)
{
	struct words {
		uint32_t at[3];
	} key = {}, value = { { pod.s_addr } };
	uint8_t protocol = protocol_number(port->protocol);
	uint16_t host_port = htons((uint16_t)port->hostPort), pod_port = htons((uint16_t)port->containerPort);
	uint32_t *part = key.at;

	if (port->hostIP)
		inet_pton(AF_INET, port->hostIP, part++);
	memcpy(part++, &protocol, 1);
	memcpy(part++, &host_port, 2);
	memcpy(&value.at[1], &pod_port, 2);
	add_element(set, &key, (size_t)((char *)part - (char *)key.at), data ? &value : NULL,
		    2 * sizeof(*value.at));
}

/* The ports of one of the two maps: those AT a certain address, or the others. */
static void put_ports(struct transaction *t, const struct endpoint_record *r, bool at)
{
	struct set set = {};
	struct in_addr pod = {};
	unsigned n = 0;

	inet_pton(AF_INET, r->address, &pod);
	list_each(port, &r->ports) {
		if (at != (port->hostIP != NULL))
			continue;
		if (n++ % CHUNK == 0) {
			if (n > 1)
				end_set(&set);
			set = begin_set(t, NFPROTO_INET, at ? "ports_at" : "ports");
		}
		add_port(&set, port, pod, t->type == NFT_MSG_NEWSETELEM);
	}
	if (n)
		end_set(&set);
}

static int transact(struct netlink *nf, const struct instance *in, const struct endpoint_record *r,
		    uint16_t type)
{
	struct transaction t = { .nf = nf, .in = in, .type = type };
	_cleanup_free_ char *buffer = memory_new(4 * NETLINK_MESSAGE + r->ports.n * ELEMENT_BYTES, 1);

	t.at = buffer;
	struct nlmsghdr *begin = add_message(&t, NFNL_MSG_BATCH_BEGIN, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
	t.used = begin->nlmsg_len;
	put_pod(&t, r);
	put_address(&t, r);
	put_ports(&t, r, false);
	put_ports(&t, r, true);
	t.last->nlmsg_flags |= NLM_F_ACK;
	begin->nlmsg_seq =
		t.last->nlmsg_seq; /* what is wrong with the transaction as a whole is answered under this number */
	t.used += add_message(&t, NFNL_MSG_BATCH_END, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES)->nlmsg_len;
	return netlink_ask(nf, t.at, t.used, t.last->nlmsg_seq);
}

int elements_add(struct netlink *nf, const struct instance *in, const struct endpoint_record *r)
{
	return transact(nf, in, r, NFT_MSG_NEWSETELEM);
}

int elements_remove(struct netlink *nf, const struct instance *in, const struct endpoint_record *r)
{
	return transact(nf, in, r, NFT_MSG_DELSETELEM);
}

/* --- flows ----------------------------------------------------------------------------------------------------------- */

/* Which parts of the tuple count (the kernel's net/netfilter/nf_internals.h); before Linux 5.8 nothing is deleted. */
enum { FILTER_PROTOCOL = 1 << 3, FILTER_PORT = 1 << 5 };

static void forget_port(struct netlink_batch *b, uint16_t host_port)
{
	struct nlmsghdr *m = batch_add(b, NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE, 0);
	struct nfgenmsg *family = netlink_extend(m, sizeof(*family));

	family->nfgen_family = AF_INET;
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

void elements_forget_flows(struct netlink *nf, const struct endpoint_record *r)
{
	struct netlink_batch b;

	list_each(port, &r->ports) {
		if (protocol_number(port->protocol) != IPPROTO_UDP)
			continue;
		batch_begin(&b, nf);
		forget_port(&b, (uint16_t)port->hostPort);
		batch_send(&b);
	}
}
