/* process.c — see process.h. */
#include "linux/process.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"

pid_t process_clone(uint64_t flags, int cgroup_fd, int *pidfd)
{
	int fd = -1;
	struct clone_args args = {
		.flags = flags | CLONE_PIDFD,
		.pidfd = (uint64_t)(uintptr_t)&fd,
		.exit_signal = flags & CLONE_PARENT ? 0 : SIGCHLD, /* a sibling's is that of the caller */
	};
	if (cgroup_fd >= 0) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (uint64_t)cgroup_fd;
	}
	long pid = syscall(SYS_clone3, &args, sizeof(args));
	if (pid < 0)
		return -errno;
	if (pid > 0)
		*pidfd = fd;
	return (pid_t)pid;
}

static int wait_for(int pidfd, int options, struct exit_status *status)
{
	siginfo_t info = {};

	while (waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED | options) < 0)
		if (errno != EINTR)
			return -errno;
	if (info.si_pid == 0)
		return 0;
	bool exited = info.si_code == CLD_EXITED;
	*status = (struct exit_status){
		.code = exited ? info.si_status : 128 + info.si_status,
		.signal = exited ? 0 : info.si_status,
		.core_dumped = info.si_code == CLD_DUMPED,
	};
	return 1;
}

int process_reap(int pidfd, struct exit_status *status)
{
	return wait_for(pidfd, WNOHANG, status);
}

int process_wait(int pidfd, struct exit_status *status)
{
	int r = wait_for(pidfd, 0, status);
	return r < 0 ? r : 0;
}

int process_signal(int pidfd, int signal)
{
	return pidfd_send_signal(pidfd, signal, NULL, 0) < 0 ? -errno : 0;
}

int process_open(pid_t pid)
{
	int fd = pidfd_open(pid, 0);
	return fd < 0 ? -errno : fd;
}

uint64_t process_start_time(pid_t pid)
{
	char path[40], stat[1024];
	unsigned long long start = 0;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, stat, sizeof(stat) - 1);
	if (n <= 0)
		return 0;
	stat[n] = '\0';
	const char *at = strrchr(stat, ')'); /* the name before it may hold anything */
	if (!at || sscanf(at + 1,
			  " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
			  &start) != 1)
		return 0;
	return start;
}
