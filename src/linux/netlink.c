/* netlink.c — see netlink.h. */
#include "linux/netlink.h"

#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"

int netlink_open(struct netlink *n, int bus, struct error *err)
{
	n->socket = mnl_socket_open2(bus, SOCK_CLOEXEC);
	if (!n->socket || mnl_socket_bind(n->socket, 0, MNL_SOCKET_AUTOPID) < 0) {
		int r = error_errno(err, "cannot talk to the kernel's network");
		netlink_close(n);
		return r;
	}
	n->sequence = (uint32_t)time(NULL);
	return 0;
}

int netlink_open_in(struct netlink *n, int bus, pid_t pid, struct error *err)
{
	char path[40];

	snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)pid);
	_cleanup_close_ int here = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), there = open(path, O_RDONLY | O_CLOEXEC);
	if (here < 0 || there < 0 || setns(there, CLONE_NEWNET) < 0)
		return error_errno(err, "cannot enter the network namespace of the process %d", (int)pid);
	int r = netlink_open(n, bus, err);
	if (setns(here, CLONE_NEWNET) == 0)
		return r;
	netlink_close(n);
	return error_errno(err, "cannot come back from the network namespace of the process %d", (int)pid);
}

void netlink_close(struct netlink *n)
{
	if (n->socket)
		mnl_socket_close(n->socket);
	n->socket = NULL;
}

/* --- batches --------------------------------------------------------------------------------------------------------- */

void batch_begin(struct netlink_batch *b, struct netlink *to)
{
	b->to = to;
	b->used = 0;
	b->last = NULL;
}

struct nlmsghdr *batch_add(struct netlink_batch *b, uint16_t type, uint16_t flags)
{
	if (b->last)
		b->used += MNL_ALIGN(b->last->nlmsg_len);
	b->last = mnl_nlmsg_put_header(b->at + b->used);
	b->last->nlmsg_type = type;
	b->last->nlmsg_flags = NLM_F_REQUEST | flags;
	b->last->nlmsg_seq = ++b->to->sequence;
	return b->last;
}

int batch_send(struct netlink_batch *b)
{
	if (!b->last)
		return 0;
	b->last->nlmsg_flags |= NLM_F_ACK; /* errors of the others are reported without being asked for */
	if (mnl_socket_sendto(b->to->socket, b->at, b->used + b->last->nlmsg_len) < 0)
		return -errno;
	return netlink_answers(b->to, b->last->nlmsg_seq);
}

int netlink_answers(struct netlink *n, uint32_t sequence)
{
	char answer[NETLINK_BATCH];
	int result = 0;

	for (;;) {
		ssize_t size = mnl_socket_recvfrom(n->socket, answer, sizeof(answer));
		if (size < 0)
			return -errno;
		int left = (int)size;
		for (struct nlmsghdr *m = (void *)answer; mnl_nlmsg_ok(m, left); m = mnl_nlmsg_next(m, &left)) {
			const struct nlmsgerr *e = mnl_nlmsg_get_payload(m);
			if (m->nlmsg_type != NLMSG_ERROR)
				continue;
			if (e->error && !result)
				result = e->error;
			if (m->nlmsg_seq == sequence)
				return result;
		}
	}
}

/* --- links ----------------------------------------------------------------------------------------------------------- */

static struct nlmsghdr *add_link(struct netlink_batch *b, uint16_t type, uint16_t flags, const char *name, unsigned up)
{
	struct nlmsghdr *m = batch_add(b, type, flags);
	struct ifinfomsg *info = mnl_nlmsg_put_extra_header(m, sizeof(*info));

	info->ifi_change = info->ifi_flags = up;
	mnl_attr_put_strz(m, IFLA_IFNAME, name);
	return m;
}

int link_index(struct netlink *n, const char *name, unsigned *index)
{
	struct netlink_batch b;
	char answer[NETLINK_BATCH];

	batch_begin(&b, n);
	mnl_attr_put_u32(add_link(&b, RTM_GETLINK, 0, name, 0), IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	if (mnl_socket_sendto(n->socket, b.at, b.last->nlmsg_len) < 0)
		return -errno;
	ssize_t size = mnl_socket_recvfrom(n->socket, answer, sizeof(answer));
	const struct nlmsghdr *m = (const struct nlmsghdr *)answer;
	if (size < 0 || !mnl_nlmsg_ok(m, (int)size))
		return size < 0 ? -errno : -EBADMSG;
	if (m->nlmsg_type == NLMSG_ERROR)
		return ((const struct nlmsgerr *)mnl_nlmsg_get_payload(m))->error;
	*index = (unsigned)((const struct ifinfomsg *)mnl_nlmsg_get_payload(m))->ifi_index;
	return 0;
}

void link_make_bridge(struct netlink_batch *b, const char *name, uint32_t mtu, const unsigned char mac[6])
{
	struct nlmsghdr *m = add_link(b, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, name, 0);

	mnl_attr_put_u32(m, IFLA_MTU, mtu);
	mnl_attr_put(m, IFLA_ADDRESS, 6, mac);
	struct nlattr *kind = mnl_attr_nest_start(m, IFLA_LINKINFO);
	mnl_attr_put_strz(m, IFLA_INFO_KIND, "bridge");
	mnl_attr_nest_end(m, kind);
}

void link_up(struct netlink_batch *b, const char *name)
{
	add_link(b, RTM_NEWLINK, 0, name, IFF_UP);
}

void link_remove(struct netlink_batch *b, const char *name)
{
	add_link(b, RTM_DELLINK, 0, name, 0);
}

void link_set_master(struct netlink_batch *b, const char *name, unsigned master)
{
	mnl_attr_put_u32(add_link(b, RTM_NEWLINK, 0, name, 0), IFLA_MASTER, master);
}

void link_make_veth(struct netlink_batch *b, const struct veth *v)
{
	struct nlmsghdr *m = add_link(b, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, v->name, IFF_UP);

	mnl_attr_put_u32(m, IFLA_MTU, v->mtu);
	mnl_attr_put_u32(m, IFLA_MASTER, v->master);
	mnl_attr_put_u32(m, IFLA_NUM_TX_QUEUES, 1); /* else one for each CPU, with its files below /sys */
	mnl_attr_put_u32(m, IFLA_NUM_RX_QUEUES, 1);
	struct nlattr *link = mnl_attr_nest_start(m, IFLA_LINKINFO);
	mnl_attr_put_strz(m, IFLA_INFO_KIND, "veth");
	struct nlattr *data = mnl_attr_nest_start(m, IFLA_INFO_DATA);
	struct nlattr *other = mnl_attr_nest_start(m, VETH_INFO_PEER);
	mnl_nlmsg_put_extra_header(m, sizeof(struct ifinfomsg));
	mnl_attr_put_strz(m, IFLA_IFNAME, v->peer);
	mnl_attr_put_u32(m, IFLA_MTU, v->mtu);
	mnl_attr_put(m, IFLA_ADDRESS, 6, v->mac);
	mnl_attr_put_u32(m, IFLA_NET_NS_PID, (uint32_t)v->pid);
	mnl_attr_put_u32(m, IFLA_NUM_TX_QUEUES, 1);
	mnl_attr_put_u32(m, IFLA_NUM_RX_QUEUES, 1);
	mnl_attr_nest_end(m, other);
	mnl_attr_nest_end(m, data);
	mnl_attr_nest_end(m, link);
}

void link_set_hairpin(struct netlink_batch *b, const char *name)
{
	struct nlmsghdr *m = add_link(b, RTM_NEWLINK, 0, name, 0);
	struct nlattr *link = mnl_attr_nest_start(m, IFLA_LINKINFO);

	mnl_attr_put_strz(m, IFLA_INFO_SLAVE_KIND, "bridge");
	struct nlattr *port = mnl_attr_nest_start(m, IFLA_INFO_SLAVE_DATA);
	mnl_attr_put_u8(m, IFLA_BRPORT_MODE, 1);
	mnl_attr_nest_end(m, port);
	mnl_attr_nest_end(m, link);
}

/* --- addresses ------------------------------------------------------------------------------------------------------- */

void address_add(struct netlink_batch *b, unsigned link, struct in_addr address, unsigned prefix)
{
	struct nlmsghdr *m = batch_add(b, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE);
	struct ifaddrmsg *info = mnl_nlmsg_put_extra_header(m, sizeof(*info));

	info->ifa_family = AF_INET;
	info->ifa_prefixlen = (uint8_t)prefix;
	info->ifa_index = link;
	mnl_attr_put_u32(m, IFA_LOCAL, address.s_addr);
	mnl_attr_put_u32(m, IFA_ADDRESS, address.s_addr);
	mnl_attr_put_u32(m, IFA_BROADCAST, address.s_addr | htonl(prefix < 32 ? UINT32_MAX >> prefix : 0));
}

void route_add_default(struct netlink_batch *b, struct in_addr gateway)
{
	struct nlmsghdr *m = batch_add(b, RTM_NEWROUTE, NLM_F_CREATE);
	struct rtmsg *info = mnl_nlmsg_put_extra_header(m, sizeof(*info));

	info->rtm_family = AF_INET;
	info->rtm_table = RT_TABLE_MAIN;
	info->rtm_protocol = RTPROT_BOOT;
	info->rtm_scope = RT_SCOPE_UNIVERSE;
	info->rtm_type = RTN_UNICAST;
	mnl_attr_put_u32(m, RTA_GATEWAY, gateway.s_addr);
}

static struct nlmsghdr *add_neighbour(struct netlink_batch *b, uint16_t type, uint16_t flags, unsigned link, struct in_addr address)
{
	struct nlmsghdr *m = batch_add(b, type, flags);
	struct ndmsg *info = mnl_nlmsg_put_extra_header(m, sizeof(*info));

	info->ndm_family = AF_INET;
	info->ndm_ifindex = (int)link;
	info->ndm_state = NUD_PERMANENT;
	mnl_attr_put_u32(m, NDA_DST, address.s_addr);
	return m;
}

void neighbour_add(struct netlink_batch *b, unsigned link, struct in_addr address, const unsigned char mac[6])
{
	mnl_attr_put(add_neighbour(b, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, link, address), NDA_LLADDR, 6, mac);
}

void neighbour_remove(struct netlink_batch *b, unsigned link, struct in_addr address)
{
	add_neighbour(b, RTM_DELNEIGH, 0, link, address);
}
