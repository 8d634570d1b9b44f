/* learn.c — the facts; see host.h. What cannot be learnt is left as it is: unknown. */
#include <dirent.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "check/host.h"
#include "image/layer.h"
#include "linux/cgroup.h"
#include "linux/netlink.h"
#include "linux/security_module.h"
#include "net/network.h"
#include "object/json.h"

enum { TEXT_MOST = 1 << 20, RULES_MOST = 16 << 20 };

static const char *read_text(const char *path, struct arena *a)
{
	_cleanup_free_ char *text = NULL;
	size_t size;

	return file_read(AT_FDCWD, path, TEXT_MOST, &text, &size, NULL) < 0 ? NULL : arena_strdup(a, text);
}

static int read_number(const char *path)
{
	_cleanup_free_ char *text = NULL;

	return file_read(AT_FDCWD, path, 64, &text, NULL, NULL) < 0 ? -1 : atoi(text);
}

/* --- programs ------------------------------------------------------------------------------------------------------------ */

static const char *const places[] = { "/usr/sbin", "/sbin",           "/usr/bin",
				      "/bin",      "/usr/local/sbin", "/usr/local/bin" };

static bool has_program(const char *name)
{
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		_cleanup_free_ char *path = memory_printf("%s/%s", places[i], name);
		if (access(path, X_OK) == 0)
			return true;
	}
	return false;
}

/* What a program says on its standard output, in A; NULL: it is not there, or fails. */
static const char *ask_program(char *const argv[], size_t *size, struct arena *a)
{
	char *env[] = { "PATH=/usr/sbin:/sbin:/usr/bin:/bin:/usr/local/sbin:/usr/local/bin", NULL };
	_cleanup_close_ int out = memfd_create("output", MFD_CLOEXEC),
			    null = open("/dev/null", O_RDWR | O_CLOEXEC);
	_cleanup_free_ char *text = NULL;
	posix_spawn_file_actions_t actions;
	pid_t pid;
	int status;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, null, 0);
	posix_spawn_file_actions_adddup2(&actions, out, 1);
	posix_spawn_file_actions_adddup2(&actions, null, 2);
	int r = posix_spawnp(&pid, argv[0], &actions, NULL, argv, env);
	posix_spawn_file_actions_destroy(&actions);
	if (r != 0 || waitpid(pid, &status, 0) < 0 || status != 0)
		return NULL;
	lseek(out, 0, SEEK_SET);
	if (file_read_fd(out, argv[0], RULES_MOST, &text, size, NULL) < 0)
		return NULL;
	return arena_strdup(a, text);
}

/* --- the firewall --------------------------------------------------------------------------------------------------------- */

static void learn_links(const struct instance *in, struct arena *a, struct host_facts *out)
{
	struct networks networks = {};

	networks_list(in, a, &networks, NULL);
	list_each(n, &networks)
		if (network_is_ours(n))
			*list_add(a, &out->links) = n->bridge;
	if (out->links.n == 0)
		*list_add(a, &out->links) = in->bridge;
}

static void learn_firewall(const struct instance *in, struct arena *a, struct host_facts *out)
{
	char *const nft[] = { "nft", "-j", "-t", "list", "ruleset", NULL }, *const legacy[] = {
		"iptables-legacy", "-S", NULL
	};
	const char *names = read_text("/proc/net/ip_tables_names", a);
	size_t size = 0;

	out->has_nft = has_program("nft");
	const char *rules = out->has_nft ? ask_program(nft, &size, a) : NULL;
	const struct node *tree = rules ? node_from_json(a, rules, strlen(rules), NULL) : NULL;
	out->nft_works = tree != NULL;
	if (tree)
		forward_drops_of_nft(tree, in->table, &out->links, a, &out->drops);
	if (names && strstr(names, "filter") && (rules = ask_program(legacy, &size, a)))
		forward_drops_of_iptables(rules, &out->links, a, &out->drops);
	out->bridge_nf = read_number("/proc/sys/net/bridge/bridge-nf-call-iptables");
	out->ip_forward = read_number("/proc/sys/net/ipv4/ip_forward");
	out->rp_filter = read_number("/proc/sys/net/ipv4/conf/all/rp_filter");
	out->firewalld = file_exists(AT_FDCWD, "/run/firewalld.pid");
	const char *ufw = read_text("/etc/ufw/ufw.conf", a);
	out->ufw = ufw && strstr(ufw, "ENABLED=yes");
}

/* --- the kernel ------------------------------------------------------------------------------------------------------------ */

/* In a network namespace of its own, which ends with the process. */
static unsigned try_links(void)
{
	struct netlink rt = NETLINK_NONE;
	struct netlink_batch b;
	unsigned missing = 0, parent = 0;

	if (unshare(CLONE_NEWNET) < 0 || netlink_open(&rt, NETLINK_ROUTE, NULL) < 0)
		return 0;
	batch_begin(&b, &rt);
	link_make_veth(
		&b,
		&(struct veth){
			.name = "a", .peer = "b", .pid = getpid(), .mtu = 1500, .mac = { 0x0a, 0x58, 2 } });
	missing |= batch_send(&b) == -EOPNOTSUPP ? 1u << LINK_VETH : 0;
	batch_begin(&b, &rt);
	link_make_bridge(&b, "c", 1500, (const unsigned char[6]){ 0x0a, 0x58 });
	missing |= batch_send(&b) == -EOPNOTSUPP ? 1u << LINK_BRIDGE : 0;
	if (link_index(&rt, "a", &parent) < 0)
		return missing;
	for (int kind = LINK_MACVLAN; kind <= LINK_IPVLAN; kind++) {
		batch_begin(&b, &rt);
		link_make_vlan(&b, &(struct vlan){ .kind = link_kind_names[kind],
						   .name = kind == LINK_MACVLAN ? "d" : "e",
						   .parent = kind == LINK_MACVLAN ? parent : parent + 1,
						   .mode = kind == LINK_MACVLAN ? 4 : 0,
						   .pid = getpid(),
						   .mac = { 0x0a, 0x58, 1 } });
		missing |= batch_send(&b) == -EOPNOTSUPP ? 1u << kind : 0;
	}
	return missing;
}

static unsigned learn_missing_links(void)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0)
		_exit((int)try_links());
	if (pid < 0 || waitpid(pid, &status, 0) < 0 || !WIFEXITED(status))
		return 0;
	return (unsigned)WEXITSTATUS(status);
}

/* File systems that the kernel has, and those that it could load. */
static const char *learn_filesystems(const char *release, struct arena *a)
{
	_cleanup_text_ struct text all = {};
	const char *have = read_text("/proc/filesystems", a),
		   *modules = read_text(arena_printf(a, "/lib/modules/%s/modules.dep", release), a);

	text_add(&all, have ? have : "");
	if (modules && strstr(modules, "/overlay.ko"))
		text_add(&all, "overlay\n");
	return arena_strdup(a, text_str(&all));
}

static void learn_cgroups(struct arena *a, struct host_facts *out)
{
	static const enum cgroup_controller needed[] = { CGROUP_CPU, CGROUP_MEMORY, CGROUP_PIDS };
	_cleanup_text_ struct text missing = {};
	struct cgroup_system cgroups;

	if (cgroup_probe(&cgroups, NULL) < 0)
		return;
	out->cgroup_version = cgroups.version;
	for (size_t i = 0; i < sizeof(needed) / sizeof(*needed); i++)
		if (!cgroup_has(&cgroups, needed[i]))
			text_printf(&missing, "%s%s", missing.n ? ", " : "",
				    cgroup_controller_name(needed[i]));
	out->cgroup_missing = missing.n ? arena_strdup(a, text_str(&missing)) : NULL;
	for (int i = 0; i < CGROUP_CONTROLLERS; i++)
		if (cgroups.root[i] >= 0) {
			out->cgroup_writable = faccessat(cgroups.root[i], ".", W_OK, 0) == 0;
			break;
		}
	cgroup_system_close(&cgroups);
}

/* --- the rest -------------------------------------------------------------------------------------------------------------- */

static bool has_entries(const char *directory, const char *suffix)
{
	_cleanup_closedir_ DIR *d = opendir(directory);

	for (struct dirent *e; d && (e = readdir(d));)
		if (e->d_name[0] != '.' && text_ends(e->d_name, suffix))
			return true;
	return false;
}

static enum host_unit learn_unit(void)
{
	static const char *const units[] = { "/etc/systemd/system", "/usr/local/lib/systemd/system",
					     "/usr/lib/systemd/system", "/lib/systemd/system" };

	if (faccessat(AT_FDCWD, "/etc/systemd/system/multi-user.target.wants/seapod.service", F_OK,
		      AT_SYMLINK_NOFOLLOW) == 0)
		return UNIT_ENABLED;
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
		_cleanup_free_ char *path = memory_printf("%s/seapod.service", units[i]);
		if (access(path, F_OK) == 0)
			return UNIT_DISABLED;
	}
	return UNIT_MISSING;
}

void host_learn(const struct instance *in, struct arena *a, struct host_facts *out)
{
	struct utsname name = {};
	struct statvfs disk = {};

	*out = (struct host_facts){ .root = geteuid() == 0, .root_path = in->root };
	uname(&name);
	out->release = arena_strdup(a, name.release);
	out->filesystems = learn_filesystems(name.release, a);
	out->layers_mounted = layer_can_mount(in, &out->layers_why);
	learn_cgroups(a, out);
	out->user_namespaces = read_number("/proc/sys/user/max_user_namespaces");
	out->links_missing = learn_missing_links();
	learn_links(in, a, out);
	learn_firewall(in, a, out);
	if (fstatvfs(in->rootfd, &disk) == 0) {
		out->disk_bytes = (uint64_t)disk.f_blocks * disk.f_frsize;
		out->disk_free = (uint64_t)disk.f_bavail * disk.f_frsize;
	}
	out->subuid = read_text("/etc/subuid", a);
	out->seccomp = file_exists(AT_FDCWD, "/proc/sys/kernel/seccomp/actions_avail");
	out->apparmor = security_module_is_active("apparmor");
	out->selinux = security_module_is_active("selinux");
	out->criu = has_program("criu");
	out->cni_plugins = has_entries("/usr/lib/cni", "") || has_entries("/opt/cni/bin", "");
	out->cni_configuration = has_entries("/etc/cni/net.d", "list");
	out->unit = learn_unit();
}
