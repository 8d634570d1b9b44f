/* config_check.c — rules of the runtime specification between properties, each with its property's name; see config.h. */
#include "runtime/config.h"

#include <string.h>

#include "runtime/net_devices.h"
#include "runtime/resctrl.h"

static int check_rlimits(const struct config_process *p, struct error *err)
{
	for (size_t i = 0; i < p->rlimits.n; i++) {
		const struct config_rlimit *limit = &p->rlimits.at[i];
		if (limit->soft > limit->hard)
			return error_set(err, EINVAL,
					 "process.rlimits[%zu]: the soft limit is above the hard one", i);
		for (size_t j = 0; j < i; j++)
			if (text_is(limit->type, p->rlimits.at[j].type))
				return error_set(err, EINVAL, "process.rlimits[%zu]: %s is there twice", i,
						 limit->type);
	}
	return 0;
}

int oci_config_check_process(const struct config_process *p, struct error *err)
{
	if (p->args.n == 0 || !*p->args.at[0])
		return error_set(err, EINVAL, "process.args: there is nothing to execute");
	return check_rlimits(p, err);
}

static const struct config_namespace *find(const struct config_linux *l, const char *type)
{
	list_each(n, &l->namespaces)
		if (text_is(n->type, type))
			return n;
	return NULL;
}

/* Where others have mounted what they like nothing is mounted, made or changed. */
static int check_visit(const struct oci_config *c, const struct config_linux *l, struct error *err)
{
	const struct {
		const char *property;
		bool wanted;
	} all[] = {
		{ "mounts", c->mounts.n },
		{ "root.readonly", c->root->readonly },
		{ "process.terminal", c->process && c->process->terminal },
		{ "linux.devices", l->devices.n },
		{ "linux.maskedPaths", l->maskedPaths.n },
		{ "linux.readonlyPaths", l->readonlyPaths.n },
		{ "linux.rootfsPropagation", !text_empty(l->rootfsPropagation) },
		{ "hooks.createContainer", c->hooks.createContainer.n },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		if (all[i].wanted)
			return error_set(err, EOPNOTSUPP,
					 "%s: not in a mount namespace that others have (linux.namespaces)",
					 all[i].property);
	return 0;
}

static int check_namespaces(const struct oci_config *c, const struct config_linux *l, struct error *err)
{
	int r;

	for (size_t i = 0; i < l->namespaces.n; i++) {
		const struct config_namespace *n = &l->namespaces.at[i];
		if (!text_empty(n->path) && n->path[0] != '/')
			return error_set(err, EINVAL,
					 "linux.namespaces[%zu].path: '%s' is not an absolute path", i,
					 n->path);
		if (find(l, n->type) != n)
			return error_set(err, EINVAL, "linux.namespaces[%zu].type: there are two of '%s'", i,
					 n->type);
	}
	const struct config_namespace *user = find(l, "user"), *time = find(l, "time"),
				      *mount = find(l, "mount");
	if (user && (!mount || !text_empty(mount->path)))
		return error_set(
			err, EOPNOTSUPP,
			"linux.namespaces: with a user namespace there must be a new mount namespace, too");
	if (mount && !text_empty(mount->path) && (r = check_visit(c, l, err)) < 0)
		return r;
	if (!text_empty(c->hostname) && !find(l, "uts"))
		return error_set(err, EINVAL,
				 "hostname: it needs a UTS namespace, else it would be the machine's "
				 "(linux.namespaces)");
	if (!text_empty(c->domainname) && !find(l, "uts"))
		return error_set(err, EINVAL,
				 "domainname: it needs a UTS namespace, else it would be the machine's "
				 "(linux.namespaces)");
	bool mapped = l->uidMappings.n > 0 || l->gidMappings.n > 0;
	if (mapped && !user)
		return error_set(err, EINVAL,
				 "linux.%s: there is no user namespace to map into (linux.namespaces)",
				 l->uidMappings.n ? "uidMappings" : "gidMappings");
	if (user && text_empty(user->path) && (l->uidMappings.n == 0 || l->gidMappings.n == 0))
		return error_set(err, EINVAL, "linux.%s: a new user namespace needs a mapping",
				 l->uidMappings.n ? "gidMappings" : "uidMappings");
	if (l->timeOffsets && (!time || !text_empty(time->path)))
		return error_set(err, EINVAL,
				 "linux.timeOffsets: there is no new time namespace to set them in "
				 "(linux.namespaces)");
	return 0;
}

static int check_mounts(const struct oci_config *c, struct error *err)
{
	for (size_t i = 0; i < c->mounts.n; i++) {
		const struct config_mount *m = &c->mounts.at[i];
		if ((m->uidMappings.n > 0) != (m->gidMappings.n > 0))
			return error_set(err, EINVAL, "mounts[%zu].%s: it must come with %s", i,
					 m->uidMappings.n ? "uidMappings" : "gidMappings",
					 m->uidMappings.n ? "gidMappings" : "uidMappings");
	}
	return 0;
}

static int check_devices(const struct config_linux *l, struct error *err)
{
	for (size_t i = 0; i < l->devices.n; i++) {
		const struct config_device *d = &l->devices.at[i];
		if (!text_is(d->type, "p") && (!d->major.set || !d->minor.set))
			return error_set(err, EINVAL, "linux.devices[%zu].%s: it is missing", i,
					 d->major.set ? "minor" : "major");
	}
	return 0;
}

static int check_resources(const struct config_resources *r, struct error *err)
{
	const struct config_cpu *cpu = r->cpu;

	if (cpu && cpu->burst.set && cpu->quota.set && cpu->quota.value > 0 &&
	    cpu->burst.value > cpu->quota.value)
		return error_set(err, EINVAL, "linux.resources.cpu.burst: it is larger than quota");
	if (!r->blockIO)
		return 0;
	for (size_t i = 0; i < r->blockIO->weightDevice.n; i++)
		if (!r->blockIO->weightDevice.at[i].weight.set &&
		    !r->blockIO->weightDevice.at[i].leafWeight.set)
			return error_set(err, EINVAL,
					 "linux.resources.blockIO.weightDevice[%zu]: neither weight nor "
					 "leafWeight is given",
					 i);
	return 0;
}

static int check_seccomp(const struct config_linux *l, struct error *err)
{
	const struct node *s = l->seccomp;

	if (!s)
		return 0;
	if (s->kind != NODE_MAP)
		return error_set(err, EINVAL, "linux.seccomp: found %s, wanted a map",
				 node_kind_name(s->kind));
	if (!node_get(s, "defaultAction"))
		return error_set(err, EINVAL, "linux.seccomp: the field 'defaultAction' is missing");
	if (node_get(s, "listenerMetadata") && !node_get(s, "listenerPath"))
		return error_set(err, EINVAL,
				 "linux.seccomp.listenerMetadata: it must come with listenerPath");
	return 0;
}

static int check_net_devices(const struct config_linux *l, struct error *err)
{
	if (!l->netDevices)
		return 0;
	if (l->netDevices->kind != NODE_MAP)
		return error_set(err, EINVAL, "linux.netDevices: found %s, wanted a map",
				 node_kind_name(l->netDevices->kind));
	if (l->netDevices->pairs.n && !find(l, "network"))
		return error_set(err, EINVAL,
				 "linux.netDevices: without a network namespace they are there already "
				 "(linux.namespaces)");
	list_each(pair, &l->netDevices->pairs) {
		const struct node *name = node_get(pair->value, "name");
		const char *wrong = net_device_name_check(pair->key);
		if (!wrong && pair->value->kind != NODE_MAP)
			return error_set(err, EINVAL, "linux.netDevices.%s: found %s, wanted a map",
					 pair->key, node_kind_name(pair->value->kind));
		if (!wrong && name && name->kind != NODE_STRING)
			return error_set(err, EINVAL, "linux.netDevices.%s.name: found %s, wanted a string",
					 pair->key, node_kind_name(name->kind));
		if (!wrong && name && *name->text)
			wrong = net_device_name_check(name->text);
		if (wrong)
			return error_set(err, EINVAL, "linux.netDevices.%s: the name %s", pair->key, wrong);
	}
	return 0;
}

/* What is understood and cannot be done: refused, never passed over ("Valid values"). */
static int check_supported(const struct config_linux *l, struct error *err)
{
	if (l->personality && l->personality->flags.n)
		return error_set(err, EOPNOTSUPP, "linux.personality.flags: '%s' is not supported",
				 l->personality->flags.at[0]);
	return 0;
}

int oci_config_check(const struct oci_config *c, struct error *err)
{
	static struct config_linux none;
	const struct config_linux *l = c->linux_ ? c->linux_ : &none;
	int r = c->process ? oci_config_check_process(c->process, err) : 0;

	if (r == 0)
		r = check_namespaces(c, l, err);
	if (r == 0)
		r = check_mounts(c, err);
	if (r == 0)
		r = check_devices(l, err);
	if (r == 0 && l->resources)
		r = check_resources(l->resources, err);
	if (r == 0)
		r = check_seccomp(l, err);
	if (r == 0)
		r = check_net_devices(l, err);
	if (r == 0 && l->intelRdt)
		r = resctrl_check(l->intelRdt, err);
	return r < 0 ? r : check_supported(l, err);
}
