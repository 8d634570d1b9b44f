/* network.c — the file of a network, and what follows from it; see network.h. */
#include "net/network.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "api/names.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "net/network_parts.h"
#include "object/json.h"

static const char *const drivers[] = { "bridge", "routed", "macvlan", "ipvlan" };

static const struct field file_fields[] = {
	VALUE(network_file, name),
	VALUE(network_file, driver, .values = "bridge|routed|macvlan|ipvlan", .fallback = "bridge"),
	VALUE(network_file, number, .min = 0, .max = NETWORK_NUMBER_MAX),
	VALUE(network_file, subnet),
	VALUE(network_file, gateway),
	VALUE(network_file, ipRange),
	VALUE(network_file, ipv6),
	VALUE(network_file, subnet6),
	VALUE(network_file, gateway6),
	VALUE(network_file, mtu, .min = 0, .max = 65535),
	VALUE(network_file, fixed),
	VALUE(network_file, internal),
	VALUE(network_file, parent),
	VALUE(network_file, mode, .values = "bridge|private|vepa|passthru|l2|l3|l3s"),
	VALUE(network_file, publishAt),
};
const struct table network_file_table = TABLE(network_file, file_fields, "A network.");

/* --- what follows from it -------------------------------------------------------------------------- */

void network_mac(struct in_addr address, unsigned char mac[static MAC_SIZE])
{
	mac[0] = 0x0a;
	mac[1] = 0x58;
	memcpy(mac + 2, &address, 4);
}

struct in6_addr network_address6(const struct network *n, struct in_addr address)
{
	struct in6_addr six = n->subnet6;
	uint32_t number = htonl(ntohl(address.s_addr) - ntohl(n->subnet.s_addr));

	memcpy(six.s6_addr + 12, &number, sizeof(number));
	return six;
}

void network_link_prefix(const struct instance *in, char prefix[static IFNAMSIZ])
{
	snprintf(prefix, IFNAMSIZ, "%.9sv", in->tag[0] ? in->bridge : "seapod");
}

/* The number of the network and that of the address in it, in five digits at most: what a dead keeper left under the same
 * address is recognised. */
void network_link_name(const struct instance *in, const struct network *n, struct in_addr address,
		       char name[static IFNAMSIZ])
{
	static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyz";
	uint32_t number = n->number << 16 | ((ntohl(address.s_addr) - ntohl(n->subnet.s_addr)) & 0xffff);
	char reverse[8];
	size_t count = 0;

	network_link_prefix(in, name);
	size_t at = strlen(name);
	do
		reverse[count++] = digits[number % 36];
	while ((number /= 36) && count < sizeof(reverse));
	while (count > 0 && at < IFNAMSIZ - 1)
		name[at++] = reverse[--count];
	name[at] = '\0';
}

const char *network_driver_name(enum network_driver driver)
{
	return drivers[driver];
}

bool network_is_ours(const struct network *n)
{
	return n->driver == DRIVER_BRIDGE || n->driver == DRIVER_ROUTED;
}

char *network_subnet(const struct network *n, char text[static SUBNET_TEXT_SIZE])
{
	char address[INET_ADDRSTRLEN];

	snprintf(text, SUBNET_TEXT_SIZE, "%s/%u", inet_ntop(AF_INET, &n->subnet, address, sizeof(address)),
		 n->prefix % 100);
	return text;
}

char *network_subnet6(const struct network *n, char text[static SUBNET_TEXT_SIZE])
{
	char address[INET6_ADDRSTRLEN];

	snprintf(text, SUBNET_TEXT_SIZE, "%s/%u", inet_ntop(AF_INET6, &n->subnet6, address, sizeof(address)),
		 n->prefix6 % 1000);
	return text;
}

/* --- the file --------------------------------------------------------------------------------------- */

bool cidr_parse(const char *text, struct in_addr *address, unsigned *prefix)
{
	char part[INET_ADDRSTRLEN];
	int end = 0;

	return text && sscanf(text, "%15[0-9.]/%u%n", part, prefix, &end) == 2 && !text[end] &&
	       *prefix <= 32 && inet_pton(AF_INET, part, address) == 1;
}

bool cidr6_parse(const char *text, struct in6_addr *address, unsigned *prefix)
{
	char part[INET6_ADDRSTRLEN];
	int end = 0;

	return text && sscanf(text, "%45[0-9a-fA-F:]/%u%n", part, prefix, &end) == 2 && !text[end] &&
	       *prefix <= 128 && inet_pton(AF_INET6, part, address) == 1;
}

bool network_holds(const struct network *n, struct in_addr a)
{
	return ((ntohl(a.s_addr) ^ ntohl(n->subnet.s_addr)) & ~(UINT32_MAX >> n->prefix)) == 0;
}

static int take_subnet(struct network *n, const struct network_file *f, struct error *err)
{
	if (!cidr_parse(f->subnet, &n->subnet, &n->prefix) || n->prefix < 8 || n->prefix > 29 ||
	    (ntohl(n->subnet.s_addr) & (UINT32_MAX >> n->prefix)) != 0)
		return error_set(err, EINVAL,
				 "no right subnet '%.60s': it is like \"10.139.0.0/16\", from /8 to /29",
				 f->subnet ? f->subnet : "");
	n->gateway.s_addr = htonl(ntohl(n->subnet.s_addr) + 1);
	if (f->gateway && (inet_pton(AF_INET, f->gateway, &n->gateway) != 1 || !network_holds(n, n->gateway)))
		return error_set(err, EINVAL, "no right gateway '%.60s': it is an address of the subnet %s",
				 f->gateway, f->subnet);
	return 0;
}

/* The pods' part of the subnet: without its first address, which is the network's, and its last. */
static int take_range(struct network *n, const struct network_file *f, struct error *err)
{
	const uint32_t subnet = ntohl(n->subnet.s_addr), end = subnet | UINT32_MAX >> n->prefix;
	struct in_addr range = n->subnet;
	unsigned prefix = n->prefix;

	if (f->ipRange &&
	    (!cidr_parse(f->ipRange, &range, &prefix) || prefix < n->prefix || !network_holds(n, range) ||
	     (prefix < 32 && (ntohl(range.s_addr) & (UINT32_MAX >> prefix)) != 0)))
		return error_set(err, EINVAL, "no right ipRange '%.60s': it is a part of the subnet %s",
				 f->ipRange, f->subnet);
	n->first = ntohl(range.s_addr);
	n->last = prefix < 32 ? n->first | UINT32_MAX >> prefix : n->first;
	n->first += n->first == subnet;
	n->last -= n->last == end;
	return 0;
}

static int take_subnet6(struct network *n, const struct network_file *f, struct error *err)
{
	if (!f->ipv6)
		return 0;
	n->ipv6 = true;
	if (!cidr6_parse(f->subnet6, &n->subnet6, &n->prefix6) || n->prefix6 < 8 || n->prefix6 > 96 ||
	    memcmp(n->subnet6.s6_addr + 12, "\0\0\0", 4) != 0)
		return error_set(err, EINVAL,
				 "no right subnet6 '%.60s': it is like \"fd00:1:2:3::/64\", from /8 to /96",
				 f->subnet6 ? f->subnet6 : "");
	n->gateway6 = n->subnet6;
	n->gateway6.s6_addr[15] = 1;
	if (f->gateway6 && inet_pton(AF_INET6, f->gateway6, &n->gateway6) != 1)
		return error_set(err, EINVAL, "no right gateway6 '%.60s'", f->gateway6);
	return 0;
}

int network_take(struct network *n, const struct instance *in, const char *name, const struct network_file *f,
		 struct error *err)
{
	char own[NETWORK_NAME_SIZE]; /* NAME may be N's own */

	snprintf(own, sizeof(own), "%s", name);
	*n = (struct network){ .number = (unsigned)f->number, .fixed = f->fixed, .internal = f->internal };
	strcpy(n->name, own);
	snprintf(n->parent, sizeof(n->parent), "%s", f->parent ? f->parent : "");
	snprintf(n->mode, sizeof(n->mode), "%s", f->mode ? f->mode : "");
	n->mtu = f->mtu >= MTU_MIN ? (uint32_t)f->mtu : DEFAULT_MTU;
	for (int i = 0; i < 4; i++)
		if (text_is(drivers[i], f->driver))
			n->driver = (enum network_driver)i;
	if (n->number == 0)
		snprintf(n->bridge, sizeof(n->bridge), "%.15s", in->bridge);
	else if (in->tag[0])
		snprintf(n->bridge, sizeof(n->bridge), "%.9sb%u", in->bridge, n->number % 1000);
	else
		snprintf(n->bridge, sizeof(n->bridge), "seapod%u", n->number % 1000);
	if (f->publishAt && inet_pton(AF_INET, f->publishAt, &n->publish_at) != 1)
		return error_set(err, EINVAL,
				 "no right publishAt '%.60s': it is an address of the host (127.0.0.1)",
				 f->publishAt);
	int r = take_subnet(n, f, err);
	if (r == 0)
		r = take_range(n, f, err);
	return r < 0 ? r : take_subnet6(n, f, err);
}

static int read_file(struct network *n, const struct instance *in, const char *name, struct error *err)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_arena_ struct arena *a = arena_new();
	struct problems problems = { .arena = a };
	struct network_file file = {};
	char path[NETWORK_FILE_SIZE];
	size_t size;

	snprintf(path, sizeof(path), NETWORK_FILE, name);
	int r = file_read(in->rootfd, path, 65536, &text, &size, err);
	if (r < 0)
		return r;
	struct node *node = node_from_json(a, text, size, err);
	if (!node)
		return error_prefix(err, "the file '%s/%s'", in->root, path);
	if (!object_decode(&network_file_table, node, &file, a, NULL, &problems))
		return error_set(err, EINVAL, "the file '%s/%s': %s", in->root, path,
				 problems.errors.at[0].text);
	r = network_take(n, in, name, &file, err);
	return r < 0 ? error_prefix(err, "the file '%s/%s' has", in->root, path) : 0;
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

static int no_such_network(const struct instance *in, const char *name, struct error *err)
{
	_cleanup_arena_ struct arena *a = arena_new();
	_cleanup_text_ struct text names = {};
	struct networks all = {};

	networks_list(in, a, &all, NULL);
	list_each(n, &all)
		if (!text_is(n->name, NETWORK_DEFAULT))
			text_printf(&names, ", %s", n->name);
	return error_set(err, ENOENT,
			 "there is no network '%.60s' (" NETWORK_DEFAULT
			 "%s; none, host, container:NAME, ns:PATH, cni:NAME)",
			 name, text_str(&names));
}

int network_open(struct network *n, const struct instance *in, const char *name, struct error *err)
{
	if (name_dns_label(name))
		return no_such_network(in, name, err);
	int r = read_file(n, in, name, err);
	if (r != -ENOENT)
		return r;
	if (!text_is(name, NETWORK_DEFAULT))
		return no_such_network(in, name, err);
	_cleanup_close_ int lock = network_lock(in, err);
	if (lock < 0)
		return lock;
	r = read_file(n, in, name, NULL);
	if (r == -ENOENT && (r = network_write_default(in, err)) == 0)
		r = read_file(n, in, name, err);
	return r;
}

static int is_network_file(const struct dirent *entry)
{
	return entry->d_name[0] != '.' && text_ends(entry->d_name, ".json");
}

int networks_list(const struct instance *in, struct arena *a, struct networks *out, struct error *err)
{
	struct dirent **entries = NULL;
	int n = scandirat(in->rootfd, "networks", &entries, is_network_file, alphasort), r = 0;

	for (int i = 0; i < n; i++) {
		struct network network;
		char *name = entries[i]->d_name;
		name[strlen(name) - strlen(".json")] = '\0';
		if (r == 0 && (r = read_file(&network, in, name, err)) == 0)
			*list_add(a, out) = network;
		free(entries[i]);
	}
	free(entries);
	return r == -ENOENT ? 0 : r;
}

void network_forget(const struct instance *in, const char *name)
{
	char path[NETWORK_FILE_SIZE];

	snprintf(path, sizeof(path), NETWORK_FILE, name);
	unlinkat(in->rootfd, path, 0);
}
