/* container.c — see container.h. The parent's side; the child's is child.h, and what it will do is a plan (plan.h). */
#include "oci/container.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "linux/proc.h"
#include "linux/socket.h"
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

/* One clone, with all that it is about. */
struct birth {
	const struct plan *plan;
	uint64_t flags;
	int cgroup_fd;
	int pid_namespace;                  /* -1: the caller's */
	const struct oci_namespace *joined; /* to be entered before the clone */
	size_t join_count;
	int mine, theirs; /* ends of the socket */
	pid_t pid;
	int *pidfd;
	struct error *err;
};

/* The child does not return. Our handlers are not its. */
static pid_t give_birth(const struct birth *b)
{
	pid_t pid = process_clone(b->flags | CLONE_CLEAR_SIGHAND, b->cgroup_fd, b->pidfd);

	if (pid == 0) {
		close(b->mine);
		child_run(b->plan, b->theirs);
	}
	return pid < 0 ? error_set(b->err, -pid, "cannot make a process: %s", error_meaning(-pid)) : pid;
}

static pid_t clone_into(const struct birth *b)
{
	_cleanup_close_ int own = -1;

	if (b->pid_namespace >= 0) {
		own = open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC);
		if (own < 0 || setns(b->pid_namespace, CLONE_NEWPID) < 0)
			return error_errno(b->err, "cannot enter the process namespace");
	}
	int r = give_birth(b);
	/* An ordinary user may not come back: he has no rights in the machine's namespace. He has no other children either. */
	if (b->pid_namespace >= 0 && setns(own, CLONE_NEWPID) < 0 && errno != EPERM)
		r = error_errno(b->err, "cannot leave the process namespace");
	return r;
}

/* A user namespace can be entered, but not left again, and what the caller may enter its root may not. So a helper, which has our memory
 * and descriptors but namespaces of its own (and us waiting, as vfork(2)), enters all of them, the user namespace last, and the container
 * is its sibling. What belongs to the user namespace can be entered only after it: that is tried a second time. */
static int midwife(void *argument)
{
	struct birth *b = argument;
	bool entered[8] = {};

	b->pid = 0;
	for (int round = 0; round < 3 && b->pid == 0; round++)
		for (size_t i = 0; i < b->join_count && i < 8 && b->pid == 0; i++) {
			if (entered[i] || (b->joined[i].type == CLONE_NEWUSER) != (round == 1))
				continue;
			entered[i] = setns(b->joined[i].fd, (int)b->joined[i].type) == 0;
			if (!entered[i] && (round > 0 || errno != EPERM))
				b->pid = error_errno(b->err, "cannot enter a namespace of linux.namespaces");
		}
	if (b->pid == 0)
		b->pid = give_birth(b);
	_exit(0);
}

static pid_t clone_by_helper(struct birth *b)
{
	enum { STACK = 256 * 1024 };
	_cleanup_free_ char *stack = memory_new(1, STACK);

	b->flags |= CLONE_PARENT;
	int helper = clone(midwife, stack + STACK, CLONE_VM | CLONE_VFORK | CLONE_FILES | SIGCHLD, b);
	if (helper < 0)
		return error_errno(b->err, "cannot make a process");
	while (waitpid(helper, NULL, 0) < 0 && errno == EINTR)
		;
	return b->pid != 0 ? b->pid
			   : error_set(b->err, EIO, "the process that enters the namespaces was killed");
}

/* Starts a child on a plan. On an error its end of the socket is closed, which ends it. */
static int begin(struct birth *b, struct container_process *p, struct error *err)
{
	int pair[2];

	*p = CONTAINER_PROCESS_NONE;
	int r = make_sync(pair, err);
	if (r < 0)
		return r;
	_cleanup_close_ int mine = pair[0], theirs = pair[1];
	b->mine = mine;
	b->theirs = theirs;
	b->pidfd = &p->pidfd;
	b->err = err;
	pid_t pid = b->joined ? clone_by_helper(b) : clone_into(b);
	if (pid < 0) {
		close_fd(&p->pidfd);
		return pid;
	}
	p->pid = pid;
	fcntl(mine, F_SETFL, O_NONBLOCK);
	p->sync = take_fd(&mine);
	return 0;
}

static int write_map(pid_t pid, const char *name, const char *map, struct error *err)
{
	char path[40];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	int r = proc_write(path, map);
	if (r < 0)
		return error_code(err, r, "linux.%sMappings: cannot be set", name[0] == 'u' ? "uid" : "gid");
	return 0;
}

/* user_namespaces(7): by one who is outside. The child waits for it. */
static int map_ids(const struct oci_spec *spec, struct container_process *p, struct error *err)
{
	int r = write_map(p->pid, "uid_map", spec->uid_map, err);

	if (r == 0)
		r = write_map(p->pid, "gid_map", spec->gid_map, err);
	return r < 0 ? r : container_start(p, err);
}

/* The mount namespace is made by the child itself (plan.c): copying the host's mounts is its time, not ours. */
int container_create(const struct oci_spec *spec, const struct container_setting *setting,
		     struct container_process *p, struct error *err)
{
	_cleanup_arena_ struct arena *a = arena_new();
	struct plan plan;

	plan_container(&plan, spec, setting, a);
	struct birth b = { .plan = &plan,
			   .cgroup_fd = setting->cgroup_fd,
			   .pid_namespace = setting->pid_namespace };
	if (setting->pid_namespace < 0)
		b.flags = spec->namespaces & (CLONE_NEWPID | CLONE_NEWUSER);
	if (spec->user_namespace && spec->joined.n > 0) {
		b.joined = spec->joined.at;
		b.join_count = spec->joined.n;
	}
	int r = begin(&b, p, err);
	if (r == 0 && spec->namespaces & CLONE_NEWUSER)
		r = map_ids(spec, p, err);
	if (r < 0)
		container_process_close(p);
	return r;
}

int container_exec(const struct oci_process *process, const struct exec_setting *setting,
		   struct container_process *p, struct error *err)
{
	_cleanup_arena_ struct arena *a = arena_new();
	struct plan plan;

	plan_exec(&plan, process, setting, a);
	struct birth b = { .plan = &plan,
			   .cgroup_fd = setting->cgroup_fd,
			   .pid_namespace = plan.is_born ? -1 : setting->pid_namespace };
	int r = begin(&b, p, err);
	p->is_ready = true;
	return r;
}

/* The process that entered the container has had the child that stays there (child_birth.c): that one takes its place, under the same
 * descriptor, which somebody may be watching. Who was killed meanwhile was meant to be killed as what it has become. */
static int take_over(struct container_process *p, const struct error *report, struct error *err)
{
	struct exit_status status;
	int pid;

	memcpy(&pid, report->text, sizeof(pid));
	_cleanup_close_ int helper = fcntl(p->pidfd, F_DUPFD_CLOEXEC, 3), child = process_open(pid);
	if (helper < 0 || child < 0 || dup3(child, p->pidfd, O_CLOEXEC) < 0)
		return error_errno(err, "cannot watch the container's process");
	p->pid = pid;
	bool killed = process_reap(helper, &status) != 0;
	if (killed)
		process_signal(child, SIGKILL);
	for (int i = 0; i < 2 && !killed; i++)
		send(p->sync, "!", 1, MSG_NOSIGNAL);
	return killed || process_wait(helper, &status) == 0 ? 3 : -ECHILD;
}

int container_report(struct container_process *p, struct error *err)
{
	_cleanup_message_fds_ struct message_fds fds = {};
	struct error report;
	ssize_t n = socket_receive(p->sync, &report, sizeof(report), &fds);

	if (n == -EAGAIN)
		return 0;
	if (n == (ssize_t)sizeof(report) && report.code == REPORT_LISTENER && fds.n == 1) {
		p->listener = take_fd(&fds.fd[0]);
		return 2;
	}
	if (n == (ssize_t)sizeof(report) && report.code == REPORT_BORN && !p->was_born) {
		p->was_born = true;
		return take_over(p, &report, err);
	}
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

int container_connect(int dirfd, const char *name, struct container_process *p, struct error *err)
{
	p->sync = socket_connect(dirfd, name, err);
	if (p->sync < 0)
		return p->sync;
	p->is_ready = true;
	unlinkat(dirfd, name, 0);
	return container_start(p, err);
}

/* One that is born when nobody listens any more. */
static void drop_unheard(struct container_process *p)
{
	struct error report;
	int pid;

	if (p->sync < 0 || !p->is_ready || p->was_born ||
	    recv(p->sync, &report, sizeof(report), MSG_DONTWAIT) != sizeof(report) ||
	    report.code != REPORT_BORN)
		return;
	memcpy(&pid, report.text, sizeof(pid));
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

void container_process_close(struct container_process *p)
{
	drop_unheard(p);
	close_fd(&p->pidfd);
	close_fd(&p->sync);
	close_fd(&p->listener);
}
