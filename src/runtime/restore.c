/* restore.c — a container that was written down is made again; see checkpoint.h. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "linux/path.h"
#include "object/json.h"
#include "runtime/checkpoint.h"
#include "runtime/runtime_parts.h"

struct restoration {
	const struct oci_criu_wish *wish;
	struct oci_bundle *bundle;
	struct oci_io *io;
	const char *rootfs;
	struct checkpoint_files files;
	struct criu_call call;
};

/* criu wants the root to be a mount point of which nothing above is covered (criu(8) --root). It is made in mounts of our own, from which the
 * container's are copied. */
static int mount_root(struct restoration *r, const char *mount_point, struct error *err)
{
	const struct oci_bundle *b = r->bundle;
	const char *path = b->config.root->path;

	r->rootfs = *path == '/' ? path : arena_printf(b->arena, "%s/%s", b->dir, path);
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_SLAVE | MS_REC, NULL) < 0)
		return error_errno(err, "cannot make a mount namespace");
	return mount(r->rootfs, mount_point, NULL, MS_BIND | MS_REC, NULL) < 0
		       ? error_errno(err, "root.path: cannot mount '%s'", r->rootfs)
		       : 0;
}

/* --- what is given from outside --- */

static const char *source_of(const struct oci_bundle *b, const struct config_mount *m)
{
	return *m->source == '/' ? m->source : arena_printf(b->arena, "%s/%s", b->dir, m->source);
}

static void add_mounts(struct restoration *r)
{
	const struct oci_bundle *b = r->bundle;

	list_each(m, &b->config.mounts) {
		if (checkpoint_is_bind(m) && !text_empty(m->source))
			criu_pair(&r->call, CRIU_EXT_MNT, m->destination, source_of(b, m));
		if (!text_is(m->type, "cgroup") || b->cgroup->v2)
			continue;
		list_each(h, &b->cgroup->all)
			if (!h->unified && h->dir >= 0)
				criu_pair(&r->call, CRIU_EXT_MNT,
					  arena_printf(b->arena, "%s/%s", m->destination,
						       strrchr(h->mount, '/') + 1),
					  arena_printf(b->arena, "%s%s", h->mount, b->cgroup->path));
	}
	static const char *const defaults[] = { "/dev/null",   "/dev/zero",    "/dev/full",
						"/dev/random", "/dev/urandom", "/dev/tty" };
	for (size_t i = 0; i < sizeof(defaults) / sizeof(*defaults); i++)
		criu_pair(&r->call, CRIU_EXT_MNT, defaults[i], defaults[i]);
	list_each(d, &bundle_linux(b)->devices)
		criu_pair(&r->call, CRIU_EXT_MNT, d->path, d->path);
}

/* Binds are mounted on what is there: with a root that never ran a container they are missing. */
static int make_mount_points(const struct oci_bundle *b, int root, struct error *err)
{
	list_each(m, &b->config.mounts) {
		struct stat st;
		bool file = checkpoint_is_bind(m) && !text_empty(m->source) &&
			    stat(source_of(b, m), &st) == 0 && !S_ISDIR(st.st_mode);
		bool below = false;
		list_each(above, &b->config.mounts) {
			size_t n = strlen(above->destination);
			below |= text_starts(m->destination, above->destination) && m->destination[n] == '/';
		}
		if (below)
			continue;
		_cleanup_close_ int there = path_open_in_root(root, m->destination, O_PATH, 0);
		_cleanup_close_ int made =
			there >= 0 ? -1
			: file     ? path_make_file_in_root(root, m->destination, 0644, err)
				   : path_make_dirs_in_root(root, m->destination, 0755, 0, 0, err);
		if (there < 0 && made < 0)
			return error_prefix(err, "mounts: '%s'", m->destination);
	}
	return 0;
}

static void add_namespaces(struct restoration *r)
{
	const struct config_linux *l = bundle_linux(r->bundle);
	size_t joined = 0;

	list_each(n, &l->namespaces) {
		const char *key = checkpoint_namespace_key(n->type);
		if (text_empty(n->path))
			continue;
		if (key)
			criu_inherit(&r->call, key, r->bundle->spec.joined.at[joined].fd);
		else
			criu_pair(&r->call, CRIU_JOIN_NS, n->type, n->path);
		joined++;
	}
}

static void add_cgroups(struct restoration *r)
{
	const struct oci_cgroup *g = r->bundle->cgroup;

	list_each(h, &g->all)
		if (h->dir >= 0)
			criu_pair(&r->call, CRIU_CG_ROOT, h->controllers, g->path);
}

/* What 0, 1 and 2 were become ours. */
static int add_stdio(struct restoration *r, struct error *err)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	int result = file_read(r->files.images, "descriptors.json", 64 * 1024, &text, &size, err);
	const struct node *list = result < 0 ? NULL : node_from_json(r->bundle->arena, text, size, err);

	if (!list || list->kind != NODE_LIST)
		return error_set(err, EINVAL, "--image-path: there is no checkpoint of a container in '%s'",
				 r->wish->images);
	for (size_t i = 0; i < list->items.n && i < 3; i++) {
		const struct node *one = list->items.at[i];
		if (one->kind == NODE_STRING &&
		    (text_starts(one->text, "pipe:") || text_starts(one->text, "file[")))
			criu_inherit(&r->call, one->text, (int)i);
	}
	return 0;
}

/* --- the conversation --- */

static int notice(void *context, const char *script, int master, struct error *err)
{
	struct restoration *r = context;

	if (!text_is(script, "orphan-pts-master")) {
		close_fd(&master);
		return 0;
	}
	r->io->terminal.master = master;
	return r->io->console_socket ? oci_terminal_send(&r->io->terminal, r->io->console_socket, err) : 0;
}

static int add_options(struct restoration *r, const char *mount_point, struct error *err)
{
	const struct oci_bundle *b = r->bundle;
	int result = add_stdio(r, err);

	if (result < 0)
		return result;
	r->call.cgroup = b->cgroup;
	criu_text(&r->call, CRIU_ROOT, mount_point);
	criu_number(&r->call, CRIU_RST_SIBLING, true);
	criu_number(&r->call, CRIU_EVASIVE_DEVICES, true);
	add_namespaces(r);
	add_cgroups(r);
	add_mounts(r);
	_cleanup_close_ int root = open(r->rootfs, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return root < 0 ? error_errno(err, "root.path: cannot open the directory '%s'", r->rootfs)
			: make_mount_points(b, root, err);
}

int oci_restore_processes(const struct oci_criu_wish *wish, struct oci_bundle *b, const char *mount_point,
			  struct oci_io *io, struct container_process *p, struct error *err)
{
	struct restoration r = {
		.wish = wish,
		.bundle = b,
		.io = io,
		.files = { -1, -1, NULL },
		.call = { .kind = CRIU_RESTORE, .arena = b->arena, .notice = notice },
	};

	r.call.context = &r;
	int result = mount_root(&r, mount_point, err);
	if (result == 0)
		result = checkpoint_begin(&r.call, wish, &r.files, "restore.log", err);
	if (result == 0)
		result = add_options(&r, mount_point, err);
	if (result == 0)
		result = criu_call(&r.call, err);
	checkpoint_end(&r.call, &r.files);
	umount2(mount_point, MNT_DETACH);
	if (result < 0)
		return result;
	p->pid = r.call.pid;
	p->pidfd = process_open(p->pid);
	return p->pidfd < 0 ? error_set(err, ESRCH, "the restored process %d has ended already", (int)p->pid)
			    : 0;
}
