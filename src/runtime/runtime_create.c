/* runtime_create.c — create and start; see runtime.h. */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "linux/path.h"
#include "linux/socket.h"
#include "runtime/bundle.h"
#include "runtime/checkpoint.h"
#include "runtime/hooks.h"
#include "runtime/net_devices.h"
#include "runtime/resctrl.h"
#include "runtime/runtime.h"
#include "runtime/runtime_parts.h"
#include "runtime/seccomp_agent.h"

int oci_report(struct container_process *p, struct error *err)
{
	struct pollfd one = { .fd = p->sync, .events = POLLIN };
	int r;

	while ((r = container_report(p, err)) == 0 || r == 3)
		if (r == 0)
			poll(&one, 1, -1);
	return r;
}

int runtime_report_executed(const struct oci_state *s, const struct oci_bundle *b,
			    struct container_process *p, pid_t pid, struct error *err)
{
	int r = oci_report(p, err);

	if (r != 2)
		return r;
	r = seccomp_agent_tell(bundle_linux(b), p->listener, pid, oci_state_node(s, NULL, b->arena), b->arena,
			       err);
	close_fd(&p->listener);
	if (r < 0) /* it would run, and nobody would answer it */
		kill(pid, SIGKILL);
	return r < 0 ? r : oci_report(p, err);
}

char *runtime_state_text(const struct oci_state *s, const char *status)
{
	_cleanup_arena_ struct arena *a = arena_new();
	struct text text = {};

	node_to_json(oci_state_node(s, status, a), false, &text);
	return text_take(&text);
}

int runtime_check_preserved(unsigned n, struct error *err)
{
	for (unsigned i = 0; i < n; i++)
		if (fcntl(3 + (int)i, F_GETFD) < 0)
			return error_set(err, EBADF, "--preserve-fds: the descriptor %u is not open", 3 + i);
	return 0;
}

int runtime_write_pid_file(const char *path, pid_t pid, struct error *err)
{
	char text[16];
	int n = snprintf(text, sizeof(text), "%d", (int)pid);

	if (!path)
		return 0;
	return file_write_atomic(AT_FDCWD, path, text, (size_t)n, 0644, err) < 0
		       ? error_prefix(err, "--pid-file")
		       : 0;
}

/* The terminal's slave is the user's who will have it; the root of a user namespace could not give it. */
int runtime_open_terminal(struct oci_io *io, const struct config_process *p, uid_t owner, struct error *err)
{
	if (!io->console_socket && !io->keep_terminal)
		return error_set(err, EINVAL,
				 "process.terminal: it needs --console-socket, to send the terminal to");
	(void)!fchown(io->terminal.slave, owner, (gid_t)-1);
	if (p->consoleSize)
		oci_terminal_size(&io->terminal, (uint16_t)p->consoleSize->height,
				  (uint16_t)p->consoleSize->width);
	return io->console_socket ? oci_terminal_send(&io->terminal, io->console_socket, err) : 0;
}

/* --- one creation --- */

struct creation {
	struct oci_create_wish *wish;
	uid_t caller; /* before any user namespace is entered */
	struct oci_state state;
	struct oci_bundle bundle;
	struct oci_cgroup cgroup;
	bool has_cgroup;
	struct oci_unit unit; /* no name: without systemd */
	struct systemd_worker worker;
	struct resctrl resctrl;
	int cache, listen;
	struct container_process *p;
	char *state_text; /* "creating", with its process */
};

const char *runtime_cgroup_path(const struct oci_bundle *b, const char *id)
{
	const char *path = bundle_linux(b)->cgroupsPath;

	return text_empty(path) ? arena_printf(b->arena, "/seapod-oci/%s", id) : path;
}

/* systemd has claimed the name; what it does not manage (version 1: freezer, cpuset …) is made beside it. */
static int make_unit(struct creation *c, struct error *err)
{
	const struct config_linux *l = bundle_linux(&c->bundle);
	struct arena *a = c->bundle.arena;
	_cleanup_text_ struct text properties = {};
	const char *path;
	int r = systemd_unit_read(l->cgroupsPath, c->wish->id, c->bundle.rootless, a, &c->unit, err);

	if (r == 0)
		r = oci_cgroup_find(&c->cgroup, systemd_unit_path(&c->unit, a), a, err);
	if (r < 0)
		return r;
	systemd_properties(l->resources, c->cgroup.v2, &properties);
	if ((r = systemd_start(&c->unit, text_str(&properties), a, &path, &c->worker, err)) < 0)
		return r;
	c->has_cgroup = true;
	c->cgroup.path = path;
	c->cgroup.tracked = true;
	return oci_cgroup_open(&c->cgroup, true, err);
}

/* Nobody has delegated one to the user. Devices need no rules then: a user namespace has no right to make any. */
static int do_without_cgroup(struct creation *c, struct error *err)
{
	const struct config_resources *r = bundle_linux(&c->bundle)->resources;

	if (r && (r->memory || r->cpu || (r->pids && r->pids->limit.set && r->pids->limit.value > 0) ||
		  r->blockIO || r->hugepageLimits.n || r->network || r->rdma || r->unified.n))
		return error_prefix(err, "linux.resources: the limits need a cgroup");
	oci_cgroup_remove(&c->cgroup, NULL);
	oci_cgroup_close(&c->cgroup);
	c->cgroup = (struct oci_cgroup){};
	c->has_cgroup = false;
	return 0;
}

static int claim_cgroup(struct creation *c, struct error *err)
{
	const char *path = runtime_cgroup_path(&c->bundle, c->wish->id);
	int r = oci_cgroup_find(&c->cgroup, path, c->bundle.arena, err);

	if (r < 0)
		return r;
	r = oci_cgroup_claim(&c->cgroup, err);
	c->has_cgroup = r != -EBUSY; /* else it is not ours to remove */
	if (c->bundle.rootless && (r == -EACCES || r == -EPERM || r == -EROFS))
		return do_without_cgroup(c, err);
	return r;
}

static int make_cgroup(struct creation *c, struct error *err)
{
	const struct config_linux *l = bundle_linux(&c->bundle);
	int r = c->wish->systemd_cgroup ? make_unit(c, err) : claim_cgroup(c, err);

	c->bundle.cgroup = &c->cgroup;
	if (r < 0 || !c->has_cgroup)
		return r;
	return l->resources ? oci_cgroup_set(&c->cgroup, l->resources, true, err) : 0;
}

/* {"pid":0} of a state without a process: where its number goes. */
static void split_state(struct creation *c, const char *status, struct oci_state_text *to)
{
	_cleanup_free_ char *text = runtime_state_text(&c->state, status);
	const char *at = strstr(text, "\"pid\":0");

	at = at ? at + strlen("\"pid\":") : text;
	to->before = arena_strndup(c->bundle.arena, text, (size_t)(at - text));
	to->after = arena_strdup(c->bundle.arena, at + 1);
}

/* From the file: getpwuid(3) would load what nsswitch.conf(5) names, in a program that loads nothing. */
static const char *user_name(uid_t uid, struct arena *a)
{
	_cleanup_fclose_ FILE *file = fopen("/etc/passwd", "re");
	const struct passwd *user = NULL;

	while (file && (user = fgetpwent(file)) && user->pw_uid != uid)
		;
	return user ? arena_strdup(a, user->pw_name) : "";
}

static void fill_record(struct creation *c)
{
	struct oci_record *r = &c->state.record;
	char now[CLOCK_TEXT_SIZE];

	*r = (struct oci_record){
		.ociVersion = OCI_VERSION_MAX,
		.id = c->state.id,
		.bundle = c->bundle.dir,
		.rootfs = c->bundle.spec.root.path,
		.created = arena_strdup(c->state.arena, clock_rfc3339_nano(clock_wall(), now)),
		.owner = user_name(c->caller, c->state.arena),
		.cgroupPath = c->cgroup.path,
		.systemdUnit = c->unit.name,
		.systemdSlice = c->unit.slice,
		.systemdUser = c->unit.user,
		.newUser = c->bundle.spec.user_namespace,
		.annotations = c->bundle.config.annotations,
	};
	r->newTime = c->bundle.spec.namespaces & CLONE_NEWTIME;
	list_each(n, &c->bundle.spec.joined)
		r->newTime |= n->type == CLONE_NEWTIME;
}

/* Does the process wait for us when it has its namespaces? */
static bool has_runtime_hooks(const struct oci_bundle *b)
{
	const struct config_hooks *h = &b->config.hooks;
	const struct node *devices = bundle_linux(b)->netDevices;

	return h->prestart.n || h->createRuntime.n || (devices && devices->pairs.n);
}

static int clone_container(struct creation *c, struct error *err)
{
	struct oci_spec *spec = &c->bundle.spec;
	struct oci_io *io = &c->wish->io;
	struct container_setting setting = {
		.stdio = { 0, 1, 2 },
		.cgroup_fd = oci_cgroup_directory(&c->cgroup),
		.pid_namespace = spec->user_namespace ? -1 : c->bundle.pid_namespace,
		.outlives = true,
		.listen = c->listen,
		.has_hooks = has_runtime_hooks(&c->bundle),
		.no_pivot = c->wish->no_pivot,
	};
	int r = 0;

	if (spec->shares_mounts && !bundle_visits(&c->bundle)) {
		if (mkdirat(c->state.dir, "rootfs", 0700) < 0)
			return error_errno(err, "cannot make the directory for the root file system");
		setting.mount_point = arena_printf(c->bundle.arena, "/proc/self/fd/%d/rootfs", c->state.dir);
	}
	spec->process.keep_keyring = io->no_new_keyring;
	spec->process.preserved = io->preserve_fds;
	if (getenv("LISTEN_FDS")) { /* sd_listen_fds(3) */
		*list_add(c->bundle.arena, &spec->process.env) =
			arena_printf(c->bundle.arena, "LISTEN_FDS=%s", getenv("LISTEN_FDS"));
		*list_add(c->bundle.arena, &spec->process.env) = "LISTEN_PID=1";
	}
	split_state(c, "creating", &spec->creating);
	split_state(c, "created", &spec->created);
	if (spec->process.terminal) {
		r = oci_terminal_open(c->bundle.devpts, &io->terminal, err);
		int64_t owner = bundle_host_id(&bundle_linux(&c->bundle)->uidMappings, spec->process.uid);
		if (r == 0)
			r = runtime_open_terminal(io, c->bundle.config.process, (uid_t)owner, err);
		for (int i = 0; i < 3; i++)
			setting.stdio[i] = io->terminal.slave;
	}
	if (r < 0)
		return r;
	setting.task_count = oci_cgroup_tasks(&c->cgroup, setting.tasks, CGROUP_FDS_MAX);
	r = container_create(spec, &setting, c->p, err);
	for (int i = 0; i < setting.task_count; i++)
		close(setting.tasks[i]);
	close_fd(&io->terminal.slave);
	return r;
}

/* The process is there and has its namespaces and mounts, but not its root yet. */
static int run_create_hooks(struct creation *c, struct error *err)
{
	const struct config_hooks *h = &c->bundle.config.hooks;
	int r = oci_report(c->p, err);

	if (r < 0)
		return r;
	c->p->is_ready = false;
	if (bundle_linux(&c->bundle)->netDevices)
		r = net_devices_move(bundle_linux(&c->bundle)->netDevices, c->p->pid, err);
	if (r >= 0)
		r = oci_hooks_run(&h->prestart, "prestart", c->state_text, err);
	if (r == 0)
		r = oci_hooks_run(&h->createRuntime, "createRuntime", c->state_text, err);
	return r < 0 ? r : container_start(c->p, err);
}

/* Before anything is made: when we are killed, `delete` finds there what is to be removed. */
static int keep_config(struct creation *c, struct error *err)
{
	return file_write_atomic(c->state.dir, "config.json", c->bundle.config_text, c->bundle.config_size,
				 0600, err);
}

static int record(struct creation *c, struct error *err)
{
	int r = runtime_write_pid_file(c->wish->io.pid_file, c->p->pid, err);

	return r < 0 ? r : oci_state_write(&c->state, err);
}

/* criu gives every process a time namespace of its own, which exec must join. */
static bool has_other_time(pid_t pid)
{
	char path[40];
	struct stat mine, its;

	snprintf(path, sizeof(path), "/proc/%d/ns/time", (int)pid);
	return stat("/proc/self/ns/time", &mine) == 0 && stat(path, &its) == 0 && mine.st_ino != its.st_ino;
}

/* Instead of a new process: those that were written down. Their first one is there before it is recorded, and runs already. */
static int restore(struct creation *c, struct error *err)
{
	char proc[32], at[PATH_MAX];
	int r = bundle_namespaces(&c->bundle, err);
	ssize_t n = readlink(path_of_fd(c->state.dir, proc), at, sizeof(at) - 1);

	if (r < 0 || n < 0)
		return r < 0 ? r : error_errno(err, "cannot find the directory of the container");
	at[n] = '\0';
	fill_record(c);
	c->state.record.rootfs = arena_printf(
		c->state.arena, "%s%s%s", *c->bundle.config.root->path == '/' ? "" : c->bundle.dir,
		*c->bundle.config.root->path == '/' ? "" : "/", c->bundle.config.root->path);
	r = oci_restore_processes(c->wish->restore, &c->bundle, at, &c->wish->io, c->p, err);
	if (r < 0)
		return error_prefix(err, "cannot restore the container '%s'", c->wish->id);
	c->state.record.pid = c->p->pid;
	c->state.record.startTime = process_start_time(c->p->pid);
	c->state.record.newTime |= has_other_time(c->p->pid);
	if ((r = resctrl_enter(&c->resctrl, c->p->pid, err)) == 0 && (r = record(c, err)) == 0)
		systemd_release(&c->worker);
	return r;
}

static int create(struct creation *c, struct error *err)
{
	int r;

	if ((r = runtime_check_preserved(c->wish->io.preserve_fds, err)) < 0 ||
	    (r = oci_bundle_open(&c->bundle, c->wish->bundle, c->wish->id, NULL, 0, err)) < 0 ||
	    (r = keep_config(c, err)) < 0 || (r = oci_bundle_enter(&c->bundle, err)) < 0 ||
	    (r = resctrl_open(&c->resctrl, bundle_linux(&c->bundle)->intelRdt, c->wish->id, err)) < 0 ||
	    (r = make_cgroup(c, err)) < 0 || (r = resctrl_make(&c->resctrl, err)) < 0)
		return r;
	if (c->wish->restore)
		return restore(c, err);
	c->bundle.cache = c->cache;
	if ((r = oci_bundle_spec(&c->bundle, err)) < 0)
		return r;
	list_each(warning, &c->bundle.warnings)
		c->wish->warn(*warning);
	fill_record(c);
	c->listen = socket_listen(c->state.dir, "start", err);
	if (c->listen < 0 || (r = clone_container(c, err)) < 0)
		return c->listen < 0 ? c->listen : r;
	c->state.record.pid = c->p->pid;
	c->state.record.startTime = process_start_time(c->p->pid);
	if ((r = resctrl_enter(&c->resctrl, c->p->pid, err)) < 0)
		return r;
	c->state_text = runtime_state_text(&c->state, "creating");
	if (has_runtime_hooks(&c->bundle) && (r = run_create_hooks(c, err)) < 0)
		return r;
	if ((r = oci_report(c->p, err)) < 0 || (r = record(c, err)) < 0)
		return r;
	if ((r = container_start(c->p, err)) < 0 || (r = oci_report(c->p, err)) < 0)
		return r;
	systemd_release(&c->worker); /* the scope has the container now */
	return 0; /* it is on its own, and we may end: it has said so by closing the socket */
}

static void undo(struct creation *c)
{
	struct exit_status status;
	char *text = c->state_text;

	if (c->p->pidfd >= 0) {
		process_signal(c->p->pidfd, SIGKILL);
		process_wait(c->p->pidfd, &status);
	}
	container_process_close(c->p);
	resctrl_undo(&c->resctrl);
	if (c->has_cgroup)
		oci_cgroup_remove(&c->cgroup, NULL);
	systemd_release(&c->worker);
	if (c->has_cgroup && c->unit.name)
		systemd_stop(&c->unit, NULL);
	if (text) { /* it has been there: continue at step 12 of the lifecycle */
		struct error err = {};
		if (oci_hooks_run(&c->bundle.config.hooks.poststop, "poststop", text, &err) < 0)
			c->wish->warn(err.text);
	}
	oci_state_remove(&c->state, NULL);
}

int oci_create(int rootfd, struct oci_create_wish *wish, struct container_process *p, struct error *err)
{
	struct creation c = { .wish = wish,
			      .caller = geteuid(),
			      .listen = -1,
			      .worker = { .socket = -1 },
			      .resctrl = RESCTRL_NONE,
			      .p = p,
			      .bundle = { .pid_namespace = -1, .devpts = -1, .cache = -1 } };

	*p = CONTAINER_PROCESS_NONE;
	wish->io.terminal = (struct oci_terminal){ -1, -1 };
	int r = oci_state_claim(rootfd, wish->id, &c.state, err);
	if (r == 0) {
		c.cache = file_open_dir(rootfd, ".cache", 0700, err);
		r = c.cache < 0 ? c.cache : create(&c, err);
		if (r < 0)
			undo(&c);
		close_fd(&c.cache);
	}
	close_fd(&c.listen);
	oci_cgroup_close(&c.cgroup);
	resctrl_close(&c.resctrl);
	oci_bundle_close(&c.bundle);
	oci_state_close(&c.state);
	free(c.state_text);
	if (r < 0 || wish->io.console_socket)
		oci_terminal_close(&wish->io.terminal);
	return r;
}

/* --- start --- */

int runtime_open_saved(struct oci_state *s, struct oci_bundle *b, struct error *err)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	int r = file_read(s->dir, "config.json", OCI_CONFIG_MAX, &text, &size, err);

	*b = (struct oci_bundle){ .pid_namespace = -1, .devpts = -1, .cache = -1 };
	return r < 0 ? r : oci_bundle_open(b, s->record.bundle, s->id, text, size, err);
}

static int start(struct oci_state *s, void (*warn)(const char *text), struct error *err)
{
	struct container_process p = CONTAINER_PROCESS_NONE;
	_cleanup_(oci_bundle_close) struct oci_bundle bundle = {};
	(void)warn;

	if (s->status != OCI_CREATED)
		return error_set(err, EPERM, "cannot start the container '%s': it is %s, not created", s->id,
				 oci_status_name(s->status));
	int r = runtime_open_saved(s, &bundle, err);
	if (r == 0)
		r = container_connect(s->dir, "start", &p, err);
	if (r == 0)
		r = runtime_report_executed(s, &bundle, &p, (pid_t)s->record.pid, err);
	container_process_close(&p);
	if (r < 0)
		return r;
	_cleanup_free_ char *text = runtime_state_text(s, "running");

	r = oci_hooks_run(&bundle.config.hooks.poststart, "poststart", text, err);
	if (r < 0) { /* runtime.md "Lifecycle" 9: stop the container */
		_cleanup_close_ int pidfd = runtime_process(s, NULL);
		if (pidfd >= 0)
			process_signal(pidfd, SIGKILL);
	}
	return r;
}

int oci_start(int rootfd, const char *id, void (*warn)(const char *text), struct error *err)
{
	struct oci_state s;
	int r = oci_state_open(rootfd, id, true, &s, err);

	if (r == 0)
		r = start(&s, warn, err);
	oci_state_close(&s);
	return r;
}
