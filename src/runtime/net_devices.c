/* net_devices.c — see net_devices.h.
 *
 * The kernel moves and renames in one request, but takes addresses away; they are read before and given again after. A name with "%d" is
 * the first of its kind that is free there.
 */
#include "runtime/net_devices.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "linux/netlink.h"

struct address {
	struct ifaddrmsg head;
	unsigned char local[16], peer[16];
	size_t size; /* of both */
};
struct addresses LIST(struct address);

const char *net_device_name_check(const char *name)
{
	size_t n = strlen(name);
	const char *percent = strchr(name, '%');

	if (n == 0 || n >= IFNAMSIZ)
		return "has not 1 to 15 characters";
	if (text_is(name, ".") || text_is(name, "..") || strpbrk(name, "/: \t\n"))
		return "is not a name of a network device";
	if (percent && (percent[1] != 'd' || strchr(percent + 1, '%')))
		return "may have '%' only as one '%d'";
	return NULL;
}

/* --- addresses --- */

static void read_address(const struct nlmsghdr *m, unsigned index, struct addresses *all, struct arena *a)
{
	const struct ifaddrmsg *head = NLMSG_DATA(m);
	struct address one = { .head = *head };
	int left = (int)IFA_PAYLOAD(m);

	if (head->ifa_index != index || head->ifa_scope != RT_SCOPE_UNIVERSE ||
	    !(head->ifa_flags & IFA_F_PERMANENT))
		return;
	for (const struct rtattr *at = IFA_RTA(head); RTA_OK(at, left); at = RTA_NEXT(at, left)) {
		bool local = at->rta_type == IFA_LOCAL, peer = at->rta_type == IFA_ADDRESS;
		if ((!local && !peer) || RTA_PAYLOAD(at) > sizeof(one.local))
			continue;
		one.size = RTA_PAYLOAD(at);
		memcpy(local ? one.local : one.peer, RTA_DATA(at), one.size);
		if (peer && head->ifa_family == AF_INET6) /* it has IFA_LOCAL only when they differ */
			memcpy(one.local, RTA_DATA(at), one.size);
	}
	*list_add(a, all) = one;
}

static int read_addresses(struct netlink *n, unsigned index, struct addresses *all, struct arena *a)
{
	struct netlink_batch b;

	batch_begin(&b, n);
	struct nlmsghdr *ask = batch_add(&b, RTM_GETADDR, NLM_F_DUMP);
	netlink_extend(ask, sizeof(struct ifaddrmsg));
	if (send(n->socket, b.at, ask->nlmsg_len, 0) < 0)
		return -errno;
	for (;;) {
		char answer[32768] __attribute__((aligned(8)));
		ssize_t size = recv(n->socket, answer, sizeof(answer), 0);
		if (size < 0)
			return -errno;
		for (struct nlmsghdr *m = (void *)answer; NLMSG_OK(m, size); m = NLMSG_NEXT(m, size)) {
			if (m->nlmsg_type == NLMSG_DONE)
				return 0;
			if (m->nlmsg_type == NLMSG_ERROR)
				return ((const struct nlmsgerr *)NLMSG_DATA(m))->error;
			if (m->nlmsg_type == RTM_NEWADDR)
				read_address(m, index, all, a);
		}
	}
}

static void add_address(struct netlink_batch *b, unsigned index, const struct address *from)
{
	struct nlmsghdr *m = batch_add(b, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE);
	struct ifaddrmsg *head = netlink_extend(m, sizeof(*head));

	*head = from->head;
	head->ifa_index = index;
	netlink_put(m, IFA_LOCAL, from->local, from->size);
	netlink_put(m, IFA_ADDRESS, from->peer, from->size);
}

/* --- devices --- */

struct move {
	const char *from;
	char to[IFNAMSIZ];
	unsigned index;
};
struct moves LIST(struct move);

static bool is_planned(const struct moves *all, const char *name)
{
	list_each(m, all)
		if (text_is(m->to, name))
			return true;
	return false;
}

/* The name there: as it is, or the first that is free. */
static int choose_name(struct netlink *there, const char *wanted, const struct moves *all,
		       char name[static IFNAMSIZ], struct error *err)
{
	const char *percent = strchr(wanted, '%');
	unsigned index;

	for (unsigned i = 0; i < 1000; i++) {
		snprintf(name, IFNAMSIZ, "%s", wanted);
		if (percent)
			snprintf(name, IFNAMSIZ, "%.*s%u%s", (int)(percent - wanted), wanted, i, percent + 2);
		if (!is_planned(all, name) && link_index(there, name, &index) < 0)
			return 0;
		if (!percent)
			break;
	}
	return error_set(err, EEXIST, "linux.netDevices: the container has a network device '%s' already",
			 name);
}

static int look(struct netlink *here, struct netlink *there, const struct node *devices, struct moves *all,
		struct arena *a, struct error *err)
{
	list_each(pair, &devices->pairs) {
		struct move one = { .from = pair->key };
		const char *wanted = node_get_string(pair->value, "name");
		int r = link_index(here, one.from, &one.index);
		if (r < 0)
			return error_set(err, -r, "linux.netDevices: there is no network device '%s': %s",
					 one.from, error_meaning(-r));
		r = choose_name(there, text_empty(wanted) ? one.from : wanted, all, one.to, err);
		if (r < 0)
			return r;
		*list_add(a, all) = one;
	}
	return 0;
}

static int move(struct netlink *here, struct netlink *there, const struct move *one, pid_t pid,
		struct arena *a)
{
	struct addresses addresses = {};
	struct netlink_batch b;
	unsigned index;
	int r = read_addresses(here, one->index, &addresses, a);

	if (r < 0)
		return r;
	batch_begin(&b, here);
	struct nlmsghdr *m = batch_add(&b, RTM_NEWLINK, 0);
	struct ifinfomsg *info = netlink_extend(m, sizeof(*info));
	info->ifi_index = (int)one->index;
	netlink_put_text(m, IFLA_IFNAME, one->to);
	netlink_put_u32(m, IFLA_NET_NS_PID, (uint32_t)pid);
	if ((r = batch_send(&b)) < 0 || (r = link_index(there, one->to, &index)) < 0)
		return r;
	batch_begin(&b, there);
	link_up(&b, one->to);
	if ((r = batch_send(&b)) < 0)
		return r;
	for (size_t i = 0; i < addresses.n && r == 0; i++) {
		batch_begin(&b, there);
		add_address(&b, index, &addresses.at[i]);
		r = batch_send(&b);
	}
	return r;
}

int net_devices_move(const struct node *devices, pid_t pid, struct error *err)
{
	_cleanup_arena_ struct arena *a = arena_new();
	_cleanup_(netlink_close) struct netlink here = NETLINK_NONE, there = NETLINK_NONE;
	struct moves all = {};
	int r = netlink_open(&here, NETLINK_ROUTE, err);

	if (r == 0)
		r = netlink_open_in(&there, NETLINK_ROUTE, pid, err);
	if (r == 0)
		r = look(&here, &there, devices, &all, a, err);
	for (size_t i = 0; i < all.n && r == 0; i++) {
		r = move(&here, &there, &all.at[i], pid, a);
		if (r < 0)
			error_set(err, -r, "linux.netDevices: cannot move the network device '%s': %s",
				  all.at[i].from, error_meaning(-r));
	}
	return r;
}
