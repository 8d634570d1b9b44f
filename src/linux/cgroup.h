/* cgroup.h — control groups, version 1 and 2 behind one door (cgroups(7), Documentation/admin-guide/cgroup-v{1,2}).
 *
 * A pod's cgroup is the parent of its containers': that is the shared budget. Which version a machine has, and where, is found once
 * by cgroup_probe. Below the root of each hierarchy everything is in the instance's own directory:
 *
 *	<hierarchy>/seapod/pod<uid>/<container>
 *
 * Version 1 has one hierarchy a controller; only those that Seapod needs are used. A controller that is missing matters only to who
 * asks for a limit that needs it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

enum cgroup_controller { CGROUP_CPU, CGROUP_CPUACCT, CGROUP_MEMORY, CGROUP_PIDS, CGROUP_DEVICES, CGROUP_FREEZER, CGROUP_CONTROLLERS };

struct cgroup_system {
	int version;			     /* 0: no usable cgroups */
	int root[CGROUP_CONTROLLERS];	     /* v1: a descriptor of each hierarchy's root, -1 if missing; v2: [0] is the only one */
	unsigned available;		     /* bit mask of controllers (v2: cgroup.controllers of the root) */
	char path[CGROUP_CONTROLLERS][64];   /* where each is mounted */
};

/* What may be limited. 0 or unset: no limit. */
struct cgroup_limits {
	uint64_t cpu_request_milli; /* share when there is not enough for all */
	uint64_t cpu_limit_milli;
	uint64_t memory_limit_bytes;
	uint64_t memory_request_bytes;
	uint64_t pids;
	bool oom_group; /* v2: when memory runs out, all of it is killed, not one process (Kubernetes 1.28: each container) */
};

struct cgroup {
	const struct cgroup_system *system;
	int dir[CGROUP_CONTROLLERS]; /* one descriptor a hierarchy (v2: only [0]); -1: not there */
};

#define CGROUP_NONE ((struct cgroup){ .dir = { -1, -1, -1, -1, -1, -1 } })

int cgroup_probe(struct cgroup_system *s, struct error *err);
void cgroup_system_close(struct cgroup_system *s);

/* Opens (makes) the cgroup NAME below PARENT (NULL: below the roots) and sets LIMITS (may be NULL). */
int cgroup_open(struct cgroup *c, const struct cgroup_system *s, const struct cgroup *parent, const char *name,
		const struct cgroup_limits *limits, struct error *err);
void cgroup_close(struct cgroup *c);

/* Changes the limits of C. -EOPNOTSUPP: a limit was asked for whose controller the machine does not have. */
int cgroup_limit(const struct cgroup *c, const struct cgroup_limits *limits, struct error *err);

/* Only the usual devices (null, zero, full, random, urandom, tty, ptmx, pts) may be used; MKNOD of any stays allowed as the field has it. */
int cgroup_restrict_devices(const struct cgroup *c, struct error *err);

/* For oci/container.h: v1 `tasks` files (opened into FDS, the caller closes them; returns how many), v2: the directory. */
int cgroup_tasks(const struct cgroup *c, int fds[static CGROUP_CONTROLLERS]);
int cgroup_directory(const struct cgroup *c); /* v2: borrowed descriptor; else -1 */

/* Kills every process in C and below. */
void cgroup_kill(const struct cgroup *c);

/* Removes NAME below PARENT, with what is below it, once it is empty; kills what is in it first. 0 or -EBUSY. */
int cgroup_remove(const struct cgroup_system *s, const struct cgroup *parent, const char *name);

/* How often the kernel has killed a process in C for lack of memory. */
uint64_t cgroup_oom_kills(const struct cgroup *c);

struct cgroup_usage {
	uint64_t cpu_ns, memory_bytes, pids;
};
void cgroup_usage(const struct cgroup *c, struct cgroup_usage *usage);

/* Values of the kernel's files (pure). Shares and weight: kubelet cm/helpers_linux.go MilliCPUToShares and runc's conversion of
 * shares to weight; period 100 ms, quota at least 1 ms. */
uint64_t cgroup_cpu_shares(uint64_t milli);
uint64_t cgroup_cpu_weight(uint64_t milli);
uint64_t cgroup_cpu_quota_us(uint64_t milli);
enum { CGROUP_CPU_PERIOD_US = 100000 };
