/* process.h — making, watching and signalling processes by descriptor.
 *
 * A pidfd names one process for ever; a pid number may name another tomorrow. (pidfd_open(2), clone(2), waitid(2).)
 */
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* How a process ended. */
struct exit_status {
	int code;   /* exit code; 128 + signal when killed by a signal, as Kubernetes and shells report it */
	int signal; /* 0 or the signal that killed it */
	bool core_dumped;
};

/* clone3(2) with NAMESPACE_FLAGS (CLONE_NEWPID …) | CLONE_PIDFD. CGROUP_FD >= 0: the child starts in that cgroup v2
 * directory (CLONE_INTO_CGROUP). The child gets 0 and *PIDFD untouched; the parent the pid, and the pidfd in *PIDFD. */
pid_t process_clone(uint64_t flags, int cgroup_fd, int *pidfd);

/* Reaps the child behind PIDFD. 1: it had ended and *STATUS is filled; 0: it still runs; -errno. Never blocks. */
int process_reap(int pidfd, struct exit_status *status);

/* The same, waiting for the end. 0 or -errno. */
int process_wait(int pidfd, struct exit_status *status);

int process_signal(int pidfd, int signal); /* 0 or -errno (-ESRCH: it is gone) */
int process_open(pid_t pid);               /* a pidfd or -errno */

/* When process PID was started, in clock ticks since boot (proc_pid_stat(5) field 22), to tell a reused pid; 0 if gone. */
uint64_t process_start_time(pid_t pid);
