/* elements.c — see elements.h. */
#include "net/elements.h"

#include <arpa/inet.h>
#include <libnftnl/common.h>
#include <libnftnl/set.h>
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

static void add_element(struct nftnl_set *set, const void *key, size_t key_size, const void *data, size_t data_size)
{
	struct nftnl_set_elem *e = nftnl_set_elem_alloc();

	nftnl_set_elem_set(e, NFTNL_SET_ELEM_KEY, key, (uint32_t)key_size);
	if (data)
		nftnl_set_elem_set(e, NFTNL_SET_ELEM_DATA, data, (uint32_t)data_size);
	nftnl_set_elem_add(set, e);
}

/* Takes SET. */
static void put_set(struct transaction *t, uint16_t family, const char *name, struct nftnl_set *set)
{
	nftnl_set_set_str(set, NFTNL_SET_TABLE, t->in->table);
	nftnl_set_set_str(set, NFTNL_SET_NAME, name);
	uint16_t flags = t->type == NFT_MSG_NEWSETELEM ? NLM_F_CREATE : 0;
	t->last = nftnl_nlmsg_build_hdr(t->at + t->used, t->type, family, flags, ++t->nf->sequence);
	nftnl_set_elems_nlmsg_build_payload(t->last, set);
	nftnl_set_free(set);
	t->used += MNL_ALIGN(t->last->nlmsg_len);
}

/* Concatenated keys and values are words of 4 bytes, each part padded at its end (nft(8) "Concatenations"). */
static void put_pod(struct transaction *t, const struct endpoint_record *r)
{
	struct {
		char link[IFNAMSIZ];
		unsigned char mac[8];
		struct in_addr address;
	} key = {};
	struct nftnl_set *set = nftnl_set_alloc();

	strncpy(key.link, r->link, sizeof(key.link) - 1);
	inet_pton(AF_INET, r->address, &key.address);
	network_mac(key.address, key.mac);
	add_element(set, &key, sizeof(key), NULL, 0);
	put_set(t, NFPROTO_BRIDGE, "pods", set);
}

static void put_address(struct transaction *t, const struct endpoint_record *r)
{
	struct nftnl_set *set = nftnl_set_alloc();
	struct in_addr address = {};

	inet_pton(AF_INET, r->address, &address);
	add_element(set, &address, sizeof(address), NULL, 0);
	put_set(t, NFPROTO_INET, "pods", set);
}

static void add_port(struct nftnl_set *set, const struct port_record *port, struct in_addr pod, bool data)
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
	add_element(set, &key, (size_t)((char *)part - (char *)key.at), data ? &value : NULL, 2 * sizeof(*value.at));
}

/* The ports of one of the two maps: those AT a certain address, or the others. */
static void put_ports(struct transaction *t, const struct endpoint_record *r, bool at)
{
	struct nftnl_set *set = NULL;
	struct in_addr pod = {};
	unsigned n = 0;

	inet_pton(AF_INET, r->address, &pod);
	list_each(port, &r->ports) {
		if (at != (port->hostIP != NULL))
			continue;
		set = set ? set : nftnl_set_alloc();
		add_port(set, port, pod, t->type == NFT_MSG_NEWSETELEM);
		if (++n % CHUNK == 0) {
			put_set(t, NFPROTO_INET, at ? "ports_at" : "ports", set);
			set = NULL;
		}
	}
	if (set)
		put_set(t, NFPROTO_INET, at ? "ports_at" : "ports", set);
}

static int transact(struct netlink *nf, const struct instance *in, const struct endpoint_record *r, uint16_t type)
{
	struct transaction t = { .nf = nf, .in = in, .type = type };
	_cleanup_free_ char *buffer = memory_new(4 * NETLINK_MESSAGE + r->ports.n * ELEMENT_BYTES, 1);

	t.at = buffer;
	struct nlmsghdr *begin = nftnl_batch_begin(t.at, 0);
	t.used = MNL_ALIGN(begin->nlmsg_len);
	put_pod(&t, r);
	put_address(&t, r);
	put_ports(&t, r, false);
	put_ports(&t, r, true);
	t.last->nlmsg_flags |= NLM_F_ACK;
	begin->nlmsg_seq = t.last->nlmsg_seq; /* what is wrong with the transaction as a whole is answered under this number */
	struct nlmsghdr *end = nftnl_batch_end(t.at + t.used, ++nf->sequence);
	t.used += MNL_ALIGN(end->nlmsg_len);
	if (mnl_socket_sendto(nf->socket, t.at, t.used) < 0)
		return -errno;
	return netlink_answers(nf, t.last->nlmsg_seq);
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
	struct nfgenmsg *family = mnl_nlmsg_put_extra_header(m, sizeof(*family));

	family->nfgen_family = AF_INET;
	family->version = NFNETLINK_V0;
	struct nlattr *tuple = mnl_attr_nest_start(m, CTA_TUPLE_ORIG);
	struct nlattr *protocol = mnl_attr_nest_start(m, CTA_TUPLE_PROTO);
	mnl_attr_put_u8(m, CTA_PROTO_NUM, IPPROTO_UDP);
	mnl_attr_put_u16(m, CTA_PROTO_DST_PORT, htons(host_port));
	mnl_attr_nest_end(m, protocol);
	mnl_attr_nest_end(m, tuple);
	struct nlattr *filter = mnl_attr_nest_start(m, CTA_FILTER);
	mnl_attr_put_u32(m, CTA_FILTER_ORIG_FLAGS, FILTER_PROTOCOL | FILTER_PORT);
	mnl_attr_nest_end(m, filter);
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
