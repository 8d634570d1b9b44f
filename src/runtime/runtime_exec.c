/* runtime_exec.c — another process in a container; see runtime.h.
 *
 * It is held to what the container's own process is held to: its capabilities, seccomp filter and no_new_privs come from the configuration
 * that was kept, unless the caller gives a whole process.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "runtime/resctrl.h"
#include "runtime/rootless.h"
#include "runtime/runtime_parts.h"

struct execution {
	struct oci_exec_wish *wish;
	struct oci_state state;
	struct oci_bundle bundle;
	struct oci_cgroup cgroup;
	struct oci_process process;
};

/* The container's process with what the command line says. */
static int make_process(struct execution *e, struct config_process *p, struct error *err)
{
	const struct oci_exec_wish *w = e->wish;
	struct arena *a = e->bundle.arena;

	*p = *e->bundle.config.process;
	p->args = w->args;
	p->terminal = w->terminal;
	p->consoleSize = NULL;
	list_each(entry, &w->env)
		*list_add(a, &p->env) = *entry;
	if (w->cwd)
		p->cwd = w->cwd;
	if (w->uid.set)
		p->user = (struct config_user){ .uid = w->uid.value,
						.gid = w->gid.set ? w->gid.value : 0,
						.umask = p->user.umask };
	list_each(group, &w->groups)
		*list_add(a, &p->user.additionalGids) = *group;
	p->noNewPrivileges |= w->no_new_privileges;
	if (w->caps.n && !p->capabilities)
		p->capabilities = arena_one(a, struct config_capabilities);
	list_each(name, &w->caps) {
		*list_add(a, &p->capabilities->bounding) = *name;
		*list_add(a, &p->capabilities->permitted) = *name;
		*list_add(a, &p->capabilities->effective) = *name;
	}
	return oci_config_check_process(p, err);
}

static int read_process(struct execution *e, struct config_process *p, struct error *err)
{
	_cleanup_free_ char *text = NULL;
	size_t size;

	if (!e->wish->process)
		return make_process(e, p, err);
	int r = file_read(AT_FDCWD, e->wish->process, OCI_CONFIG_MAX, &text, &size, err);
	if (r < 0)
		return error_prefix(err, "--process");
	return oci_config_read_process(text, size, e->bundle.arena, p, err);
}

/* An ordinary user has rights in the container's user namespace, whose owner he is, but only from within. */
static int enter_rootless(struct execution *e, struct error *err)
{
	int r = 0;

	if (geteuid() != 0 && e->state.record.newUser && !rootless_is_inside()) {
		r = rootless_join((pid_t)e->state.record.pid, err);
		e->state.record.newUser = false;
	}
	e->bundle.rootless = rootless_is_inside();
	return r;
}

static int prepare(struct execution *e, struct error *err)
{
	struct config_process *p = arena_one(e->bundle.arena, struct config_process);
	struct oci_io *io = &e->wish->io;
	int r = read_process(e, p, err);

	e->bundle.spec.user_namespace = e->state.record.newUser;
	if (r < 0 || (r = oci_bundle_process(&e->bundle, p, &e->process, err)) < 0 ||
	    (r = oci_bundle_affinity(&e->bundle, p, &e->process, err)) < 0 ||
	    (r = bundle_filter(&e->bundle, e->process.capabilities.bounding, err)) < 0)
		return r;
	e->process.seccomp = e->bundle.filter.filter;
	e->process.keep_keyring = io->no_new_keyring;
	e->process.preserved = io->preserve_fds;
	list_each(warning, &e->bundle.warnings)
		e->wish->warn(*warning);
	if (!p->terminal)
		return 0;
	r = oci_terminal_open_of((pid_t)e->state.record.pid, &io->terminal, err);
	int64_t owner = bundle_host_id(&bundle_linux(&e->bundle)->uidMappings, e->process.uid);
	return r < 0 ? r : runtime_open_terminal(io, p, (uid_t)owner, err);
}

/* Those that the container has in common with us: they need not be entered, and if they are the machine's, only its root may. */
static int shared_namespaces(pid_t pid)
{
	static const struct {
		const char *name;
		int type;
	} all[] = { { "mnt", CLONE_NEWNS },  { "net", CLONE_NEWNET },       { "ipc", CLONE_NEWIPC },
		    { "uts", CLONE_NEWUTS }, { "cgroup", CLONE_NEWCGROUP }, { "user", CLONE_NEWUSER } };
	int shared = 0;

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		char mine[40], its[40];
		struct stat a, b;
		snprintf(mine, sizeof(mine), "/proc/self/ns/%s", all[i].name);
		snprintf(its, sizeof(its), "/proc/%d/ns/%s", (int)pid, all[i].name);
		if (stat(mine, &a) == 0 && stat(its, &b) == 0 && a.st_ino == b.st_ino && a.st_dev == b.st_dev)
			shared |= all[i].type;
	}
	return shared;
}

static int enter_resctrl(const struct execution *e, pid_t pid, struct error *err)
{
	struct resctrl resctrl;
	int r = resctrl_open(&resctrl, bundle_linux(&e->bundle)->intelRdt, e->state.id, err);

	if (r == 0)
		r = resctrl_enter(&resctrl, pid, err);
	resctrl_close(&resctrl);
	return r;
}

static int enter(struct execution *e, struct container_process *p, struct error *err)
{
	enum { USUAL = CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP };
	const struct oci_record *record = &e->state.record;
	char path[40];

	snprintf(path, sizeof(path), "/proc/%d/ns/pid", (int)record->pid);
	_cleanup_close_ int target = process_open((pid_t)record->pid),
			    pids = open(path, O_RDONLY | O_CLOEXEC);
	if (target < 0 || pids < 0 || process_start_time((pid_t)record->pid) != record->startTime)
		return error_set(err, ESRCH, "container not running: '%s' has ended", e->state.id);
	struct exec_setting setting = {
		.stdio = { 0, 1, 2 },
		.cgroup_fd = oci_cgroup_directory(&e->cgroup),
		.target_pidfd = target,
		.pid_namespace = pids,
		.namespaces = (uint64_t)USUAL | (record->newUser ? CLONE_NEWUSER : 0) |
			      (record->newTime ? CLONE_NEWTIME : 0),
		.rootless = e->bundle.rootless,
		.outlives = true,
	};
	_cleanup_close_ int root =
		openat(e->state.dir, "rootfs", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (root >= 0) { /* it has the machine's mounts: to enter them would be to leave its root */
		setting.namespaces &= ~(uint64_t)CLONE_NEWNS;
		setting.root = root;
	}
	if (bundle_visits(&e->bundle))
		setting.root_path = record->rootfs;
	if (e->bundle.rootless)
		setting.namespaces &= ~(uint64_t)shared_namespaces((pid_t)record->pid);
	if (e->process.terminal)
		for (int i = 0; i < 3; i++)
			setting.stdio[i] = e->wish->io.terminal.slave;
	setting.task_count = oci_cgroup_tasks(&e->cgroup, setting.tasks, CGROUP_FDS_MAX);
	int r = container_exec(&e->process, &setting, p, err);
	for (int i = 0; i < setting.task_count; i++)
		close(setting.tasks[i]);
	close_fd(&e->wish->io.terminal.slave);
	if (r == 0)
		r = enter_resctrl(e, p->pid, err);
	if (r == 0)
		r = runtime_report_executed(&e->state, &e->bundle, p, p->pid, err);
	return r < 0 ? r : 0;
}

static int execute(struct execution *e, int rootfd, struct container_process *p, struct error *err)
{
	enum oci_status status = e->state.status;
	int r;

	if (status != OCI_RUNNING && status != OCI_CREATED &&
	    !(status == OCI_PAUSED && e->wish->ignore_paused))
		return error_set(err, EPERM, "cannot exec in the container '%s': it is %s", e->state.id,
				 oci_status_name(status));
	_cleanup_close_ int cache = file_open_dir(rootfd, ".cache", 0700, err);
	if (cache < 0 || (r = runtime_check_preserved(e->wish->io.preserve_fds, err)) < 0 ||
	    (r = runtime_open_saved(&e->state, &e->bundle, err)) < 0)
		return cache < 0 ? cache : r;
	e->bundle.cache = cache;
	if ((e->state.record.cgroupPath && (r = oci_container_cgroup(&e->state, &e->cgroup, err)) < 0) ||
	    (r = enter_rootless(e, err)) < 0 || (r = prepare(e, err)) < 0 || (r = enter(e, p, err)) < 0)
		return r;
	return runtime_write_pid_file(e->wish->io.pid_file, p->pid, err);
}

int oci_exec(int rootfd, struct oci_exec_wish *wish, struct container_process *p, struct error *err)
{
	struct execution e = { .wish = wish, .bundle = { .pid_namespace = -1, .devpts = -1, .cache = -1 } };

	*p = CONTAINER_PROCESS_NONE;
	wish->io.terminal = (struct oci_terminal){ -1, -1 };
	int r = oci_state_open(rootfd, wish->id, false, &e.state, err);
	if (r == 0)
		r = execute(&e, rootfd, p, err);
	if (r < 0 && p->pidfd >= 0) {
		struct exit_status status;
		process_signal(p->pidfd, SIGKILL);
		process_wait(p->pidfd, &status);
		container_process_close(p);
	}
	oci_cgroup_close(&e.cgroup);
	oci_bundle_close(&e.bundle);
	oci_state_close(&e.state);
	if (r < 0 || wish->io.console_socket)
		oci_terminal_close(&wish->io.terminal);
	return r;
}
