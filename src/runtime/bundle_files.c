/* bundle_files.c — root, mounts and devices of the configuration, opened on the host; see bundle.h. */
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <linux/sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "linux/path.h"
#include "oci/mount_open.h"
#include "runtime/bundle.h"
#include "runtime/copy_up.h"
#include "runtime/mount_words.h"

enum { PRIVATE = 1 << 18, SLAVE = 1 << 19, SHARED = 1 << 20, RECURSIVE = 1 << 14 }; /* mount(2) MS_* */

static const char *absolute(struct oci_bundle *b, const char *path, const char *base)
{
	return *path == '/' ? path : arena_printf(b->arena, "%s/%s", base, path);
}

static int failed(struct error *err, int r, size_t i, const char *what, const char *which)
{
	return error_set(err, -r, "mounts[%zu]: cannot %s '%s': %s", i, what, which, error_meaning(-r));
}

/* --- the root --- */

/* What is mounted below the root belongs to it. A slave has to stay with its master on the host, which no private copy finds again. */
static int open_root(struct oci_bundle *b, struct error *err)
{
	const char *path = absolute(b, b->config.root->path, b->dir);
	_cleanup_close_ int dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0)
		return error_errno(err, "root.path: cannot open the directory '%s'", path);
	int copy = bundle_keep(b, mount_copy(dir, "", true));
	const char *word = bundle_linux(b)->rootfsPropagation;
	int r = copy < 0 ? copy
			 : mount_change(copy, 0, word && strstr(word, "slave") ? SLAVE : PRIVATE, true);
	if (r < 0)
		return error_set(err, -r, "root.path: cannot mount '%s': %s", path, error_meaning(-r));
	b->spec.root = (struct oci_root){ .path = path, .fd = copy, .readonly = b->config.root->readonly };
	return 0;
}

/* --- mounts --- */

/* A user namespace with the mapping of a mount, held by a process that does nothing else. */
static int mapping_namespace(struct oci_bundle *b, const struct config_mount *from, struct error *err)
{
	const struct config_linux *l = bundle_linux(b);
	const struct id_mappings *uids = from->uidMappings.n ? &from->uidMappings : &l->uidMappings;
	const struct id_mappings *gids = from->gidMappings.n ? &from->gidMappings : &l->gidMappings;

	if (uids->n == 0 || gids->n == 0) {
		list_each(n, &b->spec.joined)
			if (n->type == CLONE_NEWUSER)
				return fcntl(n->fd, F_DUPFD_CLOEXEC, 3);
		return error_set(err, EINVAL,
				 "there is no mapping of ids: neither uidMappings nor a user namespace");
	}
	return user_namespace_with(uids, gids, err);
}

static int map_ids(struct oci_bundle *b, const struct config_mount *from, int fd, bool below, size_t i,
		   struct error *err)
{
	_cleanup_close_ int ns = mapping_namespace(b, from, err);

	if (ns < 0)
		return error_prefix(err, "mounts[%zu]: idmap", i);
	int r = mount_map_ids(fd, ns, below);
	return r < 0 ? failed(err, r, i, "map the ids of", from->source) : 0;
}

static int add_bind(struct oci_bundle *b, const struct config_mount *from, struct oci_mount *m,
		    const struct mount_wish *wish, size_t i, struct error *err)
{
	struct stat st;

	if (text_empty(from->source))
		return error_set(err, EINVAL, "mounts[%zu].source: a bind mount needs one", i);
	m->type = NULL;
	m->source = absolute(b, from->source, b->dir);
	m->source_fd = -1;
	_cleanup_close_ int source = open(m->source, O_PATH | O_CLOEXEC);
	if (source < 0 || fstat(source, &st) < 0)
		return error_errno(err, "mounts[%zu].source: cannot open '%s'", i, m->source);
	m->is_file = !S_ISDIR(st.st_mode);
	struct oci_mount opened = *m;
	opened.source_fd = source;
	opened.copied = true;
	int fd = bundle_keep(b, oci_mount_open(&opened));
	if (fd < 0)
		return failed(err, fd, i, "bind", m->source);
	m->source_fd = fd;
	m->open = true;
	return wish->map_ids || from->uidMappings.n ? map_ids(b, from, fd, wish->map_ids_below, i, err) : 0;
}

/* devpts is made here when there is a terminal: whoever holds the mount opens terminals without any path in the container. */
static int add_devpts(struct oci_bundle *b, struct oci_mount *m, size_t i, struct error *err)
{
	const struct config_linux *l = bundle_linux(b);

	for (size_t k = 0; k < m->options.n; k++) {
		struct mount_option *o = &m->options.at[k];
		bool uid = text_is(o->key, "uid"), gid = text_is(o->key, "gid");
		if ((uid || gid) && o->value)
			o->value = arena_printf(
				b->arena, "%lld",
				(long long)bundle_host_id(uid ? &l->uidMappings : &l->gidMappings,
							  atoll(o->value)));
	}
	b->devpts = m->source_fd = bundle_keep(b, oci_mount_open(m));
	if (b->devpts < 0)
		return failed(err, b->devpts, i, "mount", m->destination);
	m->open = true;
	return 0;
}

static int add_copied_up(struct oci_bundle *b, struct oci_mount *m, size_t i, struct error *err)
{
	_cleanup_close_ int from =
		path_open_in_root(b->spec.root.fd, m->destination, O_RDONLY | O_DIRECTORY, 0);
	struct oci_mount writable = *m;

	writable.attributes &= ~(uint64_t)MOUNT_ATTR_RDONLY;
	m->source_fd = bundle_keep(b, oci_mount_open(&writable));
	if (m->source_fd < 0)
		return failed(err, m->source_fd, i, "mount", m->destination);
	m->open = true;
	if (from >= 0 && copy_up(from, m->source_fd, err) < 0)
		return error_prefix(err, "mounts[%zu]: tmpcopyup", i);
	int r = mount_change(m->source_fd, m->attributes & MOUNT_ATTR_RDONLY, 0, false);
	return r < 0 ? failed(err, r, i, "mount", m->destination) : 0;
}

/* Without a word about it, what is bound follows the host as far as the root is to (runc: rootfsPropagation is that of the whole copy). */
static uint64_t default_propagation(const struct oci_bundle *b)
{
	const char *word = bundle_linux(b)->rootfsPropagation;

	if (!word)
		return PRIVATE;
	return strstr(word, "slave")    ? SLAVE | RECURSIVE
	       : strstr(word, "shared") ? SHARED | RECURSIVE
					: PRIVATE;
}

static int add_mount(struct oci_bundle *b, size_t i, struct error *err)
{
	const struct config_mount *from = &b->config.mounts.at[i];
	struct oci_mount m = { .destination = absolute(b, from->destination, ""), .source_fd = -1 };
	struct mount_wish wish = {};
	int r = 0;

	if (!text_empty(from->source))
		*list_add(b->arena, &m.options) = (struct mount_option){ "source", from->source };
	mount_words_read(from->options.at, from->options.n, &m, &wish, b->arena);
	if (!m.propagation && (wish.bind || text_is(from->type, "bind")))
		m.propagation = default_propagation(b);
	m.type = from->type;
	if (!text_empty(bundle_linux(b)->mountLabel) && !m.remount && !wish.bind && !text_empty(from->type) &&
	    !text_is(from->type, "bind"))
		mount_words_label(&m, bundle_linux(b)->mountLabel, b->arena);
	if (m.remount)
		m.type = NULL;
	else if (wish.bind || text_is(from->type, "bind"))
		r = add_bind(b, from, &m, &wish, i, err);
	else if (text_empty(from->type) || text_is(from->type, "none"))
		r = error_set(err, EINVAL,
			      "mounts[%zu].type: it is missing, and the options do not say that it is a bind",
			      i);
	else if (wish.map_ids || from->uidMappings.n)
		r = error_set(err, EOPNOTSUPP, "mounts[%zu]: only bind mounts can have their ids mapped", i);
	else if (text_is(from->type, "cgroup"))
		return bundle_cgroup_mounts(b, &m, i, err);
	else if (text_is(from->type, "devpts") && b->config.process && b->config.process->terminal)
		r = add_devpts(b, &m, i, err);
	else if (wish.copy_up)
		r = text_is(from->type, "tmpfs")
			    ? add_copied_up(b, &m, i, err)
			    : error_set(err, EINVAL, "mounts[%zu]: tmpcopyup is for tmpfs", i);
	if (r == 0)
		*list_add(b->arena, &b->spec.mounts) = m;
	return r;
}

bool bundle_visits(const struct oci_bundle *b)
{
	list_each(n, &bundle_linux(b)->namespaces)
		if (text_is(n->type, "mount"))
			return !text_empty(n->path);
	return false;
}

int bundle_mounts(struct oci_bundle *b, struct error *err)
{
	if (bundle_visits(b)) {
		b->spec.root.path = absolute(b, b->config.root->path, b->dir);
		return 0;
	}
	int r = open_root(b, err);

	for (size_t i = 0; i < b->config.mounts.n && r == 0; i++)
		r = add_mount(b, i, err);
	if (r == 0 && b->config.process->terminal && b->devpts < 0)
		r = error_set(err, EINVAL,
			      "process.terminal: a terminal needs a devpts file system on /dev/pts (mounts)");
	return r;
}

/* --- devices --- */

/* config-linux.md "Default Devices". */
static const struct oci_device defaults[] = {
	{ "/dev/null", S_IFCHR | 0666, 1, 3, 0, 0 },    { "/dev/zero", S_IFCHR | 0666, 1, 5, 0, 0 },
	{ "/dev/full", S_IFCHR | 0666, 1, 7, 0, 0 },    { "/dev/random", S_IFCHR | 0666, 1, 8, 0, 0 },
	{ "/dev/urandom", S_IFCHR | 0666, 1, 9, 0, 0 }, { "/dev/tty", S_IFCHR | 0666, 5, 0, 0, 0 },
};

/* In a user namespace mknod(2) is not possible: the host's device is bound, which must be the one that was asked for. */
static int bind_device(struct oci_bundle *b, const struct oci_device *d, const char *property,
		       struct error *err)
{
	struct stat st;
	_cleanup_close_ int source = open(d->path, O_PATH | O_NOFOLLOW | O_CLOEXEC);

	if (source < 0 || fstat(source, &st) < 0)
		return error_errno(err, "%s: cannot open the host's '%s', which a user namespace needs",
				   property, d->path);
	if ((st.st_mode & S_IFMT) != (d->mode & S_IFMT) || st.st_rdev != makedev(d->major, d->minor))
		return error_set(err, EINVAL, "%s: the host's '%s' is another device", property, d->path);
	int copy = bundle_keep(b, mount_copy(source, "", false));
	int r = copy < 0 ? copy : mount_change(copy, 0, PRIVATE, false);
	if (r < 0)
		return error_set(err, -r, "%s: cannot bind '%s': %s", property, d->path, error_meaning(-r));
	*list_add(b->arena, &b->spec.mounts) = (struct oci_mount){
		.destination = d->path, .source_fd = copy, .open = true, .is_file = true
	};
	return 0;
}

static int add_device(struct oci_bundle *b, const struct oci_device *d, const char *property,
		      struct error *err)
{
	if ((b->spec.user_namespace || b->rootless) && !S_ISFIFO(d->mode))
		return bind_device(b, d, property, err);
	*list_add(b->arena, &b->spec.devices) = *d;
	return 0;
}

static bool is_default(const struct oci_bundle *b, const char *path)
{
	list_each(d, &bundle_linux(b)->devices)
		if (text_is(d->path, path))
			return false;
	return true;
}

/* With the host's own /dev everything is there. */
static bool dev_is_bound(const struct oci_bundle *b)
{
	list_each(m, &b->spec.mounts)
		if (text_is(m->destination, "/dev") && m->open && !m->type)
			return true;
	return false;
}

int bundle_devices(struct oci_bundle *b, struct error *err)
{
	const struct config_linux *l = bundle_linux(b);
	bool bound = dev_is_bound(b) || bundle_visits(b);
	int r = 0;

	for (size_t i = 0; i < sizeof(defaults) / sizeof(*defaults) && !bound && r == 0; i++)
		if (is_default(b, defaults[i].path))
			r = add_device(b, &defaults[i], "default devices", err);
	for (size_t i = 0; i < l->devices.n && r == 0; i++) {
		const struct config_device *from = &l->devices.at[i];
		mode_t type = *from->type == 'b' ? S_IFBLK : *from->type == 'p' ? S_IFIFO : S_IFCHR;
		const struct oci_device d = {
			.path = from->path,
			.mode = type | (from->fileMode.set ? (mode_t)from->fileMode.value & 07777 : 0666),
			.major = (unsigned)from->major.value,
			.minor = (unsigned)from->minor.value,
			.uid = (uid_t)from->uid.value,
			.gid = (gid_t)from->gid.value,
		};
		if (bound && text_starts(d.path, "/dev/"))
			continue;
		r = add_device(b, &d, arena_printf(b->arena, "linux.devices[%zu]", i), err);
	}
	return r;
}
