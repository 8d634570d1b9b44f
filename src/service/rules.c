/* rules.c — see rules.h. */
#include "service/rules.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "net/rules.h"

#define NUMBER    "meta priority"
#define PORT      "meta l4proto . th dport"
#define FOUR      "ip daddr . " PORT
#define SIX       "ip6 daddr . " PORT
#define TRANSPORT "meta l4proto { tcp, udp, sctp }"

static const char sets[] =
	"	map faces {\n		typeof " FOUR " : " NUMBER "\n	}\n"
	"	map faces6 {\n		typeof " SIX " : " NUMBER "\n	}\n"
	"	map nodes {\n		typeof " PORT " : " NUMBER "\n	}\n"
	"	map nodes6 {\n		typeof " PORT " : " NUMBER "\n	}\n"
	"	map ids {\n		typeof " NUMBER " . numgen random mod 65536 : " NUMBER "\n	}\n"
	"	map live {\n		typeof " NUMBER " : ip daddr . th dport\n	}\n"
	"	map live6 {\n		typeof " NUMBER " : ip6 daddr . th dport\n	}\n"
	"	map draws {\n		typeof " NUMBER " : " NUMBER "\n	}\n"
	"	map sticky {\n		typeof " NUMBER " : verdict\n	}\n"
	"	set closed {\n		typeof " FOUR "\n	}\n"
	"	set closed6 {\n		typeof " SIX "\n	}\n"
	"	map clients {\n		typeof " FOUR " . ip saddr : " NUMBER "\n"
	"		size 262144\n		flags dynamic,timeout\n		timeout 1d\n	}\n";

/* One address of the pod that was drawn. */
static const char land[] = "	chain land {\n"
			   "		meta nfproto ipv4 " TRANSPORT " dnat ip to " NUMBER " map @live\n"
			   "		meta nfproto ipv6 " TRANSPORT " dnat ip6 to " NUMBER " map @live6\n"
			   "	}\n";

/* Which port of which Service it is; then the pod. A node port is one at any address of the host. */
static const char entry[] =
	"	chain spread {\n"
	"		" NUMBER " vmap @sticky\n"
	"		jump pick\n"
	"		jump land\n"
	"	}\n"
	"	chain services {\n"
	/* each twice: the elements may change between two lookups, and who found a pod that has just gone looks again */
	"		" NUMBER " set " FOUR " map @faces jump spread\n"
	"		" NUMBER " set " FOUR " map @faces jump spread\n"
	"		" NUMBER " set " SIX " map @faces6 jump spread\n"
	"		" NUMBER " set " SIX " map @faces6 jump spread\n"
	"		fib daddr type != local return\n"
	"		meta nfproto ipv4 " NUMBER " set " PORT " map @nodes jump spread\n"
	"		meta nfproto ipv4 " NUMBER " set " PORT " map @nodes jump spread\n"
	"		meta nfproto ipv6 " NUMBER " set " PORT " map @nodes6 jump spread\n"
	"		meta nfproto ipv6 " NUMBER " set " PORT " map @nodes6 jump spread\n"
	"	}\n"
	"	chain prerouting { type nat hook prerouting priority dstnat - 5; policy accept; jump "
	"services; }\n"
	"	chain output { type nat hook output priority -105; policy accept; jump services; }\n"
	/* What is still addressed to a Service has found no pod. */
	"	chain refuse {\n"
	"		meta l4proto tcp reject with tcp reset\n"
	"		reject with icmpx type port-unreachable\n"
	"	}\n"
	"	chain unmet {\n"
	"		ip daddr @addresses goto refuse\n"
	"		ip6 daddr @addresses6 goto refuse\n"
	"		" FOUR " @closed goto refuse\n"
	"		" SIX " @closed6 goto refuse\n"
	"	}\n"
	"	chain forward { type filter hook forward priority filter - 5; policy accept; jump unmet; }\n"
	"	chain local { type filter hook output priority filter - 5; policy accept; jump unmet; }\n";

/* %1$d: seconds. A client that is known, whose pod is there, goes to it; else it is given one. */
static const char stick[] = "	chain known_%1$d {\n"
			    "		update @clients { " FOUR " . ip saddr timeout %1$ds : " NUMBER " }\n"
			    "		jump land\n"
			    "	}\n"
			    "	chain stick_%1$d {\n"
			    "		meta nfproto ipv6 goto stick6\n"
			    "		" NUMBER " set " FOUR " . ip saddr map @clients jump known_%1$d\n"
			    "		delete @clients { " FOUR " . ip saddr : " NUMBER " }\n"
			    "		" NUMBER " set " PORT " map @nodes\n"
			    "		" NUMBER " set " FOUR " map @faces\n"
			    "		" NUMBER " set " NUMBER " map @draws\n"
			    "		jump pick\n"
			    "		add @clients { " FOUR " . ip saddr timeout %1$ds : " NUMBER " }\n"
			    "		jump land\n"
			    "	}\n";

/* nft 1.0.6 cannot write down a client of IPv6 with what he is to be given (it aborts on keys of more than 16 bytes), so a hash of his address says where he
 * goes: to the same pod for as long as the pods are the same. */
static const char stick6[] = "	chain stick6 {\n"
			     "		" NUMBER " set " NUMBER " map @draws\n"
			     "		jump hash\n"
			     "		jump land\n"
			     "	}\n";

char *service_table_name(const struct instance *in, char name[static TABLE_NAME_SIZE])
{
	snprintf(name, TABLE_NAME_SIZE, "%s_services", in->table);
	return name;
}

char *service_stick_name(int32_t seconds, char name[static STICK_NAME_SIZE])
{
	snprintf(name, STICK_NAME_SIZE, "stick_%d", seconds);
	return name;
}

unsigned service_class(size_t n)
{
	unsigned k = 0;

	while (((size_t)1 << k) < n && k < CLASS_MAX)
		k++;
	return k;
}

static void put_addresses(const char *name, const char *type, const char *range, struct text *out)
{
	text_printf(out, "	set %s {\n		type %s\n		flags interval\n", name,
		    type);
	if (range)
		text_printf(out, "		elements = { %s }\n", range);
	text_add(out, "	}\n");
}

/* Where a slot comes from: by chance, or from the client's address. */
static void put_draw(bool hash, unsigned from, unsigned try, struct text *out)
{
	text_add(out, "		" NUMBER " set " NUMBER " . ");
	if (hash)
		text_printf(out, "jhash ip6 saddr mod %u seed 0x%x", from, 0x5ea90d00 + try);
	else
		text_printf(out, "numgen random mod %u", from);
	text_add(out, " map @ids return\n");
}

/* The chain NAME and one for each class. */
static void put_picks(const char *name, bool hash, struct text *out)
{
	for (unsigned k = 0; k <= CLASS_MAX; k++) {
		text_printf(out, "	chain %s_%u {\n		" NUMBER " set " NUMBER " & 0xfffffff0\n",
			    name, k);
		for (unsigned i = 0; k > 0 && i < TRIES; i++)
			put_draw(hash, 1u << k, i, out);
		if (k > 1)
			put_draw(hash, 1u << (k - 1), TRIES, out);
		put_draw(hash, 1, TRIES, out); /* there is always one in the first */
		text_add(out, "	}\n");
	}
	text_printf(out, "	chain %s {\n		" NUMBER " & 0xf vmap { ", name);
	for (unsigned k = 0; k <= CLASS_MAX; k++)
		text_printf(out, "%s%u : goto %s_%u", k ? ", " : "", k, name, k);
	text_add(out, " }\n	}\n");
}

static void put_table(const char *name, const struct service_ranges *ranges,
		      const struct affinities *affinities, struct text *out)
{
	text_printf(out, "table inet %s {\n%s", name, sets);
	put_addresses("addresses", "ipv4_addr", ranges->four, out);
	put_addresses("addresses6", "ipv6_addr", ranges->six, out);
	put_picks("pick", false, out);
	text_add(out, land);
	if (affinities->n) {
		put_picks("hash", true, out);
		text_add(out, stick6);
	}
	list_each(seconds, affinities)
		text_printf(out, stick, *seconds);
	text_add(out, entry);
	text_add(out, "}\n");
}

void service_rules_text(const struct instance *in, const struct service_ranges *ranges,
			const struct affinities *affinities, struct text *out)
{
	char name[TABLE_NAME_SIZE];

	service_table_name(in, name);
	text_printf(out, "add table inet %s\nflush table inet %s\n", name, name);
	put_table(name, ranges, affinities, out);
}

int service_rules_load(const struct instance *in, const struct service_ranges *ranges,
		       const struct affinities *affinities, struct error *err)
{
	_cleanup_text_ struct text text = {}, anew = {};
	char name[TABLE_NAME_SIZE];

	service_rules_text(in, ranges, affinities, &text);
	if (rules_run(text_str(&text), NULL) == 0)
		return 0;
	/* its sets are not as they should be: an older Seapod's, or somebody's */
	service_table_name(in, name);
	text_printf(&anew, "add table inet %s\ndelete table inet %s\n", name, name);
	put_table(name, ranges, affinities, &anew);
	return rules_run(text_str(&anew), err);
}

bool service_rules_exist(const struct instance *in, struct netlink *nf)
{
	struct netlink_batch b;
	char name[TABLE_NAME_SIZE];

	batch_begin(&b, nf);
	struct nlmsghdr *m = batch_add(&b, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETTABLE, 0);
	*(struct nfgenmsg *)netlink_extend(m, sizeof(struct nfgenmsg)) =
		(struct nfgenmsg){ .nfgen_family = NFPROTO_INET };
	netlink_put_text(m, NFTA_TABLE_NAME, service_table_name(in, name));
	return batch_send(&b) == 0;
}

void service_rules_remove(const struct instance *in)
{
	_cleanup_text_ struct text text = {};
	struct netlink nf = NETLINK_NONE;
	char name[TABLE_NAME_SIZE];

	if (netlink_open(&nf, NETLINK_NETFILTER, NULL) == 0 && service_rules_exist(in, &nf)) {
		text_printf(&text, "delete table inet %s\n", service_table_name(in, name));
		rules_run(text.at, NULL);
	}
	netlink_close(&nf);
}
