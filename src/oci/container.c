/* container.c — see container.h. The parent's side; the child's is child.h, and what it will do is a plan (plan.h). */
#include "oci/container.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "oci/child.h"
#include "oci/plan.h"

static int make_sync(int pair[2], struct error *err)
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return error_errno(err, "cannot make a socket");
	for (int i = 0; i < 2; i++) {
		if (pair[i] > 2)
			continue;
		int higher = fcntl(pair[i], F_DUPFD_CLOEXEC, 3);
		close(pair[i]);
		pair[i] = higher;
	}
	return pair[0] < 0 || pair[1] < 0 ? error_errno(err, "cannot make a socket") : 0;
}

/* clone(2) with the pid namespace PID_NAMESPACE (-1: the caller's) for the child. Our handlers are not the child's. */
static pid_t clone_into(uint64_t flags, int cgroup_fd, int pid_namespace, int *pidfd, struct error *err)
{
	_cleanup_close_ int own = -1;

	if (pid_namespace >= 0) {
		own = open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC);
		if (own < 0 || setns(pid_namespace, CLONE_NEWPID) < 0)
			return error_errno(err, "cannot enter the process namespace");
	}
	pid_t pid = process_clone(flags | CLONE_CLEAR_SIGHAND, cgroup_fd, pidfd);
	if (pid == 0)
		return 0;
	int r = pid < 0 ? error_set(err, -pid, "cannot make a process: %s", error_meaning(-pid)) : 0;
	if (pid_namespace >= 0 && setns(own, CLONE_NEWPID) < 0)
		r = error_errno(err, "cannot leave the process namespace");
	return r < 0 ? r : pid;
}

/* Starts a child on PLAN. On an error its end of the socket is closed, which ends it. */
static int begin(const struct plan *plan, uint64_t flags, int cgroup_fd, int pid_namespace,
		 struct container_process *p, struct error *err)
{
	int pair[2];

	*p = CONTAINER_PROCESS_NONE;
	int r = make_sync(pair, err);
	if (r < 0)
		return r;
	_cleanup_close_ int mine = pair[0], theirs = pair[1];
	pid_t pid = clone_into(flags, cgroup_fd, pid_namespace, &p->pidfd, err);
	if (pid == 0) {
		close(mine);
		child_run(plan, theirs);
	}
	if (pid < 0) {
		close_fd(&p->pidfd);
		return pid;
	}
	p->pid = pid;
	fcntl(mine, F_SETFL, O_NONBLOCK);
	p->sync = take_fd(&mine);
	return 0;
}

/* The mount namespace is made by the child itself (plan.c): copying the host's mounts is its time, not ours. */
int container_create(const struct oci_spec *spec, const struct container_setting *setting,
		     struct container_process *p, struct error *err)
{
	_cleanup_arena_ struct arena *a = arena_new();
	struct plan plan;

	plan_container(&plan, spec, setting, a);
	uint64_t flags = spec->new_pid && setting->pid_namespace < 0 ? CLONE_NEWPID : 0;
	return begin(&plan, flags, setting->cgroup_fd, setting->pid_namespace, p, err);
}

int container_exec(const struct oci_process *process, const struct exec_setting *setting,
		   struct container_process *p, struct error *err)
{
	_cleanup_arena_ struct arena *a = arena_new();
	struct plan plan;

	plan_exec(&plan, process, setting, a);
	int r = begin(&plan, 0, setting->cgroup_fd, setting->pid_namespace, p, err);
	p->is_ready = true;
	return r;
}

int container_report(struct container_process *p, struct error *err)
{
	struct error report;
	ssize_t n = read(p->sync, &report, sizeof(report));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n == (ssize_t)sizeof(report) && report.code == 0) {
		p->is_ready = true;
		return 1;
	}
	close_fd(&p->sync);
	if (n == 0 && p->is_ready)
		return 1; /* execve closed it; or it died: then its exit status tells */
	if (n != (ssize_t)sizeof(report))
		return error_set(err, EIO, "the container's process ended while it was set up");
	if (err)
		*err = report;
	return -report.code;
}

int container_start(struct container_process *p, struct error *err)
{
	if (send(p->sync, "!", 1, MSG_NOSIGNAL) != 1)
		return error_errno(err, "the container's process has ended before its start");
	return 0;
}

void container_process_close(struct container_process *p)
{
	close_fd(&p->pidfd);
	close_fd(&p->sync);
}
