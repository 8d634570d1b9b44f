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
	bool is_file; /* the target is a file: made as one when missing */
};

struct oci_device {
	const char *path; /* below /dev */
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
	bool readonly;
};

struct oci_spec {
	struct oci_process process;
	struct oci_root root;
	struct LIST(struct oci_mount) mounts; /* in this order */
	struct LIST(struct oci_device) devices;
	struct LIST(const char *) maskedPaths;
	struct LIST(const char *) readonlyPaths;
	bool new_pid, new_cgroup;   /* namespaces besides mount, which is always new */
	uint64_t rootfsPropagation; /* MS_SLAVE … of the container's "/"; 0: private */
};
