/* host.h — what stands in the way on this host: facts, rules over them, and findings in words.
 *
 *	host_learn      reads the facts: /proc, /sys, the programs nft and iptables-legacy, a trial of links in a network namespace of its own
 *	host_judge      facts -> findings. Pure: each rule has its test
 *
 * A finding is one line and, where it is not well, what to do. A *problem* breaks something that people use without asking for it (pods, networks, published
 * ports, limits); a *note* is what only those miss who ask for it.
 */
#pragma once

#include <stdint.h>

#include "base/instance.h"
#include "base/text.h"
#include "object/field.h"
#include "object/node.h"

/* A chain that drops what is forwarded unless a rule says otherwise: what other programs' firewalls have. */
struct forward_drop {
	const char *table, *chain; /* "ip filter", "FORWARD" */
	bool legacy; /* of iptables-legacy; else of nftables, where iptables-nft has its rules, too */
	const char *
		closed; /* the first of our links that no rule of the table accepts, in both ways; NULL: all are */
};
struct forward_drops LIST(struct forward_drop);

/* Links that a trial could not make: bits. */
enum link_kind { LINK_VETH, LINK_BRIDGE, LINK_MACVLAN, LINK_IPVLAN, LINK_KINDS };
extern const char *const link_kind_names[LINK_KINDS];

enum host_unit { UNIT_MISSING, UNIT_DISABLED, UNIT_ENABLED };

struct host_facts {
	bool root;
	const char *release;     /* of the kernel: "6.18.0" */
	const char *filesystems; /* the text of /proc/filesystems, and names of modules that can be loaded */
	bool layers_mounted;
	const char *layers_why;
	int cgroup_version;
	const char *cgroup_missing; /* "pids, memory"; NULL: none of those that limits need */
	bool cgroup_writable;
	int ip_forward, bridge_nf, rp_filter, user_namespaces; /* what sysctls say; -1: not there */
	unsigned links_missing;
	bool has_nft, nft_works;
	struct forward_drops drops;
	struct strings links; /* ours: bridges */
	bool firewalld, ufw;
	uint64_t disk_bytes, disk_free;
	const char *root_path; /* whose disk it is */
	const char *subuid;    /* the text of /etc/subuid; NULL: not there */
	bool seccomp, apparmor, selinux, criu, cni_plugins, cni_configuration;
	enum host_unit unit;
};

enum finding_level { FINDING_OK, FINDING_NOTE, FINDING_PROBLEM };
extern const char *const finding_level_names[];

struct finding {
	enum finding_level level;
	const char *subject, *text; /* "firewall", what is so */
	const char *todo;           /* NULL: nothing */
};
struct findings LIST(struct finding);

/* All memory in A. Never fails: what cannot be learnt is unknown. */
void host_learn(const struct instance *in, struct arena *a, struct host_facts *out);

void host_judge(const struct host_facts *f, struct arena *a, struct findings *out);

/* --- firewall.c: pure --- */

/* The forward chains of other tables than TABLE that drop, from `nft -j list ruleset`. LINKS: ours. */
void forward_drops_of_nft(const struct node *ruleset, const char *table, const struct strings *links,
			  struct arena *a, struct forward_drops *out);

/* The same from `iptables-legacy -S`. */
void forward_drops_of_iptables(const char *rules, const struct strings *links, struct arena *a,
			       struct forward_drops *out);
