/* spec.h — what a container's process is to be: the OCI runtime specification's config as C structs.
 *
 * What is here is what Seapod needs to run pods, under the specification's names (opencontainers/runtime-spec config.md,
 * config-linux.md). Strings and lists belong to whoever made the spec and must live until the container was started.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "base/memory.h"
#include "linux/mount.h"

struct oci_rlimit {
	int type; /* RLIMIT_* */
	uint64_t soft, hard;
};

struct oci_capabilities {
	uint64_t bounding, effective, permitted, inheritable, ambient; /* masks, linux/capability.h */
};

struct oci_filter { /* a compiled seccomp filter: struct sock_filter[n] */
	const void *at;
	unsigned short n;
	unsigned flags; /* SECCOMP_FILTER_FLAG_* */
};

struct oci_scheduler { /* sched_setattr(2) */
	uint32_t policy, priority;
	uint64_t flags, runtime, deadline, period;
	int32_t nice;
};

struct oci_memory_policy { /* set_mempolicy(2) */
	int mode;
	uint64_t nodes[16];
	bool has_nodes;
};

struct oci_label { /* what is written to a file of /proc/self/attr before execve */
	const char *file, *text;
};

struct oci_process {
	struct LIST(const char *) args;
	struct LIST(const char *) env; /* "NAME=value" */
	const char *cwd;
	uid_t uid;
	gid_t gid;
	struct LIST(gid_t) additionalGids;
	struct oci_capabilities capabilities;
	bool noNewPrivileges;
	bool has_oom_score_adj;
	int oomScoreAdj;
	bool has_umask;
	mode_t umask; /* else 0022 */
	struct LIST(struct oci_rlimit) rlimits;
	struct oci_filter seccomp;
	bool terminal;
	/* what only the runtime specification has */
	bool no_groups;        /* the kernel does not let them be set, and there are none */
	bool strict_oom_score; /* a value that cannot be set is an error */
	bool keep_umask;       /* the caller's */
	bool keep_keyring;
	const struct oci_scheduler *scheduler;
	const struct oci_memory_policy *memory_policy;
	const struct oci_label *label;
	int io_priority;         /* ioprio_set(2); 0: unchanged */
	int64_t personality;     /* personality(2); -1 or 0: unchanged */
	const char *affinity[2]; /* exec: cpu_set_t before and after the cgroup is entered; NULL: unchanged */
	unsigned preserved;      /* descriptors 3 to 2 + this stay open */
};

struct oci_mount {
	const char *destination;
	const char *type;   /* a file system: proc, tmpfs …; NULL: SOURCE or SOURCE_FD is bound */
	const char *source; /* a host path */
	int source_fd;      /* >= 0: a detached mount (linux/mount.h), not owned; instead of SOURCE */
	bool copied;        /* SOURCE_FD is open on a mount that others use, too: the child binds a copy */
	struct LIST(struct mount_option) options; /* the file system's own */
	uint64_t attributes;                      /* MOUNT_ATTR_* */
	uint64_t propagation;                     /* MS_PRIVATE, MS_SLAVE, MS_SHARED; 0: private */
	bool recursive;                           /* bind what is mounted below, too */
	bool recursive_attributes;
	bool is_file;                  /* the target is a file: made as one when missing */
	uint64_t cleared;              /* MOUNT_ATTR_* that the copy of a mount loses */
	uint64_t below, below_cleared; /* the same for all mounts of the tree ("rro", "rexec" …) */
	bool open;                     /* SOURCE_FD has all of this already: it is only to be attached */
	bool remount;       /* nothing is mounted: what is at the destination gets the attributes */
	int user_namespace; /* > 0: the copy shows its files' ids as this namespace maps them (mount_setattr(2)) */
};

struct oci_device {
	const char *path; /* where the container has it */
	mode_t mode;      /* S_IFCHR | 0666 */
	unsigned major, minor;
	uid_t uid;
	gid_t gid;
};

/* The root file system: overlay layers, or a directory. */
struct oci_root {
	struct LIST(const char *) lower; /* absolute directories, the lowest first */
	const char *upper, *work; /* absolute, both or none; removed contents are the caller's business */
	const char *path;         /* without LOWER: this directory itself */
	int fd;                   /* > 0: instead of PATH, a detached copy of it */
	bool readonly;
};

struct oci_namespace { /* one that exists and is to be entered */
	uint64_t type; /* CLONE_NEW* */
	int fd;
};

struct oci_sysctl {
	const char *path, *value; /* "net/ipv4/ip_forward", below /proc/sys */
};

/* A program that the child runs in the container's namespaces. Its standard input is the container's state. */
struct oci_hook {
	const char *path;
	char *const *argv, *const *envp;
	int timeout_ms; /* -1: none */
};
struct oci_hook_list LIST(struct oci_hook);

/* The state as JSON: the process's id, as the container sees it, is between the two. */
struct oci_state_text {
	const char *before, *after;
};

struct oci_spec {
	struct oci_process process;
	struct oci_root root;
	struct LIST(struct oci_mount) mounts; /* in this order */
	struct LIST(struct oci_device) devices;
	struct LIST(const char *) maskedPaths;
	struct LIST(const char *) readonlyPaths;
	uint64_t namespaces; /* the new ones, CLONE_NEW*, besides mount (see shares_mounts) */
	struct LIST(struct oci_namespace) joined;
	bool shares_mounts; /* no mount namespace of its own: the caller's, or the one of JOINED, in which nothing is mounted */
	uint64_t rootfsPropagation;    /* MS_SLAVE … of the container's "/"; 0: private */
	bool user_namespace;           /* a new one, or one of JOINED */
	const char *uid_map, *gid_map; /* user_namespaces(7), of a new user namespace */
	const char *time_offsets;      /* time_namespaces(7) */
	const char *hostname, *domainname;
	struct LIST(struct oci_sysctl) sysctl;
	struct oci_hook_list createContainer, startContainer;
	struct oci_state_text creating, created; /* for these hooks */
};
