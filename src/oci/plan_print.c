/* plan_print.c — a plan as text, for tests and for people (plan.h). */
#include <linux/sched.h>
#include <sys/sysmacros.h>

#include "oci/plan.h"

static const char *const names[STEP_KINDS] = {
	[STEP_TIE] = "tie to the keeper",
	[STEP_CGROUP] = "cgroup",
	[STEP_AFFINITY] = "affinity",
	[STEP_OOM_SCORE] = "oom_score_adj",
	[STEP_LABEL_OPEN] = "label is written to",
	[STEP_WAIT] = "wait",
	[STEP_BE_ROOT] = "be root",
	[STEP_ENTER] = "enter",
	[STEP_NAMESPACES] = "new namespaces",
	[STEP_TIME] = "time offsets",
	[STEP_HOSTNAME] = "hostname",
	[STEP_DOMAINNAME] = "domainname",
	[STEP_LOOPBACK] = "loopback up",
	[STEP_SYSCTL] = "sysctl",
	[STEP_JOIN] = "join the namespaces of",
	[STEP_OPEN] = "open",
	[STEP_LEAVE] = "leave the host's mounts",
	[STEP_ROOT_OPEN] = "open root",
	[STEP_ROOT_OVERLAY] = "root overlay",
	[STEP_ROOT_BIND] = "root bind",
	[STEP_ROOT_ATTACH] = "root on",
	[STEP_ATTACH] = "attach",
	[STEP_DEVICE] = "device",
	[STEP_DEVICE_FILE] = "device file",
	[STEP_LINK] = "link",
	[STEP_CONSOLE] = "console",
	[STEP_READONLY] = "read-only",
	[STEP_MASK] = "mask",
	[STEP_HOOK] = "hook",
	[STEP_MAKE_CWD] = "make directory",
	[STEP_CHANGE_ROOT] = "change root",
	[STEP_ROOT_READONLY] = "root read-only",
	[STEP_ROOT_PROPAGATION] = "root propagation",
	[STEP_SESSION] = "session",
	[STEP_RLIMIT] = "rlimit",
	[STEP_SCHEDULER] = "scheduler",
	[STEP_IO_PRIORITY] = "io priority",
	[STEP_PERSONALITY] = "personality",
	[STEP_MEMORY_POLICY] = "memory policy",
	[STEP_STDIO] = "stdio",
	[STEP_BOUND] = "capabilities bounded by",
	[STEP_CWD] = "cwd",
	[STEP_USER] = "user",
	[STEP_CLOSE] = "close the rest",
	[STEP_FIND] = "find the program",
	[STEP_READY] = "ready",
	[STEP_RELEASE] = "released",
	[STEP_NO_NEW_PRIVS] = "no_new_privs",
	[STEP_CAPABILITIES] = "capabilities",
	[STEP_FILTER] = "seccomp",
	[STEP_LABEL] = "label",
	[STEP_FORGET] = "forget",
	[STEP_BIRTH] = "birth of",
	[STEP_EXECUTE] = "execute",
};

static void print_attributes(struct text *out, uint64_t attributes)
{
	static const struct {
		uint64_t bit;
		const char *name;
	} all[] = {
		{ MOUNT_ATTR_RDONLY, "ro" },
		{ MOUNT_ATTR_NOSUID, "nosuid" },
		{ MOUNT_ATTR_NODEV, "nodev" },
		{ MOUNT_ATTR_NOEXEC, "noexec" },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		if (attributes & all[i].bit)
			text_printf(out, " %s", all[i].name);
}

static void print_options(struct text *out, const struct mount_option *at, size_t n)
{
	for (size_t i = 0; i < n; i++)
		text_printf(out, at[i].value ? " %s=%s" : " %s", at[i].key, at[i].value);
}

static void print_mount(struct text *out, const struct oci_mount *m)
{
	if (m->type)
		text_printf(out, " %s", m->type);
	else if (m->source_fd < 0)
		text_printf(out, " %s", m->source);
	else
		text_printf(out, m->copied ? " copy of %d" : " %d", m->source_fd);
	print_attributes(out, m->attributes);
	text_add(out, m->recursive_attributes ? " recursively" : "");
	print_options(out, m->options.at, m->options.n);
}

static void print_user(struct text *out, const struct oci_process *p)
{
	text_printf(out, " %u:%u", p->uid, p->gid);
	list_each(group, &p->additionalGids)
		text_printf(out, " %u", *group);
}

static void print_arguments(struct text *out, char *const *argv)
{
	for (; *argv; argv++)
		text_printf(out, " %s", *argv);
}

static void print_namespaces(struct text *out, uint64_t types)
{
	static const struct {
		uint64_t bit;
		const char *name;
	} all[] = {
		{ CLONE_NEWCGROUP, "cgroup" }, { CLONE_NEWIPC, "ipc" }, { CLONE_NEWNET, "network" },
		{ CLONE_NEWTIME, "time" },     { CLONE_NEWUTS, "uts" }, { CLONE_NEWUSER, "user" },
		{ CLONE_NEWNS, "mount" },      { CLONE_NEWPID, "pid" },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		if (types & all[i].bit)
			text_printf(out, " %s", all[i].name);
}

/* What is of the container's files. False: it is not. */
static bool print_files(const struct step *s, struct text *out)
{
	switch (s->kind) {
	case STEP_OPEN:
		print_mount(out, s->mount);
		return true;
	case STEP_ATTACH:
		text_printf(out, " %s", s->mount->destination);
		return true;
	case STEP_ROOT_OVERLAY:
		print_options(out, s->overlay->options.at, s->overlay->options.n);
		return true;
	case STEP_ROOT_BIND:
	case STEP_ROOT_OPEN:
	case STEP_ROOT_ATTACH:
	case STEP_READONLY:
	case STEP_MASK:
	case STEP_MAKE_CWD:
		text_printf(out, " %s", s->path ? s->path : "of the caller");
		return true;
	case STEP_DEVICE:
	case STEP_DEVICE_FILE:
		text_printf(out, " %s %u:%u %o", s->device->path, s->device->major, s->device->minor,
			    s->device->mode);
		return true;
	case STEP_LINK:
		text_printf(out, " /dev/%s -> %s", s->link->name, s->link->to);
		return true;
	case STEP_ROOT_PROPAGATION:
		text_printf(out, " %#llx", (unsigned long long)s->flags);
		return true;
	default:
		return false;
	}
}

static void print_stdio(const struct plan *plan, const struct step *s, struct text *out)
{
	text_printf(out, " %d %d %d", plan->stdio[0], plan->stdio[1], plan->stdio[2]);
	text_add(out, s->process->terminal ? " as the terminal" : "");
}

static void print_object(const struct plan *plan, const struct step *s, struct text *out)
{
	if (print_files(s, out))
		return;
	switch (s->kind) {
	case STEP_CGROUP:
	case STEP_JOIN:
	case STEP_CONSOLE:
		text_printf(out, " %d", s->fd);
		break;
	case STEP_OOM_SCORE:
		text_printf(out, " %d", s->process->oomScoreAdj);
		break;
	case STEP_NAMESPACES:
		print_namespaces(out, s->flags);
		break;
	case STEP_ENTER:
		print_namespaces(out, s->namespace->type);
		break;
	case STEP_HOSTNAME:
	case STEP_DOMAINNAME:
		text_printf(out, " %s", s->path);
		break;
	case STEP_SYSCTL:
		text_printf(out, " %s=%s", s->sysctl->path, s->sysctl->value);
		break;
	case STEP_HOOK:
		text_printf(out, " %s", s->hook->hook->path);
		break;
	case STEP_LABEL_OPEN:
		text_printf(out, " %s", s->label->file);
		break;
	case STEP_LABEL:
		text_printf(out, " %s", s->label->text);
		break;
	case STEP_RLIMIT:
		text_printf(out, " %d %llu %llu", s->limit->type, (unsigned long long)s->limit->soft,
			    (unsigned long long)s->limit->hard);
		break;
	case STEP_STDIO:
		print_stdio(plan, s, out);
		break;
	case STEP_BOUND:
		text_printf(out, " %#llx", (unsigned long long)s->process->capabilities.bounding);
		break;
	case STEP_CAPABILITIES:
		text_printf(out, " %#llx", (unsigned long long)s->process->capabilities.effective);
		break;
	case STEP_CWD:
		text_printf(out, " %s", s->process->cwd);
		break;
	case STEP_USER:
		print_user(out, s->process);
		break;
	case STEP_FILTER:
		text_printf(out, " of %u instructions", s->process->seccomp.n);
		break;
	case STEP_BIRTH:
	case STEP_EXECUTE:
		print_arguments(out, plan->argv);
		break;
	default:
		break;
	}
}

void plan_print(const struct plan *plan, struct text *out)
{
	list_each(s, &plan->steps) {
		text_add(out, names[s->kind]);
		print_object(plan, s, out);
		text_add_char(out, '\n');
	}
}
