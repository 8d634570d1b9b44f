/* rules.c — see rules.h. */
#include "net/rules.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "net/hostport.h"
#include "net/port_map.h"

/* %1$s: how the names of pods' links begin. */
static const char chains[] =
	/* What is sent to a published port of an address of the host goes to the pod instead: from outside, and from the host itself. */
	"	chain publish {\n"
	"		fib daddr type != local return\n"
	"		meta nfproto ipv4 dnat ip to ip daddr . meta l4proto . th dport map @ports_at\n"
	"		meta nfproto ipv4 dnat ip to ip daddr . meta l4proto . th dport map @ranges_at\n"
	"		meta nfproto ipv4 dnat ip to meta l4proto . th dport map @ports\n"
	"		meta nfproto ipv4 dnat ip to meta l4proto . th dport map @ranges\n"
	"		meta nfproto ipv6 dnat ip6 to ip6 daddr . meta l4proto . th dport map @ports6_at\n"
	"		meta nfproto ipv6 dnat ip6 to ip6 daddr . meta l4proto . th dport map @ranges6_at\n"
	"		meta nfproto ipv6 dnat ip6 to meta l4proto . th dport map @ports6\n"
	"		meta nfproto ipv6 dnat ip6 to meta l4proto . th dport map @ranges6\n"
	"	}\n"
	"	chain prerouting { type nat hook prerouting priority dstnat; policy accept; jump publish; }\n"
	"	chain output { type nat hook output priority -100; policy accept; jump publish; }\n"
	/* Outside, pods have the host's address; to pods, so has the host's 127.0.0.1, and what pods of the same bridge send by way of a published port. */
	"	chain postrouting {\n"
	"		type nat hook postrouting priority srcnat; policy accept;\n"
	"		ip saddr @nat ip daddr != @subnets masquerade\n"
	"		ip saddr 127.0.0.0/8 ip daddr @subnets masquerade\n"
	"		ip saddr . ip daddr @bridged ct status dnat masquerade\n"
	"		ip saddr . ip daddr @self ct status dnat masquerade\n"
	"		ip6 saddr . ip6 daddr @self6 ct status dnat masquerade\n"
	"		ip6 saddr @nat6 ip6 daddr != @subnets6 masquerade\n"
	"		ip6 saddr ::1 ip6 daddr @subnets6 masquerade\n"
	"	}\n"
	/* The kernel lets 127.0.0.1 through on bridges (route_localnet), so this keeps pods from the host's own; nobody forges addresses. */
	"	chain from_bridge {\n"
	"		ip daddr 127.0.0.0/8 drop\n"
	"		ip saddr != @pods drop\n"
	"		ip6 saddr != @pods6 drop\n"
	"		accept\n"
	"	}\n"
	"	chain from_link {\n"
	"		ip daddr 127.0.0.0/8 drop\n"
	"		icmpv6 type { nd-router-solicit, nd-router-advert, nd-neighbor-solicit, "
	"nd-neighbor-advert, nd-redirect } drop\n"
	"		fib saddr . iif oif missing drop\n"
	"		accept\n"
	"	}\n"
	"	chain guard {\n"
	"		type filter hook prerouting priority raw; policy accept;\n"
	"		iifname \"lo\" accept\n"
	"		iifname @bridges goto from_bridge\n"
	"		iifname \"%1$s*\" goto from_link\n"
	"		ip saddr @subnets drop\n"
	"		ip6 saddr @subnets6 drop\n"
	"	}\n"
	/* To a pod comes what answers it, what was sent to a published port or a service, and what pods of its network send; other hosts and other networks do not
	 * reach more. From an internal network nothing goes out. */
	"	chain forward {\n"
	"		type filter hook forward priority filter; policy accept;\n"
	"		ct state established,related accept\n"
	"		ip saddr . ip daddr @inside accept\n"
	"		ip6 saddr . ip6 daddr @inside6 accept\n"
	"		ip saddr @internal reject with icmpx type admin-prohibited\n"
	"		ip6 saddr @internal6 reject with icmpx type admin-prohibited\n"
	"		ct status dnat accept\n"
	"		ip daddr @subnets reject with icmpx type admin-prohibited\n"
	"		ip6 daddr @subnets6 reject with icmpx type admin-prohibited\n"
	"	}\n"
	"}\n";

/* %1$s: how the names of pods' links begin. IPv6 between pods goes by the gateway, so there is nothing that a pod has to say about neighbours. */
static const char guard_chain[] = "	chain guard {\n"
				  "		type filter hook prerouting priority -300; policy accept;\n"
				  "		iifname != \"%1$s*\" accept\n"
				  "		iifname . ether saddr . ip saddr @pods accept\n"
				  "		iifname . ether saddr . arp saddr ip @pods iifname . arp "
				  "saddr ether . arp saddr ip @pods accept\n"
				  "		icmpv6 type { nd-router-solicit, nd-router-advert, "
				  "nd-neighbor-solicit, nd-neighbor-advert, nd-redirect } drop\n"
				  "		iifname . ether saddr . ip6 saddr @pods6 accept\n"
				  "		drop\n"
				  "	}\n"
				  "}\n";

/* --- sets and maps ---------------------------------------------------------------------------------------------------- */

/* A set that is being written: its head, "elements = { a, b }" or nothing without any, its end. */
struct set {
	struct text *out;
	unsigned n;
};

static void begin_set(struct set *s, const char *name, const char *type, bool interval)
{
	text_printf(s->out, "	%s {\n		type %s\n%s", name, type,
		    interval ? "		flags interval\n" : "");
	s->n = 0;
}

static void add(struct set *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(struct set *s, const char *format, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list list;

	va_start(list, format);
	if (vasprintf(&text, format, list) < 0)
		text = NULL;
	va_end(list);
	text_printf(s->out, "%s%s", s->n++ ? ",\n\t\t\t" : "\t\telements = { ", text ? text : "");
}

static void end_set(struct set *s)
{
	text_add(s->out, s->n ? " }\n	}\n" : "	}\n");
}

/* --- ports ------------------------------------------------------------------------------------------------------------ */

static void add_port(struct set *s, const struct port_map *map, const struct endpoint_record *r,
		     const struct port_record *port)
{
	const char *at = map->at ? port->hostIP : "", *dot = map->at ? " . " : "",
		   *pod = map->six ? r->address6 : r->address;
	int protocol = protocol_number(port->protocol);

	if (map->ranges)
		add(s, "%s%s%d . %d-%d : %s", at, dot, protocol, port->hostPort,
		    port->hostPort + port->count - 1, pod);
	else
		add(s, "%s%s%d . %d : %s . %d", at, dot, protocol, port->hostPort, pod, port->containerPort);
}

static void put_ports(const struct port_map *map, const struct network_states *networks, struct set *s)
{
	char head[40];

	snprintf(head, sizeof(head), "map %s", map->name);
	begin_set(s, head, map->type, map->ranges);
	list_each(state, networks)
		list_each(r, &state->endpoints)
			list_each(port, &r->ports)
				if (port_is_in(port, map) && (!map->six || r->address6))
					add_port(s, map, r, port);
	end_set(s);
}

/* --- networks ----------------------------------------------------------------------------------------------------------- */

/* Sets of subnets, by what is true of the network. */
static bool is_any(const struct network *n)
{
	return network_is_ours(n);
}

static bool is_internal(const struct network *n)
{
	return network_is_ours(n) && n->internal;
}

static bool is_bridge(const struct network *n)
{
	return n->driver == DRIVER_BRIDGE;
}

static const struct subnet_set {
	const char *name;
	bool (*has)(const struct network *n);
	bool six, pair; /* PAIR: from the subnet to itself */
} subnet_sets[] = {
	{ "set subnets", is_any, false, false },       { "set subnets6", is_any, true, false },
	{ "set nat", is_any, false, false },           { "set nat6", is_any, true, false },
	{ "set internal", is_internal, false, false }, { "set internal6", is_internal, true, false },
	{ "set inside", is_any, false, true },         { "set inside6", is_any, true, true },
	{ "set bridged", is_bridge, false, true },
};

static void put_subnets(const struct subnet_set *which, const struct network_states *networks, struct set *s)
{
	static const char *const types[2][2] = { { "ipv4_addr", "ipv4_addr . ipv4_addr" },
						 { "ipv6_addr", "ipv6_addr . ipv6_addr" } };
	char subnet[SUBNET_TEXT_SIZE];

	begin_set(s, which->name, types[which->six][which->pair], true);
	list_each(state, networks) {
		const struct network *n = &state->network;
		if (!which->has(n) || (which->six && !n->ipv6))
			continue;
		which->six ? network_subnet6(n, subnet) : network_subnet(n, subnet);
		if (which->pair)
			add(s, "%s . %s", subnet, subnet);
		else
			add(s, "%s", subnet);
	}
	end_set(s);
}

static void put_bridges(const struct network_states *networks, struct set *s)
{
	begin_set(s, "set bridges", "ifname", false);
	list_each(state, networks)
		if (is_bridge(&state->network))
			add(s, "\"%s\"", state->network.bridge);
	end_set(s);
}

/* Of bridges only: what comes by a link of its own is known by its route. */
static void put_addresses(const struct network_states *networks, bool six, struct set *s)
{
	begin_set(s, six ? "set pods6" : "set pods", six ? "ipv6_addr" : "ipv4_addr", false);
	list_each(state, networks)
		list_each(r, &state->endpoints)
			if (is_bridge(&state->network) && (!six || r->address6))
				add(s, "%s", six ? r->address6 : r->address);
	end_set(s);
}

static void put_self(const struct network_states *networks, bool six, struct set *s)
{
	begin_set(s, six ? "set self6" : "set self", six ? "ipv6_addr . ipv6_addr" : "ipv4_addr . ipv4_addr",
		  false);
	list_each(state, networks)
		list_each(r, &state->endpoints) {
			const char *address = six ? r->address6 : r->address;
			if (network_is_ours(&state->network) && address &&
			    (six || !is_bridge(&state->network)))
				add(s, "%s . %s", address, address);
		}
	end_set(s);
}

static void put_pods(const struct network_states *networks, bool six, struct set *s)
{
	unsigned char mac[MAC_SIZE];
	struct in_addr address;

	begin_set(s, six ? "set pods6" : "set pods",
		  six ? "ifname . ether_addr . ipv6_addr" : "ifname . ether_addr . ipv4_addr", false);
	list_each(state, networks)
		list_each(r, &state->endpoints) {
			if (!is_bridge(&state->network) || (six && !r->address6) ||
			    inet_pton(AF_INET, r->address, &address) != 1)
				continue;
			network_mac(address, mac);
			add(s, "\"%s\" . %02x:%02x:%02x:%02x:%02x:%02x . %s", r->link, mac[0], mac[1], mac[2],
			    mac[3], mac[4], mac[5], six ? r->address6 : r->address);
		}
	end_set(s);
}

/* --- the whole ------------------------------------------------------------------------------------------------------------ */

static void begin_table(const char *family, const struct instance *in, struct text *out)
{
	text_printf(out, "add table %s %s\ndelete table %s %s\ntable %s %s {\n", family, in->table, family,
		    in->table, family, in->table);
}

void rules_text(const struct instance *in, const struct network_states *networks, bool guard,
		struct text *out)
{
	struct set s = { .out = out };
	char prefix[IFNAMSIZ];

	network_link_prefix(in, prefix);
	begin_table("inet", in, out);
	for (size_t i = 0; i < PORT_MAPS; i++)
		put_ports(&port_maps[i], networks, &s);
	for (size_t i = 0; i < sizeof(subnet_sets) / sizeof(*subnet_sets); i++)
		put_subnets(&subnet_sets[i], networks, &s);
	put_bridges(networks, &s);
	put_addresses(networks, false, &s);
	put_addresses(networks, true, &s);
	put_self(networks, false, &s);
	put_self(networks, true, &s);
	text_printf(out, chains, prefix);
	if (!guard)
		return;
	begin_table("bridge", in, out);
	put_pods(networks, false, &s);
	put_pods(networks, true, &s);
	text_printf(out, guard_chain, prefix);
}

int network_states_read(const struct instance *in, bool remove, struct arena *a, struct network_states *out,
			struct error *err)
{
	struct networks networks = {};
	int r = networks_list(in, a, &networks, err);

	list_each(n, &networks) {
		struct network_state *state = list_add(a, out);
		state->network = *n;
		_cleanup_close_ int pool = r < 0 ? -1 : pool_open(in, n->name, err);
		if (r == 0)
			r = pool < 0 ? pool : records_list(pool, remove, a, &state->endpoints, err);
	}
	return r;
}

int rules_run(const char *text, struct error *err)
{
	_cleanup_close_ int in = memfd_create("nft", MFD_CLOEXEC),
			    out = memfd_create("nft-errors", MFD_CLOEXEC);
	char *argv[] = { "nft", "-f", "-", NULL },
	     *env[] = { "PATH=/usr/sbin:/sbin:/usr/bin:/bin:/usr/local/sbin:/usr/local/bin", NULL };
	posix_spawn_file_actions_t actions;
	pid_t pid;
	int status;

	if (in < 0 || out < 0 || write_all(in, text, strlen(text)) < 0 || lseek(in, 0, SEEK_SET) < 0)
		return error_errno(err, "cannot hand the rules to nft");
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, in, 0);
	posix_spawn_file_actions_adddup2(&actions, out, 1);
	posix_spawn_file_actions_adddup2(&actions, out, 2);
	int r = posix_spawnp(&pid, "nft", &actions, NULL, argv, env);
	posix_spawn_file_actions_destroy(&actions);
	if (r == ENOENT)
		return error_set(
			err, ENOENT,
			"the program nft is missing; networks need it (install the package nftables)");
	if (r != 0 || waitpid(pid, &status, 0) < 0)
		return error_set(err, EIO, "cannot run nft");
	if (status == 0)
		return 0;
	_cleanup_free_ char *said = NULL;
	lseek(out, 0, SEEK_SET);
	file_read_fd(out, "nft", 65536, &said, NULL, NULL);
	return error_set(err, EIO, "nft does not take Seapod's rules: %.*s",
			 said ? (int)strcspn(said, "\n") : 0, said ? said : "");
}

int rules_load(const struct instance *in, const struct network_states *networks, struct error *err)
{
	_cleanup_text_ struct text whole = {}, unguarded = {};

	rules_text(in, networks, true, &whole);
	if (rules_run(text_str(&whole), err) == 0)
		return 0;
	rules_text(in, networks, false, &unguarded);
	int r = rules_run(text_str(&unguarded), err);
	if (r == 0)
		log_warning("this kernel has no nftables for bridges: a pod that has CAP_NET_RAW could send "
			    "under another pod's address");
	return r;
}

static bool table_exists(const struct instance *in, uint8_t family)
{
	struct netlink_batch b;
	struct netlink nf = NETLINK_NONE;

	if (netlink_open(&nf, NETLINK_NETFILTER, NULL) < 0)
		return false;
	batch_begin(&b, &nf);
	struct nlmsghdr *m = batch_add(&b, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETTABLE, 0);
	*(struct nfgenmsg *)netlink_extend(m, sizeof(struct nfgenmsg)) =
		(struct nfgenmsg){ .nfgen_family = family };
	netlink_put_text(m, NFTA_TABLE_NAME, in->table);
	int r = batch_send(&b);
	netlink_close(&nf);
	return r == 0;
}

bool rules_exist(const struct instance *in)
{
	return table_exists(in, NFPROTO_INET);
}

bool rules_guard_exist(const struct instance *in)
{
	return table_exists(in, NFPROTO_BRIDGE);
}

void rules_remove(const struct instance *in)
{
	_cleanup_text_ struct text text = {};

	if (table_exists(in, NFPROTO_INET))
		text_printf(&text, "delete table inet %s\n", in->table);
	if (table_exists(in, NFPROTO_BRIDGE))
		text_printf(&text, "delete table bridge %s\n", in->table);
	if (text.n)
		rules_run(text.at, NULL);
}
