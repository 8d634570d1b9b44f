/* container.c — see container.h. */
#include "oci/container.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "oci/become.h"
#include "oci/rootfs.h"

static void __attribute__((noreturn)) give_up(int sync, const struct error *err)
{
	(void)!write(sync, err, sizeof(*err));
	_exit(125);
}

/* cgroup v1: a process moves itself, at once; being moved by another waits for an RCU grace period (5 to 15 ms measured). */
static int join_cgroups(const int *tasks, int n, struct error *err)
{
	for (int i = 0; i < n; i++)
		if (write(tasks[i], "0", 1) < 0)
			return error_errno(err, "cannot enter the container's cgroup");
	return 0;
}

static int tie_to_parent(struct error *err)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return error_errno(err, "cannot tie the process to its keeper");
	return 0;
}

static void __attribute__((noreturn)) container_child(const struct oci_spec *spec, const struct container_setting *setting,
						      const struct become *b)
{
	struct error err = {};
	char go;
	int r = tie_to_parent(&err);

	if (r == 0)
		r = join_cgroups(setting->tasks, setting->task_count, &err);
	if (r == 0 && spec->new_cgroup && unshare(CLONE_NEWCGROUP) < 0 && errno != EINVAL)
		r = error_errno(&err, "cannot make a cgroup namespace");
	if (r == 0)
		r = rootfs_enter(spec, setting->mount_point, &err);
	if (r == 0)
		r = become_ready(b, &err);
	if (r < 0)
		give_up(b->sync, &err);
	if (write(b->sync, &err, sizeof(err)) < 0 || read(b->sync, &go, 1) != 1)
		_exit(125); /* the parent is gone */
	become_execute(b, &err);
	give_up(b->sync, &err);
}

/* clone(2) with the pid namespace PID_NAMESPACE (-1: the caller's) for the child. */
static pid_t clone_into(uint64_t flags, int cgroup_fd, int pid_namespace, int *pidfd, struct error *err)
{
	_cleanup_close_ int own = -1;

	if (pid_namespace >= 0) {
		own = open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC);
		if (own < 0 || setns(pid_namespace, CLONE_NEWPID) < 0)
			return error_errno(err, "cannot enter the process namespace");
	}
	pid_t pid = process_clone(flags, cgroup_fd, pidfd);
	if (pid != 0 && pid_namespace >= 0 && setns(own, CLONE_NEWPID) < 0)
		return error_errno(err, "cannot leave the process namespace");
	if (pid < 0) {
		errno = -pid;
		error_errno(err, "cannot make a process");
	}
	return pid;
}

static int make_sync(int pair[2], struct error *err)
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return error_errno(err, "cannot make a socket");
	return 0;
}

int container_create(const struct oci_spec *spec, const struct container_setting *setting, struct container_process *p,
		     struct error *err)
{
	_cleanup_arena_ struct arena *a = arena_new();
	struct become b;
	int pair[2];

	*p = CONTAINER_PROCESS_NONE;
	int r = make_sync(pair, err);
	if (r < 0)
		return r;
	_cleanup_close_ int mine = pair[0], theirs = pair[1];
	become_prepare(&b, &spec->process, a);
	b.stdio = setting->stdio;
	b.sync = theirs;
	uint64_t flags = CLONE_NEWNS | (spec->new_pid && setting->pid_namespace < 0 ? CLONE_NEWPID : 0);
	pid_t pid = clone_into(flags, setting->cgroup_fd, setting->pid_namespace, &p->pidfd, err);
	if (pid == 0) {
		close(mine);
		container_child(spec, setting, &b);
	}
	if (pid < 0)
		return pid;
	p->pid = pid;
	fcntl(mine, F_SETFL, O_NONBLOCK);
	p->sync = take_fd(&mine);
	return 0;
}

int container_report(struct container_process *p, struct error *err)
{
	struct error report;
	ssize_t n = read(p->sync, &report, sizeof(report));

	if (n < 0 && errno == EAGAIN)
		return 0;
	if (n == (ssize_t)sizeof(report) && report.code == 0)
		return 1;
	close_fd(&p->sync);
	if (n == 0)
		return 1; /* exec closed it; or it died: then its exit status tells */
	if (n != (ssize_t)sizeof(report))
		return error_set(err, EIO, "the container's process ended while it was set up");
	if (err)
		*err = report;
	return -report.code;
}

int container_start(struct container_process *p, struct error *err)
{
	if (write(p->sync, "!", 1) != 1)
		return error_errno(err, "the container's process has ended before its start");
	return 0;
}

void container_process_close(struct container_process *p)
{
	close_fd(&p->pidfd);
	close_fd(&p->sync);
}

static void __attribute__((noreturn)) exec_child(const struct exec_setting *setting, const struct become *b)
{
	struct error err = {};
	int r = tie_to_parent(&err);

	if (r == 0)
		r = join_cgroups(setting->tasks, setting->task_count, &err);
	/* Root, network, names: all at once, from the kernel's own handle (setns(2) with a pidfd, Linux 5.8). */
	if (r == 0 && setns(setting->target_pidfd, CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP) < 0)
		r = error_errno(&err, "cannot enter the container");
	if (r == 0)
		r = become_ready(b, &err);
	if (r == 0)
		become_execute(b, &err);
	give_up(b->sync, &err);
}

int container_exec(const struct oci_process *process, const struct exec_setting *setting, struct container_process *p,
		   struct error *err)
{
	_cleanup_arena_ struct arena *a = arena_new();
	struct become b;
	int pair[2];

	*p = CONTAINER_PROCESS_NONE;
	int r = make_sync(pair, err);
	if (r < 0)
		return r;
	_cleanup_close_ int mine = pair[0], theirs = pair[1];
	become_prepare(&b, process, a);
	b.stdio = setting->stdio;
	b.sync = theirs;
	pid_t pid = clone_into(0, setting->cgroup_fd, setting->pid_namespace, &p->pidfd, err);
	if (pid == 0) {
		close(mine);
		exec_child(setting, &b);
	}
	if (pid < 0)
		return pid;
	p->pid = pid;
	fcntl(mine, F_SETFL, O_NONBLOCK);
	p->sync = take_fd(&mine);
	return 0;
}
