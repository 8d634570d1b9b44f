/* netlink.c — see netlink.h. */
#include "linux/netlink.h"

#include <linux/if_link.h>
#include <linux/veth.h>
#include <net/if.h>
#include <string.h>
#include <time.h>

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

void netlink_close(struct netlink *n)
{
	if (n->socket)
		mnl_socket_close(n->socket);
	n->socket = NULL;
}

struct nlmsghdr *netlink_begin(struct netlink *n, void *buffer, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *m = mnl_nlmsg_put_header(buffer);
	m->nlmsg_type = type;
	m->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
	m->nlmsg_seq = ++n->sequence;
	return m;
}

int netlink_ask(struct netlink *n, struct nlmsghdr *m)
{
	char answer[8192];
	unsigned port = mnl_socket_get_portid(n->socket);

	if (mnl_socket_sendto(n->socket, m, m->nlmsg_len) < 0)
		return -errno;
	for (;;) {
		ssize_t size = mnl_socket_recvfrom(n->socket, answer, sizeof(answer));
		if (size < 0)
			return -errno;
		int r = mnl_cb_run(answer, (size_t)size, m->nlmsg_seq, port, NULL, NULL);
		if (r < 0)
			return -errno;
		if (r == MNL_CB_STOP)
			return 0;
	}
}

int link_make_bridge(struct netlink *n, const char *name, uint32_t mtu)
{
	char buffer[NETLINK_MESSAGE];
	struct nlmsghdr *m = netlink_begin(n, buffer, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
	struct ifinfomsg *info = mnl_nlmsg_put_extra_header(m, sizeof(*info));

	info->ifi_change = info->ifi_flags = IFF_UP;
	mnl_attr_put_strz(m, IFLA_IFNAME, name);
	if (mtu)
		mnl_attr_put_u32(m, IFLA_MTU, mtu);
	struct nlattr *kind = mnl_attr_nest_start(m, IFLA_LINKINFO);
	mnl_attr_put_strz(m, IFLA_INFO_KIND, "bridge");
	mnl_attr_nest_end(m, kind);
	return netlink_ask(n, m);
}

int link_up(struct netlink *n, const char *name)
{
	char buffer[NETLINK_MESSAGE];
	struct nlmsghdr *m = netlink_begin(n, buffer, RTM_NEWLINK, 0);
	struct ifinfomsg *info = mnl_nlmsg_put_extra_header(m, sizeof(*info));

	info->ifi_change = info->ifi_flags = IFF_UP;
	mnl_attr_put_strz(m, IFLA_IFNAME, name);
	return netlink_ask(n, m);
}

int link_remove(struct netlink *n, const char *name)
{
	char buffer[NETLINK_MESSAGE];
	struct nlmsghdr *m = netlink_begin(n, buffer, RTM_DELLINK, 0);

	mnl_nlmsg_put_extra_header(m, sizeof(struct ifinfomsg));
	mnl_attr_put_strz(m, IFLA_IFNAME, name);
	return netlink_ask(n, m);
}

int link_make_veth(struct netlink *n, const char *name, unsigned master, const char *peer, pid_t pid, uint32_t mtu,
		   const unsigned char mac[6])
{
	char buffer[NETLINK_MESSAGE];
	struct nlmsghdr *m = netlink_begin(n, buffer, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
	struct ifinfomsg *info = mnl_nlmsg_put_extra_header(m, sizeof(*info));

	info->ifi_change = info->ifi_flags = IFF_UP;
	mnl_attr_put_strz(m, IFLA_IFNAME, name);
	mnl_attr_put_u32(m, IFLA_MTU, mtu);
	mnl_attr_put_u32(m, IFLA_MASTER, master);
	struct nlattr *link = mnl_attr_nest_start(m, IFLA_LINKINFO);
	mnl_attr_put_strz(m, IFLA_INFO_KIND, "veth");
	struct nlattr *data = mnl_attr_nest_start(m, IFLA_INFO_DATA);
	struct nlattr *other = mnl_attr_nest_start(m, VETH_INFO_PEER);
	mnl_nlmsg_put_extra_header(m, sizeof(struct ifinfomsg)); /* not up yet: veth refuses before the pair is whole (ENOTCONN) */
	mnl_attr_put_strz(m, IFLA_IFNAME, peer);
	mnl_attr_put_u32(m, IFLA_MTU, mtu);
	mnl_attr_put(m, IFLA_ADDRESS, 6, mac);
	mnl_attr_put_u32(m, IFLA_NET_NS_PID, (uint32_t)pid);
	mnl_attr_nest_end(m, other);
	mnl_attr_nest_end(m, data);
	mnl_attr_nest_end(m, link);
	return netlink_ask(n, m);
}

int link_set_hairpin(struct netlink *n, const char *name)
{
	char buffer[NETLINK_MESSAGE];
	struct nlmsghdr *m = netlink_begin(n, buffer, RTM_NEWLINK, 0);

	mnl_nlmsg_put_extra_header(m, sizeof(struct ifinfomsg));
	mnl_attr_put_strz(m, IFLA_IFNAME, name);
	struct nlattr *link = mnl_attr_nest_start(m, IFLA_LINKINFO);
	mnl_attr_put_strz(m, IFLA_INFO_SLAVE_KIND, "bridge");
	struct nlattr *port = mnl_attr_nest_start(m, IFLA_INFO_SLAVE_DATA);
	mnl_attr_put_u8(m, IFLA_BRPORT_MODE, 1);
	mnl_attr_nest_end(m, port);
	mnl_attr_nest_end(m, link);
	return netlink_ask(n, m);
}

int address_add(struct netlink *n, const char *link, struct in_addr address, unsigned prefix)
{
	char buffer[NETLINK_MESSAGE];
	struct nlmsghdr *m = netlink_begin(n, buffer, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE);
	struct ifaddrmsg *info = mnl_nlmsg_put_extra_header(m, sizeof(*info));

	info->ifa_family = AF_INET;
	info->ifa_prefixlen = (uint8_t)prefix;
	info->ifa_index = if_nametoindex(link);
	mnl_attr_put_u32(m, IFA_LOCAL, address.s_addr);
	mnl_attr_put_u32(m, IFA_ADDRESS, address.s_addr);
	struct in_addr broadcast = { address.s_addr | htonl(prefix < 32 ? UINT32_MAX >> prefix : 0) };
	mnl_attr_put_u32(m, IFA_BROADCAST, broadcast.s_addr);
	return netlink_ask(n, m);
}

int route_add_default(struct netlink *n, struct in_addr gateway)
{
	char buffer[NETLINK_MESSAGE];
	struct nlmsghdr *m = netlink_begin(n, buffer, RTM_NEWROUTE, NLM_F_CREATE);
	struct rtmsg *info = mnl_nlmsg_put_extra_header(m, sizeof(*info));

	info->rtm_family = AF_INET;
	info->rtm_table = RT_TABLE_MAIN;
	info->rtm_protocol = RTPROT_BOOT;
	info->rtm_scope = RT_SCOPE_UNIVERSE;
	info->rtm_type = RTN_UNICAST;
	mnl_attr_put_u32(m, RTA_GATEWAY, gateway.s_addr);
	return netlink_ask(n, m);
}
