/* container.h — from a spec to a process, in two steps and without waiting.
 *
 *	container_create ──► child: cgroup, mounts, root, identity ──► "ready" ──► container_start ──► execve
 *
 * The parent never blocks: what the child reports arrives on `sync`, to be read when it is readable. A child that fails reports
 * one struct error and exits. The child dies with its parent (PR_SET_PDEATHSIG), and as the first process of its pid namespace it
 * takes all others with it.
 *
 * Source: OCI runtime-spec runtime.md "Lifecycle" (create, start); conmon and runc agree on a pipe that exec closes.
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "linux/process.h"
#include "oci/spec.h"

enum { CGROUP_FDS_MAX = 16 };

/* What a container is started with besides its spec. Nothing here is owned. */
struct container_setting {
	int stdio[3];              /* what becomes 0, 1, 2 (with a terminal: the slave, three times) */
	int cgroup_fd;             /* v2: the cgroup's directory, -1: none */
	int tasks[CGROUP_FDS_MAX]; /* v1: the `tasks` files to write "0" to */
	int task_count;
	int pid_namespace; /* -1: see the spec; else join this one */
	bool outlives; /* the container does not die with its parent once that has said container_release */
	int listen; /* with OUTLIVES: a listening socket; who connects to it has the start's side of the conversation */
	bool has_hooks; /* the child reports once more before it changes its root, and waits for container_start */
	bool no_pivot; /* chroot(2) instead of pivot_root(2) */
	const char *
		mount_point; /* an empty directory of the host to build the root file system on; NULL: none is needed on Linux 6.5 */
};

struct container_process {
	pid_t pid;
	int pidfd, sync; /* owned; -1 when closed */
	int listener;    /* of its seccomp filter, owned, when it has reported one */
	bool is_ready;   /* its next report is of execve */
	bool was_born;   /* it has taken the place of the one that entered the container */
};

#define CONTAINER_PROCESS_NONE ((struct container_process){ .pidfd = -1, .sync = -1, .listener = -1 })

/* Makes the child. 0, and P is filled; or negative. SPEC and SETTING are not used after it returns. */
int container_create(const struct oci_spec *spec, const struct container_setting *setting,
		     struct container_process *p, struct error *err);

/* Reads the next report when p->sync is readable: 3: the process is another one from now on (P->pid; P->pidfd keeps its number), the next report follows; 2: P->listener is there and to be given to an agent, the next report follows; 1: "ready" (after create) or "executed" (after start; sync is closed then);
 * negative: it failed, err has its sentence (-ENOENT: the program is not there, -EACCES, -ENOEXEC: it cannot be executed). */
int container_report(struct container_process *p, struct error *err);

/* Lets a container go on that has reported and waits (or will: the word may come before it is asked for): with OUTLIVES, it is on its own after
 * this; else it executes its program. */
int container_start(struct container_process *p, struct error *err);

void container_process_close(struct container_process *p);

/* start, by another process than the creator: connects to the socket NAME in DIRFD, removes it, lets the container execute its program;
 * P->sync is where that is reported. */
int container_connect(int dirfd, const char *name, struct container_process *p, struct error *err);

/* exec: another process in the namespaces of the container whose first process is PIDFD/PID. Reports once, "executed". */
struct exec_setting {
	int stdio[3];
	int cgroup_fd;
	int tasks[CGROUP_FDS_MAX];
	int task_count;
	int target_pidfd;      /* the container's first process */
	int pid_namespace;     /* >= 0: its pid namespace, when it is not the caller's own */
	bool rootless;         /* the caller is in a user namespace, and no more than its root */
	uint64_t namespaces;   /* which to join, CLONE_NEW*; 0: all but user and time */
	int root;              /* > 0: its root, where that is not the one of its mount namespace */
	const char *root_path; /* the same as a path in a mount namespace that is entered */
	bool outlives;         /* it does not die with the caller */
};

int container_exec(const struct oci_process *process, const struct exec_setting *setting,
		   struct container_process *p, struct error *err);
