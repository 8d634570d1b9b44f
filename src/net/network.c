/* network.c — see network.h. */
#include "net/network.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "net/subnet.h"
#include "object/json.h"

#define FILE_NAME "networks/" NETWORK_DEFAULT ".json"

enum { DEFAULT_MTU = 1500, MTU_MIN = 576, TEXT_MAX = 1024 * 1024 };

void network_mac(struct in_addr address, unsigned char mac[static MAC_SIZE])
{
	mac[0] = 0x0a;
	mac[1] = 0x58;
	memcpy(mac + 2, &address, 4);
}

char *network_subnet(const struct network *n, char text[static SUBNET_TEXT_SIZE])
{
	char address[INET_ADDRSTRLEN];

	snprintf(text, SUBNET_TEXT_SIZE, "%s/%u", inet_ntop(AF_INET, &n->subnet, address, sizeof(address)),
		 n->prefix % 100);
	return text;
}

/* --- the choice ------------------------------------------------------------------------------------------------------ */

static void find_taken(const struct instance *in, struct arena *a, struct subnets *out)
{
	_cleanup_free_ char *routes = NULL, *resolver = NULL;

	if (file_read(AT_FDCWD, "/proc/net/route", TEXT_MAX, &routes, NULL, NULL) == 0)
		subnets_of_routes(routes, in->bridge, a, out);
	if (file_read(AT_FDCWD, "/etc/resolv.conf", TEXT_MAX, &resolver, NULL, NULL) == 0)
		subnets_of_resolver(resolver, a, out);
}

/* Packets of pods leave by the default route's link: what does not fit there would be lost where path MTU discovery is broken. */
static uint32_t mtu_of_default_route(void)
{
	_cleanup_fclose_ FILE *f = fopen("/proc/net/route", "re");
	_cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq ask = {};
	char line[256];
	unsigned destination, mask;

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%15s %x %*x %*x %*d %*d %*d %x", ask.ifr_name, &destination, &mask) == 3 &&
		    mask == 0 && destination == 0 && fd >= 0 && ioctl(fd, SIOCGIFMTU, &ask) == 0 &&
		    ask.ifr_mtu >= MTU_MIN)
			return (uint32_t)ask.ifr_mtu;
	return DEFAULT_MTU;
}

/* --- the file -------------------------------------------------------------------------------------------------------- */

static bool is_true(const struct node *n)
{
	return n && n->kind == NODE_BOOL && n->boolean;
}

static int read_file(struct network *n, const struct instance *in, struct error *err)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_arena_ struct arena *a = arena_new();
	size_t size;
	int r = file_read(in->rootfd, FILE_NAME, 65536, &text, &size, err);

	if (r < 0)
		return r;
	struct node *file = node_from_json(a, text, size, err);
	if (!file)
		return error_prefix(err, "the file '%s/" FILE_NAME "'", in->root);
	const char *subnet = node_get_string(file, "subnet");
	char address[32];
	unsigned prefix;
	if (!subnet || sscanf(subnet, "%31[0-9.]/%u", address, &prefix) != 2 || prefix < 8 || prefix > 29 ||
	    inet_pton(AF_INET, address, &n->subnet) != 1 ||
	    (ntohl(n->subnet.s_addr) & (UINT32_MAX >> prefix)) != 0)
		return error_set(err, EINVAL,
				 "the file '%s/" FILE_NAME
				 "' has no right subnet: it is like \"10.139.0.0/16\", from /8 to /29",
				 in->root);
	const struct node *mtu = node_get(file, "mtu");
	n->prefix = prefix;
	n->mtu = mtu && mtu->kind == NODE_INT && mtu->integer >= MTU_MIN && mtu->integer <= 65535
			 ? (uint32_t)mtu->integer
			 : DEFAULT_MTU;
	n->gateway.s_addr = htonl(ntohl(n->subnet.s_addr) + 1);
	n->fixed = is_true(node_get(file, "fixed"));
	return 0;
}

int network_free_subnet(const struct instance *in, const struct subnet_series *series, struct subnet *out,
			struct error *err)
{
	_cleanup_arena_ struct arena *a = arena_new();
	struct subnets taken = {};

	find_taken(in, a, &taken);
	return subnet_choose(series, (unsigned)strtoul(in->tag, NULL, 16), &taken, out,
			     err); /* instances begin at different ones */
}

static int choose(const struct instance *in, struct error *err)
{
	struct network n = {};
	struct subnet s;
	char text[300], subnet[SUBNET_TEXT_SIZE];
	int r = network_free_subnet(in, &subnets_of_pods, &s, err);

	if (r < 0)
		return r;
	n.subnet.s_addr = htonl(s.address);
	n.prefix = s.prefix;
	int size = snprintf(text, sizeof(text),
			    "{\"name\":\"" NETWORK_DEFAULT
			    "\",\"driver\":\"bridge\",\"subnet\":\"%s\",\"mtu\":%u}\n",
			    network_subnet(&n, subnet), mtu_of_default_route());
	return file_write_atomic(in->rootfd, FILE_NAME, text, (size_t)size, 0644, err);
}

int network_lock(const struct instance *in, struct error *err)
{
	int r = file_make_dirs(in->rootfd, "networks", 0755, err);
	if (r < 0)
		return r;
	_cleanup_close_ int lock = openat(in->rootfd, "networks/.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (lock < 0 || flock(lock, LOCK_EX) < 0)
		return error_errno(err, "cannot lock the networks");
	return take_fd(&lock);
}

int network_open(struct network *n, const struct instance *in, struct error *err)
{
	*n = (struct network){};
	strcpy(n->bridge, in->bridge);
	int r = read_file(n, in, err);
	if (r != -ENOENT)
		return r;
	_cleanup_close_ int lock = network_lock(in, err);
	if (lock < 0)
		return lock;
	if (!file_exists(in->rootfd, FILE_NAME) && (r = choose(in, err)) < 0)
		return r;
	return read_file(n, in, err);
}

int network_choose_again(struct network *n, const struct instance *in, struct error *err)
{
	_cleanup_arena_ struct arena *a = arena_new();
	struct subnets taken = {};

	find_taken(in, a, &taken);
	if (n->fixed || !subnet_overlaps((struct subnet){ ntohl(n->subnet.s_addr), n->prefix }, &taken))
		return 0;
	char text[SUBNET_TEXT_SIZE];
	log_info("the host has got a route over the pods' subnet %s; another one is chosen",
		 network_subnet(n, text));
	int r = choose(in, err);
	return r < 0 ? r : read_file(n, in, err);
}

void network_forget(const struct instance *in)
{
	unlinkat(in->rootfd, FILE_NAME, 0);
}
