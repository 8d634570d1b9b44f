/* test_check.c — what stands in the way of pods on a host: the rules over its facts, and other programs' firewalls as their programs print them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "check/host.h"
#include "object/json.h"

/* A host on which all is well. */
static const struct host_facts good = {
	.root = true,
	.release = "6.18.0",
	.filesystems = "nodev\toverlay\n\terofs\n",
	.layers_mounted = true,
	.cgroup_version = 2,
	.cgroup_writable = true,
	.ip_forward = 1,
	.bridge_nf = -1,
	.rp_filter = 2,
	.user_namespaces = 10000,
	.has_nft = true,
	.nft_works = true,
	.disk_bytes = 1ull << 40,
	.disk_free = 1ull << 39,
	.root_path = "/var/lib/seapod",
	.seccomp = true,
	.apparmor = true,
	.criu = true,
	.cni_plugins = true,
	.cni_configuration = true,
	.unit = UNIT_ENABLED,
};

/* "problem overlay: …; do …" of the first finding that is not well and is about SUBJECT; NULL: there is none. */
static const char *find(const struct host_facts *f, const char *subject, struct arena *a)
{
	struct findings findings = {};

	host_judge(f, a, &findings);
	list_each(finding, &findings)
		if (finding->level != FINDING_OK && (!subject || text_is(finding->subject, subject)))
			return arena_printf(a, "%s %s: %s; do %s", finding_level_names[finding->level],
					    finding->subject, finding->text,
					    finding->todo ? finding->todo : "nothing");
	return NULL;
}

static void nothing_is_said_of_a_good_host(void **state)
{
	_cleanup_arena_ struct arena *a = arena_new();
	(void)state;

	assert_null(find(&good, NULL, a));
}

static void each_rule_speaks(void **state)
{
	struct host_facts f[] = { good, good, good, good, good, good, good, good, good, good, good,
				  good, good, good, good, good, good, good, good, good, good, good };
	static const struct {
		const char *subject, *says;
	} cases[] = {
		{ "user", "problem user: this is not root" },
		{ "kernel", "problem kernel: Linux 5.4.0 is older" },
		{ "overlay", "problem overlay" },
		{ "layers", "note layers: image layers are unpacked: this kernel is old" },
		{ "cgroups", "problem cgroups: no control groups" },
		{ "cgroups", "problem cgroups: /sys/fs/cgroup cannot be written" },
		{ "cgroups", "problem cgroups: version 2, without the controllers memory, pids" },
		{ "cgroups", "note cgroups: with version 1" },
		{ "links", "problem links: the kernel makes no link of the kind veth" },
		{ "links", "note links: the kernel makes no link of the kind ipvlan" },
		{ "ip_forward", "note ip_forward" },
		{ "rp_filter", "note rp_filter" },
		{ "nftables", "problem nftables: the program nft is missing" },
		{ "nftables", "problem nftables: nft cannot list" },
		{ "bridge-nf", "note bridge-nf" },
		{ "firewalld", "note firewalld" },
		{ "ufw", "note ufw" },
		{ "disk", "problem disk: only 100 MiB are free at '/var/lib/seapod'" },
		{ "users", "problem users: the ids of 'eve' in /etc/subuid (1879048192 to 1879113727)" },
		{ "users", "note users: user namespaces are turned off" },
		{ "seccomp", "problem seccomp" },
		{ "boot", "note boot: pods do not come back after a boot: seapod.service is not enabled; do "
			  "systemctl enable seapod" },
	};
	_cleanup_arena_ struct arena *a = arena_new();
	(void)state;

	f[0].root = false;
	f[1].release = "5.4.0";
	f[2].filesystems = "\text4\n";
	f[3].layers_mounted = false;
	f[3].layers_why = "this kernel is old";
	f[4].cgroup_version = 0;
	f[5].cgroup_writable = false;
	f[6].cgroup_missing = "memory, pids";
	f[7].cgroup_version = 1;
	f[8].links_missing = 1u << LINK_VETH;
	f[9].links_missing = 1u << LINK_IPVLAN;
	f[10].ip_forward = 0;
	f[11].rp_filter = 1;
	f[12].has_nft = false;
	f[13].nft_works = false;
	f[14].bridge_nf = 1;
	f[15].firewalld = true;
	f[16].ufw = true;
	f[17].disk_free = 100ull << 20;
	f[18].subuid = "root:100000:65536\neve:1879048192:65536\n";
	f[19].user_namespaces = 0;
	f[20].seccomp = false;
	f[21].unit = UNIT_DISABLED;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const char *said = find(&f[i], cases[i].subject, a);
		if (!said || !strstr(said, cases[i].says))
			fail_msg("%zu: says '%s', not '%s'", i, said ? said : "nothing", cases[i].says);
	}
}

/* --- firewalls ------------------------------------------------------------------------------------------------------------- */

#define CHAIN(table, name, policy)                                               \
	"{\"chain\":{\"family\":\"ip\",\"table\":\"" table "\",\"name\":\"" name \
	"\",\"type\":\"filter\",\"hook\":\"forward\",\"prio\":0,\"policy\":\"" policy "\"}}"
#define RULE(table, chain, expr) \
	"{\"rule\":{\"family\":\"ip\",\"table\":\"" table "\",\"chain\":\"" chain "\",\"expr\":[" expr "]}}"
#define LINK(key, name) \
	"{\"match\":{\"op\":\"==\",\"left\":{\"meta\":{\"key\":\"" key "\"}},\"right\":\"" name "\"}}"

/* What check says of the rule set of ENTRIES. */
static const char *check(const char *entries, struct arena *a)
{
	const char *text = arena_printf(a, "{\"nftables\":[{\"metainfo\":{}},%s]}", entries);
	struct host_facts f = good;

	*list_add(a, &f.links) = "seapod0";
	struct node *tree = node_from_json(a, text, strlen(text), NULL);
	assert_non_null(tree);
	forward_drops_of_nft(tree, "seapod", &f.links, a, &f.drops);
	return find(&f, "firewall", a);
}

static void a_drop_policy_of_another_table(void **state)
{
	static const char in[] =
		LINK("iifname", "seapod0") ",{\"counter\":{\"packets\":1}},{\"accept\":null}",
			  out[] = LINK("oifname", "seapod*") ",{\"accept\":null}",
			  drop[] = "{\"counter\":null},{\"drop\":null}";
	_cleanup_arena_ struct arena *a = arena_new();
	(void)state;

	assert_null(check(CHAIN("fw", "forward", "accept"), a));
	assert_null(check(CHAIN("seapod", "forward", "drop"), a)); /* ours */
	assert_string_equal(check(CHAIN("fw", "forward", "drop"), a),
			    "problem firewall: the chain forward of the table ip fw drops what is forwarded, "
			    "and nothing there lets "
			    "seapod0 through; do nft insert rule ip fw forward oifname seapod0 accept; nft "
			    "insert rule ip fw forward "
			    "iifname seapod0 accept");
	assert_non_null(check(arena_printf(a, "%s,%s", CHAIN("fw", "forward", "drop"),
					   arena_printf(a, RULE("fw", "forward", "%s"), in)),
			      a));
	assert_non_null(check(arena_printf(a, "%s,%s,%s", CHAIN("fw", "forward", "drop"),
					   arena_printf(a, RULE("fw", "forward", "%s"), in),
					   arena_printf(a, RULE("other", "forward", "%s"), out)),
			      a));
	assert_null(check(arena_printf(a, "%s,%s,%s", CHAIN("fw", "forward", "drop"),
				       arena_printf(a, RULE("fw", "forward", "%s"), in),
				       arena_printf(a, RULE("fw", "sub", "%s"), out)),
			  a));
	/* a last rule that takes all is as good as a policy */
	assert_non_null(check(arena_printf(a, "%s,%s", CHAIN("fw", "forward", "accept"),
					   arena_printf(a, RULE("fw", "forward", "%s"), drop)),
			      a));
	assert_null(check(CHAIN("fw", "forward", "accept") "," RULE(
				  "fw", "forward", LINK("iifname", "eth0") ",{\"drop\":null}"),
			  a));
	/* iptables-nft's are opened by iptables */
	assert_non_null(strstr(check(CHAIN("filter", "FORWARD", "drop"), a),
			       "do iptables -I FORWARD -o seapod0 -j ACCEPT"));
}

static void rules_of_iptables_legacy(void **state)
{
	_cleanup_arena_ struct arena *a = arena_new();
	static const char *const shut = "-P INPUT ACCEPT\n-P FORWARD DROP\n-A FORWARD -i seapod0 -j ACCEPT\n",
				 *const open = "-P FORWARD DROP\n-N X\n-A FORWARD -j X\n-A X -i seapod+ -j "
					       "ACCEPT\n-A X -o seapod0 -j ACCEPT\n";
	struct strings links = {};
	struct forward_drops drops = {};
	(void)state;

	*list_add(a, &links) = "seapod0";
	forward_drops_of_iptables("-P FORWARD ACCEPT\n", &links, a, &drops);
	assert_int_equal(drops.n, 0);
	forward_drops_of_iptables(shut, &links, a, &drops);
	forward_drops_of_iptables(open, &links, a, &drops);
	assert_int_equal(drops.n, 2);
	assert_string_equal(drops.at[0].closed, "seapod0");
	assert_null(drops.at[1].closed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_said_of_a_good_host),
		cmocka_unit_test(each_rule_speaks),
		cmocka_unit_test(a_drop_policy_of_another_table),
		cmocka_unit_test(rules_of_iptables_legacy),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
