/* plan.c — see plan.h. Pure: nothing here touches the kernel.
 *
 * The order is the point. What needs the host's view (binds, cgroups) comes before it is left, and its descriptors are closed before a path that the
 * image gives (working directory, program) is looked up; what needs privileges comes before they go; the
 * parent-death signal is set once more after the change of user, which clears it (prctl(2)); the filter of system calls comes as late as
 * it can, so that it need not allow what only the set-up does.
 */
#include "oci/plan.h"

#include <linux/sched.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "oci/filter_verdict.h"

static const char default_path[] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

enum { JOINED = CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP };

enum { OPTION_MAX = 255 /* fsconfig(2): a string has at most 256 bytes */, PAGE_MAX = 4095 };

/* --- what is executed --- */

static const char *variable(const struct oci_process *p, const char *name)
{
	size_t n = strlen(name);

	list_each(e, &p->env)
		if (strncmp(*e, name, n) == 0 && (*e)[n] == '=')
			return *e + n + 1;
	return NULL;
}

static char **terminated(struct arena *a, const char *const *at, size_t n)
{
	char **copy = arena_alloc(a, (n + 1) * sizeof(*copy));

	for (size_t i = 0; i < n; i++)
		copy[i] = (char *)at[i];
	return copy;
}

/* As execvp(3): a name with a slash is itself, else it is looked for along the container's own PATH. */
static char **candidates(struct arena *a, const struct oci_process *p)
{
	struct LIST(const char *) found = {};
	const char *name = p->args.at[0], *path = variable(p, "PATH");

	if (strchr(name, '/')) {
		*list_add(a, &found) = name;
		return terminated(a, found.at, found.n);
	}
	for (const char *at = path ? path : default_path; *name && at;) {
		size_t n = strcspn(at, ":");
		*list_add(a, &found) =
			n ? arena_printf(a, "%.*s/%s", (int)n, at, name) : arena_printf(a, "./%s", name);
		at = at[n] ? at + n + 1 : NULL;
	}
	return terminated(a, found.at, found.n);
}

/* --- the steps --- */

static struct step *add(struct plan *plan, struct arena *a, enum step_kind kind)
{
	struct step *s = list_add(a, &plan->steps);

	s->kind = kind;
	return s;
}

static void add_path(struct plan *plan, struct arena *a, enum step_kind kind, const char *path)
{
	add(plan, a, kind)->path = path;
}

/* "a:b:c", the uppermost first; NULL when a directory's name has a character that means something there. */
static const char *join_lower(const struct oci_root *root, struct arena *a)
{
	const char *joined = "";

	for (size_t i = 0; i < root->lower.n; i++) {
		if (strpbrk(root->lower.at[i], ":\\,"))
			return NULL;
		joined = *joined ? arena_printf(a, "%s:%s", root->lower.at[i], joined) : root->lower.at[i];
	}
	return joined;
}

static void add_option(struct plan_overlay *o, struct arena *a, const char *key, const char *value)
{
	*list_add(a, &o->options) = (struct mount_option){ key, value };
}

/* volatile: no syncs at unmount; the upper directory is this run's and is never mounted again (overlayfs.rst "Volatile mount").
 * lowerdir+ (Linux 6.5) takes one directory at a time, so their number and length are not limited by one option's. */
static const struct plan_overlay *overlay(const struct oci_root *root, const char *mount_point,
					  struct arena *a)
{
	struct plan_overlay *o = arena_one(a, struct plan_overlay);
	const char *joined = join_lower(root, a);

	o->mount_point = mount_point;
	if (joined && strlen(joined) <= OPTION_MAX) {
		add_option(o, a, "lowerdir", joined);
	} else {
		for (size_t i = root->lower.n; i-- > 0;)
			add_option(o, a, "lowerdir+", root->lower.at[i]);
	}
	if (root->upper) {
		add_option(o, a, "upperdir", root->upper);
		add_option(o, a, "workdir", root->work);
		add_option(o, a, "volatile", NULL);
	}
	if (!mount_point || !joined ||
	    (root->upper && (strpbrk(root->upper, ",") || strpbrk(root->work, ","))))
		return o;
	const char *page = root->upper ? arena_printf(a, "lowerdir=%s,upperdir=%s,workdir=%s,volatile",
						      joined, root->upper, root->work)
				       : arena_printf(a, "lowerdir=%s", joined);
	o->page = strlen(page) <= PAGE_MAX ? page : NULL;
	return o;
}

/* Without a place of its own the root goes on top of "/": pivot_root(2) does not mind, and nothing is to be made or removed. */
static void add_root(struct plan *plan, const struct oci_root *root, const char *mount_point, struct arena *a)
{
	if (root->fd > 0)
		add(plan, a, STEP_ROOT_BIND);
	else if (root->lower.n > 1 || root->upper)
		add(plan, a, STEP_ROOT_OVERLAY)->overlay = overlay(root, mount_point, a);
	else
		add_path(plan, a, STEP_ROOT_BIND, root->lower.n ? root->lower.at[0] : root->path);
	add_path(plan, a, STEP_ROOT_ATTACH, mount_point ? mount_point : "/");
}

static bool is_below_dev(const struct oci_device *d)
{
	return text_starts(d->path, "/dev/") && d->path[5];
}

static bool is_dev(const struct oci_mount *m)
{
	return text_is(m->destination, "/dev") && text_is(m->type, "tmpfs");
}

/* /dev is filled while it is still detached: nobody can meddle, and no path of the image is walked. */
static void add_devices(struct plan *plan, const struct oci_spec *spec, struct arena *a)
{
	static const struct plan_link links[] = {
		{ "fd", "/proc/self/fd" },       { "stdin", "/proc/self/fd/0" },
		{ "stdout", "/proc/self/fd/1" }, { "stderr", "/proc/self/fd/2" },
		{ "ptmx", "pts/ptmx" },
	};

	list_each(device, &spec->devices)
		if (is_below_dev(device))
			add(plan, a, STEP_DEVICE)->device = device;
	for (size_t i = 0; i < sizeof(links) / sizeof(*links); i++)
		add(plan, a, STEP_LINK)->link = &links[i];
}

static void add_open(struct plan *plan, const struct oci_spec *spec, size_t i, struct arena *a)
{
	struct step *s = add(plan, a, STEP_OPEN);

	s->place = (unsigned)i;
	s->mount = &spec->mounts.at[i];
	if (is_dev(&spec->mounts.at[i]))
		add_devices(plan, spec, a);
}

/* File systems of a new user namespace can be made only in its own mount namespace (user_namespaces(7)). */
static void add_opens(struct plan *plan, const struct oci_spec *spec, bool left, struct arena *a)
{
	for (size_t i = 0; i < spec->mounts.n; i++)
		if (!spec->mounts.at[i].open && !spec->mounts.at[i].remount &&
		    (spec->user_namespace && spec->mounts.at[i].type) == left)
			add_open(plan, spec, i, a);
}

/* What is not made in a /dev of the container's own. */
static void add_device_files(struct plan *plan, const struct oci_spec *spec, struct arena *a)
{
	bool own_dev = false;

	list_each(m, &spec->mounts)
		own_dev |= is_dev(m) && !m->open;
	list_each(device, &spec->devices)
		if (!own_dev || !is_below_dev(device))
			add(plan, a, STEP_DEVICE_FILE)->device = device;
}

static void add_hooks(struct plan *plan, const struct oci_hook_list *hooks,
		      const struct oci_state_text *state, struct arena *a)
{
	list_each(hook, hooks) {
		struct plan_hook *h = arena_one(a, struct plan_hook);
		*h = (struct plan_hook){ hook, state };
		add(plan, a, STEP_HOOK)->hook = h;
	}
}

/* What is mounted there is its owner's; the root is a directory in it. It comes last, since from here on the host's /proc is not in view. */
static void add_visit(struct plan *plan, const struct oci_spec *spec, const struct oci_namespace *mounts,
		      const struct container_setting *setting, struct arena *a)
{
	add(plan, a, STEP_ENTER)->namespace = mounts;
	add_path(plan, a, STEP_ROOT_OPEN, spec->root.path);
	if (setting->has_hooks)
		add(plan, a, STEP_READY);
	add_path(plan, a, STEP_MAKE_CWD, spec->process.cwd);
	add(plan, a, STEP_CHANGE_ROOT)->flags = 1;
}

static void add_mounts(struct plan *plan, const struct oci_spec *spec,
		       const struct container_setting *setting, struct arena *a)
{
	list_each(n, &spec->joined)
		if (n->type == CLONE_NEWNS) {
			add_visit(plan, spec, n, setting, a);
			return;
		}
	plan->opened = arena_alloc(a, (spec->mounts.n + 1) * sizeof(*plan->opened));
	for (size_t i = 0; i < spec->mounts.n; i++)
		plan->opened[i] = spec->mounts.at[i].open ? spec->mounts.at[i].source_fd : -1;
	add_opens(plan, spec, false, a);
	if (!spec->shares_mounts)
		add(plan, a, STEP_LEAVE);
	add_root(plan, &spec->root, setting->mount_point, a);
	if (spec->shares_mounts) /* nobody else gets what is mounted below */
		add(plan, a, STEP_ROOT_PROPAGATION)->flags = MS_PRIVATE | MS_REC;
	add_opens(plan, spec, true, a);
	for (size_t i = 0; i < spec->mounts.n; i++) {
		struct step *s = add(plan, a, STEP_ATTACH);
		s->place = (unsigned)i;
		s->mount = &spec->mounts.at[i];
	}
	add_device_files(plan, spec, a);
	if (spec->process.terminal)
		add(plan, a, STEP_CONSOLE)->fd = setting->stdio[0];
	list_each(path, &spec->readonlyPaths)
		add_path(plan, a, STEP_READONLY, *path);
	list_each(path, &spec->maskedPaths)
		add_path(plan, a, STEP_MASK, *path);
	if (setting->has_hooks)
		add(plan, a, STEP_READY);
	add_hooks(plan, &spec->createContainer, &spec->creating, a);
	add_path(plan, a, STEP_MAKE_CWD, spec->process.cwd);
	add(plan, a, STEP_CHANGE_ROOT)->flags = setting->no_pivot || spec->shares_mounts;
	if (spec->root.readonly)
		add(plan, a, STEP_ROOT_READONLY);
	if (spec->rootfsPropagation)
		add(plan, a, STEP_ROOT_PROPAGATION)->flags = spec->rootfsPropagation;
}

/* The user namespace comes first, so that the others belong to it; those that exist were entered before the clone then (container.c). */
static void add_namespaces(struct plan *plan, const struct oci_spec *spec, struct arena *a)
{
	uint64_t made = spec->namespaces & ~(uint64_t)(CLONE_NEWPID | CLONE_NEWUSER);

	if (spec->namespaces & CLONE_NEWUSER)
		add(plan, a, STEP_WAIT);
	list_each(n, &spec->joined)
		if (!spec->user_namespace && n->type != CLONE_NEWPID && n->type != CLONE_NEWNS)
			add(plan, a, STEP_ENTER)->namespace = n;
	if (spec->user_namespace)
		add(plan, a, STEP_BE_ROOT);
	if (made)
		add(plan, a, STEP_NAMESPACES)->flags = made;
	if (made & CLONE_NEWTIME)
		add_path(plan, a, STEP_TIME, spec->time_offsets);
	if (spec->hostname)
		add_path(plan, a, STEP_HOSTNAME, spec->hostname);
	if (spec->domainname)
		add_path(plan, a, STEP_DOMAINNAME, spec->domainname);
	if (made & CLONE_NEWNET)
		add(plan, a, STEP_LOOPBACK);
	list_each(sysctl, &spec->sysctl)
		add(plan, a, STEP_SYSCTL)->sysctl = sysctl;
}

static void add_of_process(struct plan *plan, struct arena *a, enum step_kind kind,
			   const struct oci_process *p)
{
	add(plan, a, kind)->process = p;
}

/* Tied to the keeper, in its cgroups. */
static void add_beginning(struct plan *plan, const struct oci_process *p, const int *tasks, int task_count,
			  struct arena *a)
{
	add(plan, a, STEP_TIE);
	if (p->affinity[0])
		add_path(plan, a, STEP_AFFINITY, p->affinity[0]);
	for (int i = 0; i < task_count; i++)
		add(plan, a, STEP_CGROUP)->fd = tasks[i];
	if (p->affinity[1])
		add_path(plan, a, STEP_AFFINITY, p->affinity[1]);
	if (p->label)
		add(plan, a, STEP_LABEL_OPEN)->label = p->label;
	if (p->has_oom_score_adj)
		add_of_process(plan, a, STEP_OOM_SCORE, p);
}

/* From a process with a root to one with an identity. */
static void add_identity(struct plan *plan, const struct oci_process *p, const int stdio[3], int listen,
			 struct arena *a)
{
	struct step *s;

	memcpy(plan->stdio, stdio, sizeof(plan->stdio));
	add_of_process(plan, a, STEP_SESSION, p);
	list_each(limit, &p->rlimits)
		add(plan, a, STEP_RLIMIT)->limit = limit;
	if (p->scheduler)
		add_of_process(plan, a, STEP_SCHEDULER, p);
	if (p->io_priority)
		add_of_process(plan, a, STEP_IO_PRIORITY, p);
	if (p->personality > 0)
		add_of_process(plan, a, STEP_PERSONALITY, p);
	if (p->memory_policy)
		add_of_process(plan, a, STEP_MEMORY_POLICY, p);
	add_of_process(plan, a, STEP_STDIO, p);
	s = add(plan, a, STEP_CLOSE);
	s->fd = listen;
	s->place = p->preserved;
	add_of_process(plan, a, STEP_BOUND, p);
	add_of_process(plan, a, STEP_CWD, p);
	add_of_process(plan, a, STEP_USER, p);
	add_of_process(plan, a, STEP_CWD, p);
	add(plan, a, STEP_TIE);
}

/* Without no_new_privs a filter needs CAP_SYS_ADMIN and is loaded before the capabilities go (seccomp(2)). */
static void add_end(struct plan *plan, const struct oci_process *p, const struct oci_hook_list *hooks,
		    const struct oci_state_text *state, struct arena *a)
{
	if (p->noNewPrivileges)
		add(plan, a, STEP_NO_NEW_PRIVS);
	else if (p->seccomp.n > 0)
		add_of_process(plan, a, STEP_FILTER, p);
	add_of_process(plan, a, STEP_CAPABILITIES, p);
	add_hooks(plan, hooks, state, a);
	if (p->label)
		add(plan, a, STEP_LABEL)->label = p->label;
	if (p->noNewPrivileges && p->seccomp.n > 0)
		add_of_process(plan, a, STEP_FILTER, p);
	add(plan, a, plan->is_born ? STEP_BIRTH : STEP_EXECUTE);
	plan->argv = terminated(a, p->args.at, p->args.n);
	plan->envp = terminated(a, p->env.at, p->env.n);
	plan->candidates = candidates(a, p);
}

void plan_container(struct plan *plan, const struct oci_spec *spec, const struct container_setting *setting,
		    struct arena *a)
{
	*plan = (struct plan){ .root = spec->root.fd };
	add_beginning(plan, &spec->process, setting->tasks, setting->task_count, a);
	add_namespaces(plan, spec, a);
	add_mounts(plan, spec, setting, a);
	add_identity(plan, &spec->process, setting->stdio, setting->outlives ? setting->listen : -1, a);
	if (setting->outlives) {
		add(plan, a, STEP_FIND);
		add(plan, a, STEP_RELEASE)->fd = setting->listen;
	} else {
		add(plan, a, STEP_READY);
	}
	add_end(plan, &spec->process, &spec->startContainer, &spec->created, a);
}

/* What is done after the filter is loaded, by both. */
static bool filter_permits(const struct oci_filter *f)
{
	static const struct {
		int number;
		uint64_t first;
	} calls[] = { { SYS_clone, CLONE_PARENT | SIGCHLD },
		      { SYS_sendto, 3 },
		      { SYS_recvfrom, 3 },
		      { SYS_prctl, PR_SET_PDEATHSIG },
		      { SYS_setsid, 0 },
		      { SYS_ioctl, 0 },
		      { SYS_prlimit64, 0 },
		      { SYS_faccessat, 0 },
		      { SYS_exit_group, 0 } };

	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls) && f->n > 0; i++)
		if (!filter_allows(f, calls[i].number, calls[i].first))
			return false;
	return true;
}

/* In a user namespace of its own nobody in the container may trace who is not in it yet; and a policy of scheduling may end with a fork. */
bool exec_is_born(const struct oci_process *p, const struct exec_setting *setting)
{
	return setting->pid_namespace >= 0 && !setting->rootless && !(setting->namespaces & CLONE_NEWUSER) &&
	       !p->scheduler && !(p->seccomp.flags & SECCOMP_FILTER_FLAG_NEW_LISTENER) &&
	       filter_permits(&p->seccomp);
}

static void add_entry(struct plan *plan, const struct oci_process *p, const struct exec_setting *setting,
		      struct arena *a)
{
	struct oci_namespace *pids = arena_one(a, struct oci_namespace);

	*pids = (struct oci_namespace){ CLONE_NEWPID, setting->pid_namespace };
	plan->is_born = true;
	plan->takes_terminal = p->terminal;
	list_each(limit, &p->rlimits)
		if (limit->type == RLIMIT_NPROC)
			plan->processes = limit;
	add(plan, a, STEP_FORGET);
	add(plan, a, STEP_ENTER)->namespace = pids;
}

void plan_exec(struct plan *plan, const struct oci_process *process, const struct exec_setting *setting,
	       struct arena *a)
{
	static const struct oci_hook_list none;

	*plan = (struct plan){ .joined = setting->namespaces ? setting->namespaces : JOINED,
			       .root = setting->root,
			       .outlives = setting->outlives };
	add_beginning(plan, process, setting->tasks, setting->task_count, a);
	if (exec_is_born(process, setting))
		add_entry(plan, process, setting, a);
	add(plan, a, STEP_JOIN)->fd = setting->target_pidfd;
	if (setting->root_path)
		add_path(plan, a, STEP_ROOT_OPEN, setting->root_path);
	if (setting->root > 0 || setting->root_path)
		add(plan, a, STEP_CHANGE_ROOT)->flags = 1;
	add_identity(plan, process, setting->stdio, -1, a);
	add_end(plan, process, &none, NULL, a);
}
