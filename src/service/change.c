/* change.c — see change.h. */
#include "service/change.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <string.h>

#include "net/set_key.h"

/* --- faces --------------------------------------------------------------------------------------------------------------- */

struct faces {
	struct change *change;
	enum element_change how;
	const struct forward *service;
	const struct forward_port *port;
	bool six;
	size_t pods;
};

static void put_faces_at(const struct faces *f, const struct strings *addresses, const char *set,
			 const uint32_t *value)
{
	list_each(text, addresses) {
		unsigned char address[16];
		struct set_key key = {};
		if (inet_pton(f->six ? AF_INET6 : AF_INET, *text, address) != 1)
			continue;
		set_key_add(&key, address, f->six ? 16 : 4);
		set_key_protocol(&key, f->port->protocol);
		set_key_port(&key, f->port->port);
		transaction_element(&f->change->transaction, f->how, set, key.at, key.n, value,
				    value ? sizeof(*value) : 0);
	}
}

static void put_node(const struct faces *f, const uint32_t *value)
{
	struct set_key key = {};

	if (!f->port->nodePort)
		return;
	set_key_protocol(&key, f->port->protocol);
	set_key_port(&key, f->port->nodePort);
	transaction_element(&f->change->transaction, f->how, f->six ? "nodes6" : "nodes", key.at, key.n,
			    value, sizeof(*value));
}

static void put_affinity(const struct faces *f, uint32_t sticky, uint32_t draw)
{
	struct transaction *t = &f->change->transaction;
	char chain[STICK_NAME_SIZE];

	transaction_element(t, f->how, "draws", &sticky, sizeof(sticky), &draw, sizeof(draw));
	transaction_goto(t, f->how, "sticky", &sticky, sizeof(sticky),
			 service_stick_name(f->service->stickySeconds, chain));
}

static void put_faces(const struct faces *f)
{
	uint32_t number = port_number(f->port, f->six), draw = number | service_class(f->pods),
		 value = f->service->stickySeconds ? number | CLASS_STICKY : draw;

	put_faces_at(f, &f->service->externals, f->six ? "closed6" : "closed", NULL);
	if (!f->pods)
		return;
	put_faces_at(f, &f->service->addresses, f->six ? "faces6" : "faces", &value);
	put_faces_at(f, &f->service->externals, f->six ? "faces6" : "faces", &value);
	put_node(f, &value);
	if (f->service->stickySeconds)
		put_affinity(f, value, draw);
}

/* --- slots --------------------------------------------------------------------------------------------------------------- */

static void put_id(struct change *c, enum element_change how, uint32_t number, size_t i,
		   const struct slot *slot)
{
	uint32_t key[2] = { number, (uint32_t)i };
	transaction_element(&c->transaction, how, "ids", key, sizeof(key), &slot->pod, sizeof(slot->pod));
}

static void put_live(struct change *c, enum element_change how, const struct slot *slot)
{
	struct set_key value = {};

	set_key_add(&value, slot->address, slot->six ? 16 : 4);
	set_key_port(&value, slot->port);
	transaction_element(&c->transaction, how, slot->six ? "live6" : "live", &slot->pod, sizeof(slot->pod),
			    value.at, value.n);
}

static bool is_moved(const struct slots *a, const struct slots *b, size_t i)
{
	return i < a->n && (i >= b->n || a->at[i].pod != b->at[i].pod);
}

/* Only among the slots that are others' now: what stayed where it was is not looked for. */
static bool is_in(const struct slots *s, const struct slots *other, uint32_t pod)
{
	for (size_t i = 0; i < s->n; i++)
		if (is_moved(s, other, i) && s->at[i].pod == pod)
			return true;
	return false;
}

static void note_flow(struct change *c, const struct slot *slot)
{
	struct old_flow *flow = list_add(c->arena, &c->flows);

	flow->six = slot->six;
	flow->port = slot->port;
	memcpy(flow->address, slot->address, sizeof(flow->address));
}

static void put_slots(struct change *c, uint32_t number, const struct slots *before, const struct slots *now,
		      bool udp)
{
	for (size_t i = 0; i < before->n; i++) {
		if (!is_moved(before, now, i))
			continue;
		put_id(c, ELEMENT_GOES, number, i, &before->at[i]);
		if (is_in(now, before, before->at[i].pod))
			continue;
		put_live(c, ELEMENT_GOES, &before->at[i]);
		if (udp)
			note_flow(c, &before->at[i]);
	}
	for (size_t i = 0; i < now->n; i++) {
		if (!is_moved(now, before, i))
			continue;
		put_id(c, ELEMENT_COMES, number, i, &now->at[i]);
		if (!is_in(before, now, now->at[i].pod))
			put_live(c, ELEMENT_COMES, &now->at[i]);
	}
}

bool slot_is_same(const struct slot *a, const struct slot *b)
{
	return a->port == b->port && a->six == b->six &&
	       memcmp(a->address, b->address, sizeof(a->address)) == 0;
}

bool slot_of(const struct forward *f, const struct forward_port *port, bool six, const struct backend *b,
	     struct slot *out)
{
	const char *address = six ? b->address6 : b->address;

	*out = (struct slot){ .six = six, .port = backend_port_of(b, &port->targetPort, port->protocol) };
	if (!address || !out->port || !(b->ready || f->notReadyToo) || !text_is(b->namespace, f->namespace) ||
	    !forward_selects(f, &b->labels) ||
	    inet_pton(six ? AF_INET6 : AF_INET, address, out->address) != 1)
		return false;
	memcpy(out->uid, b->uid, strnlen(b->uid, SLOT_UID_SIZE - 1));
	return true;
}

/* --- a port -------------------------------------------------------------------------------------------------------------- */

/* Its faces say the same. */
static bool faces_stay(const struct port_change *p)
{
	return p->old == p->port && p->old_service == p->service && (p->before.n > 0) == (p->now.n > 0) &&
	       (p->before.n == 0 || service_class(p->before.n) == service_class(p->now.n));
}

void change_port(struct change *c, const struct port_change *p)
{
	uint32_t old = port_number(p->old, p->six), number = port_number(p->port, p->six);
	static const struct slots none;

	if (!faces_stay(p) && old)
		put_faces(&(struct faces){ c, ELEMENT_GOES, p->old_service, p->old, p->six, p->before.n });
	if (!faces_stay(p) && number)
		put_faces(&(struct faces){ c, ELEMENT_COMES, p->service, p->port, p->six, p->now.n });
	if (old && old != number) {
		put_slots(c, old, &p->before, &none, text_is(p->old->protocol, "UDP"));
		*list_add(c->arena, &c->slots) = (struct slots_change){ old, p->before, none };
	}
	if (number) {
		const struct slots *before = old == number ? &p->before : &none;
		put_slots(c, number, before, &p->now, text_is(p->port->protocol, "UDP"));
		*list_add(c->arena, &c->slots) = (struct slots_change){ number, *before, p->now };
	}
}

/* --- flows --------------------------------------------------------------------------------------------------------------- */

/* Which parts of the tuple count (the kernel's net/netfilter/nf_internals.h). */
enum { FILTER_SOURCE = 1 << 0, FILTER_PROTOCOL = 1 << 3, FILTER_SOURCE_PORT = 1 << 4 };

/* UDP has no connections: what belongs together goes on to where it once went. The kernel forgets what FLOW's pod answers. */
static void forget(struct netlink *nf, const struct old_flow *flow)
{
	struct netlink_batch b;

	batch_begin(&b, nf);
	struct nlmsghdr *m = batch_add(&b, NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE, 0);
	struct nfgenmsg *family = netlink_extend(m, sizeof(*family));
	family->nfgen_family = flow->six ? AF_INET6 : AF_INET;
	family->version = NFNETLINK_V0;
	struct nlattr *tuple = netlink_nest(m, CTA_TUPLE_REPLY);
	struct nlattr *ip = netlink_nest(m, CTA_TUPLE_IP);
	netlink_put(m, flow->six ? CTA_IP_V6_SRC : CTA_IP_V4_SRC, flow->address, flow->six ? 16 : 4);
	netlink_nest_end(m, ip);
	struct nlattr *protocol = netlink_nest(m, CTA_TUPLE_PROTO);
	netlink_put_u8(m, CTA_PROTO_NUM, IPPROTO_UDP);
	netlink_put_u16(m, CTA_PROTO_SRC_PORT, htons(flow->port));
	netlink_nest_end(m, protocol);
	netlink_nest_end(m, tuple);
	struct nlattr *filter = netlink_nest(m, CTA_FILTER);
	netlink_put_u32(m, CTA_FILTER_REPLY_FLAGS, FILTER_SOURCE | FILTER_PROTOCOL | FILTER_SOURCE_PORT);
	netlink_nest_end(m, filter);
	batch_send(&b);
}

/* --- all of it ----------------------------------------------------------------------------------------------------------- */

int change_begin(struct change *c, const struct instance *in, struct netlink *nf, struct error *err)
{
	*c = (struct change){ .in = in, .nf = nf };
	int r = service_lock(in, &c->lock, err);
	if (r < 0)
		return r;
	c->arena = arena_new();
	transaction_begin(&c->transaction, NFPROTO_INET, service_table_name(in, c->table));
	return c->lock.dirty ? change_refill(c, err) : 0;
}

void change_free(struct change *c)
{
	if (!c->arena)
		return;
	transaction_free(&c->transaction);
	arena_free(c->arena);
	service_unlock(&c->lock);
	*c = (struct change){};
}

static int carry_out(struct change *c, struct error *err)
{
	int r = transaction_commit(&c->transaction, c->nf);

	if (r < 0) {
		errno = -r;
		return error_errno(err, "the kernel does not take the Services' elements");
	}
	list_each(slots, &c->slots)
		if (r == 0)
			r = slots_write(c->in, slots->number, &slots->before, &slots->now, err);
	list_each(flow, &c->flows)
		forget(c->nf, flow);
	return r;
}

static void begin_again(struct change *c)
{
	transaction_free(&c->transaction);
	transaction_begin(&c->transaction, NFPROTO_INET, c->table);
	memset(&c->slots, 0, sizeof(c->slots));
}

int change_end(struct change *c, struct error *err)
{
	service_set_dirty(&c->lock, true);
	if (carry_out(c, NULL) < 0) /* kernel and files do not say the same: all is made as the files say */
		return change_refill(c, err);
	service_set_dirty(&c->lock, false);
	begin_again(c);
	return 0;
}

/* Who has a slot keeps it, and his number, which clients may be bound to. */
static void settle(struct change *c, const struct forward *f, const struct forward_port *port, bool six,
		   const struct backends *backends, struct slots *out)
{
	struct slots old;
	struct slot want;

	slots_read(c->in, port_number(port, six), c->arena, &old);
	*out = (struct slots){};
	list_each(b, backends) {
		if (out->n == SLOTS_MAX || !slot_of(f, port, six, b, &want))
			continue;
		const struct slot *had = slots_find(&old, b->uid);
		want.pod = had && slot_is_same(had, &want) ? had->pod : service_number(&c->lock);
		*list_add(c->arena, out) = want;
	}
}

int change_refill(struct change *c, struct error *err)
{
	static const char *const sets[] = { "faces", "faces6", "nodes",  "nodes6", "ids",    "live",
					    "live6", "draws",  "sticky", "closed", "closed6" };
	struct forwards forwards = {};
	struct backends backends = {};
	int r = forwards_list(c->in, c->arena, &forwards, err);

	if (r == 0)
		r = backends_list(c->in, c->arena, &backends, NULL, err);
	begin_again(c);
	for (size_t i = 0; i < sizeof(sets) / sizeof(*sets); i++)
		transaction_flush(&c->transaction, sets[i]);
	list_each(f, &forwards) {
		list_each(port, &f->ports)
			for (int six = 0; six < 2; six++) {
				struct port_change p = { NULL, f, NULL, port, six, {}, {} };
				if (!port_number(port, six))
					continue;
				settle(c, f, port, six, &backends, &p.now);
				change_port(c, &p);
			}
	}
	service_set_dirty(&c->lock, true);
	if (r == 0)
		r = carry_out(c, err);
	if (r == 0)
		service_set_dirty(&c->lock, false);
	begin_again(c);
	return r;
}
