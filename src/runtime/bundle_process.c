/* bundle_process.c — `process` of the configuration for the executor; see bundle.h. */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "linux/capability.h"
#include "linux/security_module.h"
#include "runtime/bundle.h"
#include "runtime/ranges.h"
#include "runtime/rootless.h"

struct number {
	const char *name;
	uint64_t value;
};

static uint64_t number_of(const struct number *at, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (text_is(at[i].name, name))
			return at[i].value;
	return 0;
}

#define NUMBER_OF(list, name) number_of(list, sizeof(list) / sizeof(*(list)), name)

/* --- capabilities --- */

/* What cannot be granted is a warning (config.md "Linux Process"). */
static uint64_t capability_set_of(struct oci_bundle *b, const struct strings *names, const char *property,
				  uint64_t possible)
{
	uint64_t set = 0;

	list_each(name, names) {
		int number = text_starts(*name, "CAP_") ? capability_number(*name) : -1;
		uint64_t one = number >= 0 ? CAPABILITY(number) : 0;
		if (one & possible)
			set |= one;
		else
			bundle_warn(b, "process.capabilities.%s: '%s' cannot be granted", property, *name);
	}
	return set;
}

static void make_capabilities(struct oci_bundle *b, const struct config_capabilities *from,
			      struct oci_capabilities *to)
{
	uint64_t possible = capability_all();

	if (!from)
		return;
	to->bounding = capability_set_of(b, &from->bounding, "bounding", possible);
	to->permitted = capability_set_of(b, &from->permitted, "permitted", possible);
	to->effective = capability_set_of(b, &from->effective, "effective", to->permitted);
	to->inheritable = capability_set_of(b, &from->inheritable, "inheritable", possible);
	to->ambient = capability_set_of(b, &from->ambient, "ambient", to->permitted & to->inheritable);
}

/* --- limits and scheduling --- */

static const struct number rlimits[] = {
	{ "RLIMIT_AS", RLIMIT_AS },
	{ "RLIMIT_CORE", RLIMIT_CORE },
	{ "RLIMIT_CPU", RLIMIT_CPU },
	{ "RLIMIT_DATA", RLIMIT_DATA },
	{ "RLIMIT_FSIZE", RLIMIT_FSIZE },
	{ "RLIMIT_LOCKS", RLIMIT_LOCKS },
	{ "RLIMIT_MEMLOCK", RLIMIT_MEMLOCK },
	{ "RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE },
	{ "RLIMIT_NICE", RLIMIT_NICE },
	{ "RLIMIT_NOFILE", RLIMIT_NOFILE },
	{ "RLIMIT_NPROC", RLIMIT_NPROC },
	{ "RLIMIT_RSS", RLIMIT_RSS },
	{ "RLIMIT_RTPRIO", RLIMIT_RTPRIO },
	{ "RLIMIT_RTTIME", RLIMIT_RTTIME },
	{ "RLIMIT_SIGPENDING", RLIMIT_SIGPENDING },
	{ "RLIMIT_STACK", RLIMIT_STACK },
};

static const struct number policies[] = {
	{ "SCHED_OTHER", 0 }, { "SCHED_FIFO", 1 }, { "SCHED_RR", 2 },       { "SCHED_BATCH", 3 },
	{ "SCHED_ISO", 4 },   { "SCHED_IDLE", 5 }, { "SCHED_DEADLINE", 6 },
};

static const struct number scheduler_flags[] = {
	{ "SCHED_FLAG_RESET_ON_FORK", 0x01 },  { "SCHED_FLAG_RECLAIM", 0x02 },
	{ "SCHED_FLAG_DL_OVERRUN", 0x04 },     { "SCHED_FLAG_KEEP_POLICY", 0x08 },
	{ "SCHED_FLAG_KEEP_PARAMS", 0x10 },    { "SCHED_FLAG_UTIL_CLAMP_MIN", 0x20 },
	{ "SCHED_FLAG_UTIL_CLAMP_MAX", 0x40 },
};

static const struct oci_scheduler *make_scheduler(struct arena *a, const struct config_scheduler *from)
{
	struct oci_scheduler *to = arena_one(a, struct oci_scheduler);

	*to = (struct oci_scheduler){
		.policy = (uint32_t)NUMBER_OF(policies, from->policy),
		.priority = (uint32_t)from->priority,
		.nice = from->nice,
		.runtime = from->runtime,
		.deadline = from->deadline,
		.period = from->period,
	};
	list_each(flag, &from->flags)
		to->flags |= NUMBER_OF(scheduler_flags, *flag);
	return to;
}

static int io_priority(const struct config_io_priority *from)
{
	enum { SHIFT = 13 }; /* ioprio_set(2): class << 13 | level */
	int class = text_is(from->class, "IOPRIO_CLASS_RT")   ? 1
		    : text_is(from->class, "IOPRIO_CLASS_BE") ? 2
							      : 3;

	return class << SHIFT | (int)from->priority;
}

static int make_affinity(struct oci_bundle *b, const char *list, const char *name, const char **set,
			 struct error *err)
{
	if (text_empty(list))
		return 0;
	cpu_set_t *cpus = arena_alloc(b->arena, sizeof(*cpus));
	if (ranges_read(list, CPU_SETSIZE, (uint64_t *)(void *)cpus) < 0)
		return error_set(err, EINVAL,
				 "process.execCPUAffinity.%s: '%s' is not a list of CPUs such as 0-3,7", name,
				 list);
	*set = (const char *)cpus;
	return 0;
}

/* --- what is of `linux` in the configuration and of the process for the kernel --- */

static const struct number memory_modes[] = {
	{ "MPOL_DEFAULT", 0 },
	{ "MPOL_PREFERRED", 1 },
	{ "MPOL_BIND", 2 },
	{ "MPOL_INTERLEAVE", 3 },
	{ "MPOL_LOCAL", 4 },
	{ "MPOL_PREFERRED_MANY", 5 },
	{ "MPOL_WEIGHTED_INTERLEAVE", 6 },
};

static const struct number memory_flags[] = {
	{ "MPOL_F_STATIC_NODES", 1 << 15 },
	{ "MPOL_F_RELATIVE_NODES", 1 << 14 },
	{ "MPOL_F_NUMA_BALANCING", 1 << 13 },
};

static int make_memory_policy(struct oci_bundle *b, const struct config_memory_policy *from,
			      struct oci_process *to, struct error *err)
{
	struct oci_memory_policy *policy = arena_one(b->arena, struct oci_memory_policy);

	policy->mode = (int)NUMBER_OF(memory_modes, from->mode);
	list_each(flag, &from->flags)
		policy->mode |= (int)NUMBER_OF(memory_flags, *flag);
	policy->has_nodes = !text_empty(from->nodes);
	if (policy->has_nodes && ranges_read(from->nodes, sizeof(policy->nodes) * 8, policy->nodes) < 0)
		return error_set(err, EINVAL,
				 "linux.memoryPolicy.nodes: '%s' is not a list of nodes such as 0-3,7",
				 from->nodes);
	to->memory_policy = policy;
	return 0;
}

/* A label that cannot be had is refused: a caller that gives one relies on it. */
static int make_label(struct oci_bundle *b, const struct config_process *from, struct oci_process *to,
		      struct error *err)
{
	struct oci_label *label = arena_one(b->arena, struct oci_label);
	bool apparmor = !text_empty(from->apparmorProfile), selinux = !text_empty(from->selinuxLabel);

	if (apparmor && text_is(from->apparmorProfile, "unconfined"))
		apparmor = false;
	if (selinux && !security_module_is_active("selinux"))
		return error_set(err, EOPNOTSUPP,
				 "process.selinuxLabel: SELinux is not active on this machine");
	if (apparmor && !security_module_is_active("apparmor"))
		return error_set(err, EOPNOTSUPP,
				 "process.apparmorProfile: AppArmor is not active on this machine");
	if (apparmor && selinux)
		return error_set(err, EOPNOTSUPP,
				 "process.selinuxLabel: it cannot be had together with apparmorProfile");
	if (apparmor)
		*label = (struct oci_label){ "/proc/self/attr/apparmor/exec",
					     arena_printf(b->arena, "exec %s", from->apparmorProfile) };
	if (selinux)
		*label = (struct oci_label){ "/proc/self/attr/exec", from->selinuxLabel };
	to->label = apparmor || selinux ? label : NULL;
	return 0;
}

static int make_linux(struct oci_bundle *b, struct oci_process *to, struct error *err)
{
	enum { PER_LINUX32 = 8 };
	const struct config_linux *l = bundle_linux(b);

	if (l->personality)
		to->personality = text_is(l->personality->domain, "LINUX32") ? PER_LINUX32 : 0;
	return l->memoryPolicy ? make_memory_policy(b, l->memoryPolicy, to, err) : 0;
}

static void make_user(struct oci_bundle *b, const struct config_user *from, struct oci_process *to)
{
	to->uid = (uid_t)from->uid;
	to->gid = (gid_t)from->gid;
	list_each(group, &from->additionalGids)
		*list_add(b->arena, &to->additionalGids) = (gid_t)*group;
	to->has_umask = from->umask.set;
	to->umask = (mode_t)from->umask.value;
	to->keep_umask = true;
}

int oci_bundle_process(struct oci_bundle *b, const struct config_process *from, struct oci_process *to,
		       struct error *err)
{
	int r;

	*to = (struct oci_process){
		.cwd = from->cwd,
		.noNewPrivileges = from->noNewPrivileges,
		.has_oom_score_adj = from->oomScoreAdj.set,
		.oomScoreAdj = (int)from->oomScoreAdj.value,
		.strict_oom_score = !b->rootless,
		.terminal = from->terminal,
		.io_priority = from->ioPriority ? io_priority(from->ioPriority) : 0,
		.scheduler = from->scheduler ? make_scheduler(b->arena, from->scheduler) : NULL,
	};
	list_each(word, &from->args)
		*list_add(b->arena, &to->args) = *word;
	list_each(e, &from->env)
		*list_add(b->arena, &to->env) = *e;
	list_each(limit, &from->rlimits)
		*list_add(b->arena, &to->rlimits) =
			(struct oci_rlimit){ (int)NUMBER_OF(rlimits, limit->type), limit->soft, limit->hard };
	make_user(b, &from->user, to);
	if (b->rootless && !rootless_may_set_groups()) {
		if (to->additionalGids.n)
			return error_set(err, EPERM,
					 "process.user.additionalGids: this user namespace does not let "
					 "groups be set");
		to->no_groups = true;
	}
	make_capabilities(b, from->capabilities, &to->capabilities);
	if ((r = make_label(b, from, to, err)) < 0 || (r = make_linux(b, to, err)) < 0)
		return r;
	return 0;
}

int oci_bundle_affinity(struct oci_bundle *b, const struct config_process *from, struct oci_process *to,
			struct error *err)
{
	const struct config_affinity *cpus = from->execCPUAffinity;
	int r = cpus ? make_affinity(b, cpus->initial, "initial", &to->affinity[0], err) : 0;

	return r == 0 && cpus ? make_affinity(b, cpus->final, "final", &to->affinity[1], err) : r;
}
