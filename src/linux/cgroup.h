/* cgroup.h — control groups, version 1 and 2 behind one door (cgroups(7), Linux Documentation/admin-guide/cgroup-v2.rst, cgroup-v1/).
 *
 * A pod's cgroup is the parent of its containers': that is the shared budget. Which version a machine has, and where, is found once
 * by cgroup_probe. Below the root of each hierarchy everything is in the instance's own directory:
 *
 *	<hierarchy>/seapod/pod<uid>/<container>
 *
 * The kubelet has two more directories, burstable/ and besteffort/, and keeps their weights at the sum of their pods'. Seapod has no
 * daemon that could, and needs none: pods that are neighbours share the processors by their own weights, which is the same division.
 *
 * Version 1 has one hierarchy a controller; only those that Seapod needs are used. A controller that is missing matters only to who
 * asks for a limit that needs it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "linux/huge_pages.h"

enum cgroup_controller {
	CGROUP_CPU,
	CGROUP_CPUACCT,
	CGROUP_MEMORY,
	CGROUP_PIDS,
	CGROUP_DEVICES,
	CGROUP_FREEZER,
	CGROUP_HUGETLB,
	CGROUP_CONTROLLERS
};

struct cgroup_system {
	int version;                  /* 0: no usable cgroups */
	int root[CGROUP_CONTROLLERS]; /* v1: a descriptor of each hierarchy's root, -1 if missing; v2: [0] is the only one */
	/* v1: the controller whose hierarchy this is, the first of those that are mounted together ("cpu,cpuacct") */
	enum cgroup_controller mounted_as[CGROUP_CONTROLLERS];
	unsigned available;                /* bit mask of controllers */
	char path[CGROUP_CONTROLLERS][64]; /* where each is mounted */
};

/* What may be limited. 0 or unset: no limit. */
struct cgroup_limits {
	uint64_t cpu_request_milli; /* share when there is not enough for all */
	uint64_t cpu_limit_milli;
	uint64_t memory_limit_bytes; /* there is no swap on top of it, as the kubelet has it */
	uint64_t pids;               /* processes and threads */
	/* v2, and only with memory_qos (KEP-2570): what is kept for it hard and softly (0: nothing), and from where on it is slowed down (0: nowhere) */
	bool memory_qos;
	uint64_t memory_min_bytes, memory_low_bytes, memory_high_bytes;
	struct {
		uint64_t page_bytes, limit_bytes;
	} huge[HUGE_SIZES_MAX]; /* of huge pages; one that is not here is not limited */
	unsigned huge_n;
	bool oom_group; /* v2: when memory runs out, all of it is killed, not one process (Kubernetes 1.28: each container) */
};

struct cgroup {
	const struct cgroup_system *system;
	int dir[CGROUP_CONTROLLERS]; /* one descriptor a hierarchy (v2: only [0]); -1: not there */
};

#define CGROUP_NONE ((struct cgroup){ .dir = { -1, -1, -1, -1, -1, -1, -1 } })

/* Finds out what this machine has. Nothing is an answer, too (version 0). Never fails. */
int cgroup_probe(struct cgroup_system *s, struct error *err);
void cgroup_system_close(struct cgroup_system *s);
bool cgroup_has(const struct cgroup_system *s, enum cgroup_controller which);

/* The kernel's word for it: "memory". */
const char *cgroup_controller_name(enum cgroup_controller which);

/* Opens (makes) the cgroup NAME below PARENT (NULL: below the roots) and sets LIMITS (may be NULL).
 * v2: the controllers are handed on from PARENT. When this process sees a part of the hierarchy as the root (a cgroup namespace, in a
 * container) and it has processes, they are moved to its cgroup "init" first: a cgroup that hands on controllers may have none. */
int cgroup_open(struct cgroup *c, const struct cgroup_system *s, const struct cgroup *parent,
		const char *name, const struct cgroup_limits *limits, struct error *err);
void cgroup_close(struct cgroup *c);

/* Opens the cgroup NAME below PARENT (NULL: below the roots) as far as it is there. -ENOENT: it is nowhere. */
int cgroup_find(struct cgroup *c, const struct cgroup_system *s, const struct cgroup *parent,
		const char *name);

/* Changes the limits of C. -EOPNOTSUPP: a limit was asked for whose controller the machine does not have. A request without
 * controller is no error. */
int cgroup_limit(const struct cgroup *c, const struct cgroup_limits *limits, struct error *err);

/* v2: a cgroup's memory is kept for it only as far as that of the one above it is (cgroup-v2.rst, memory.min), so PARENT gets the sums of memory.min and
 * memory.low of all below it, as the kubelet's "kubepods" does. EVEN_IF_NONE: false: only when PARENT has some. */
void cgroup_sum_protection(const struct cgroup *parent, bool even_if_none);

/* A rule about a device or a range of them. An access is decided by the last rule that fits; if none does, it is allowed. */
struct cgroup_device {
	bool allow;
	char type;            /* 'c', 'b'; 'a': both */
	int64_t major, minor; /* -1: any */
	const char *access;   /* letters of "rwm" (m: mknod) */
};

/* What every container may use: null, zero, full, random, urandom, tty, ptmx, its terminals (OCI runtime-spec config-linux.md "Default
 * Devices"), and mknod of all: a node that may not be opened hurts nobody, and archives of root file systems have them. */
extern const struct cgroup_device cgroup_usual_devices[];
enum { CGROUP_USUAL_DEVICES = 10 };

/* Sets RULES for the cgroup of VERSION whose directory (v1: in the hierarchy of `devices`) is DIR, once. v1: lines of devices.allow and
 * devices.deny; v2: a BPF program, which the kernel frees with the cgroup. */
int cgroup_set_devices(int version, int dir, const struct cgroup_device *rules, size_t n, struct error *err);

/* What is in C may use only the usual devices. -EOPNOTSUPP: this machine has no way to do it. */
int cgroup_restrict_devices(const struct cgroup *c, struct error *err);

/* For oci/container.h: v1 `tasks` files (opened into FDS, the caller closes them; returns how many), v2: the directory. */
int cgroup_tasks(const struct cgroup *c, int fds[static CGROUP_CONTROLLERS]);
int cgroup_directory(const struct cgroup *c); /* v2: borrowed descriptor; else -1 */

/* v2: the directory of the cgroup that process PID of C is in, to be closed; else -1. It may be one that a privileged container (or
 * systemd in it) made below C: then C itself takes no processes any more. */
int cgroup_directory_of(const struct cgroup *c, pid_t pid);

/* Kills every process in C and below. */
void cgroup_kill(const struct cgroup *c);

/* Stops every process in C and below, or lets them go on (cgroup-v2.rst cgroup.freeze; freezer-subsystem.rst), and waits until it is so. -EOPNOTSUPP: this
 * machine has no freezer; -EBUSY: something in it cannot be stopped now. */
int cgroup_freeze(const struct cgroup *c, bool stopped);

/* Removes NAME below PARENT, with what is below it, once it is empty; kills what is in it first. 0 or -EBUSY. */
int cgroup_remove(const struct cgroup_system *s, const struct cgroup *parent, const char *name);

/* How often the kernel has killed a process in C (v2: or below it) for lack of memory. */
uint64_t cgroup_oom_kills(const struct cgroup *c);

struct cgroup_usage {
	uint64_t cpu_ns; /* of all processes, also those that have ended */
	uint64_t
		memory_bytes; /* the working set: without file pages that nobody has used for a while (what cadvisor and `kubectl top` say) */
	uint64_t pids;        /* processes and threads */
};

/* v2 only: bytes read from and written to disks, and how much of the last ten seconds something waited for the processor, for
 * memory, for a disk, in hundredths of a percent (PSI, Documentation/accounting/psi.rst). -1: this machine does not tell. */
struct cgroup_io {
	int64_t read_bytes, written_bytes;
	int32_t cpu_waits, memory_waits, io_waits;
};
void cgroup_io(const struct cgroup *c, struct cgroup_io *io);
void cgroup_usage(const struct cgroup *c, struct cgroup_usage *usage);

/* --- from Kubernetes' amounts to the kernel's (pure) --- */

/* A CPU's worth is 1024 shares; 2 to 262144 (kubelet cm/helpers_linux.go MilliCPUToShares). */
uint64_t cgroup_cpu_shares(uint64_t milli);

/* v2, of shares: 1 to 10000, a CPU's worth is 100, which is what every other cgroup has by default. Runtimes used to map shares to weights by a
 * straight line, which gave a CPU's worth 39; since runc 1.3.2 and crun 1.23 by log10(weight) = (l^2 + 125 l) / 612 - 7/34, l = log2(shares). */
uint64_t cgroup_cpu_weight(uint64_t shares);

/* Microseconds in each CGROUP_CPU_PERIOD_US, at least 1 ms (kubelet MilliCPUToQuota). */
uint64_t cgroup_cpu_quota_us(uint64_t milli);
enum { CGROUP_CPU_PERIOD_US = 100000 };

/* memory.high of who asks for REQUEST and may have LIMIT, FACTOR_NANO billionths of the way between them, in whole PAGEs; 0: none, since it would be no more
 * than the request (KEP-2570, 1.27 and later). */
uint64_t cgroup_memory_high(uint64_t request, uint64_t limit, uint32_t factor_nano, uint64_t page);

/* How many processes a pod may have when nobody has said it: 4096, and on a small machine half of what the kernel can have
 * (kernel.threads-max), so that a fork bomb leaves room to end it. */
uint64_t cgroup_default_pids(uint64_t threads_max);
