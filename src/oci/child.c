/* child.c — see child.h. */
#include "oci/child.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { FAILED = 125 };

/* The keeper's death is ours. It may have died before the signal was asked for: then its end of the socket is closed. Not dumpable means
 * that nobody in the container can trace us or open our descriptors while some of them are the host's (CVE-2016-9962). */
static int tie(struct child *c, const struct step *s, struct error *err)
{
	struct pollfd keeper = { .fd = c->sync };
	(void)s;

	int death = c->plan->outlives && c->is_user ? 0 : SIGKILL;
	if (prctl(PR_SET_PDEATHSIG, death, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return error_errno(err, "cannot tie the process to its keeper");
	if (poll(&keeper, 1, 0) > 0 &&
	    keeper.revents & POLLHUP) /* even if its word to go on is there already */
		_exit(FAILED);
	return 0;
}

/* cgroup v1: a process moves itself, at once; being moved by another waits for an RCU grace period (5 to 15 ms measured). */
static int join_cgroup(struct child *c, const struct step *s, struct error *err)
{
	(void)c;

	if (write(s->fd, "0", 1) < 0)
		return error_errno(err, "cannot enter the container's cgroup");
	return 0;
}

/* Root, network, names: all at once, from the kernel's own handle (setns(2) with a pidfd, Linux 5.8). */
static int join(struct child *c, const struct step *s, struct error *err)
{
	if (c->plan->joined && setns(s->fd, (int)c->plan->joined) < 0)
		return error_errno(err, "cannot enter the container");
	return 0;
}

/* Signals as a program expects them, no terminal of ours, and no way to our keys (keyrings(7); not every kernel has them, and a full
 * quota is not the container's fault). */
static int session(struct child *c, const struct step *s, struct error *err)
{
	sigset_t none;
	(void)c;
	(void)err;

	for (int i = 1; i < NSIG; i++)
		signal(i, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setsid();
	if (!s->process->keep_keyring)
		syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL);
	return 0;
}

/* Closes FIRST and all above it but KEPT. */
static int close_all_but(int first, int *kept, int n)
{
	for (int i = 1; i < n; i++) /* in order */
		for (int k = i; k > 0 && kept[k] < kept[k - 1]; k--) {
			int lower = kept[k];
			kept[k] = kept[k - 1];
			kept[k - 1] = lower;
		}
	for (int i = 0; i < n; i++) {
		if (kept[i] < first)
			continue;
		if (kept[i] > first && syscall(SYS_close_range, first, kept[i] - 1, 0) < 0)
			return -errno;
		first = kept[i] + 1;
	}
	return syscall(SYS_close_range, first, ~0u, 0) < 0 ? -errno : 0;
}

/* Close-on-exec would be too late: execve(2) looks its path up before it closes anything, and "/proc/self/fd/7/../../bin/sh" as an image's
 * entrypoint or working directory would lead through a directory of the host that is open still (CVE-2024-21626). What stays are sockets
 * and a file of procfs, through which no path leads. */
static int close_rest(struct child *c, const struct step *s, struct error *err)
{
	int kept[] = { c->sync, c->label, s->fd }, first = 3 + (int)s->place;

	for (int fd = 3; fd < first; fd++)
		fcntl(fd, F_SETFD, 0);
	return close_all_but(first, kept, 3) < 0 ? error_errno(err, "cannot close the keeper's descriptors")
						 : 0;
}

static int wait_for_parent(struct child *c, const struct step *s, struct error *err)
{
	char go;
	(void)s;
	(void)err;

	if (recv(c->sync, &go, 1, 0) != 1)
		_exit(FAILED);
	return 0;
}

static int ready(struct child *c, const struct step *s, struct error *err)
{
	const struct error fine = {};
	char go;
	(void)s;
	(void)err;

	if (send(c->sync, &fine, sizeof(fine), MSG_NOSIGNAL) < 0 || recv(c->sync, &go, 1, 0) != 1)
		_exit(FAILED); /* the keeper is gone */
	return 0;
}

/* The parent has written down that we exist: from here on we do not die with it. Whoever may connect to the socket, which is in a
 * directory of root's, may start us. */
static int release(struct child *c, const struct step *s, struct error *err)
{
	int r = ready(c, s, err);

	if (prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0) < 0)
		return error_errno(err, "cannot outlive the creator");
	close(c->sync);
	fcntl(s->fd, F_SETFL, 0);
	while ((c->sync = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		char go;
		if (recv(c->sync, &go, 1, 0) == 1)
			break;
		close(c->sync); /* it has gone away again */
	}
	close(s->fd);
	return c->sync < 0 ? error_errno(err, "cannot wait for the start") : r;
}

static step_function *const functions[STEP_KINDS] = {
	[STEP_TIE] = tie,
	[STEP_CGROUP] = join_cgroup,
	[STEP_OOM_SCORE] = child_oom_score,
	[STEP_AFFINITY] = child_affinity,
	[STEP_LABEL_OPEN] = child_label_open,
	[STEP_WAIT] = wait_for_parent,
	[STEP_BE_ROOT] = child_be_root,
	[STEP_ENTER] = child_enter,
	[STEP_NAMESPACES] = child_namespaces,
	[STEP_TIME] = child_time,
	[STEP_HOSTNAME] = child_hostname,
	[STEP_DOMAINNAME] = child_domainname,
	[STEP_LOOPBACK] = child_loopback,
	[STEP_SYSCTL] = child_sysctl,
	[STEP_JOIN] = join,
	[STEP_OPEN] = child_open,
	[STEP_LEAVE] = child_leave,
	[STEP_ROOT_OPEN] = child_root_open,
	[STEP_ROOT_OVERLAY] = child_root_overlay,
	[STEP_ROOT_BIND] = child_root_bind,
	[STEP_ROOT_ATTACH] = child_root_attach,
	[STEP_ATTACH] = child_attach,
	[STEP_DEVICE] = child_device,
	[STEP_DEVICE_FILE] = child_device_file,
	[STEP_HOOK] = child_hook,
	[STEP_SCHEDULER] = child_scheduler,
	[STEP_IO_PRIORITY] = child_io_priority,
	[STEP_PERSONALITY] = child_personality,
	[STEP_MEMORY_POLICY] = child_memory_policy,
	[STEP_RELEASE] = release,
	[STEP_LABEL] = child_label,
	[STEP_LINK] = child_link,
	[STEP_CONSOLE] = child_console,
	[STEP_READONLY] = child_readonly,
	[STEP_MASK] = child_mask,
	[STEP_MAKE_CWD] = child_make_cwd,
	[STEP_CHANGE_ROOT] = child_change_root,
	[STEP_ROOT_READONLY] = child_root_readonly,
	[STEP_ROOT_PROPAGATION] = child_root_propagation,
	[STEP_SESSION] = session,
	[STEP_RLIMIT] = child_rlimit,
	[STEP_STDIO] = child_stdio,
	[STEP_BOUND] = child_bound,
	[STEP_CWD] = child_cwd,
	[STEP_USER] = child_user,
	[STEP_CLOSE] = close_rest,
	[STEP_FIND] = child_find,
	[STEP_READY] = ready,
	[STEP_NO_NEW_PRIVS] = child_no_new_privs,
	[STEP_CAPABILITIES] = child_capabilities,
	[STEP_FILTER] = child_filter,
	[STEP_EXECUTE] = child_execute,
	[STEP_FORGET] = child_forget,
	[STEP_BIRTH] = child_birth,
};

/* So that no descriptor of ours is 0, 1 or 2, whatever the keeper was started with. */
static void fill_low_descriptors(void)
{
	for (int fd = 0; fd < 3; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			open("/dev/null", O_RDWR | O_CLOEXEC);
}

void child_run(const struct plan *plan, int sync)
{
	struct child c = { .plan = plan,
			   .sync = sync,
			   .root = plan->root > 0 ? plan->root : -1,
			   .dev = -1,
			   .null = -1,
			   .empty = -1,
			   .label = -1 };
	struct error err = {};

	c.umask = umask(0);
	fill_low_descriptors();
	list_each(s, &plan->steps)
		if (functions[s->kind](&c, s, &err) < 0)
			break;
	(void)!send(c.sync, &err, sizeof(err), MSG_NOSIGNAL);
	_exit(FAILED);
}
