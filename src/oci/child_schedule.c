/* child_schedule.c — how the process is run by the kernel: scheduler, CPUs, memory nodes, personality, security labels (child.h). */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "linux/proc.h"
#include "oci/child.h"

/* sched_setattr(2), first version. (The kernel's own header and glibc's exclude each other.) */
struct attributes {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
};

int child_scheduler(struct child *c, const struct step *s, struct error *err)
{
	const struct oci_scheduler *from = s->process->scheduler;
	struct attributes attributes = {
		.size = sizeof(attributes),
		.policy = from->policy,
		.flags = from->flags,
		.nice = from->nice,
		.priority = from->priority,
		.runtime = from->runtime,
		.deadline = from->deadline,
		.period = from->period,
	};
	(void)c;

	if (syscall(SYS_sched_setattr, 0, &attributes, 0) < 0)
		return error_errno(err, "process.scheduler: cannot be set");
	return 0;
}

int child_io_priority(struct child *c, const struct step *s, struct error *err)
{
	enum { OF_PROCESS = 1 };
	(void)c;

	if (syscall(SYS_ioprio_set, OF_PROCESS, 0, s->process->io_priority) < 0)
		return error_errno(err, "process.ioPriority: cannot be set");
	return 0;
}

int child_personality(struct child *c, const struct step *s, struct error *err)
{
	(void)c;

	if (personality((unsigned long)s->process->personality) < 0)
		return error_errno(err, "linux.personality: cannot be set");
	return 0;
}

int child_memory_policy(struct child *c, const struct step *s, struct error *err)
{
	const struct oci_memory_policy *policy = s->process->memory_policy;
	const void *nodes = policy->has_nodes ? policy->nodes : NULL;
	(void)c;

	if (syscall(SYS_set_mempolicy, policy->mode, nodes, nodes ? sizeof(policy->nodes) * 8 : 0) < 0)
		return error_errno(err, "linux.memoryPolicy: cannot be set");
	return 0;
}

int child_affinity(struct child *c, const struct step *s, struct error *err)
{
	(void)c;

	if (sched_setaffinity(0, sizeof(cpu_set_t), (const cpu_set_t *)(const void *)s->path) < 0)
		return error_errno(err, "process.execCPUAffinity: cannot be set");
	return 0;
}

/* On the host's /proc, which a container cannot have changed; what it is open on is this very process (CVE-2019-16884). */
int child_label_open(struct child *c, const struct step *s, struct error *err)
{
	c->label = proc_open(s->label->file, O_WRONLY);
	return c->label < 0 ? error_code(err, c->label, "cannot open '%s'", s->label->file) : 0;
}

int child_label(struct child *c, const struct step *s, struct error *err)
{
	if (write(c->label, s->label->text, strlen(s->label->text)) < 0)
		return error_errno(err, "cannot set the security label '%s'", s->label->text);
	return 0;
}
