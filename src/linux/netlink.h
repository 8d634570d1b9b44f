/* netlink.h — one socket to the kernel's network configuration (rtnetlink(7)); libmnl frames the messages.
 *
 * A netlink socket belongs to the network namespace in which it was opened, for ever: a keeper opens one on the host's side, moves
 * into the pod's namespace, and still talks to the host's network through it.
 */
#pragma once

#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct netlink {
	struct mnl_socket *socket;
	uint32_t sequence;
};

int netlink_open(struct netlink *n, int bus, struct error *err);
void netlink_close(struct netlink *n);

enum { NETLINK_MESSAGE = 4096 };

/* Begins a request of TYPE in BUFFER (NETLINK_MESSAGE bytes). */
struct nlmsghdr *netlink_begin(struct netlink *n, void *buffer, uint16_t type, uint16_t flags);

/* Sends M and waits for the kernel's answer: 0 or -errno. */
int netlink_ask(struct netlink *n, struct nlmsghdr *m);

/* Links, by name; 0 or -errno. */
int link_make_bridge(struct netlink *n, const char *name, uint32_t mtu);
int link_up(struct netlink *n, const char *name);
int link_remove(struct netlink *n, const char *name);

/* One message: a veth NAME, up and enslaved to the link of index MASTER, whose peer is PEER, down, in the network namespace of PID. */
int link_make_veth(struct netlink *n, const char *name, unsigned master, const char *peer, pid_t pid, uint32_t mtu,
		   const unsigned char mac[6]);

/* Lets the bridge send a frame back out of the port it came in by (bridge(8) "hairpin"). */
int link_set_hairpin(struct netlink *n, const char *name);

int address_add(struct netlink *n, const char *link, struct in_addr address, unsigned prefix);
int route_add_default(struct netlink *n, struct in_addr gateway);
