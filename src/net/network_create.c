/* network_create.c — a new network: what a person has left open is chosen, what he has said is held against the host and the other
 * networks; see network.h.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <unistd.h>

#include "api/names.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "net/network_parts.h"

enum { TEXT_MAX = 1024 * 1024 };

/* --- what is taken ------------------------------------------------------------------------------------ */

/* OWN: the bridge of the network that is chosen: its route is no obstacle. */
static void find_taken(const struct instance *in, const char *own, struct arena *a, struct subnets *out)
{
	_cleanup_free_ char *routes = NULL, *resolver = NULL;
	struct networks networks = {};

	if (file_read(AT_FDCWD, "/proc/net/route", TEXT_MAX, &routes, NULL, NULL) == 0)
		subnets_of_routes(routes, own, a, out);
	if (file_read(AT_FDCWD, "/etc/resolv.conf", TEXT_MAX, &resolver, NULL, NULL) == 0)
		subnets_of_resolver(resolver, a, out);
	networks_list(in, a, &networks, NULL);
	list_each(n, &networks)
		if (!text_is(n->bridge, own))
			*list_add(a, out) = (struct subnet){ ntohl(n->subnet.s_addr), n->prefix };
}

static int choose_subnet(const struct instance *in, const struct subnet_series *series, const char *own,
			 struct subnet *out, struct error *err)
{
	_cleanup_arena_ struct arena *a = arena_new();
	struct subnets taken = {};

	find_taken(in, own, a, &taken);
	return subnet_choose(series, (unsigned)strtoul(in->tag, NULL, 16), &taken, out,
			     err); /* instances begin at different ones */
}

int network_free_subnet(const struct instance *in, const struct subnet_series *series, struct subnet *out,
			struct error *err)
{
	return choose_subnet(in, series, "", out, err);
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

/* --- writing -------------------------------------------------------------------------------------------- */

static int write_file(const struct instance *in, const struct network_file *file, struct error *err)
{
	_cleanup_arena_ struct arena *a = arena_new();
	_cleanup_text_ struct text text = {};
	char path[NETWORK_FILE_SIZE];

	snprintf(path, sizeof(path), NETWORK_FILE, file->name);
	node_to_json(object_encode(&network_file_table, file, a), false, &text);
	text_add_char(&text, '\n');
	return file_write_atomic(in->rootfd, path, text.at, text.n, 0644, err);
}

/* Of the own network OWN, whose number is NUMBER; ULA: RFC 4193, random as it asks. */
static int choose_rest(const struct instance *in, struct network_file *file, const char *own, struct arena *a,
		       struct error *err)
{
	struct network n = {};
	struct subnet s;
	char text[SUBNET_TEXT_SIZE];
	unsigned char id[5];

	if (!file->subnet) {
		int r = choose_subnet(in, &subnets_of_pods, own, &s, err);
		if (r < 0)
			return r;
		n.subnet.s_addr = htonl(s.address);
		n.prefix = s.prefix;
		file->subnet = arena_strdup(a, network_subnet(&n, text));
	}
	if (file->ipv6 && !file->subnet6) {
		while (getrandom(id, sizeof(id), 0) != (ssize_t)sizeof(id))
			;
		file->subnet6 = arena_printf(a, "fd%02x:%02x%02x:%02x%02x:%x::/64", id[0], id[1], id[2],
					     id[3], id[4], file->number);
	}
	if (!file->mtu)
		file->mtu = (int32_t)mtu_of_default_route();
	return 0;
}

int network_write_default(const struct instance *in, struct error *err)
{
	_cleanup_arena_ struct arena *a = arena_new();
	struct network_file file = { .name = NETWORK_DEFAULT, .driver = "bridge" };
	int r = choose_rest(in, &file, in->bridge, a, err);

	return r < 0 ? r : write_file(in, &file, err);
}

int network_choose_again(struct network *n, const struct instance *in, struct error *err)
{
	_cleanup_arena_ struct arena *a = arena_new();
	struct subnets taken = {};

	if (n->fixed || !text_is(n->name, NETWORK_DEFAULT))
		return 0;
	find_taken(in, n->bridge, a, &taken);
	if (!subnet_overlaps((struct subnet){ ntohl(n->subnet.s_addr), n->prefix }, &taken))
		return 0;
	char text[SUBNET_TEXT_SIZE];
	log_info("the host has got a route over the pods' subnet %s; another one is chosen",
		 network_subnet(n, text));
	struct network_file file = {
		.name = NETWORK_DEFAULT, .driver = "bridge", .ipv6 = n->ipv6, .internal = n->internal
	};
	int r = choose_rest(in, &file, n->bridge, a, err);
	if (r == 0)
		r = write_file(in, &file, err);
	return r < 0 ? r : network_take(n, in, n->name, &file, err);
}

/* --- what a person asks for -------------------------------------------------------------------------------- */

static int check_name(const struct instance *in, const char *name, struct error *err)
{
	static const char *const words[] = { "none", "host", "container", "ns", "cni", "private", "default" };
	char path[NETWORK_FILE_SIZE];

	if (name_dns_label(name))
		return error_set(err, EINVAL, "the network's name '%.80s' %s", name, name_dns_label(name));
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (text_is(name, words[i]))
			return error_set(err, EINVAL,
					 "a network cannot be called '%s': the word has a meaning of its own",
					 name);
	snprintf(path, sizeof(path), NETWORK_FILE, name);
	if (file_exists(in->rootfd, path))
		return error_set(err, EEXIST, "there is a network '%s' already (seapod network rm %s first)",
				 name, name);
	return 0;
}

static bool overlap6(const struct network *a, const struct network *b)
{
	unsigned prefix = a->prefix6 < b->prefix6 ? a->prefix6 : b->prefix6, bytes = prefix / 8,
		 bits = prefix % 8;

	if (!a->ipv6 || !b->ipv6 || memcmp(&a->subnet6, &b->subnet6, bytes) != 0)
		return false;
	return !bits || (a->subnet6.s6_addr[bytes] ^ b->subnet6.s6_addr[bytes]) >> (8 - bits) == 0;
}

static int check_overlap(const struct instance *in, const struct network *n, const struct networks *others,
			 struct error *err)
{
	_cleanup_arena_ struct arena *a = arena_new();
	_cleanup_free_ char *routes = NULL;
	const struct subnet mine = { ntohl(n->subnet.s_addr), n->prefix };
	struct subnets taken = {};
	char text[SUBNET_TEXT_SIZE], its[SUBNET_TEXT_SIZE];

	list_each(other, others) {
		struct subnet s = { ntohl(other->subnet.s_addr), other->prefix };
		if (subnet_overlaps(mine, &(struct subnets){ &s, 1 }))
			return error_set(
				err, EEXIST,
				"the subnet %s overlaps that of the network '%s', %s (give another one)",
				network_subnet(n, text), other->name, network_subnet(other, its));
		if (overlap6(n, other))
			return error_set(
				err, EEXIST,
				"the subnet %s overlaps that of the network '%s', %s (give another one)",
				network_subnet6(n, text), other->name, network_subnet6(other, its));
	}
	if (network_is_ours(n) && file_read(AT_FDCWD, "/proc/net/route", TEXT_MAX, &routes, NULL, NULL) == 0)
		subnets_of_routes(routes, text_is(n->name, NETWORK_DEFAULT) ? in->bridge : "", a, &taken);
	if (subnet_overlaps(mine, &taken))
		return error_set(
			err, EEXIST,
			"the host has a route over the subnet %s already (ip route; give another one)",
			network_subnet(n, text));
	return 0;
}

static int check_parent(const struct network_file *f, bool needs, struct error *err)
{
	if (!needs && f->parent)
		return error_set(err, EINVAL, "a network of the driver %s has no parent", f->driver);
	if (needs && text_empty(f->parent))
		return error_set(err, EINVAL,
				 "a network of the driver %s needs a parent: the host's link that it is on "
				 "(--parent eth0)",
				 f->driver);
	if (needs && (strlen(f->parent) >= IFNAMSIZ || !if_nametoindex(f->parent)))
		return error_set(err, ENODEV, "the parent '%.40s' is no link of this host (ip link)",
				 f->parent);
	return 0;
}

static int check_driver(const struct network_file *f, struct error *err)
{
	static const struct {
		const char *driver, *modes;
		bool parent;
	} drivers[] = { { "bridge", "", false },
			{ "routed", "", false },
			{ "macvlan", "bridge private vepa passthru", true },
			{ "ipvlan", "l2 l3 l3s", true } };

	for (size_t i = 0; i < sizeof(drivers) / sizeof(*drivers); i++) {
		if (!text_is(drivers[i].driver, f->driver))
			continue;
		if (f->mode && !strstr(drivers[i].modes, f->mode))
			return error_set(err, EINVAL, "the driver %s has no mode '%.20s'%s%s", f->driver,
					 f->mode, *drivers[i].modes ? ": " : "", drivers[i].modes);
		if (drivers[i].parent && !f->subnet)
			return error_set(err, EINVAL,
					 "a network of the driver %s needs the subnet of its parent's "
					 "Ethernet (--subnet)",
					 f->driver);
		if (drivers[i].parent && (f->internal || f->publishAt))
			return error_set(err, EINVAL,
					 "packets of a network of the driver %s do not pass this host's "
					 "filter, so it is neither internal "
					 "nor does it publish ports",
					 f->driver);
		return check_parent(f, drivers[i].parent, err);
	}
	return error_set(err, EINVAL, "there is no driver '%.40s' (bridge, routed, macvlan, ipvlan)",
			 f->driver);
}

static int choose_number(const struct networks *others, struct network_file *file, struct error *err)
{
	for (int32_t number = 1; number <= NETWORK_NUMBER_MAX; number++) {
		bool taken = false;
		list_each(other, others)
			taken = taken || other->number == (unsigned)number;
		if (taken)
			continue;
		file->number = number;
		return 0;
	}
	return error_set(err, ENOSPC, "there are as many networks as there can be (%d)", NETWORK_NUMBER_MAX);
}

int network_create(const struct instance *in, struct network_file *file, struct error *err)
{
	_cleanup_arena_ struct arena *a = arena_new();
	struct networks others = {};
	struct network n;
	_cleanup_close_ int lock = network_lock(in, err);
	int r = lock < 0 ? lock : check_name(in, file->name, err);

	file->driver = file->driver ? file->driver : "bridge";
	if (r == 0)
		r = check_driver(file, err);
	if (r == 0)
		r = networks_list(in, a, &others, err);
	file->fixed = file->subnet != NULL;
	if (r == 0 && !text_is(file->name, NETWORK_DEFAULT))
		r = choose_number(&others, file, err);
	if (r == 0)
		r = choose_rest(in, file, text_is(file->name, NETWORK_DEFAULT) ? in->bridge : "", a, err);
	if (r == 0 && (r = network_take(&n, in, file->name, file, err)) < 0)
		return error_prefix(err, "the network '%s' has", file->name);
	if (r == 0)
		r = check_overlap(in, &n, &others, err);
	return r < 0 ? r : write_file(in, file, err);
}
