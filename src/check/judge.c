/* judge.c — the rules: one function a subject, facts in, findings out; see host.h. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "check/host.h"

const char *const link_kind_names[LINK_KINDS] = { "veth", "bridge", "macvlan", "ipvlan" };
const char *const finding_level_names[] = { "ok", "note", "problem" };

struct judge {
	const struct host_facts *f;
	struct arena *a;
	struct findings *out;
};

/* TODO: NULL: nothing. */
static void say(struct judge *j, enum finding_level level, const char *subject, const char *todo,
		const char *format, ...) __attribute__((format(printf, 5, 6)));
static void say(struct judge *j, enum finding_level level, const char *subject, const char *todo,
		const char *format, ...)
{
	char text[512];
	va_list list;

	va_start(list, format);
	vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	*list_add(j->a, j->out) = (struct finding){ level, subject, arena_strdup(j->a, text), todo };
}

/* --- the kernel ---------------------------------------------------------------------------------------------------------- */

/* openat2, clone3, mount_setattr and pidfds of all kinds: what no part of Seapod does without. */
enum { NEEDED_MAJOR = 5, NEEDED_MINOR = 12 };

static void judge_kernel(struct judge *j)
{
	int major = 0, minor = 0;

	if (!j->f->root)
		say(j, FINDING_PROBLEM, "user", "run it as root (sudo seapod system check)",
		    "this is not root: pods need it, and some things could not be looked at");
	if (sscanf(j->f->release, "%d.%d", &major, &minor) == 2 &&
	    (major < NEEDED_MAJOR || (major == NEEDED_MAJOR && minor < NEEDED_MINOR)))
		say(j, FINDING_PROBLEM, "kernel", "a newer kernel is needed",
		    "Linux %s is older than 5.12, which has what Seapod needs to make containers safely",
		    j->f->release);
	else
		say(j, FINDING_OK, "kernel", NULL, "Linux %s", j->f->release);
	if (!strstr(j->f->filesystems, "overlay"))
		say(j, FINDING_PROBLEM, "overlay", "modprobe overlay, or a kernel with CONFIG_OVERLAY_FS",
		    "the kernel has no overlay file system: containers have no root file systems");
	else
		say(j, FINDING_OK, "overlay", NULL, "the kernel has overlay");
	if (j->f->layers_mounted)
		say(j, FINDING_OK, "layers", NULL, "image layers are mounted (EROFS, from files)");
	else
		say(j, FINDING_NOTE, "layers",
		    "Linux 6.12 or newer with CONFIG_EROFS_FS mounts them, which is faster",
		    "image layers are unpacked: %s", j->f->layers_why ? j->f->layers_why : "");
}

static void judge_links(struct judge *j)
{
	static const enum finding_level levels[LINK_KINDS] = { FINDING_PROBLEM, FINDING_PROBLEM, FINDING_NOTE,
							       FINDING_NOTE };

	for (int i = 0; i < LINK_KINDS; i++)
		if (j->f->links_missing & 1u << i)
			say(j, levels[i], "links", arena_printf(j->a, "modprobe %s", link_kind_names[i]),
			    "the kernel makes no link of the kind %s: %s", link_kind_names[i],
			    levels[i] == FINDING_NOTE ? "there are no such networks"
						      : "pods have no network but none and host");
	if (!(j->f->links_missing & (1u << LINK_VETH | 1u << LINK_BRIDGE)))
		say(j, FINDING_OK, "links", NULL, "the kernel makes the links of bridge networks");
}

static void judge_cgroups(struct judge *j)
{
	if (j->f->cgroup_version == 0)
		say(j, FINDING_PROBLEM, "cgroups", "mount -t cgroup2 none /sys/fs/cgroup",
		    "no control groups are mounted: pods have no limits");
	else if (!j->f->cgroup_writable)
		say(j, FINDING_PROBLEM, "cgroups",
		    "run Seapod outside of this container, or with a writable /sys/fs/cgroup",
		    "/sys/fs/cgroup cannot be written to: pods have no limits");
	else if (j->f->cgroup_missing)
		say(j, FINDING_PROBLEM, "cgroups",
		    j->f->cgroup_version == 2 ? "add them to cgroup.subtree_control of the root"
					      : "boot without cgroup_disable, or mount them",
		    "version %d, without the controllers %s: such limits cannot be set", j->f->cgroup_version,
		    j->f->cgroup_missing);
	else
		say(j, FINDING_OK, "cgroups", NULL, "version %d, with all controllers", j->f->cgroup_version);
	if (j->f->cgroup_version == 1)
		say(j, FINDING_NOTE, "cgroups", "boot with systemd.unified_cgroup_hierarchy=1",
		    "with version 1 there is no PSI in top, and out of memory ends one process, not the "
		    "container");
}

/* --- the network ----------------------------------------------------------------------------------------------------------- */

static void judge_forwarding(struct judge *j)
{
	if (j->f->ip_forward < 0)
		say(j, FINDING_PROBLEM, "ip_forward", "mount /proc writable for Seapod",
		    "/proc/sys/net/ipv4/ip_forward is not there: pods cannot reach the outside");
	else if (j->f->ip_forward == 0)
		say(j, FINDING_NOTE, "ip_forward", "sysctl -w net.ipv4.ip_forward=1 has it now",
		    "this host does not forward yet; the first pod with a network turns it on");
	else
		say(j, FINDING_OK, "ip_forward", NULL, "this host forwards IPv4");
	if (j->f->rp_filter == 1)
		say(j, FINDING_NOTE, "rp_filter",
		    "sysctl -w net.ipv4.conf.all.rp_filter=2, if such answers matter",
		    "strict reverse path filtering: what comes in by another link than its answer would take "
		    "is dropped");
}

static const char *open_advice(struct judge *j, const struct forward_drop *d)
{
	const char *link = d->closed;

	if (d->legacy)
		return arena_printf(j->a,
				    "iptables-legacy -I FORWARD -o %s -j ACCEPT; iptables-legacy -I FORWARD "
				    "-i %s -j ACCEPT",
				    link, link);
	if (text_is(d->table, "ip filter") || text_is(d->table, "ip6 filter")) /* iptables-nft's */
		return arena_printf(j->a,
				    "%s -I FORWARD -o %s -j ACCEPT; %s -I FORWARD -i %s -j ACCEPT (with "
				    "Docker: DOCKER-USER)",
				    text_starts(d->table, "ip6") ? "ip6tables" : "iptables", link,
				    text_starts(d->table, "ip6") ? "ip6tables" : "iptables", link);
	if (text_is(d->table, "inet firewalld"))
		return arena_printf(
			j->a,
			"firewall-cmd --permanent --zone=trusted --add-interface=%s; firewall-cmd --reload",
			link);
	return arena_printf(
		j->a, "nft insert rule %s %s oifname %s accept; nft insert rule %s %s iifname %s accept",
		d->table, d->chain, link, d->table, d->chain, link);
}

static void judge_firewall(struct judge *j)
{
	size_t closed = 0;

	if (!j->f->has_nft)
		say(j, FINDING_PROBLEM, "nftables", "install the package nftables",
		    "the program nft is missing: networks need it");
	else if (!j->f->nft_works)
		say(j, FINDING_PROBLEM, "nftables",
		    "modprobe nf_tables, or a kernel with CONFIG_NF_TABLES_INET",
		    "nft cannot list the rules: the kernel has no nftables, or does not let it");
	else
		say(j, FINDING_OK, "nftables", NULL, "the kernel has nftables");
	list_each(drop, &j->f->drops) {
		closed += drop->closed != NULL;
		if (drop->closed)
			say(j, FINDING_PROBLEM, "firewall", open_advice(j, drop),
			    "the chain %s of the table %s%s drops what is forwarded, and nothing there lets "
			    "%s through",
			    drop->chain, drop->table, drop->legacy ? " (iptables-legacy)" : "", drop->closed);
		else
			say(j, FINDING_OK, "firewall", NULL,
			    "the table %s%s drops by default and lets pods through", drop->table,
			    drop->legacy ? " (iptables-legacy)" : "");
	}
	if (j->f->drops.n == 0)
		say(j, FINDING_OK, "firewall", NULL, "no other table drops what is forwarded");
	if (j->f->bridge_nf == 1)
		say(j, closed ? FINDING_PROBLEM : FINDING_NOTE, "bridge-nf",
		    "sysctl -w net.bridge.bridge-nf-call-iptables=0, unless Docker or Kubernetes needs it",
		    "what pods of one bridge send each other passes the firewalls, too "
		    "(bridge-nf-call-iptables)");
	if (j->f->firewalld)
		say(j, FINDING_NOTE, "firewalld",
		    "published ports are opened by pods, not by zones (docs/networks.md)",
		    "firewalld runs: what it says of the host's own ports is not asked for published ones");
	if (j->f->ufw)
		say(j, FINDING_NOTE, "ufw", "ufw route allow in on seapod0; ufw route allow out on seapod0",
		    "ufw is on: its default for what is routed is to deny");
}

/* --- the rest -------------------------------------------------------------------------------------------------------------- */

enum { LEAST_FREE_PERCENT = 5 };
static const uint64_t least_free = 512ull << 20;

static void judge_disk(struct judge *j)
{
	unsigned long long free_mib = j->f->disk_free >> 20;

	if (j->f->disk_bytes == 0)
		return;
	if (j->f->disk_free < least_free || j->f->disk_free < j->f->disk_bytes / 100 * LEAST_FREE_PERCENT)
		say(j, FINDING_PROBLEM, "disk", "seapod image prune -a; seapod system df",
		    "only %llu MiB are free at '%s'", free_mib, j->f->root_path);
	else
		say(j, FINDING_OK, "disk", NULL, "%llu MiB are free at '%s'", free_mib, j->f->root_path);
}

/* sandbox/user_range.h */
static const unsigned long long ids_first = 0x70000000, ids_end = 0x70000000 + 4094ull * 65536;

static void judge_users(struct judge *j)
{
	unsigned long long first, count;
	char name[64];

	if (j->f->user_namespaces == 0)
		say(j, FINDING_NOTE, "users", "sysctl -w user.max_user_namespaces=10000",
		    "user namespaces are turned off: hostUsers: false fails");
	for (const char *line = j->f->subuid; line && *line;
	     line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
		if (sscanf(line, "%63[^:\n]:%llu:%llu", name, &first, &count) == 3 && first < ids_end &&
		    first + count > ids_first)
			say(j, FINDING_PROBLEM, "users",
			    "give that user another range in /etc/subuid and /etc/subgid",
			    "the ids of '%s' in /etc/subuid (%llu to %llu) are also those of pods with "
			    "hostUsers: false",
			    name, first, first + count - 1);
}

static void judge_security(struct judge *j)
{
	if (!j->f->seccomp)
		say(j, FINDING_PROBLEM, "seccomp", "a kernel with CONFIG_SECCOMP_FILTER",
		    "the kernel has no seccomp filters: containers may make every system call");
	else
		say(j, FINDING_OK, "seccomp", NULL, "the kernel has seccomp filters");
	say(j, FINDING_OK, "security", NULL, "AppArmor is %s, SELinux is %s",
	    j->f->apparmor ? "on (profiles are applied where a pod names one)" : "off",
	    j->f->selinux ? "on" : "off");
}

static void judge_extras(struct judge *j)
{
	if (!j->f->criu)
		say(j, FINDING_NOTE, "criu", "install criu, if you want seapod-oci checkpoint and restore",
		    "criu is not there");
	if (!j->f->cni_plugins || !j->f->cni_configuration)
		say(j, FINDING_NOTE, "cni",
		    "install containernetworking-plugins and write a list, if you want --net cni:NAME",
		    "there are no %s",
		    j->f->cni_plugins ? "CNI configurations in /etc/cni/net.d"
				      : "CNI plugins in /usr/lib/cni or /opt/cni/bin");
	if (j->f->unit == UNIT_ENABLED)
		say(j, FINDING_OK, "boot", NULL, "pods with restartPolicy Always come back after a boot");
	else
		say(j, FINDING_NOTE, "boot",
		    j->f->unit == UNIT_DISABLED ? "systemctl enable seapod"
						: "make install; systemctl enable seapod",
		    "pods do not come back after a boot: seapod.service is not %s",
		    j->f->unit == UNIT_DISABLED ? "enabled" : "installed");
}

void host_judge(const struct host_facts *f, struct arena *a, struct findings *out)
{
	struct judge j = { f, a, out };

	judge_kernel(&j);
	judge_cgroups(&j);
	judge_links(&j);
	judge_forwarding(&j);
	judge_firewall(&j);
	judge_disk(&j);
	judge_users(&j);
	judge_security(&j);
	judge_extras(&j);
}
