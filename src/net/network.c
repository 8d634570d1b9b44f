/* network.c — see network.h. */
#include "net/network.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "net/rules.h"
#include "object/json.h"

enum { PREFIX = 16, FIRST = 100, COUNT = 120, DEFAULT_MTU = 1500 };

/* Does any route but the default one overlap ADDRESS/PREFIX? (/proc/net/route: little-endian hexadecimal.) */
static bool overlaps_route(uint32_t address)
{
	_cleanup_fclose_ FILE *f = fopen("/proc/net/route", "re");
	char line[256];
	unsigned destination, mask;

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%*s %x %*x %*x %*d %*d %*d %x", &destination, &mask) != 2 || mask == 0)
			continue;
		uint32_t common = ntohl(mask) & (UINT32_MAX << (32 - PREFIX));
		if ((ntohl(destination) & common) == (address & common))
			return true;
	}
	return false;
}

static int choose_subnet(const struct instance *in, struct in_addr *subnet, struct error *err)
{
	unsigned start = (unsigned)strtoul(in->tag, NULL, 16);

	for (unsigned i = 0; i < COUNT; i++) {
		uint32_t address = 10u << 24 | (FIRST + (start + i) % COUNT) << 16;
		if (!overlaps_route(address)) {
			subnet->s_addr = htonl(address);
			return 0;
		}
	}
	return error_set(err, EADDRNOTAVAIL, "the host has routes over all of 10.%d.0.0/%d to 10.%d.0.0/%d: no subnet is free for pods",
			 FIRST, PREFIX, FIRST + COUNT - 1, PREFIX);
}

static int read_file(struct network *n, const struct instance *in, struct error *err)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_arena_ struct arena *a = arena_new();
	size_t size;
	int r = file_read(in->rootfd, "networks/bridge.json", 65536, &text, &size, err);

	if (r < 0)
		return r;
	struct node *file = node_from_json(a, text, size, err);
	const char *subnet = node_get_string(file, "subnet");
	char address[32];
	unsigned prefix;
	if (!subnet || sscanf(subnet, "%31[0-9.]/%u", address, &prefix) != 2 || prefix < 8 || prefix > 29 ||
	    inet_pton(AF_INET, address, &n->subnet) != 1)
		return error_set(err, EINVAL, "the file '%s/networks/bridge.json' has no right subnet", in->root);
	const struct node *mtu = node_get(file, "mtu");
	n->prefix = prefix;
	n->mtu = mtu && mtu->kind == NODE_INT ? (uint32_t)mtu->integer : DEFAULT_MTU;
	n->gateway.s_addr = htonl(ntohl(n->subnet.s_addr) + 1);
	return 0;
}

int network_open(struct network *n, const struct instance *in, struct error *err)
{
	char text[200], address[INET_ADDRSTRLEN];
	struct in_addr subnet;

	strcpy(n->bridge, in->bridge);
	if (read_file(n, in, NULL) == 0)
		return 0;
	int r = file_make_dirs(in->rootfd, "networks", 0755, err);
	if (r < 0)
		return r;
	_cleanup_close_ int lock = openat(in->rootfd, "networks/.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (lock < 0 || flock(lock, LOCK_EX) < 0)
		return error_errno(err, "cannot lock the networks");
	if (!file_exists(in->rootfd, "networks/bridge.json")) {
		if ((r = choose_subnet(in, &subnet, err)) < 0)
			return r;
		int size = snprintf(text, sizeof(text), "{\"name\":\"bridge\",\"driver\":\"bridge\",\"bridge\":\"%s\",\"subnet\":\"%s/%d\",\"mtu\":%d}\n",
				    in->bridge, inet_ntop(AF_INET, &subnet, address, sizeof(address)), PREFIX, DEFAULT_MTU);
		if ((r = file_write_atomic(in->rootfd, "networks/bridge.json", text, (size_t)size, 0644, err)) < 0)
			return r;
	}
	return read_file(n, in, err);
}

static int set_sysctl(const char *path, struct error *err)
{
	_cleanup_close_ int fd = open(path, O_RDWR | O_CLOEXEC);
	char now = 0;

	if (fd < 0)
		return error_errno(err, "cannot open '%s'", path);
	if (read(fd, &now, 1) == 1 && now == '1')
		return 0;
	return pwrite(fd, "1", 1, 0) == 1 ? 0 : error_errno(err, "cannot write '%s'", path);
}

static int make_bridge(const struct network *n, struct netlink *rt, struct error *err)
{
	char path[100];
	int r = link_make_bridge(rt, n->bridge, n->mtu);

	if (r < 0 && r != -EEXIST) {
		errno = -r;
		return error_errno(err, "cannot make the bridge '%s'", n->bridge);
	}
	r = address_add(rt, n->bridge, n->gateway, n->prefix);
	if (r < 0) {
		errno = -r;
		return error_errno(err, "cannot set the address of the bridge '%s'", n->bridge);
	}
	snprintf(path, sizeof(path), "/proc/sys/net/ipv4/conf/%s/route_localnet", n->bridge);
	return set_sysctl(path, err);
}

int network_ensure(const struct network *n, const struct instance *in, struct netlink *rt, struct error *err)
{
	/* The rules come last: when they are there, all is there. */
	if (if_nametoindex(n->bridge) && rules_exist(in))
		return 0;
	int r = file_make_dirs(in->rootfd, "networks", 0755, err);
	if (r < 0)
		return r;
	_cleanup_close_ int lock = openat(in->rootfd, "networks/.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (lock < 0 || flock(lock, LOCK_EX) < 0)
		return error_errno(err, "cannot lock the networks");
	r = make_bridge(n, rt, err);
	if (r == 0)
		r = set_sysctl("/proc/sys/net/ipv4/ip_forward", err);
	return r < 0 || rules_exist(in) ? r : rules_make(n, in, err);
}

void network_remove(const struct instance *in)
{
	struct netlink rt = {};

	rules_remove(in);
	if (if_nametoindex(in->bridge) && netlink_open(&rt, NETLINK_ROUTE, NULL) == 0) {
		link_remove(&rt, in->bridge);
		netlink_close(&rt);
	}
	unlinkat(in->rootfd, "networks/bridge.json", 0);
}
