/* container.c — one container in the sandbox: files, cgroup, stdio, process; see sandbox.h. */
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/expand.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "linux/mount_kept.h"
#include "linux/path.h"
#include "oci/defaults.h"
#include "sandbox/budget.h"
#include "sandbox/descriptor_list.h"
#include "sandbox/mapped.h"
#include "sandbox/process_namespace.h"
#include "sandbox/sandbox.h"
#include "sandbox/spec.h"

enum {
	MESSAGE_MAX = 4096,
	NAME_SIZE = 80,
	TTY_GROUP = 5,
	PRIVATE = 1 << 18,
	SLAVE = 1 << 19,
	SHARED = 1 << 20
};

/* A detached copy of the mount that FD (closed here) is open on: the child, in a mount namespace of its own, may only attach such. */
static int copy_of(int fd, bool recursive)
{
	int copy = fd < 0 ? -errno : mount_copy_kept(fd, recursive);

	if (fd >= 0)
		close(fd);
	errno = copy < 0 ? -copy : 0;
	return copy;
}

/* A fresh upper and work directory for this attempt; what earlier ones left goes. On a disk each directory counts, to make and to remove. */
static int make_upper(const struct sandbox *s, const struct sandbox_container *c, struct oci_root *root,
		      struct error *err)
{
	_cleanup_free_ char *base =
		memory_printf("pods/%s/container.%s", s->pod->metadata.uid, c->spec->name);
	_cleanup_free_ char *upper = memory_printf("%s/upper", base), *work = memory_printf("%s/work", base);

	if (c->attempt > 0 || s->again)
		file_remove_tree(s->in->rootfd, base, NULL);
	int r = file_make_dirs(s->in->rootfd, upper, 0700, err);
	if (r == 0)
		r = file_make_dirs(s->in->rootfd, work, 0700, err);
	if (r < 0)
		return r;
	struct stat st; /* the upper directory's mode becomes that of "/" */
	if (stat(c->image->layers.at[c->image->layers.n - 1], &st) < 0 ||
	    fchmodat(s->in->rootfd, upper, st.st_mode & 07777, 0) < 0)
		return error_errno(err, "cannot prepare '%s'", upper);
	root->upper = arena_printf(s->arena, "%s/%s", s->in->root, upper);
	root->work = arena_printf(s->arena, "%s/%s", s->in->root, work);
	return 0;
}

static void add_bind(const struct sandbox *s, struct oci_spec *spec, const char *destination, int fd,
		     bool is_file, bool read_only)
{
	*list_add(s->arena, &spec->mounts) = (struct oci_mount){
		.destination = destination,
		.source_fd = fd,
		.is_file = is_file,
		.attributes = read_only ? MOUNT_ATTR_RDONLY : 0,
		.propagation = PRIVATE,
		.user_namespace = s->user_namespace,
	};
}

static void message_name(const struct sandbox_container *c, char name[static NAME_SIZE])
{
	snprintf(name, NAME_SIZE, "termination-log.%.63s", c->spec->name);
}

/* /etc/hosts, /etc/hostname, /etc/resolv.conf and the termination message, unless a volume is mounted there. */
static int add_pod_files(const struct sandbox *s, const struct sandbox_container *c, struct oci_spec *spec,
			 struct descriptor_list *fds, struct error *err)
{
	static const char *const files[] = { "hosts", "hostname", "resolv.conf" };
	char path[NAME_SIZE];

	for (int i = 0; i < 3; i++) {
		int fd = copy_of(openat(s->files, files[i], O_PATH | O_CLOEXEC), false);
		if (fd < 0 || !descriptor_list_add(fds, fd))
			return error_errno(err, "cannot open the pod's '%s'", files[i]);
		add_bind(s, spec, arena_printf(s->arena, "/etc/%s", files[i]), fd, true, false);
	}
	message_name(c, path);
	unlinkat(s->files, path, 0);
	_cleanup_close_ int made = openat(s->files, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	int fd = made < 0 ? -1 : copy_of(openat(s->files, path, O_PATH | O_CLOEXEC), false);
	if (fd < 0 || !descriptor_list_add(fds, fd))
		return error_errno(err, "cannot make '%s'", path);
	fchmod(made, 0666);
	add_bind(s, spec, c->spec->terminationMessagePath, fd, true, false);
	return 0;
}

static uint64_t bind_options(const struct volume_mount *m)
{
	uint64_t attributes = m->readOnly ? MOUNT_ATTR_RDONLY : 0;

	list_each(option, &m->bindMountOptions)
		attributes |= text_is(*option, "noexec")  ? MOUNT_ATTR_NOEXEC
			      : text_is(*option, "nodev") ? MOUNT_ATTR_NODEV
							  : MOUNT_ATTR_NOSUID;
	return attributes;
}

static int add_volumes(const struct sandbox *s, const struct sandbox_container *c, struct oci_spec *spec,
		       struct descriptor_list *fds, struct error *err)
{
	list_each(m, &c->spec->volumeMounts) {
		const char *unknown = NULL, *sub = m->subPath;
		struct volume_source source;
		if (!text_empty(m->subPathExpr))
			sub = expand(m->subPathExpr, spec_variable, &spec->process, s->arena, &unknown);
		if (unknown)
			return error_set(err, EINVAL, "subPathExpr '%s' has an unknown variable '%s'",
					 m->subPathExpr, unknown);
		int r = volume_source(&s->volumes, m, sub, &source, err), fd;
		if (r < 0)
			return r;
		if ((fd = copy_of(source.fd, true)) < 0)
			return error_errno(err, "cannot copy the mount of the volume '%s'", m->name);
		if (!descriptor_list_add(fds, fd))
			return error_set(err, EMFILE, "the container has too many volumes");
		*list_add(s->arena, &spec->mounts) = (struct oci_mount){
			.destination = m->mountPath,
			.source_fd = fd,
			.is_file = source.is_file,
			.recursive = true,
			.user_namespace = s->user_namespace,
			.attributes = bind_options(m) | (source.read_only ? MOUNT_ATTR_RDONLY : 0),
			.recursive_attributes =
				m->recursiveReadOnly && !text_is(m->recursiveReadOnly, "Disabled"),
			.propagation = text_is(m->mountPropagation, "Bidirectional")     ? SHARED
				       : text_is(m->mountPropagation, "HostToContainer") ? SLAVE
											 : PRIVATE,
		};
	}
	return 0;
}

/* The container's own limits, readable where programs look for them: a cgroup namespace makes "/" of its group. Version 1 has a directory a
 * controller, which is bound, because a hierarchy of several controllers ("cpu,cpuacct") can be mounted only with all their names. */
static int add_cgroup_mounts(const struct sandbox *s, const struct sandbox_container *c,
			     struct oci_spec *spec, bool read_only, struct descriptor_list *fds,
			     struct error *err)
{
	static const enum cgroup_controller shown[] = { CGROUP_CPU, CGROUP_CPUACCT, CGROUP_MEMORY,
							CGROUP_PIDS };
	const uint64_t attributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;

	if (s->cgroups.version == 0)
		return 0;
	if (s->cgroups.version == 2) {
		*list_add(s->arena, &spec->mounts) =
			(struct oci_mount){ .destination = "/sys/fs/cgroup",
					    .type = "cgroup2",
					    .source_fd = -1,
					    .attributes = attributes | (read_only ? MOUNT_ATTR_RDONLY : 0) };
		return 0;
	}
	struct oci_mount top = {
		.destination = "/sys/fs/cgroup", .type = "tmpfs", .source_fd = -1, .attributes = attributes
	};
	*list_add(s->arena, &top.options) = (struct mount_option){ "mode", "755" };
	*list_add(s->arena, &spec->mounts) = top;
	for (size_t i = 0; i < sizeof(shown) / sizeof(*shown); i++) {
		int dir = c->cgroup.dir[shown[i]];
		int fd = dir < 0 ? -1 : mount_copy(dir, "", false);
		if (dir >= 0 && (fd < 0 || !descriptor_list_add(fds, fd)))
			return error_set(err, fd < 0 ? -fd : EMFILE,
					 "cannot copy the mount of the container's cgroup: %s",
					 error_meaning(fd < 0 ? -fd : EMFILE));
		if (fd >= 0)
			*list_add(s->arena, &spec->mounts) =
				(struct oci_mount){ .destination =
							    arena_printf(s->arena, "/sys/fs/cgroup/%s",
									 cgroup_controller_name(shown[i])),
						    .source_fd = fd,
						    .attributes = attributes };
	}
	if (read_only) /* all of it, when what is in it has its place */
		*list_add(s->arena, &spec->readonlyPaths) = "/sys/fs/cgroup";
	return 0;
}

/* /dev/shm is the pod's, as its IPC namespace is. */
static int share_memory(const struct sandbox *s, struct oci_spec *spec, struct descriptor_list *fds,
			struct error *err)
{
	int fd = mount_copy_kept(s->shm, false);

	if (fd < 0 || !descriptor_list_add(fds, fd))
		return error_code(err, fd < 0 ? fd : -EMFILE,
				  "cannot copy the mount of the pod's shared memory");
	list_each(m, &spec->mounts)
		if (text_is(m->destination, "/dev/shm"))
			*m = (struct oci_mount){ .destination = m->destination,
						 .source_fd = fd,
						 .user_namespace = s->user_namespace };
	return 0;
}

/* devpts of its own, held by us, so that a terminal for exec is opened without any path in the container. */
static int add_terminals(const struct sandbox *s, struct sandbox_container *c, struct oci_spec *spec,
			 struct error *err)
{
	char group[16];
	const struct mount_option options[] = {
		{ "newinstance", NULL }, { "ptmxmode", "0666" }, { "mode", "0620" }, { "gid", group }
	};

	snprintf(group, sizeof(group), "%u", mapped_id(s, TTY_GROUP));
	c->devpts = mount_make("devpts", options, 4, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
	if (c->devpts < 0)
		return error_code(err, c->devpts, "cannot make the container's terminals");
	struct oci_mount m = { .destination = "/dev/pts", .source_fd = c->devpts };
	/* After /dev, which is the second of the defaults. */
	list_add(s->arena, &spec->mounts);
	for (size_t i = spec->mounts.n - 1; i > 2; i--)
		spec->mounts.at[i] = spec->mounts.at[i - 1];
	spec->mounts.at[2] = m;
	return 0;
}

/* The child gives them to its user, too, but the root of a user namespace may not give away what is the host's. */
static void give_stdio(const struct sandbox *s, const struct oci_process *p, int fd)
{
	if (s->user_namespace >= 0 && fchown(fd, mapped_id(s, p->uid), (gid_t)-1) < 0)
		log_warning("cannot give standard input or output to the user %u", p->uid);
}

static int open_terminal(int devpts, int *master, struct error *err)
{
	int unlock = 0;

	*master = openat(devpts, "ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (*master < 0 || ioctl(*master, TIOCSPTLCK, &unlock) < 0)
		return error_errno(err, "cannot open a terminal");
	int slave = ioctl(*master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	return slave < 0 ? error_errno(err, "cannot open a terminal") : slave;
}

static int keep(struct descriptor_list *fds, int fd, struct error *err)
{
	return descriptor_list_add(fds, fd)
		       ? 0
		       : error_set(err, EMFILE, "the container has too many descriptors");
}

/* A pipe: OURS, and the container's end, the reading or the WRITING one. */
static int open_pipe(int *ours, int *theirs, bool writing, struct descriptor_list *fds, struct error *err)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_errno(err, "cannot make a pipe");
	*ours = ends[!writing];
	*theirs = ends[writing];
	return keep(fds, *theirs, err);
}

static int open_stdio(const struct sandbox *s, struct sandbox_container *c, const struct oci_process *process,
		      int stdio[3], struct descriptor_list *fds, struct error *err)
{
	int r;

	if (c->spec->tty) {
		stdio[0] = stdio[1] = stdio[2] = open_terminal(c->devpts, &c->out, err);
		if (stdio[0] < 0 || (r = keep(fds, stdio[0], err)) < 0)
			return stdio[0] < 0 ? stdio[0] : r;
		give_stdio(s, process, stdio[0]);
		c->in = fcntl(c->out, F_DUPFD_CLOEXEC, 3);
		return 0;
	}
	if ((r = open_pipe(&c->out, &stdio[1], true, fds, err)) < 0 ||
	    (r = open_pipe(&c->err, &stdio[2], true, fds, err)) < 0)
		return r;
	give_stdio(s, process, stdio[1]);
	give_stdio(s, process, stdio[2]);
	if (c->spec->stdin) {
		if ((r = open_pipe(&c->in, &stdio[0], false, fds, err)) < 0)
			return r;
		give_stdio(s, process, stdio[0]);
		return 0;
	}
	stdio[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	return stdio[0] < 0 ? error_errno(err, "cannot open /dev/null") : keep(fds, stdio[0], err);
}

static int build(struct sandbox *s, struct sandbox_container *c, struct oci_spec *spec,
		 struct descriptor_list *fds, struct error *err)
{
	const struct security_context *cs = c->spec->securityContext;
	bool privileged = cs && cs->privileged.value;
	int r = spec_process(s, c, &spec->process, err);

	if (r < 0)
		return r;
	list_each(layer, &c->image->layers)
		*list_add(s->arena, &spec->root.lower) = *layer;
	spec->root.readonly = cs && cs->readOnlyRootFilesystem.value;
	spec->namespaces = CLONE_NEWCGROUP;
	if (!s->pod->spec.hostPID && !s->pod->spec.shareProcessNamespace.value && !c->target)
		spec->namespaces |= CLONE_NEWPID;
	oci_default_files(spec, privileged, s->arena);
	if (cs && text_is(cs->procMount, "Unmasked"))
		spec->maskedPaths.n = spec->readonlyPaths.n = 0;
	if ((r = make_upper(s, c, &spec->root, err)) < 0 || (r = add_terminals(s, c, spec, err)) < 0)
		return r;
	if ((r = share_memory(s, spec, fds, err)) < 0 ||
	    (r = add_cgroup_mounts(s, c, spec, !privileged, fds, err)) < 0 ||
	    (r = add_pod_files(s, c, spec, fds, err)) < 0)
		return r;
	return add_volumes(s, c, spec, fds, err);
}

/* For the status (KEP-3619: containerStatuses[].user). The groups rarely change from one attempt to the next, and their memory stays. */
static void remember_user(struct sandbox *s, struct sandbox_container *c, const struct oci_process *p)
{
	c->uid = p->uid;
	c->gid = p->gid;
	if (c->groups.n > p->additionalGids.n)
		c->groups.n = p->additionalGids.n;
	while (c->groups.n < p->additionalGids.n)
		list_add(s->arena, &c->groups);
	for (size_t i = 0; i < c->groups.n; i++)
		c->groups.at[i] = p->additionalGids.at[i];
}

static int make_cgroup(struct sandbox *s, struct sandbox_container *c, struct error *err)
{
	const struct security_context *cs = c->spec->securityContext;
	const struct cgroup_limits limits = budget_of_container(s, c->spec);
	int r = cgroup_open(&c->cgroup, &s->cgroups, &s->cgroup, c->spec->name, &limits, err);

	if (r < 0)
		return r;
	if (!(cs && cs->privileged.value))
		return s->devices_limited ? 0 : sandbox_limit_devices(&c->cgroup, err);
	if (s->devices_limited) /* a cgroup cannot have more than the one above it */
		return error_set(
			err, EPERM,
			"a privileged container cannot come into a pod that was started without one");
	return 0;
}

/* Of its target; -1 without one. */
static int open_target(const struct sandbox_container *c, int *fd, struct error *err)
{
	char path[64];

	*fd = -1;
	if (!c->target)
		return 0;
	snprintf(path, sizeof(path), "/proc/%d/ns/pid", (int)c->target);
	*fd = open(path, O_RDONLY | O_CLOEXEC);
	return *fd < 0 ? error_errno(err, "cannot open the process namespace of the target container") : 0;
}

int sandbox_container_create(struct sandbox *s, struct sandbox_container *c, struct error *err)
{
	_cleanup_(descriptor_list_close) struct descriptor_list fds = {};
	struct oci_spec spec = {};
	_cleanup_(seccomp_filter_release) struct seccomp_filter filter = {};
	struct container_setting setting = { .cgroup_fd = -1, .pid_namespace = -1 };
	_cleanup_free_ char *directory = memory_printf("containers/%s/rootfs", c->spec->name);
	_cleanup_free_ char *mount_point = memory_printf("%s/%s", s->run_path, directory);
	_cleanup_arena_ struct arena *a = arena_new();
	struct sandbox temporary = *s; /* the strings of this run go with its start */

	temporary.arena = a;
	c->in = c->out = c->err = c->devpts = -1;
	c->process = CONTAINER_PROCESS_NONE;
	c->cgroup = CGROUP_NONE;
	c->cgroup.system = &s->cgroups;
	int r = file_make_dirs(s->dir, directory, 0700, err);
	if (r == 0)
		r = make_cgroup(s, c, err);
	if (r == 0)
		r = build(&temporary, c, &spec, &fds, err);
	if (r == 0)
		r = spec_filter(&temporary, c->spec, &spec.process, &filter, err);
	if (r == 0 && s->pod->spec.shareProcessNamespace.value)
		r = process_namespace_ensure(s, err);
	temporary.pid_namespace = s->pid_namespace;
	_cleanup_close_ int target = -1;
	if (r == 0)
		r = open_target(c, &target, err);
	if (target >= 0)
		temporary.pid_namespace = target;
	if (r == 0)
		r = mapped_container(&temporary, &spec, mount_point, &fds, err);
	if (r == 0)
		r = open_stdio(s, c, &spec.process, setting.stdio, &fds, err);
	if (r == 0) {
		setting.mount_point = s->user_namespace < 0 ? mount_point : NULL;
		setting.pid_namespace = temporary.pid_namespace;
		setting.cgroup_fd = cgroup_directory(&c->cgroup);
		setting.task_count = cgroup_tasks(&c->cgroup, setting.tasks);
		c->oom_kills = cgroup_oom_kills(&c->cgroup);
		r = container_create(&spec, &setting, &c->process, err);
		if (r == 0) {
			mapped_oom_score(s, c->process.pid, spec.process.oomScoreAdj);
			remember_user(s, c, &spec.process);
		}
		for (int i = 0; i < setting.task_count; i++)
			close(setting.tasks[i]);
	}
	if (r < 0)
		sandbox_container_clean(s, c);
	return r;
}

void sandbox_container_clean(struct sandbox *s, struct sandbox_container *c)
{
	container_process_close(&c->process);
	close_fd(&c->in);
	close_fd(&c->out);
	close_fd(&c->err);
	close_fd(&c->devpts);
	cgroup_close(&c->cgroup);
	cgroup_remove(&s->cgroups, &s->cgroup, c->spec->name);
}

bool sandbox_container_was_oom_killed(const struct sandbox_container *c)
{
	return cgroup_oom_kills(&c->cgroup) > c->oom_kills;
}

const char *sandbox_container_message(const struct sandbox *s, const struct sandbox_container *c,
				      struct arena *a)
{
	char name[NAME_SIZE];

	message_name(c, name);
	_cleanup_close_ int fd = openat(s->files, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	char text[MESSAGE_MAX];
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text));
	return n > 0 ? arena_strndup(a, text, (size_t)n) : NULL;
}

int sandbox_exec(struct sandbox *s, struct sandbox_container *c, const struct exec_wish *wish,
		 struct container_process *p, int *master, struct error *err)
{
	_cleanup_close_ int cgroup = cgroup_directory_of(&c->cgroup, c->process.pid);
	struct exec_setting setting = { .cgroup_fd = cgroup,
					.target_pidfd = c->process.pidfd,
					.pid_namespace = -1 };

	if (s->user_namespace >= 0)
		setting.namespaces = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC |
				     CLONE_NEWUTS | CLONE_NEWCGROUP;
	_cleanup_arena_ struct arena *a = arena_new();
	_cleanup_(seccomp_filter_release) struct seccomp_filter filter = {};
	_cleanup_close_ int slave = -1, pid_namespace = -1;
	struct oci_process process;
	struct sandbox temporary = *s; /* the strings of this exec go with it */
	char path[64];

	temporary.arena = a;
	*master = -1;
	int r = spec_process(&temporary, c, &process, err);
	if (r == 0)
		r = spec_filter(&temporary, c->spec, &process, &filter, err);
	if (r < 0)
		return r;
	if (wish->user && (r = spec_user(&temporary, c, wish->user, &process, err)) < 0)
		return r;
	process.args.n = 0;
	list_each(word, &wish->argv)
		*list_add(a, &process.args) = *word;
	list_each(e, &wish->env)
		*list_add(a, &process.env) = *e;
	process.cwd = wish->cwd ? wish->cwd : process.cwd;
	process.terminal = wish->tty;
	if (wish->tty) {
		slave = open_terminal(c->devpts, master, err);
		if (slave < 0)
			return slave;
		give_stdio(s, &process, slave);
	}
	for (int i = 0; i < 3; i++)
		setting.stdio[i] = wish->tty ? slave : wish->stdio[i];
	if (!s->pod->spec.hostPID) {
		snprintf(path, sizeof(path), "/proc/%d/ns/pid", (int)c->process.pid);
		pid_namespace = setting.pid_namespace = open(path, O_RDONLY | O_CLOEXEC);
	}
	setting.task_count = cgroup_tasks(&c->cgroup, setting.tasks);
	r = container_exec(&process, &setting, p, err);
	for (int i = 0; i < setting.task_count; i++)
		close(setting.tasks[i]);
	if (r < 0)
		close_fd(master);
	return r;
}
