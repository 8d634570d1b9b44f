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
	*n = (struct netlink){ .socket = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, bus),
			       .sequence = (uint32_t)time(NULL) };
	return n->socket < 0 ? error_errno(err, "cannot talk to the kernel's network") : 0;
}

int netlink_open_in(struct netlink *n, int bus, pid_t pid, struct error *err)
{
	char path[40];

	snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)pid);
	_cleanup_close_ int here = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC),
			    there = open(path, O_RDONLY | O_CLOEXEC);
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
	close_fd(&n->socket);
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
		b->used += NLMSG_ALIGN(b->last->nlmsg_len);
	b->last = netlink_message(b->at + b->used, type, flags, ++b->to->sequence);
	return b->last;
}

int batch_send(struct netlink_batch *b)
{
	if (!b->last)
		return 0;
	b->last->nlmsg_flags |= NLM_F_ACK; /* errors of the others are reported without being asked for */
	return netlink_ask(b->to, b->at, b->used + b->last->nlmsg_len, b->last->nlmsg_seq);
}

int netlink_ask(struct netlink *n, const void *messages, size_t size, uint32_t sequence)
{
	if (send(n->socket, messages, size, 0) < 0)
		return -errno;
	return netlink_answers(n, sequence);
}

/* One datagram of answers, which only the kernel sends (its port is 0): its size, or -errno. */
static ssize_t receive(struct netlink *n, char answer[static NETLINK_BATCH])
{
	struct sockaddr_nl from = {};
	socklen_t length = sizeof(from);
	ssize_t size;

	do
		size = recvfrom(n->socket, answer, NETLINK_BATCH, 0, (struct sockaddr *)&from, &length);
	while ((size < 0 && errno == EINTR) || (size >= 0 && from.nl_pid != 0));
	return size < 0 ? -errno : size;
}

int netlink_answers(struct netlink *n, uint32_t sequence)
{
	char answer[NETLINK_BATCH];
	int result = 0;

	for (;;) {
		ssize_t size = receive(n, answer);
		if (size < 0)
			return (int)size;
		for (struct nlmsghdr *m = (void *)answer; NLMSG_OK(m, size); m = NLMSG_NEXT(m, size)) {
			const struct nlmsgerr *e = NLMSG_DATA(m);
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

static struct nlmsghdr *add_link(struct netlink_batch *b, uint16_t type, uint16_t flags, const char *name,
				 unsigned up)
{
	struct nlmsghdr *m = batch_add(b, type, flags);
	struct ifinfomsg *info = netlink_extend(m, sizeof(*info));

	info->ifi_change = info->ifi_flags = up;
	netlink_put_text(m, IFLA_IFNAME, name);
	return m;
}

int link_index(struct netlink *n, const char *name, unsigned *index)
{
	struct netlink_batch b;
	char answer[NETLINK_BATCH];

	batch_begin(&b, n);
	netlink_put_u32(add_link(&b, RTM_GETLINK, 0, name, 0), IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	if (send(n->socket, b.at, b.last->nlmsg_len, 0) < 0)
		return -errno;
	ssize_t size = receive(n, answer);
	const struct nlmsghdr *m = (const struct nlmsghdr *)answer;
	if (size < 0 || !NLMSG_OK(m, size))
		return size < 0 ? (int)size : -EBADMSG;
	if (m->nlmsg_type == NLMSG_ERROR)
		return ((const struct nlmsgerr *)NLMSG_DATA(m))->error;
	*index = (unsigned)((const struct ifinfomsg *)NLMSG_DATA(m))->ifi_index;
	return 0;
}

void link_make_bridge(struct netlink_batch *b, const char *name, uint32_t mtu, const unsigned char mac[6])
{
	struct nlmsghdr *m = add_link(b, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, name, 0);

	netlink_put_u32(m, IFLA_MTU, mtu);
	netlink_put(m, IFLA_ADDRESS, mac, 6);
	struct nlattr *kind = netlink_nest(m, IFLA_LINKINFO);
	netlink_put_text(m, IFLA_INFO_KIND, "bridge");
	netlink_nest_end(m, kind);
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
	netlink_put_u32(add_link(b, RTM_NEWLINK, 0, name, 0), IFLA_MASTER, master);
}

void link_make_veth(struct netlink_batch *b, const struct veth *v)
{
	struct nlmsghdr *m = add_link(b, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, v->name, IFF_UP);

	netlink_put_u32(m, IFLA_MTU, v->mtu);
	if (v->master)
		netlink_put_u32(m, IFLA_MASTER, v->master);
	if (v->host_mac)
		netlink_put(m, IFLA_ADDRESS, v->host_mac, 6);
	netlink_put_u32(m, IFLA_NUM_TX_QUEUES, 1); /* else one for each CPU, with its files below /sys */
	netlink_put_u32(m, IFLA_NUM_RX_QUEUES, 1);
	struct nlattr *link = netlink_nest(m, IFLA_LINKINFO);
	netlink_put_text(m, IFLA_INFO_KIND, "veth");
	struct nlattr *data = netlink_nest(m, IFLA_INFO_DATA);
	struct nlattr *other = netlink_nest(m, VETH_INFO_PEER);
	netlink_extend(m, sizeof(struct ifinfomsg));
	netlink_put_text(m, IFLA_IFNAME, v->peer);
	netlink_put_u32(m, IFLA_MTU, v->mtu);
	netlink_put(m, IFLA_ADDRESS, v->mac, 6);
	netlink_put_u32(m, IFLA_NET_NS_PID, (uint32_t)v->pid);
	netlink_put_u32(m, IFLA_NUM_TX_QUEUES, 1);
	netlink_put_u32(m, IFLA_NUM_RX_QUEUES, 1);
	netlink_nest_end(m, other);
	netlink_nest_end(m, data);
	netlink_nest_end(m, link);
}

void link_set_ipv4(struct netlink_batch *b, const char *name, uint16_t number, uint32_t value)
{
	struct nlmsghdr *m = add_link(b, RTM_NEWLINK, 0, name, 0);
	struct nlattr *families = netlink_nest(m, IFLA_AF_SPEC);
	struct nlattr *family = netlink_nest(m, AF_INET);
	struct nlattr *settings = netlink_nest(m, IFLA_INET_CONF);

	netlink_put_u32(m, number, value);
	netlink_nest_end(m, settings);
	netlink_nest_end(m, family);
	netlink_nest_end(m, families);
}

void link_make_vlan(struct netlink_batch *b, const struct vlan *v)
{
	struct nlmsghdr *m = add_link(b, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, v->name, 0);
	bool macvlan = strcmp(v->kind, "macvlan") == 0;

	netlink_put_u32(m, IFLA_LINK, v->parent);
	netlink_put_u32(m, IFLA_NET_NS_PID, (uint32_t)v->pid);
	if (macvlan)
		netlink_put(m, IFLA_ADDRESS, v->mac, 6);
	struct nlattr *link = netlink_nest(m, IFLA_LINKINFO);
	netlink_put_text(m, IFLA_INFO_KIND, v->kind);
	struct nlattr *data = netlink_nest(m, IFLA_INFO_DATA);
	if (macvlan)
		netlink_put_u32(m, IFLA_MACVLAN_MODE, v->mode);
	else
		netlink_put_u16(m, IFLA_IPVLAN_MODE, (uint16_t)v->mode);
	netlink_nest_end(m, data);
	netlink_nest_end(m, link);
}

void link_set_hairpin(struct netlink_batch *b, const char *name)
{
	struct nlmsghdr *m = add_link(b, RTM_NEWLINK, 0, name, 0);
	struct nlattr *link = netlink_nest(m, IFLA_LINKINFO);

	netlink_put_text(m, IFLA_INFO_SLAVE_KIND, "bridge");
	struct nlattr *port = netlink_nest(m, IFLA_INFO_SLAVE_DATA);
	netlink_put_u8(m, IFLA_BRPORT_MODE, 1);
	netlink_nest_end(m, port);
	netlink_nest_end(m, link);
}

/* --- addresses ------------------------------------------------------------------------------------------------------- */

static size_t ip_size(const struct ip *ip)
{
	return ip->family == AF_INET6 ? sizeof(ip->v6) : sizeof(ip->v4);
}

/* IPv6: without asking whether somebody has it (the address is claimed), so it is usable at once. */
void address_add(struct netlink_batch *b, unsigned link, const struct ip *address, unsigned prefix)
{
	struct nlmsghdr *m = batch_add(b, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE);
	struct ifaddrmsg *info = netlink_extend(m, sizeof(*info));

	info->ifa_family = (uint8_t)address->family;
	info->ifa_prefixlen = (uint8_t)prefix;
	info->ifa_index = link;
	info->ifa_flags = address->family == AF_INET6 ? IFA_F_NODAD : 0;
	netlink_put(m, IFA_LOCAL, &address->v4, ip_size(address));
	netlink_put(m, IFA_ADDRESS, &address->v4, ip_size(address));
	if (address->family == AF_INET && prefix < 31)
		netlink_put_u32(m, IFA_BROADCAST, address->v4.s_addr | htonl(UINT32_MAX >> prefix));
}

void route_add(struct netlink_batch *b, const struct route *r)
{
	struct nlmsghdr *m = batch_add(b, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE);
	struct rtmsg *info = netlink_extend(m, sizeof(*info));

	info->rtm_family = (uint8_t)r->family;
	info->rtm_dst_len = (uint8_t)r->prefix;
	info->rtm_table = RT_TABLE_MAIN;
	info->rtm_protocol = RTPROT_BOOT;
	info->rtm_scope = r->gateway ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
	info->rtm_type = RTN_UNICAST;
	info->rtm_flags = r->onlink ? RTNH_F_ONLINK : 0;
	if (r->to)
		netlink_put(m, RTA_DST, &r->to->v4, ip_size(r->to));
	if (r->gateway)
		netlink_put(m, RTA_GATEWAY, &r->gateway->v4, ip_size(r->gateway));
	if (r->link)
		netlink_put_u32(m, RTA_OIF, r->link);
}

static struct nlmsghdr *add_neighbour(struct netlink_batch *b, uint16_t type, uint16_t flags, unsigned link,
				      const struct ip *address)
{
	struct nlmsghdr *m = batch_add(b, type, flags);
	struct ndmsg *info = netlink_extend(m, sizeof(*info));

	info->ndm_family = (uint8_t)address->family;
	info->ndm_ifindex = (int)link;
	info->ndm_state = NUD_PERMANENT;
	netlink_put(m, NDA_DST, &address->v4, ip_size(address));
	return m;
}

void neighbour_add(struct netlink_batch *b, unsigned link, const struct ip *address,
		   const unsigned char mac[6])
{
	netlink_put(add_neighbour(b, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, link, address), NDA_LLADDR,
		    mac, 6);
}

void neighbour_remove(struct netlink_batch *b, unsigned link, const struct ip *address)
{
	add_neighbour(b, RTM_DELNEIGH, 0, link, address);
}
