/* checkpoint.c — a running container is written down; see checkpoint.h. */
#include "runtime/checkpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "linux/path.h"
#include "runtime/runtime_parts.h"

enum {
	LOG_LEVEL = 4,
	MOUNTINFO_MAX = 16 * 1024 * 1024,
	NEW_NETWORK = 0x40000000 /* CLONE_NEWNET, in numbers of criu's */
};

/* --- shared with restore.c --- */

static int open_dir(const char *path, const char *option, bool make, struct error *err)
{
	int r = make ? file_make_dirs(AT_FDCWD, path, 0700, err) : 0;

	if (r < 0)
		return error_prefix(err, "%s", option);
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? error_errno(err, "%s: cannot open '%s'", option, path) : fd;
}

/* criu_cg_mode of rpc.proto. */
static int cgroups_mode(const char *word, struct error *err)
{
	static const struct {
		const char *word;
		int mode;
	} all[] = { { "ignore", 0 }, { "soft", 3 }, { "full", 4 }, { "strict", 5 } };

	for (size_t i = 0; word && i < sizeof(all) / sizeof(*all); i++)
		if (text_is(all[i].word, word))
			return all[i].mode;
	return word ? error_set(err, EINVAL,
				"--manage-cgroups-mode: '%s' is none of soft, full, strict and ignore", word)
		    : 6;
}

static void add_flags(struct criu_call *c, const struct oci_criu_wish *w)
{
	const struct {
		enum criu_option option;
		bool set;
	} flags[] = {
		{ CRIU_TCP_ESTABLISHED, w->tcp_established },
		{ CRIU_EXT_UNIX_SK, w->ext_unix_sk },
		{ CRIU_SHELL_JOB, w->shell_job },
		{ CRIU_FILE_LOCKS, w->file_locks },
		{ CRIU_AUTO_DEDUP, w->auto_dedup },
		{ CRIU_NOTIFY_SCRIPTS, true },
		{ CRIU_ORPHAN_PTS_MASTER, true },
		{ CRIU_MANAGE_CGROUPS, true },
	};

	for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++)
		criu_number(c, flags[i].option, flags[i].set);
	criu_number(c, CRIU_LOG_LEVEL, LOG_LEVEL);
	if (w->empty_network)
		criu_number(c, CRIU_EMPTY_NS, NEW_NETWORK);
}

int checkpoint_begin(struct criu_call *c, const struct oci_criu_wish *w, struct checkpoint_files *f,
		     const char *log, struct error *err)
{
	int mode = cgroups_mode(w->cgroups_mode, err);

	*f = (struct checkpoint_files){ -1, -1, NULL };
	if (mode < 0 || (f->images = open_dir(w->images, "--image-path", c->kind != CRIU_RESTORE, err)) < 0)
		return mode < 0 ? mode : f->images;
	criu_number(c, CRIU_IMAGES_DIR_FD, (uint64_t)f->images);
	if (w->work && (f->work = open_dir(w->work, "--work-path", true, err)) < 0)
		return f->work;
	if (w->work)
		criu_number(c, CRIU_WORK_DIR_FD, (uint64_t)f->work);
	c->log = arena_printf(c->arena, "%s/%s", w->work ? w->work : w->images, log);
	criu_text(c, CRIU_LOG_FILE, log);
	criu_number(c, CRIU_MANAGE_CGROUPS_MODE, (uint64_t)mode);
	add_flags(c, w);
	c->program = w->criu;
	return 0;
}

void checkpoint_end(struct criu_call *c, struct checkpoint_files *f)
{
	close_fd(&f->images);
	close_fd(&f->work);
	criu_close(c);
}

bool checkpoint_is_bind(const struct config_mount *m)
{
	bool bind = text_is(m->type, "bind");

	list_each(word, &m->options)
		bind |= text_is(*word, "bind") || text_is(*word, "rbind");
	return bind;
}

const char *checkpoint_namespace_key(const char *type)
{
	return text_is(type, "network") ? "extRootNetNS" : text_is(type, "pid") ? "extRootPidNS" : NULL;
}

/* --- one checkpoint --- */

struct checkpoint {
	const struct oci_criu_wish *wish;
	struct oci_state state;
	struct oci_bundle bundle;
	struct oci_cgroup cgroup;
	struct checkpoint_files files;
	struct criu_call call;
	int root; /* of the container's process */
};

static const char *link_of(int dirfd, const char *name, struct arena *a)
{
	char link[PATH_MAX];
	ssize_t n = readlinkat(dirfd, name, link, sizeof(link) - 1);

	return n > 0 ? arena_strndup(a, link, (size_t)n) : NULL;
}

/* What is mounted at DESTINATION is called NAME: from where it comes is said when it is restored. */
static void add_external(struct checkpoint *c, const char *destination, const char *name)
{
	char proc[32];
	_cleanup_close_ int target = path_open_in_root(c->root, destination, O_PATH, 0);
	const char *real = target < 0 ? NULL : link_of(AT_FDCWD, path_of_fd(target, proc), c->bundle.arena);

	if (real)
		criu_pair(&c->call, CRIU_EXT_MNT, real, name);
}

/* Version 1: each hierarchy is a bind (bundle_cgroup.c). */
static void add_cgroup_mounts(struct checkpoint *c, const char *destination)
{
	list_each(h, &c->cgroup.all) {
		const char *at =
			arena_printf(c->bundle.arena, "%s/%s", destination, strrchr(h->mount, '/') + 1);
		if (!h->unified && h->dir >= 0)
			add_external(c, at, at);
	}
}

/* In a user namespace devices are the host's, bound; so is what hides files. */
static void add_bound_devices(struct checkpoint *c)
{
	static const char *const defaults[] = { "/dev/null",   "/dev/zero",    "/dev/full",
						"/dev/random", "/dev/urandom", "/dev/tty" };
	const struct config_linux *l = bundle_linux(&c->bundle);

	for (size_t i = 0; i < sizeof(defaults) / sizeof(*defaults); i++)
		add_external(c, defaults[i], defaults[i]);
	list_each(d, &l->devices)
		add_external(c, d->path, d->path);
	list_each(path, &l->maskedPaths) {
		struct stat st;
		_cleanup_close_ int target = path_open_in_root(c->root, *path, O_PATH, 0);
		if (target >= 0 && fstat(target, &st) == 0 && !S_ISDIR(st.st_mode))
			add_external(c, *path, "/dev/null");
	}
}

static void add_mounts(struct checkpoint *c)
{
	list_each(m, &c->bundle.config.mounts) {
		if (checkpoint_is_bind(m))
			add_external(c, m->destination, m->destination);
		else if (text_is(m->type, "cgroup") && !c->cgroup.v2)
			add_cgroup_mounts(c, m->destination);
	}
	if (c->state.record.newUser)
		add_bound_devices(c);
}

static int add_namespaces(struct checkpoint *c, struct error *err)
{
	const struct config_linux *l = bundle_linux(&c->bundle);

	for (size_t i = 0; i < l->namespaces.n; i++) {
		const struct config_namespace *n = &l->namespaces.at[i];
		const char *key = checkpoint_namespace_key(n->type);
		struct stat st;
		if (text_empty(n->path) || !key)
			continue;
		bool net = text_is(n->type, "network");
		if (fstatat(AT_FDCWD,
			    arena_printf(c->bundle.arena, "/proc/%d/ns/%s", (int)c->state.record.pid,
					 net ? "net" : "pid"),
			    &st, 0) < 0)
			return error_errno(err, "cannot look at the container's %s namespace", n->type);
		criu_text(&c->call, CRIU_EXTERNAL,
			  arena_printf(c->bundle.arena, "%s[%llu]:%s", net ? "net" : "pid",
				       (unsigned long long)st.st_ino, key));
	}
	return 0;
}

/* --- standard input and output --- */

static bool has_mount(const char *mountinfo, int id)
{
	const char *line = mountinfo;

	for (; line && *line; line = strchr(line, '\n'), line += line != NULL)
		if (atoi(line) == id)
			return true;
	return false;
}

/* A file that is not in the container's mounts: "file[mount:inode]" is criu's name for it. NULL: it is the container's own. */
static const char *outer_file(struct checkpoint *c, int proc, int fd)
{
	_cleanup_free_ char *info = NULL, *mounts = NULL;
	struct arena *a = c->bundle.arena;
	struct stat st;

	if (file_read(proc, arena_printf(a, "fdinfo/%d", fd), 4096, &info, NULL, NULL) < 0 ||
	    file_read(proc, "mountinfo", MOUNTINFO_MAX, &mounts, NULL, NULL) < 0 ||
	    fstatat(proc, arena_printf(a, "fd/%d", fd), &st, 0) < 0)
		return NULL;
	const char *at = strstr(info, "mnt_id:");
	int mount = at ? atoi(at + strlen("mnt_id:")) : -1;
	return mount < 0 || has_mount(mounts, mount)
		       ? NULL
		       : arena_printf(a, "file[%x:%llx]", (unsigned)mount, (unsigned long long)st.st_ino);
}

/* descriptors.json: what 0, 1 and 2 were, by the names by which restore gives them again. */
static int add_stdio(struct checkpoint *c, struct error *err)
{
	struct arena *a = c->bundle.arena;
	struct node *list = node_new(a, NODE_LIST);
	_cleanup_text_ struct text text = {};
	_cleanup_close_ int proc = open(arena_printf(a, "/proc/%d", (int)c->state.record.pid),
					O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	for (int fd = 0; fd < 3; fd++) {
		const char *what = link_of(proc, arena_printf(a, "fd/%d", fd), a);
		const char *outer = what && *what == '/' ? outer_file(c, proc, fd) : NULL;
		if (outer)
			criu_text(&c->call, CRIU_EXTERNAL, what = outer);
		node_append(a, list, node_string(a, what ? what : ""));
	}
	node_to_json(list, false, &text);
	return file_write_atomic(c->files.images, "descriptors.json", text.at, text.n, 0600, err);
}

/* --- all --- */

static int add_options(struct checkpoint *c, struct error *err)
{
	const struct oci_criu_wish *w = c->wish;
	char proc[32];
	int freezer = oci_cgroup_dir(&c->cgroup, "freezer");

	criu_number(&c->call, CRIU_PID, (uint64_t)c->state.record.pid);
	criu_text(&c->call, CRIU_ROOT, c->state.record.rootfs ? c->state.record.rootfs : "/");
	criu_number(&c->call, CRIU_LEAVE_RUNNING, w->leave_running);
	if (w->parent) {
		criu_text(&c->call, CRIU_PARENT_IMG, w->parent);
		criu_number(&c->call, CRIU_TRACK_MEM, true);
	} else if (w->pre_dump)
		criu_number(&c->call, CRIU_TRACK_MEM, true);
	if (freezer >= 0)
		criu_text(&c->call, CRIU_FREEZE_CGROUP,
			  link_of(AT_FDCWD, path_of_fd(freezer, proc), c->bundle.arena));
	int r = add_namespaces(c, err);
	if (r < 0 || w->pre_dump)
		return r;
	add_mounts(c);
	return add_stdio(c, err);
}

static int checkpoint(struct checkpoint *c, struct error *err)
{
	struct oci_state *s = &c->state;
	int r;

	if (s->status != OCI_RUNNING && s->status != OCI_PAUSED)
		return error_set(err, EPERM, "cannot checkpoint the container '%s': it is %s, not running",
				 s->id, oci_status_name(s->status));
	_cleanup_close_ int pidfd = runtime_process(s, err);
	if (pidfd < 0 || (r = runtime_open_saved(s, &c->bundle, err)) < 0)
		return pidfd < 0 ? pidfd : r;
	c->call.arena = c->bundle.arena;
	c->call.kind = c->wish->pre_dump ? CRIU_SINGLE_PRE_DUMP : CRIU_DUMP;
	if (s->record.cgroupPath && (r = oci_container_cgroup(s, &c->cgroup, err)) < 0)
		return r;
	c->root = open(arena_printf(c->bundle.arena, "/proc/%d/root", (int)s->record.pid),
		       O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (c->root < 0)
		return error_errno(err, "cannot open the root of the container '%s'", s->id);
	if ((r = checkpoint_begin(&c->call, c->wish, &c->files, "dump.log", err)) < 0 ||
	    (r = add_options(c, err)) < 0)
		return r;
	return criu_call(&c->call, err) < 0 ? error_prefix(err, "cannot checkpoint the container '%s'", s->id)
					    : 0;
}

int oci_checkpoint(int rootfd, const char *id, const struct oci_criu_wish *wish,
		   void (*warn)(const char *text), struct error *err)
{
	struct checkpoint c = { .wish = wish,
				.root = -1,
				.files = { -1, -1, NULL },
				.bundle = { .pid_namespace = -1, .devpts = -1, .cache = -1 } };
	int r = oci_state_open(rootfd, id, true, &c.state, err);

	if (r == 0)
		r = checkpoint(&c, err);
	checkpoint_end(&c.call, &c.files);
	close_fd(&c.root);
	oci_cgroup_close(&c.cgroup);
	if (c.bundle.arena)
		oci_bundle_close(&c.bundle);
	oci_state_close(&c.state);
	/* It has become files: what is left of it goes, as runc does it. */
	return r < 0 || wish->leave_running || wish->pre_dump ? r : oci_delete(rootfd, id, true, warn, err);
}
