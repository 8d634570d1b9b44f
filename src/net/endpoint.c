/* endpoint.c — see endpoint.h. */
#include "net/endpoint.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "net/pool.h"

static const char *protocol_name(uint8_t protocol)
{
	return protocol == IPPROTO_UDP ? "udp" : protocol == IPPROTO_TCP ? "tcp" : "sctp";
}

/* The socket's inode of whoever has PORT, from /proc/net/{tcp,udp}. 0: not found. */
static unsigned long find_inode(uint8_t protocol, uint16_t port)
{
	char path[40], line[512];
	unsigned local_port, state;
	unsigned long inode;

	for (int six = 0; six < 2; six++) {
		snprintf(path, sizeof(path), "/proc/net/%s%s", protocol_name(protocol), six ? "6" : "");
		_cleanup_fclose_ FILE *f = fopen(path, "re");
		while (f && fgets(line, sizeof(line), f))
			if (sscanf(line, " %*d: %*[0-9A-F]:%x %*[0-9A-F]:%*x %x %*s %*s %*s %*d %*d %lu", &local_port, &state, &inode) == 3 &&
			    local_port == port && (protocol == IPPROTO_UDP || state == 0x0a || state == 0x07) && inode)
				return inode;
	}
	return 0;
}

/* "nginx (pid 12)" of the process that has the socket INODE open; "" if nobody visible has. */
static void find_process(unsigned long inode, char *out, size_t size)
{
	char wanted[40], path[300], link[64], name[64] = "";
	_cleanup_closedir_ DIR *proc = opendir("/proc");

	*out = '\0';
	snprintf(wanted, sizeof(wanted), "socket:[%lu]", inode);
	for (struct dirent *p; proc && inode && (p = readdir(proc));) {
		if (p->d_name[0] < '0' || p->d_name[0] > '9')
			continue;
		snprintf(path, sizeof(path), "/proc/%s/fd", p->d_name);
		_cleanup_closedir_ DIR *fds = opendir(path);
		for (struct dirent *fd; fds && (fd = readdir(fds));) {
			ssize_t n = readlinkat(dirfd(fds), fd->d_name, link, sizeof(link) - 1);
			if (n <= 0 || (link[n] = '\0', strcmp(link, wanted) != 0))
				continue;
			snprintf(path, sizeof(path), "/proc/%s/comm", p->d_name);
			_cleanup_fclose_ FILE *comm = fopen(path, "re");
			if (comm && fgets(name, sizeof(name), comm))
				name[strcspn(name, "\n")] = '\0';
			snprintf(out, size, "%s (process %.12s)", name, p->d_name);
			return;
		}
	}
}

static int port_is_taken(const struct port_wish *w, struct error *err)
{
	char who[128], address[INET_ADDRSTRLEN];

	find_process(find_inode(w->protocol, w->host_port), who, sizeof(who));
	return error_set(err, EADDRINUSE, "the host port %s%s%u/%s is in use%s%s",
			 w->host.s_addr == INADDR_ANY ? "" : inet_ntop(AF_INET, &w->host, address, sizeof(address)),
			 w->host.s_addr == INADDR_ANY ? "" : ":", w->host_port, protocol_name(w->protocol), *who ? " by " : "", who);
}

/* A bound socket is the claim: the kernel gives a port to one (bind(2)), and takes it back when its owner dies. */
static int claim_port(const struct port_wish *w, struct port_rule *rule, struct in_addr pod, struct error *err)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(w->host_port), .sin_addr = w->host };
	socklen_t size = sizeof(at);
	bool udp = w->protocol == IPPROTO_UDP;
	_cleanup_close_ int fd = socket(AF_INET, (udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, udp ? 0 : w->protocol);

	if (fd < 0)
		return error_errno(err, "cannot make a socket for the host port %u/%s", w->host_port, protocol_name(w->protocol));
	if (bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 && errno == EADDRINUSE)
		return port_is_taken(w, err);
	if (getsockname(fd, (struct sockaddr *)&at, &size) < 0 || at.sin_port == 0)
		return error_errno(err, "cannot take the host port %u/%s", w->host_port, protocol_name(w->protocol));
	*rule = (struct port_rule){ .protocol = w->protocol, .host = w->host, .host_port = ntohs(at.sin_port),
				    .pod = pod, .pod_port = w->pod_port };
	return take_fd(&fd);
}

int endpoint_claim(struct endpoint *e, const struct instance *in, const struct port_wish *ports, unsigned n, struct error *err)
{
	uint32_t number = 0;

	*e = ENDPOINT_NONE;
	e->in = in;
	int r = network_open(&e->network, in, err);
	if (r == 0)
		r = netlink_open(&e->rt, NETLINK_ROUTE, err);
	if (r == 0)
		r = netlink_open(&e->nf, NETLINK_NETFILTER, err);
	if (r == 0)
		r = network_ensure(&e->network, in, &e->rt, err);
	e->bridge = if_nametoindex(e->network.bridge);
	if (r == 0) {
		e->address_claim = pool_claim(in, "bridge", UINT32_C(1) << (32 - e->network.prefix), &number, err);
		r = e->address_claim < 0 ? e->address_claim : 0;
	}
	e->address.s_addr = htonl(ntohl(e->network.subnet.s_addr) + number);
	e->ports = memory_new(n, sizeof(*e->ports));
	e->port_claims = memory_new(n, sizeof(*e->port_claims));
	for (; r == 0 && e->port_count < n; e->port_count++) {
		unsigned i = e->port_count;
		e->port_claims[i] = claim_port(&ports[i], &e->ports[i], e->address, err);
		if ((r = e->port_claims[i]) < 0)
			break;
		r = 0;
	}
	if (r < 0)
		endpoint_release(e);
	return r;
}

/* The host's half is named after the address, so what a dead keeper left under the same address is recognised. */
static int make_link(struct endpoint *e, struct error *err)
{
	uint32_t number = ntohl(e->address.s_addr) - ntohl(e->network.subnet.s_addr);
	unsigned char mac[6] = { 0x0a, 0x58 }; /* locally administered, then the address: as the CNI bridge plugin does */

	memcpy(mac + 2, &e->address, 4);
	snprintf(e->link, sizeof(e->link), "%.9s%s%x", e->in->tag[0] ? e->network.bridge : "seapod", "v", number & 0xffff);
	int r = link_make_veth(&e->rt, e->link, e->bridge, "eth0", getpid(), e->network.mtu, mac);
	if (r == -EEXIST) {
		link_remove(&e->rt, e->link);
		r = link_make_veth(&e->rt, e->link, e->bridge, "eth0", getpid(), e->network.mtu, mac);
	}
	/* With br_netfilter the address is changed while the frame is still in the bridge: a pod that calls its own published port then
	 * gets the frame back by the port it came from. */
	if (r == 0 && e->port_count > 0)
		r = link_set_hairpin(&e->rt, e->link);
	if (r < 0) {
		errno = -r;
		return error_errno(err, "cannot connect the pod to the bridge '%s'", e->network.bridge);
	}
	return 0;
}

int endpoint_attach(struct endpoint *e, struct error *err)
{
	struct netlink pod = {};
	int r = netlink_open(&pod, NETLINK_ROUTE, err);

	if (r < 0)
		return r;
	r = make_link(e, err);
	if (r == 0) {
		r = link_up(&pod, "lo");
		if (r == 0)
			r = link_up(&pod, "eth0");
		if (r == 0)
			r = address_add(&pod, "eth0", e->address, e->network.prefix);
		if (r == 0)
			r = route_add_default(&pod, e->network.gateway);
		if (r < 0) {
			errno = -r;
			error_errno(err, "cannot set the pod's address");
		}
	}
	netlink_close(&pod);
	if (r == 0 && e->port_count) {
		r = rules_publish(&e->nf, e->in, e->ports, e->port_count, err);
		e->published = r == 0;
	}
	return r;
}

void endpoint_release(struct endpoint *e)
{
	if (e->published)
		rules_unpublish(&e->nf, e->in, e->ports, e->port_count);
	e->published = false;
	for (unsigned i = 0; i < e->port_count; i++)
		close_fd(&e->port_claims[i]);
	free(e->ports);
	free(e->port_claims);
	e->ports = NULL;
	e->port_claims = NULL;
	e->port_count = 0;
	close_fd(&e->address_claim);
	netlink_close(&e->rt);
	/* e->nf stays open until the process ends: to close it soon after an element was removed waits for a grace period
	 * (nft_rcv_nl_event in the kernel: 5 to 12 ms), and somebody waits for our answer. */
}

int loopback_up(struct error *err)
{
	struct netlink n = {};
	int r = netlink_open(&n, NETLINK_ROUTE, err);

	if (r < 0)
		return r;
	r = link_up(&n, "lo");
	netlink_close(&n);
	if (r < 0) {
		errno = -r;
		return error_errno(err, "cannot set the loopback device up");
	}
	return 0;
}
