/* user_namespace.c — see user_namespace.h. */
#include "linux/user_namespace.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "linux/proc.h"
#include "linux/process.h"

static int write_map(pid_t pid, const char *name, const char *map)
{
	char path[40];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	return proc_write(path, map);
}

/* It exists as long as a process is in it or a descriptor of it is open: the process is only needed to have its maps written by who is outside. */
int user_namespace_make(const char *uid_map, const char *gid_map)
{
	_cleanup_close_ int pidfd = -1;
	struct exit_status status;
	char path[40];
	pid_t pid = process_clone(CLONE_NEWUSER, -1, &pidfd);

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		for (;;)
			pause();
	}
	if (pid < 0)
		return pid;
	int r = write_map(pid, "uid_map", uid_map);
	if (r == 0)
		r = write_map(pid, "gid_map", gid_map);
	snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)pid);
	int fd = r < 0 ? r : open(path, O_RDONLY | O_CLOEXEC);
	if (r == 0 && fd < 0)
		fd = -errno;
	process_signal(pidfd, SIGKILL);
	process_wait(pidfd, &status);
	return fd;
}

struct aside {
	int userns; /* -1: stay in the caller's */
	int (*deed)(void *argument);
	void *argument;
	int result;
};

/* The numbers are set by the calls themselves: the library's would do it for every thread of the memory that we share. */
static int helper(void *argument)
{
	struct aside *a = argument;

	if (a->userns >= 0 && (setns(a->userns, CLONE_NEWUSER) < 0 || syscall(SYS_setresgid, 0, 0, 0) < 0 ||
			       syscall(SYS_setresuid, 0, 0, 0) < 0))
		a->result = -errno;
	else
		a->result = a->deed(a->argument);
	_exit(0);
}

static int run(struct aside *a)
{
	enum { STACK = 256 * 1024 };
	_cleanup_free_ char *stack = memory_new(1, STACK);
	int pid = clone(helper, stack + STACK, CLONE_VM | CLONE_VFORK | CLONE_FILES | SIGCHLD, a);

	if (pid < 0)
		return -errno;
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return a->result;
}

int user_namespace_aside(int (*deed)(void *argument), void *argument)
{
	struct aside a = { .userns = -1, .deed = deed, .argument = argument, .result = -EIO };
	return run(&a);
}

int user_namespace_inside(int userns, int (*deed)(void *argument), void *argument)
{
	struct aside a = { .userns = userns, .deed = deed, .argument = argument, .result = -EIO };
	return run(&a);
}

/* --- namespaces that belong to one --------------------------------------------------------------------------------- */

static const struct {
	uint64_t type;
	const char *path;
} kinds[] = {
	{ CLONE_NEWNET, "/proc/self/ns/net" },
	{ CLONE_NEWIPC, "/proc/self/ns/ipc" },
	{ CLONE_NEWUTS, "/proc/self/ns/uts" },
};

enum { KINDS = sizeof(kinds) / sizeof(*kinds) };

struct making {
	uint64_t which;
	int fd[KINDS];
};

static int make(void *argument)
{
	struct making *m = argument;

	if (unshare((int)m->which) < 0)
		return -errno;
	for (int i = 0; i < KINDS; i++)
		if (m->which & kinds[i].type && (m->fd[i] = open(kinds[i].path, O_RDONLY | O_CLOEXEC)) < 0)
			return -errno;
	return 0;
}

int user_namespace_own(int userns, uint64_t which)
{
	struct making m = { .which = which, .fd = { -1, -1, -1 } };
	int r = user_namespace_inside(userns, make, &m);

	for (int i = 0; i < KINDS; i++) {
		if (r == 0 && m.fd[i] >= 0 && setns(m.fd[i], (int)kinds[i].type) < 0)
			r = -errno;
		close_fd(&m.fd[i]);
	}
	return r;
}
