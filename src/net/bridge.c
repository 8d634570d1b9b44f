/* bridge.c — see bridge.h. */
#include "net/bridge.h"

#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "linux/proc.h"

/* %s: the bridge. A file that is not there is a part that the kernel does not have: fine, unless it is NEEDED. */
static const struct {
	const char *path, *value;
	bool needed;
} sysctls[] = {
	{ "/proc/sys/net/ipv4/ip_forward", "1", true },
	{ "/proc/sys/net/ipv4/conf/%s/route_localnet", "1",
	  true }, /* published ports on 127.0.0.1; chain guard keeps pods from it */
	{ "/proc/sys/net/ipv4/conf/%s/rp_filter", "1", false },
	{ "/proc/sys/net/ipv6/conf/%s/disable_ipv6", "1",
	  false }, /* else a pod could announce itself to the host as a router */
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

int bridge_make(const struct network *n, struct netlink *rt, struct error *err)
{
	struct netlink_batch b;
	unsigned char mac[MAC_SIZE];

	network_mac(n->gateway, mac);
	batch_begin(&b, rt);
	link_make_bridge(&b, n->bridge, n->mtu, mac);
	int r = batch_send(&b);
	if (r < 0 && r != -EEXIST) {
		errno = -r;
		return error_errno(err, "cannot make the bridge '%s'", n->bridge);
	}
	for (size_t i = 0; i < sizeof(sysctls) / sizeof(*sysctls); i++)
		if ((r = set_sysctl(sysctls[i].path, n->bridge, sysctls[i].value, sysctls[i].needed, err)) <
		    0)
			return r;
	batch_begin(&b, rt);
	address_add(&b, if_nametoindex(n->bridge), n->gateway, n->prefix);
	link_up(&b, n->bridge);
	if ((r = batch_send(&b)) == 0)
		return 0;
	errno = -r;
	return error_errno(err, "cannot set the address of the bridge '%s'", n->bridge);
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
