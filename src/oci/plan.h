/* plan.h — all that a child does from clone to execve, as a list made by its parent.
 *
 * Between clone and exec nothing may allocate or lock, so every decision, string and table is made before, here, by pure functions: a
 * spec goes in, steps come out. The child (child.h) carries them out one by one and knows no policy. A test reads a plan as text
 * without being root, and the order, on which the safety of a container depends, can be seen at once.
 *
 * A step is a verb; its object is a part of the spec, which must outlive the plan.
 */
#pragma once

#include "base/text.h"
#include "oci/container.h"
#include "oci/spec.h"

enum step_kind {
	STEP_TIE,          /* die when the keeper dies; nobody may trace us */
	STEP_CGROUP,       /* fd: a v1 `tasks` file */
	STEP_AFFINITY,     /* path: really a cpu_set_t */
	STEP_OOM_SCORE,    /* process */
	STEP_LABEL_OPEN,   /* label: while the host's /proc is in view */
	STEP_WAIT,         /* until the parent has mapped our ids */
	STEP_BE_ROOT,      /* in a new user namespace */
	STEP_ENTER,        /* namespace */
	STEP_NAMESPACES,   /* flags: CLONE_NEW*, by unshare(2) */
	STEP_TIME,         /* path: the offsets of a new time namespace, which is entered then */
	STEP_HOSTNAME,     /* path */
	STEP_DOMAINNAME,   /* path */
	STEP_LOOPBACK,     /* "lo" goes up */
	STEP_SYSCTL,       /* sysctl */
	STEP_JOIN,         /* exec: the namespaces of the process behind fd (spec: plan.joined) */
	STEP_OPEN,         /* mount: made or copied, detached, while the host's mounts are still in view */
	STEP_LEAVE,        /* the host's mounts, for a mount namespace of our own */
	STEP_ROOT_OPEN,    /* path, in a mount namespace of others */
	STEP_ROOT_OVERLAY, /* overlay */
	STEP_ROOT_BIND,    /* path of the host */
	STEP_ROOT_ATTACH,  /* path of the host */
	STEP_ATTACH,       /* mount */
	STEP_DEVICE,       /* device, in the /dev that was opened last and is not attached yet */
	STEP_DEVICE_FILE,  /* device, anywhere in the container */
	STEP_LINK,         /* link, there, too */
	STEP_CONSOLE,      /* fd: a terminal that is bound on /dev/console */
	STEP_READONLY,     /* path */
	STEP_MASK,         /* path */
	STEP_HOOK,         /* hook: a program, to its end */
	STEP_MAKE_CWD,     /* path */
	STEP_CHANGE_ROOT,  /* the container's root is "/", the host's is gone; flags: 1: by chroot(2) */
	STEP_ROOT_READONLY,
	STEP_ROOT_PROPAGATION, /* flags */
	STEP_SESSION,          /* process: signals as after boot, a session and a keyring of its own */
	STEP_RLIMIT,           /* limit */
	STEP_SCHEDULER,        /* process */
	STEP_IO_PRIORITY,      /* process */
	STEP_PERSONALITY,      /* process */
	STEP_MEMORY_POLICY,    /* process */
	STEP_STDIO,            /* process */
	STEP_BOUND,            /* process: the bounding set */
	STEP_CWD,              /* process: before the user is changed, and again after it if it was refused */
	STEP_USER,             /* process */
	STEP_CLOSE, /* every descriptor but 0, 1, 2 (place: and that many more), those for reports, and fd */
	STEP_FIND,  /* is there anything to execute? */
	STEP_READY, /* say so and wait for the start (or for the end of the runtime's hooks) */
	STEP_RELEASE, /* fd: say so, wait until we are recorded, be on our own, and wait for the start at this socket */
	STEP_NO_NEW_PRIVS,
	STEP_CAPABILITIES, /* process */
	STEP_FILTER,       /* process */
	STEP_LABEL,        /* label */
	STEP_EXECUTE,
	STEP_FORGET, /* what is born later has none of our memory */
	STEP_BIRTH,  /* a child in the process namespace that was entered executes the program */
	STEP_KINDS
};

/* The options of an overlay mount; PAGE has the same for mount(2), for kernels before 6.5 when they need more than one option may hold. */
struct plan_overlay {
	struct LIST(struct mount_option) options;
	const char *page;        /* NULL: would not fit */
	const char *mount_point; /* where mount(2) mounts it */
};

struct plan_link {
	const char *name, *to;
};

struct plan_hook {
	const struct oci_hook *hook;
	const struct oci_state_text *state;
};

struct step {
	enum step_kind kind;
	unsigned
		place; /* OPEN, ATTACH: which of plan.opened; CLOSE: how many descriptors from 3 on are kept */
	union {
		int fd;
		uint64_t flags;
		const char *path;
		const struct oci_process *process;
		const struct oci_mount *mount;
		const struct oci_device *device;
		const struct oci_rlimit *limit;
		const struct plan_overlay *overlay;
		const struct plan_link *link;
		const struct oci_namespace *namespace;
		const struct oci_sysctl *sysctl;
		const struct oci_label *label;
		const struct plan_hook *hook;
	};
};

struct plan {
	struct LIST(struct step) steps;
	int *opened; /* the child's memory: one descriptor a mount */
	int root; /* > 0: for STEP_ROOT_BIND, instead of a path; of an exec: what STEP_CHANGE_ROOT goes to */
	bool outlives;                      /* it is not tied to its parent's life */
	uint64_t joined;                    /* exec: CLONE_NEW* */
	bool is_born;                       /* exec: by STEP_BIRTH */
	bool takes_terminal;                /* the one who is born does */
	const struct oci_rlimit *processes; /* RLIMIT_NPROC of who is born */
	int stdio[3];
	char *const *argv, *const *envp;
	char *const *candidates; /* what to try to execute, in this order; NULL at the end */
};

/* The plan of a container's first process. All memory in A. */
void plan_container(struct plan *plan, const struct oci_spec *spec, const struct container_setting *setting,
		    struct arena *a);

/* The plan of another process in a running container: with setting->pid_namespace one that is born there last (child_birth.c), if
 * exec_is_born(). */
void plan_exec(struct plan *plan, const struct oci_process *process, const struct exec_setting *setting,
	       struct arena *a);

/* Is all that the birth takes possible for such a process? Where it is not, the caller enters the process namespace before the clone. */
bool exec_is_born(const struct oci_process *process, const struct exec_setting *setting);

/* The plan as text, a step a line. */
void plan_print(const struct plan *plan, struct text *out);
