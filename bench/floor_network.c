/* floor_network.c — the pod's network in as few messages as there can be: whole batches, one answer for each message. */
#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "floor.h"

enum { PORT = 8088 };

struct mnl_socket *bus_open(int number)
{
	struct mnl_socket *s = mnl_socket_open2(number, SOCK_CLOEXEC);

	if (!s || mnl_socket_bind(s, 0, MNL_SOCKET_AUTOPID) < 0)
		die("netlink");
	return s;
}

struct batch {
	char bytes[8192];
	size_t used;
	unsigned answers;
};

static struct nlmsghdr *message(struct batch *b, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *m = mnl_nlmsg_put_header(b->bytes + b->used);

	m->nlmsg_type = type;
	m->nlmsg_flags = NLM_F_REQUEST | flags;
	m->nlmsg_seq = 1;
	b->answers += (flags & NLM_F_ACK) != 0;
	return m;
}

static void done(struct batch *b, const struct nlmsghdr *m)
{
	b->used += NLMSG_ALIGN(m->nlmsg_len);
}

static void ask(struct mnl_socket *s, struct batch *b, const char *what)
{
	char answer[8192];

	must(mnl_socket_sendto(s, b->bytes, b->used), what);
	while (b->answers > 0) {
		int left = must(mnl_socket_recvfrom(s, answer, sizeof(answer)), what);
		for (struct nlmsghdr *m = (void *)answer; mnl_nlmsg_ok(m, left);
		     m = mnl_nlmsg_next(m, &left)) {
			const struct nlmsgerr *e = mnl_nlmsg_get_payload(m);
			if (m->nlmsg_type != NLMSG_ERROR)
				continue;
			errno = -e->error;
			must(e->error, what);
			b->answers--;
		}
	}
}

/* One message: both halves of the pair, one enslaved and up, the other in the namespace of process PID. */
static void put_veth(struct batch *b, const char *name, unsigned bridge, pid_t pid)
{
	struct nlmsghdr *m = message(b, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK);
	struct ifinfomsg *info = mnl_nlmsg_put_extra_header(m, sizeof(*info));

	info->ifi_change = info->ifi_flags = IFF_UP;
	mnl_attr_put_strz(m, IFLA_IFNAME, name);
	mnl_attr_put_u32(m, IFLA_MASTER, bridge);
	struct nlattr *link = mnl_attr_nest_start(m, IFLA_LINKINFO);
	mnl_attr_put_strz(m, IFLA_INFO_KIND, "veth");
	struct nlattr *data = mnl_attr_nest_start(m, IFLA_INFO_DATA),
		      *peer = mnl_attr_nest_start(m, VETH_INFO_PEER);
	mnl_nlmsg_put_extra_header(m, sizeof(*info));
	mnl_attr_put_strz(m, IFLA_IFNAME, "eth0");
	mnl_attr_put_u32(m, IFLA_NET_NS_PID, (uint32_t)pid);
	mnl_attr_nest_end(m, peer);
	mnl_attr_nest_end(m, data);
	mnl_attr_nest_end(m, link);
	done(b, m);
}

static void put_up(struct batch *b, const char *name)
{
	struct nlmsghdr *m = message(b, RTM_NEWLINK, NLM_F_ACK);
	struct ifinfomsg *info = mnl_nlmsg_put_extra_header(m, sizeof(*info));

	info->ifi_change = info->ifi_flags = IFF_UP;
	mnl_attr_put_strz(m, IFLA_IFNAME, name);
	done(b, m);
}

/* A published port that is called from its own pod comes back by the way it came. */
static void put_hairpin(struct batch *b, const char *name)
{
	struct nlmsghdr *m = message(b, RTM_NEWLINK, NLM_F_ACK);

	mnl_nlmsg_put_extra_header(m, sizeof(struct ifinfomsg));
	mnl_attr_put_strz(m, IFLA_IFNAME, name);
	struct nlattr *link = mnl_attr_nest_start(m, IFLA_LINKINFO);
	mnl_attr_put_strz(m, IFLA_INFO_SLAVE_KIND, "bridge");
	struct nlattr *port = mnl_attr_nest_start(m, IFLA_INFO_SLAVE_DATA);
	mnl_attr_put_u8(m, IFLA_BRPORT_MODE, 1);
	mnl_attr_nest_end(m, port);
	mnl_attr_nest_end(m, link);
	done(b, m);
}

static void put_address(struct batch *b, in_addr_t address)
{
	struct nlmsghdr *m = message(b, RTM_NEWADDR, NLM_F_CREATE | NLM_F_ACK);
	struct ifaddrmsg *info = mnl_nlmsg_put_extra_header(m, sizeof(*info));

	*info = (struct ifaddrmsg){ .ifa_family = AF_INET,
				    .ifa_prefixlen = 16,
				    .ifa_index = if_nametoindex("eth0") };
	mnl_attr_put_u32(m, IFA_LOCAL, address);
	done(b, m);
	m = message(b, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_ACK);
	struct rtmsg *route = mnl_nlmsg_put_extra_header(m, sizeof(*route));
	*route = (struct rtmsg){ .rtm_family = AF_INET,
				 .rtm_table = RT_TABLE_MAIN,
				 .rtm_protocol = RTPROT_BOOT,
				 .rtm_type = RTN_UNICAST };
	mnl_attr_put_u32(m, RTA_GATEWAY, inet_addr("10.99.0.1"));
	done(b, m);
}

static void put_boundary(struct batch *b, uint16_t type)
{
	struct nlmsghdr *m = message(b, type, 0);
	struct nfgenmsg *n = mnl_nlmsg_put_extra_header(m, sizeof(*n));

	n->res_id = htons(NFNL_SUBSYS_NFTABLES);
	done(b, m);
}

static void put_bytes(struct nlmsghdr *m, uint16_t kind, const void *bytes, size_t size)
{
	struct nlattr *nest = mnl_attr_nest_start(m, kind);

	mnl_attr_put(m, NFTA_DATA_VALUE, size, bytes);
	mnl_attr_nest_end(m, nest);
}

/* One transaction: tcp . PORT : address . PORT comes into, or leaves, the map of published ports. */
static void change_map(struct mnl_socket *s, uint16_t type, in_addr_t address)
{
	struct batch b = {};
	const uint8_t key[8] = { IPPROTO_TCP, 0, 0, 0, PORT >> 8, PORT & 255 };
	uint8_t value[8] = { [4] = PORT >> 8, [5] = PORT & 255 };

	memcpy(value, &address, 4);
	put_boundary(&b, NFNL_MSG_BATCH_BEGIN);
	struct nlmsghdr *m = message(&b, (NFNL_SUBSYS_NFTABLES << 8) | type,
				     NLM_F_ACK | (type == NFT_MSG_NEWSETELEM ? NLM_F_CREATE : 0));
	struct nfgenmsg *n = mnl_nlmsg_put_extra_header(m, sizeof(*n));
	n->nfgen_family = NFPROTO_INET;
	mnl_attr_put_strz(m, NFTA_SET_ELEM_LIST_TABLE, TABLE);
	mnl_attr_put_strz(m, NFTA_SET_ELEM_LIST_SET, "ports");
	struct nlattr *list = mnl_attr_nest_start(m, NFTA_SET_ELEM_LIST_ELEMENTS),
		      *one = mnl_attr_nest_start(m, NFTA_LIST_ELEM);
	put_bytes(m, NFTA_SET_ELEM_KEY, key, sizeof(key));
	if (type == NFT_MSG_NEWSETELEM)
		put_bytes(m, NFTA_SET_ELEM_DATA, value, sizeof(value));
	mnl_attr_nest_end(m, one);
	mnl_attr_nest_end(m, list);
	done(&b, m);
	put_boundary(&b, NFNL_MSG_BATCH_END);
	ask(s, &b, "the map of published ports");
}

static int claim_port(void)
{
	const struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	int fd = must(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");

	must(bind(fd, (const struct sockaddr *)&at, sizeof(at)), "bind");
	return fd;
}

void network_make(struct mnl_socket *host, struct mnl_socket *nf, unsigned number)
{
	const in_addr_t address = htonl(0x0a630002 + number % 60000);
	struct batch outside = {}, inside = {};
	unsigned bridge = if_nametoindex(BRIDGE);
	char name
		[IFNAMSIZ]; /* not the last pod's: its pair goes with its namespace, which the kernel takes down later */

	snprintf(name, sizeof(name), "spfloorv%u", number);
	claim_port();
	must(unshare(CLONE_NEWNET | CLONE_NEWUTS | CLONE_NEWIPC), "unshare");
	mark(0, "namespaces net, uts, ipc");
	put_veth(&outside, name, bridge, getpid());
	put_hairpin(&outside, name);
	ask(host, &outside, "veth");
	mark(0, "veth pair");
	struct mnl_socket *pod = bus_open(NETLINK_ROUTE);
	put_up(&inside, "lo");
	put_up(&inside, "eth0");
	put_address(&inside, address);
	ask(pod, &inside, "address and route");
	mnl_socket_close(pod);
	mark(0, "address and route");
	change_map(nf, NFT_MSG_NEWSETELEM, address);
	mark(0, "published port");
}

void port_unpublish(struct mnl_socket *nf)
{
	change_map(nf, NFT_MSG_DELSETELEM, 0);
}
