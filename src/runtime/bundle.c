/* bundle.c — see bundle.h: opening, and the parts that are neither files nor the process. */
#include "runtime/bundle.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "linux/security_module.h"
#include "runtime/rootless.h"

const struct config_linux *bundle_linux(const struct oci_bundle *b)
{
	static const struct config_linux none;

	return b->config.linux_ ? b->config.linux_ : &none;
}

void bundle_warn(struct oci_bundle *b, const char *format, ...)
{
	char text[600];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	*list_add(b->arena, &b->warnings) = arena_strdup(b->arena, text);
}

int bundle_keep(struct oci_bundle *b, int fd)
{
	if (fd >= 0)
		*list_add(b->arena, &b->fds) = fd;
	return fd;
}

int64_t bundle_host_id(const struct id_mappings *map, int64_t id)
{
	list_each(m, map)
		if (id >= m->containerID && id < m->containerID + m->size)
			return m->hostID + (id - m->containerID);
	return map->n ? -1 : id;
}

int oci_bundle_open(struct oci_bundle *b, const char *dir, const char *id, const char *text, size_t size,
		    struct error *err)
{
	_cleanup_free_ char *real = realpath(dir, NULL), *read = NULL;

	*b = (struct oci_bundle){
		.arena = arena_new(), .id = id, .pid_namespace = -1, .devpts = -1, .cache = -1
	};
	if (!real && !text)
		return error_errno(err, "cannot open the bundle '%s'", dir);
	b->dir = arena_strdup(b->arena, real ? real : dir);
	if (!text) {
		_cleanup_close_ int fd = file_open_dir(AT_FDCWD, real, 0, err);
		int r = fd < 0 ? fd : file_read(fd, "config.json", OCI_CONFIG_MAX, &read, &size, err);
		if (r < 0)
			return error_prefix(err, "the bundle '%s'", dir);
	}
	b->config_text = arena_strndup(b->arena, text ? text : read, size);
	b->config_size = size;
	return oci_config_read(b->config_text, size, b->arena, &b->config, err) < 0
		       ? error_prefix(err, "config.json")
		       : 0;
}

void oci_bundle_close(struct oci_bundle *b)
{
	list_each(fd, &b->fds)
		close(*fd);
	seccomp_filter_release(&b->filter);
	arena_free(b->arena);
	*b = (struct oci_bundle){ .pid_namespace = -1, .devpts = -1, .cache = -1 };
}

/* --- namespaces --- */

static const struct {
	const char *name;
	uint64_t type;
} types[] = {
	{ "pid", CLONE_NEWPID },       { "network", CLONE_NEWNET }, { "mount", CLONE_NEWNS },
	{ "ipc", CLONE_NEWIPC },       { "uts", CLONE_NEWUTS },     { "user", CLONE_NEWUSER },
	{ "cgroup", CLONE_NEWCGROUP }, { "time", CLONE_NEWTIME },
};

static uint64_t type_of(const char *name)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (text_is(types[i].name, name))
			return types[i].type;
	return 0;
}

/* Opens the namespace at N's path and makes sure of its type. */
static int join_namespace(struct oci_bundle *b, const struct config_namespace *n, size_t i, struct error *err)
{
	uint64_t type = type_of(n->type);
	int fd = bundle_keep(b, open(n->path, O_RDONLY | O_CLOEXEC));

	if (fd < 0)
		return error_errno(err, "linux.namespaces[%zu].path: cannot open '%s'", i, n->path);
	int found = ioctl(fd, NS_GET_NSTYPE);
	/* "time_for_children" and "pid_for_children" are of their type, too. */
	if (found < 0 || (uint64_t)found != type)
		return error_set(err, EINVAL, "linux.namespaces[%zu].path: '%s' is not a %s namespace", i,
				 n->path, n->type);
	if (type == CLONE_NEWUSER)
		b->spec.user_namespace = true;
	if (type == CLONE_NEWPID)
		b->pid_namespace = fd;
	*list_add(b->arena, &b->spec.joined) = (struct oci_namespace){ .type = type, .fd = fd };
	return 0;
}

static const char *map_text(struct oci_bundle *b, const struct id_mappings *map)
{
	const char *text = "";

	list_each(m, map)
		text = arena_printf(b->arena, "%s%lld %lld %lld\n", text, (long long)m->containerID,
				    (long long)m->hostID, (long long)m->size);
	return text;
}

static const char *offset_text(struct oci_bundle *b, const char *text, const char *clock,
			       const struct time_offset *o)
{
	return o ? arena_printf(b->arena, "%s%s %lld %lld\n", text ? text : "", clock, (long long)o->secs,
				(long long)o->nanosecs)
		 : text;
}

int bundle_namespaces(struct oci_bundle *b, struct error *err)
{
	const struct config_linux *l = bundle_linux(b);
	int r = 0;

	b->spec.shares_mounts = true;
	for (size_t i = 0; i < l->namespaces.n && r == 0; i++) {
		const struct config_namespace *n = &l->namespaces.at[i];
		if (!text_empty(n->path))
			r = join_namespace(b, n, i, err);
		else if (text_is(n->type, "mount"))
			b->spec.shares_mounts = false;
		else
			b->spec.namespaces |= type_of(n->type);
	}
	if (b->spec.namespaces & CLONE_NEWUSER) {
		b->spec.user_namespace = true;
		b->spec.uid_map = map_text(b, &l->uidMappings);
		b->spec.gid_map = map_text(b, &l->gidMappings);
	}
	if (l->timeOffsets) {
		b->spec.time_offsets = offset_text(b, NULL, "monotonic", l->timeOffsets->monotonic);
		b->spec.time_offsets =
			offset_text(b, b->spec.time_offsets, "boottime", l->timeOffsets->boottime);
	}
	b->spec.hostname = text_empty(b->config.hostname) ? NULL : b->config.hostname;
	b->spec.domainname = text_empty(b->config.domainname) ? NULL : b->config.domainname;
	return r;
}

/* --- kernel parameters --- */

static bool has_namespace(const struct oci_bundle *b, uint64_t type)
{
	list_each(n, &b->spec.joined)
		if (n->type == type)
			return true;
	return b->spec.namespaces & type;
}

/* The namespace to which a parameter belongs; 0: to the machine, which no container may change (runc and kubelet have the same list). */
static uint64_t owner_of(const char *path)
{
	static const char *const ipc[] = { "kernel/msgmax", "kernel/msgmnb",         "kernel/msgmni",
					   "kernel/sem",    "kernel/shmall",         "kernel/shmmax",
					   "kernel/shmmni", "kernel/shm_rmid_forced" };

	for (size_t i = 0; i < sizeof(ipc) / sizeof(*ipc); i++)
		if (text_is(path, ipc[i]))
			return CLONE_NEWIPC;
	return text_starts(path, "net/")                                                ? CLONE_NEWNET
	       : text_starts(path, "fs/mqueue/")                                        ? CLONE_NEWIPC
	       : text_is(path, "kernel/domainname") || text_is(path, "kernel/hostname") ? CLONE_NEWUTS
											: 0;
}

/* "net.ipv4.ip_forward" or "net/ipv4/conf/eth0.1/forwarding" (sysctl(8): the first separator decides). NULL: no parameter's name. */
static const char *sysctl_path(struct arena *a, const char *key)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-@:./";
	char *path = arena_strdup(a, key);
	size_t first = strcspn(path, "./");

	if (path[strspn(path, allowed)])
		return NULL;
	if (path[first] == '.')
		for (char *c = path; *c; c++)
			*c = *c == '.' ? '/' : *c == '/' ? '.' : *c;
	return *path == '/' || strstr(path, "..") || strstr(path, "//") || strlen(path) > 200 ? NULL : path;
}

int bundle_sysctls(struct oci_bundle *b, struct error *err)
{
	list_each(pair, &bundle_linux(b)->sysctl) {
		const char *path = sysctl_path(b->arena, pair->key);
		uint64_t owner = path ? owner_of(path) : 0;
		if (!owner)
			return error_set(err, EINVAL,
					 "linux.sysctl: '%s' is not of a namespace but of the whole machine",
					 pair->key);
		if (!has_namespace(b, owner))
			return error_set(err, EINVAL,
					 "linux.sysctl: '%s' needs a %s namespace (linux.namespaces)",
					 pair->key,
					 owner == CLONE_NEWNET   ? "network"
					 : owner == CLONE_NEWIPC ? "ipc"
								 : "uts");
		*list_add(b->arena, &b->spec.sysctl) = (struct oci_sysctl){ path, pair->value };
	}
	return 0;
}

/* --- all --- */

static void add_hooks(struct oci_bundle *b, const struct config_hook_list *from, struct oci_hook_list *to)
{
	list_each(hook, from) {
		struct LIST(char *) argv = {}, envp = {};
		list_each(word, &hook->args)
			*list_add(b->arena, &argv) = (char *)*word;
		if (argv.n == 0)
			*list_add(b->arena, &argv) = (char *)hook->path;
		list_each(e, &hook->env)
			*list_add(b->arena, &envp) = (char *)*e;
		list_add(b->arena, &argv);
		list_add(b->arena, &envp);
		*list_add(b->arena, to) = (struct oci_hook){
			hook->path, argv.at, envp.at,
			hook->timeout.set
				? (int)(hook->timeout.value > 2000000 ? 2000000 : hook->timeout.value) * 1000
				: -1
		};
	}
}

static uint64_t propagation_of(const char *word)
{
	static const struct {
		const char *word;
		uint64_t flag; /* MS_UNBINDABLE, MS_PRIVATE, MS_SLAVE, MS_SHARED */
	} all[] = {
		{ "unbindable", 1 << 17 }, { "private", 1 << 18 }, { "slave", 1 << 19 }, { "shared", 1 << 20 }
	};

	for (size_t i = 0; word && i < sizeof(all) / sizeof(*all); i++)
		if (text_is(word + (*word == 'r'), all[i].word))
			return all[i].flag | (*word == 'r' ? 1 << 14 : 0);
	return 0;
}

int oci_bundle_enter(struct oci_bundle *b, struct error *err)
{
	int r = 0;

	if (geteuid() != 0 && !rootless_is_inside()) {
		r = rootless_enter(&b->config, err);
		b->spec.user_namespace = true; /* its root is what the process becomes */
	}
	b->rootless = rootless_is_inside();
	return r;
}

int oci_bundle_spec(struct oci_bundle *b, struct error *err)
{
	const struct config_linux *l = bundle_linux(b);
	const char *label = l->mountLabel;
	int r;

	if (!b->config.process)
		return error_set(err, EINVAL, "process: it is missing, and there would be nothing to start");
	if (!text_empty(label) && !security_module_is_active("selinux"))
		return error_set(err, EOPNOTSUPP, "linux.mountLabel: SELinux is not active on this machine");
	if ((r = bundle_namespaces(b, err)) < 0 || (r = bundle_sysctls(b, err)) < 0 ||
	    (r = oci_bundle_process(b, b->config.process, &b->spec.process, err)) < 0 ||
	    (r = bundle_mounts(b, err)) < 0 || (r = bundle_devices(b, err)) < 0)
		return r;
	b->spec.rootfsPropagation = propagation_of(l->rootfsPropagation);
	list_each(path, &l->maskedPaths)
		*list_add(b->arena, &b->spec.maskedPaths) = *path;
	list_each(path, &l->readonlyPaths)
		*list_add(b->arena, &b->spec.readonlyPaths) = *path;
	add_hooks(b, &b->config.hooks.createContainer, &b->spec.createContainer);
	add_hooks(b, &b->config.hooks.startContainer, &b->spec.startContainer);
	return bundle_filter(b, b->spec.process.capabilities.bounding, err);
}

static struct node *known_part(const struct node *from, const char *const *known, struct arena *a)
{
	struct node *to = node_new(a, NODE_MAP);

	for (; *known; known++)
		if (node_get(from, *known))
			node_put(a, to, *known, node_get(from, *known));
	return to;
}

/* The compiler of filters refuses what it does not know, for the sake of people who write profiles; here it is to be passed over. */
static struct node *known_filter(const struct node *from, struct arena *a)
{
	static const char *const filter[] = { "defaultAction", "defaultErrnoRet", "architectures",
					      "flags",         "syscalls",        NULL };
	static const char *const rule[] = { "names", "action", "errnoRet", "args", NULL };
	static const char *const argument[] = { "index", "value", "valueTwo", "op", NULL };
	struct node *to = known_part(from, filter, a), *rules = node_get(to, "syscalls");

	for (size_t i = 0; rules && rules->kind == NODE_LIST && i < rules->items.n; i++) {
		struct node *one = rules->items.at[i] = known_part(rules->items.at[i], rule, a),
			    *args = node_get(one, "args");
		for (size_t k = 0; args && args->kind == NODE_LIST && k < args->items.n; k++)
			args->items.at[k] = known_part(args->items.at[k], argument, a);
	}
	return to;
}

int bundle_filter(struct oci_bundle *b, uint64_t capabilities, struct error *err)
{
	const struct node *profile = bundle_linux(b)->seccomp;
	_cleanup_text_ struct text text = {};

	if (!profile)
		return 0;
	node_to_json(known_filter(profile, b->arena), false, &text);
	int r = seccomp_filter_from(b->cache, text.at, text.n, capabilities, &b->filter, err);
	if (r < 0)
		return error_prefix(err, "linux.seccomp");
	b->spec.process.seccomp = b->filter.filter;
	if (b->filter.filter.flags & SECCOMP_FILTER_FLAG_NEW_LISTENER &&
	    text_empty(node_get_string(profile, "listenerPath")))
		return error_set(err, EINVAL, "linux.seccomp.listenerPath: SCMP_ACT_NOTIFY needs it");
	return 0;
}
