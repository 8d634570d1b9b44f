/* bridge.c — see bridge.h. */
#include "net/bridge.h"

#include <dirent.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "linux/proc.h"

/* %s: the bridge. A file that is not there is a part that the kernel does not have: fine, unless it is NEEDED. */
struct sysctl {
	const char *path, *value;
	bool needed;
};

static const struct sysctl always[] = {
	{ "/proc/sys/net/ipv4/ip_forward", "1", true },
	/* published ports on 127.0.0.1; chain guard keeps pods from it */
	{ "/proc/sys/net/ipv4/conf/%s/route_localnet", "1", true },
	{ "/proc/sys/net/ipv4/conf/%s/rp_filter", "1", false },
};

/* Else a pod could announce itself to the host as a router. */
static const struct sysctl without_ipv6[] = {
	{ "/proc/sys/net/ipv6/conf/%s/disable_ipv6", "1", false },
};

/* Nothing is learnt from pods, and there is no address but ours. */
static const struct sysctl with_ipv6[] = {
	{ "/proc/sys/net/ipv6/conf/%s/accept_ra", "0", true },
	{ "/proc/sys/net/ipv6/conf/%s/addr_gen_mode", "1", true },
	{ "/proc/sys/net/ipv6/conf/%s/disable_ipv6", "0", true },
};

static int set_sysctl(const char *format, const char *bridge, const char *value, bool needed,
		      struct error *err)
{
	char path[100], now[2] = "";

	snprintf(path, sizeof(path), format, bridge);
	_cleanup_close_ int fd = proc_open(path, O_RDWR);
	errno = fd < 0 ? -fd : 0;
	if (fd < 0)
		return needed ? error_errno(err, "cannot open '%s'", path) : 0;
	if (read(fd, now, 1) == 1 && now[0] == value[0])
		return 0;
	if (pwrite(fd, value, 1, 0) == 1 || !needed)
		return 0;
	return error_errno(err, "cannot write %s to '%s'", value, path);
}

static int set_all(const struct sysctl *at, size_t n, const char *bridge, struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++)
		r = set_sysctl(at[i].path, bridge, at[i].value, at[i].needed, err);
	return r;
}

/* A host that forwards listens to no router unless it is told to do so all the same (accept_ra 2): it would lose its own address and
 * way out, if it has them from there. */
static int forward_ipv6(struct error *err)
{
	static const char file[] = "/proc/sys/net/ipv6/conf/all/forwarding";
	_cleanup_free_ char *now = NULL;
	_cleanup_closedir_ DIR *links = opendir("/proc/sys/net/ipv6/conf");

	if (file_read(AT_FDCWD, file, 16, &now, NULL, NULL) == 0 && *now == '1')
		return 0;
	for (struct dirent *link; links && (link = readdir(links));) {
		_cleanup_free_ char *path = memory_printf("/proc/sys/net/ipv6/conf/%s/accept_ra",
							  link->d_name),
				    *accept = NULL;
		if (link->d_name[0] != '.' && !text_is(link->d_name, "all") &&
		    !text_is(link->d_name, "default") &&
		    file_read(AT_FDCWD, path, 16, &accept, NULL, NULL) == 0 && *accept == '1')
			set_sysctl("/proc/sys/net/ipv6/conf/%s/accept_ra", link->d_name, "2", false, NULL);
	}
	return set_sysctl(file, "", "1", true, err);
}

#define COUNT(list) (sizeof(list) / sizeof(*(list)))

static int set_sysctls(const struct network *n, struct error *err)
{
	int r = set_all(always, COUNT(always), n->bridge, err);

	if (r < 0 || !n->ipv6)
		return r < 0 ? r : set_all(without_ipv6, COUNT(without_ipv6), n->bridge, err);
	if ((r = forward_ipv6(err)) == 0)
		r = set_all(with_ipv6, COUNT(with_ipv6), n->bridge, err);
	return r < 0 ? error_prefix(err, "the network '%s' has IPv6", n->name) : 0;
}

/* A routed network's has no ports: it is only the place of the gateway's address. */
int bridge_make(const struct network *n, struct netlink *rt, struct error *err)
{
	const struct ip gateway = { AF_INET, { n->gateway } }, gateway6 = { AF_INET6, { .v6 = n->gateway6 } };
	bool routed = n->driver == DRIVER_ROUTED;
	struct netlink_batch b;
	unsigned char mac[MAC_SIZE];

	network_mac(n->gateway, mac);
	batch_begin(&b, rt);
	link_make_bridge(&b, n->bridge, n->mtu, mac);
	int r = batch_send(&b);
	if (r < 0 && r != -EEXIST)
		return error_code(err, r, "cannot make the bridge '%s'", n->bridge);
	if ((r = set_sysctls(n, err)) < 0)
		return r;
	batch_begin(&b, rt);
	address_add(&b, if_nametoindex(n->bridge), &gateway, routed ? 32 : n->prefix);
	if (n->ipv6)
		address_add(&b, if_nametoindex(n->bridge), &gateway6, routed ? 128 : n->prefix6);
	link_up(&b, n->bridge);
	if ((r = batch_send(&b)) == 0)
		return 0;
	return error_code(err, r, "cannot set the address of the bridge '%s'", n->bridge);
}

void bridge_remove(const char *name)
{
	struct netlink rt = NETLINK_NONE;
	struct netlink_batch b;

	if (!if_nametoindex(name) || netlink_open(&rt, NETLINK_ROUTE, NULL) < 0)
		return;
	batch_begin(&b, &rt);
	link_remove(&b, name);
	batch_send(&b);
	netlink_close(&rt);
}
