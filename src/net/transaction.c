/* transaction.c — see transaction.h. */
#include "net/transaction.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/memory.h"

enum {
	CHUNK = 200,         /* elements of a message: its list is an attribute of 64 KiB at most */
	ELEMENT_BYTES = 192, /* the largest one, with its attributes' headers */
	MESSAGE_BYTES = 256,
};

void transaction_begin(struct transaction *t, uint8_t family, const char *table)
{
	*t = (struct transaction){ .table = table, .family = family };
}

void transaction_free(struct transaction *t)
{
	free(t->flushed.at);
	free(t->parts[ELEMENT_GOES].at);
	free(t->parts[ELEMENT_COMES].at);
	*t = (struct transaction){};
}

static void need_space(struct transaction_part *p, size_t more)
{
	if (p->used + more <= p->space)
		return;
	p->space = 2 * p->space + more;
	p->at = memory_grow(p->at, p->space, 1);
}

static struct nlmsghdr *message_of(const struct transaction_part *p)
{
	return (struct nlmsghdr *)(p->at + p->message);
}

static struct nlmsghdr *add_message(struct transaction_part *p, uint16_t type, uint16_t flags, uint8_t family,
				    uint16_t resource)
{
	need_space(p, MESSAGE_BYTES);
	p->message = p->used;
	struct nlmsghdr *m = netlink_message(p->at + p->used, type, flags, 0);
	struct nfgenmsg *of = netlink_extend(m, sizeof(*of));
	*of = (struct nfgenmsg){ .nfgen_family = family, .version = NFNETLINK_V0, .res_id = htons(resource) };
	return m;
}

static void end_message(struct transaction_part *p)
{
	if (!p->set)
		return;
	if (p->n)
		netlink_nest_end(message_of(p), (struct nlattr *)(p->at + p->list));
	p->used = p->message + NLMSG_ALIGN(message_of(p)->nlmsg_len);
	p->set = NULL;
}

static void begin_set(struct transaction *t, struct transaction_part *p, uint16_t type, const char *set)
{
	struct nlmsghdr *m = add_message(p, NFNL_SUBSYS_NFTABLES << 8 | type,
					 type == NFT_MSG_NEWSETELEM ? NLM_F_CREATE : 0, t->family, 0);

	netlink_put_text(m, NFTA_SET_ELEM_LIST_TABLE, t->table);
	netlink_put_text(m, NFTA_SET_ELEM_LIST_SET, set);
	p->set = set;
	p->family = t->family;
	p->n = 0;
	t->changes++;
}

static void put_value(struct nlmsghdr *m, uint16_t type, const void *value, size_t size)
{
	struct nlattr *nest = netlink_nest(m, type);

	netlink_put(m, NFTA_DATA_VALUE, value, size);
	netlink_nest_end(m, nest);
}

/* The element of KEY, open for its data. */
static struct nlmsghdr *begin_element(struct transaction *t, enum element_change change, const char *set,
				      const void *key, size_t key_size, struct nlattr **element)
{
	struct transaction_part *p = &t->parts[change];

	if (p->set != set || p->family != t->family || p->n == CHUNK) {
		end_message(p);
		begin_set(t, p, change == ELEMENT_COMES ? NFT_MSG_NEWSETELEM : NFT_MSG_DELSETELEM, set);
	}
	need_space(p, message_of(p)->nlmsg_len + MESSAGE_BYTES + ELEMENT_BYTES);
	struct nlmsghdr *m = message_of(p);
	if (p->n++ == 0)
		p->list = (size_t)((char *)netlink_nest(m, NFTA_SET_ELEM_LIST_ELEMENTS) - p->at);
	*element = netlink_nest(m, NFTA_LIST_ELEM);
	put_value(m, NFTA_SET_ELEM_KEY, key, key_size);
	return m;
}

void transaction_range(struct transaction *t, enum element_change change, const char *set, const void *key,
		       const void *end, size_t key_size, const void *data, size_t data_size)
{
	struct nlattr *element;
	struct nlmsghdr *m = begin_element(t, change, set, key, key_size, &element);

	if (end)
		put_value(m, NFTA_SET_ELEM_KEY_END, end, key_size);
	if (data && change == ELEMENT_COMES)
		put_value(m, NFTA_SET_ELEM_DATA, data, data_size);
	netlink_nest_end(m, element);
}

void transaction_element(struct transaction *t, enum element_change change, const char *set, const void *key,
			 size_t key_size, const void *data, size_t data_size)
{
	transaction_range(t, change, set, key, NULL, key_size, data, data_size);
}

void transaction_goto(struct transaction *t, enum element_change change, const char *set, const void *key,
		      size_t key_size, const char *chain)
{
	struct nlattr *element;
	struct nlmsghdr *m = begin_element(t, change, set, key, key_size, &element);

	if (change == ELEMENT_COMES) {
		struct nlattr *data = netlink_nest(m, NFTA_SET_ELEM_DATA);
		struct nlattr *verdict = netlink_nest(m, NFTA_DATA_VERDICT);
		netlink_put_u32(m, NFTA_VERDICT_CODE, htonl((uint32_t)NFT_GOTO));
		netlink_put_text(m, NFTA_VERDICT_CHAIN, chain);
		netlink_nest_end(m, verdict);
		netlink_nest_end(m, data);
	}
	netlink_nest_end(m, element);
}

void transaction_flush(struct transaction *t, const char *set)
{
	begin_set(t, &t->flushed, NFT_MSG_DELSETELEM, set);
	end_message(&t->flushed);
}

/* Numbers the messages from *SEQUENCE on; the last one. */
static struct nlmsghdr *number(struct transaction_part *all, uint32_t *sequence)
{
	struct nlmsghdr *last = NULL;

	for (size_t at = 0; at < all->used; at += NLMSG_ALIGN(last->nlmsg_len)) {
		last = (struct nlmsghdr *)(all->at + at);
		last->nlmsg_seq = ++*sequence;
	}
	return last;
}

static void append(struct transaction_part *all, struct transaction_part *part)
{
	end_message(part);
	need_space(all, part->used);
	if (part->used)
		memcpy(all->at + all->used, part->at, part->used);
	all->used += part->used;
}

static void mark(struct transaction_part *all, uint16_t type)
{
	struct nlmsghdr *m = add_message(all, type, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
	all->used += NLMSG_ALIGN(m->nlmsg_len);
}

int transaction_commit(struct transaction *t, struct netlink *nf)
{
	struct transaction_part all = {};

	if (!t->changes)
		return 0;
	mark(&all, NFNL_MSG_BATCH_BEGIN);
	append(&all, &t->flushed);
	append(&all, &t->parts[ELEMENT_GOES]);
	append(&all, &t->parts[ELEMENT_COMES]);
	struct nlmsghdr *last = number(&all, &nf->sequence);
	last->nlmsg_flags |= NLM_F_ACK;
	/* what is wrong with the transaction as a whole is answered under this number */
	((struct nlmsghdr *)all.at)->nlmsg_seq = last->nlmsg_seq;
	uint32_t sequence = last->nlmsg_seq;
	mark(&all, NFNL_MSG_BATCH_END);
	int size = all.used > INT32_MAX / 2 ? INT32_MAX : (int)(2 * all.used);
	if (all.used > 64 * 1024)
		setsockopt(nf->socket, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	int r = netlink_ask(nf, all.at, all.used, sequence);
	free(all.at);
	return r;
}
