/* netlink.h — one socket to the kernel's network configuration (rtnetlink(7)).
 *
 * A netlink socket belongs to the network namespace in which it was opened, for ever: a keeper opens one on the host's side, moves
 * into the pod's namespace, and still talks to the host's network through it.
 *
 * Requests are gathered in a batch: one datagram, worked off in order, answered once.
 *
 *	struct netlink_batch b;
 *	batch_begin(&b, &socket);
 *	link_up(&b, "lo");
 *	neighbour_add(&b, link, &address, mac);
 *	r = batch_send(&b);
 */
#pragma once

#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "linux/netlink_message.h"

struct netlink {
	int socket; /* -1: none */
	uint32_t sequence;
};

#define NETLINK_NONE ((struct netlink){ .socket = -1 })

/* BUS: NETLINK_ROUTE, NETLINK_NETFILTER. In the network namespace of the caller. */
int netlink_open(struct netlink *n, int bus, struct error *err);

/* The same in the network namespace of the process PID (the caller comes back to its own; for processes of one thread). */
int netlink_open_in(struct netlink *n, int bus, pid_t pid, struct error *err);

/* Closing a socket of NETLINK_NETFILTER waits until what its transactions have removed is freed: some 10 ms. */
void netlink_close(struct netlink *n);

enum { NETLINK_MESSAGE = 4096, NETLINK_BATCH = 2 * NETLINK_MESSAGE };

struct netlink_batch {
	struct netlink *to;
	struct nlmsghdr *last;
	size_t used; /* bytes before the last message */
	char at[NETLINK_BATCH] __attribute__((aligned(8)));
};

void batch_begin(struct netlink_batch *b, struct netlink *to);

/* Begins the next request, of TYPE (rtnetlink's are below; each is some 200 bytes at most, and a batch has room for 40). */
struct nlmsghdr *batch_add(struct netlink_batch *b, uint16_t type, uint16_t flags);

/* Sends all. The kernel works off every request, also after one has failed. 0, or the -errno of the first that failed. */
int batch_send(struct netlink_batch *b);

/* Sends the SIZE bytes of MESSAGES, gathered by the caller, and waits for the answers up to the request of number SEQUENCE, which asks for one
 * (NLM_F_ACK). As batch_send. */
int netlink_ask(struct netlink *n, const void *messages, size_t size, uint32_t sequence);

/* Waits for the answers up to the request of number SEQUENCE. 0, or the first error among them. */
int netlink_answers(struct netlink *n, uint32_t sequence);

/* The index of the link NAME: 0 or -errno. */
int link_index(struct netlink *n, const char *name, unsigned *index);

/* --- requests. Links go by name, and by index where the kernel wants it (index 0: none). --- */

/* A bridge, up; its hardware address is given, or it would be the smallest of its ports', and change with them. */
void link_make_bridge(struct netlink_batch *b, const char *name, uint32_t mtu, const unsigned char mac[6]);
void link_up(struct netlink_batch *b, const char *name);
void link_remove(struct netlink_batch *b, const char *name);
void link_set_master(struct netlink_batch *b, const char *name, unsigned master);

/* Lets the bridge send a frame back out of the port it came in by (bridge(8) "hairpin"). */
void link_set_hairpin(struct netlink_batch *b, const char *name);

/* Sets the IPv4 setting NUMBER (IPV4_DEVCONF_… in linux/ip.h) of a link. */
void link_set_ipv4(struct netlink_batch *b, const char *name, uint16_t number, uint32_t value);

/* A pair: one half here, up and enslaved to MASTER; the other, down (veth refuses "up" before the pair is whole), in the
 * network namespace of PID. */
struct veth {
	const char *name, *peer;
	unsigned master; /* 0: none */
	pid_t pid;
	uint32_t mtu;
	unsigned char mac[6];          /* the peer's */
	const unsigned char *host_mac; /* this half's; NULL: any */
};
void link_make_veth(struct netlink_batch *b, const struct veth *v);

/* A link of the kind macvlan or ipvlan on the link PARENT, down, in the network namespace of PID. */
struct vlan {
	const char *kind, *name;
	unsigned parent;
	uint32_t mode; /* MACVLAN_MODE_BRIDGE …, IPVLAN_MODE_L2 … (linux/if_link.h) */
	pid_t pid;
	unsigned char mac[6]; /* of a macvlan */
};
void link_make_vlan(struct netlink_batch *b, const struct vlan *v);

/* What is sent by LINK goes at BYTES_PER_SECOND at most (tc-tbf(8), a token bucket): what comes faster waits up to a tenth of a second, then is dropped. */
void link_shape(struct netlink_batch *b, unsigned link, uint64_t bytes_per_second);

/* An address: IPv4 or IPv6. */
struct ip {
	int family; /* AF_INET, AF_INET6 */
	union {
		struct in_addr v4;
		struct in6_addr v6;
	};
};

void address_add(struct netlink_batch *b, unsigned link, const struct ip *address, unsigned prefix);

/* A route of FAMILY to TO/PREFIX (NULL: to everywhere) by the link LINK (0: that which leads to the gateway) and GATEWAY (NULL:
 * directly), which need not be in a subnet of the link if ONLINK. */
struct route {
	int family;
	const struct ip *to, *gateway;
	unsigned prefix, link;
	bool onlink;
};
void route_add(struct netlink_batch *b, const struct route *r);

/* Whose hardware address ADDRESS has on LINK: for ever, so nobody's answer in the network changes it. */
void neighbour_add(struct netlink_batch *b, unsigned link, const struct ip *address,
		   const unsigned char mac[6]);
void neighbour_remove(struct netlink_batch *b, unsigned link, const struct ip *address);
