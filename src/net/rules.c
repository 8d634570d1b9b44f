/* rules.c — see rules.h. */
#include "net/rules.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "net/endpoint.h"

/* %1$s: the table; the elements of the maps come between. */
static const char maps[] = "add table inet %1$s\n"
			   "delete table inet %1$s\n"
			   "table inet %1$s {\n"
			   "	map ports {\n"
			   "		type inet_proto . inet_service : ipv4_addr . inet_service\n";

static const char maps_at[] =
	"	}\n"
	"	map ports_at {\n"
	"		type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service\n";

static const char set[] = "	}\n"
			  "	set pods {\n"
			  "		type ipv4_addr\n";

/* %1$s: the bridge, %2$s: the subnet. */
static const char chains[] =
	"	}\n"
	/* What is sent to a published port of an address of the host goes to the pod instead: from outside, and from the host itself. */
	"	chain publish {\n"
	"		meta nfproto ipv4 fib daddr type local dnat ip to ip daddr . meta l4proto . th dport "
	"map @ports_at\n"
	"		meta nfproto ipv4 fib daddr type local dnat ip to meta l4proto . th dport map "
	"@ports\n"
	"	}\n"
	"	chain prerouting { type nat hook prerouting priority dstnat; policy accept; jump publish; }\n"
	"	chain output { type nat hook output priority -100; policy accept; jump publish; }\n"
	/* Outside, pods have the host's address; to pods, so have the host's 127.0.0.1 and what pods send by way of a published port. */
	"	chain postrouting {\n"
	"		type nat hook postrouting priority srcnat; policy accept;\n"
	"		ip saddr %2$s oifname != \"%1$s\" masquerade\n"
	"		oifname \"%1$s\" ip saddr 127.0.0.0/8 masquerade\n"
	"		oifname \"%1$s\" ip saddr %2$s ct status dnat masquerade\n"
	"	}\n"
	/* The kernel lets 127.0.0.1 through on the bridge (route_localnet), so this keeps pods from the host's own; nobody forges addresses. */
	"	chain guard {\n"
	"		type filter hook prerouting priority raw; policy accept;\n"
	"		iifname \"%1$s\" ip daddr 127.0.0.0/8 drop\n"
	"		iifname \"%1$s\" ip saddr != @pods drop\n"
	"		iifname != { \"%1$s\", \"lo\" } ip saddr %2$s drop\n"
	"	}\n"
	/* To a pod comes what answers it, what was sent to a published port, and what other pods send; other hosts do not reach more. */
	"	chain forward {\n"
	"		type filter hook forward priority filter; policy accept;\n"
	"		oifname != \"%1$s\" accept\n"
	"		iifname \"%1$s\" accept\n"
	"		ct state established,related accept\n"
	"		ct status dnat accept\n"
	"		reject with icmpx type admin-prohibited\n"
	"	}\n"
	"}\n";

/* %1$s: the table. */
static const char guard_set[] = "add table bridge %1$s\n"
				"delete table bridge %1$s\n"
				"table bridge %1$s {\n"
				"	set pods {\n"
				"		type ifname . ether_addr . ipv4_addr\n";

/* %1$s: how the names of pods' links begin. */
static const char guard_chain[] = "	}\n"
				  "	chain guard {\n"
				  "		type filter hook prerouting priority -300; policy accept;\n"
				  "		iifname != \"%1$s*\" accept\n"
				  "		iifname . ether saddr . ip saddr @pods accept\n"
				  "		iifname . ether saddr . arp saddr ip @pods iifname . arp "
				  "saddr ether . arp saddr ip @pods accept\n"
				  "		drop\n"
				  "	}\n"
				  "}\n";

/* "		elements = { a, b }", or nothing without any. */
struct elements {
	struct text *out;
	unsigned n;
};

static void add_element(struct elements *e, const char *text)
{
	text_printf(e->out, "%s%s", e->n++ ? ",\n\t\t\t" : "\t\telements = { ", text);
}

static void end_elements(struct elements *e)
{
	if (e->n)
		text_add(e->out, " }\n");
}

static void add_ports(const struct endpoint_records *endpoints, bool at, struct text *out)
{
	struct elements e = { .out = out };

	list_each(r, endpoints)
		list_each(port, &r->ports) {
			if (at != (port->hostIP != NULL))
				continue;
			_cleanup_free_ char *text =
				memory_printf("%s%s%u . %d : %s . %d", at ? port->hostIP : "",
					      at ? " . " : "", protocol_number(port->protocol),
					      port->hostPort, r->address, port->containerPort);
			add_element(&e, text);
		}
	end_elements(&e);
}

static void add_addresses(const struct endpoint_records *endpoints, struct text *out)
{
	struct elements e = { .out = out };

	list_each(r, endpoints)
		add_element(&e, r->address);
	end_elements(&e);
}

static void add_pods(const struct endpoint_records *endpoints, struct text *out)
{
	struct elements e = { .out = out };
	unsigned char mac[MAC_SIZE];
	struct in_addr address;

	list_each(r, endpoints) {
		if (inet_pton(AF_INET, r->address, &address) != 1)
			continue;
		network_mac(address, mac);
		_cleanup_free_ char *text =
			memory_printf("\"%s\" . %02x:%02x:%02x:%02x:%02x:%02x . %s", r->link, mac[0], mac[1],
				      mac[2], mac[3], mac[4], mac[5], r->address);
		add_element(&e, text);
	}
	end_elements(&e);
}

void rules_text(const struct network *n, const struct instance *in, const struct endpoint_records *endpoints,
		bool guard, struct text *out)
{
	char subnet[SUBNET_TEXT_SIZE], prefix[IFNAMSIZ];

	network_subnet(n, subnet);
	text_printf(out, maps, in->table);
	add_ports(endpoints, false, out);
	text_add(out, maps_at);
	add_ports(endpoints, true, out);
	text_add(out, set);
	add_addresses(endpoints, out);
	text_printf(out, chains, n->bridge, subnet);
	if (!guard)
		return;
	endpoint_link_prefix(in, prefix);
	text_printf(out, guard_set, in->table);
	add_pods(endpoints, out);
	text_printf(out, guard_chain, prefix);
}

/* nft(8) reads TEXT; what it says on an error comes back in ERR. */
static int run_nft(const char *text, struct error *err)
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

int rules_load(const struct network *n, const struct instance *in, const struct endpoint_records *endpoints,
	       struct error *err)
{
	_cleanup_text_ struct text whole = {}, unguarded = {};

	rules_text(n, in, endpoints, true, &whole);
	if (run_nft(text_str(&whole), err) == 0)
		return 0;
	rules_text(n, in, endpoints, false, &unguarded);
	int r = run_nft(text_str(&unguarded), err);
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

void rules_remove(const struct instance *in)
{
	_cleanup_text_ struct text text = {};

	if (table_exists(in, NFPROTO_INET))
		text_printf(&text, "delete table inet %s\n", in->table);
	if (table_exists(in, NFPROTO_BRIDGE))
		text_printf(&text, "delete table bridge %s\n", in->table);
	if (text.n)
		run_nft(text.at, NULL);
}
