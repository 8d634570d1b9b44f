/* process_namespace.c — see process_namespace.h. */
#include "sandbox/process_namespace.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "linux/mount.h"
#include "sandbox/descriptor_list.h"
#include "sandbox/mapped.h"

enum { PATIENCE_MS = 10000 };

/* The next word of its child. It is our own small program and a millisecond's work, so it is waited for. */
static int wait_report(struct container_process *p, struct error *err)
{
	struct pollfd readable = { .fd = p->sync, .events = POLLIN };

	if (poll(&readable, 1, PATIENCE_MS) != 1)
		return error_set(err, ETIMEDOUT, "the pod's first process does not start");
	int r = container_report(p, err);
	return r == 0 ? error_set(err, EIO, "the pod's first process does not start") : r;
}

static int start(struct container_process *p, struct error *err)
{
	int r = wait_report(p, err);

	if (r > 0)
		r = container_start(p, err);
	return r < 0 ? r : wait_report(p, err);
}

/* Its root: a read-only directory with the program on it. */
static int make(struct sandbox *s, int program, struct error *err)
{
	_cleanup_arena_ struct arena *a = arena_new();
	_cleanup_close_ int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	struct oci_spec spec = {
		.namespaces = CLONE_NEWPID | CLONE_NEWCGROUP,
		.root = { .path = arena_printf(a, "%s/init", s->run_path), .readonly = true },
		.process = { .cwd = "/",
			     .noNewPrivileges = true,
			     .uid = 65534,
			     .gid = 65534,
			     .has_oom_score_adj = true,
			     .oomScoreAdj = -998 },
	};
	struct container_setting setting = {
		.stdio = { null, null, null },
		.pid_namespace = -1,
		.mount_point = arena_printf(a, "%s/init", s->run_path),
	};
	char path[64];

	*list_add(a, &spec.process.args) = "/seapod-init";
	*list_add(a, &spec.mounts) = (struct oci_mount){
		.destination = "/seapod-init",
		.source_fd = program,
		.is_file = true,
		.attributes = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV,
	};
	_cleanup_(descriptor_list_close) struct descriptor_list fds = {};
	if (null < 0)
		return error_errno(err, "cannot open '/dev/null'");
	int r = mapped_container(s, &spec, setting.mount_point, &fds, err);
	if (r < 0)
		return r;
	if (s->user_namespace >= 0)
		setting.mount_point = NULL;
	setting.cgroup_fd = cgroup_directory(&s->init_cgroup);
	setting.task_count = cgroup_tasks(&s->init_cgroup, setting.tasks);
	r = container_create(&spec, &setting, &s->init, err);
	for (int i = 0; i < setting.task_count; i++)
		close(setting.tasks[i]);
	if (r == 0)
		r = start(&s->init, err);
	if (r < 0)
		return r;
	snprintf(path, sizeof(path), "/proc/%d/ns/pid", (int)s->init.pid);
	s->pid_namespace = open(path, O_RDONLY | O_CLOEXEC);
	return s->pid_namespace < 0 ? error_errno(err, "cannot open the pod's process namespace") : 0;
}

/* A name that no container can have: container names are DNS labels. */
static const char cgroup_name[] = "_init";

int process_namespace_ensure(struct sandbox *s, struct error *err)
{
	struct exit_status status;
	char path[PATH_MAX];

	if (s->init.pidfd >= 0 && process_reap(s->init.pidfd, &status) == 0)
		return 0;
	process_namespace_close(s);
	instance_helper("seapod-init", path);
	_cleanup_close_ int program = mount_copy(AT_FDCWD, path, false);
	if (program < 0)
		return error_code(err, program, "cannot open the program '%s'", path);
	int r = file_make_dirs(s->dir, "init", 0711, err);
	if (r == 0)
		r = cgroup_open(&s->init_cgroup, &s->cgroups, &s->cgroup, cgroup_name, NULL, err);
	if (r == 0)
		r = make(s, program, err);
	if (r < 0)
		process_namespace_close(s);
	return r < 0 ? error_prefix(err, "the shared process namespace") : 0;
}

void process_namespace_close(struct sandbox *s)
{
	struct exit_status status;

	if (s->init.pidfd >= 0 && process_signal(s->init.pidfd, SIGKILL) == 0)
		process_wait(s->init.pidfd, &status);
	container_process_close(&s->init);
	close_fd(&s->pid_namespace);
	cgroup_close(&s->init_cgroup);
	if (s->cgroups.version)
		cgroup_remove(&s->cgroups, &s->cgroup, cgroup_name);
}
