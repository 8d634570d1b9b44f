/* commit.c — seapod commit: a container as an image, its own changes as one more layer (docker commit).
 *
 * What the container has written is packed from its upper directory by seapod-build, as that of a RUN is; volumes are no part of it. A container that
 * runs is stopped meanwhile by its cgroup, so the layer is of one moment. A second process, the guard, lets it go on and removes the scratch directory when
 * the command has ended, however it ended.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/build.h"
#include "cli/commands.h"
#include "cli/pods.h"
#include "image/reference.h"
#include "linux/cgroup.h"
#include "sandbox/launch.h"
#include "sandbox/name.h"

const struct option_spec commit_options[] = {
	{ "namespace", 'n', "NAME", "the namespace" },
	{ "author", 'a', "NAME", "who made it" },
	{ "message", 'm', "TEXT", "what was changed" },
	{ "change", 'c', "INSTRUCTION", "change the configuration (CMD, ENV ...)" },
	{ "quiet", 'q', NULL, "print the image's id only" },
	{},
};

struct commit {
	struct context *x;
	const char *pod, *container, *author, *message;
	struct strings changes;
	struct found_pod found;
	const struct launch_image *image;
	struct cgroup_system system;
	struct cgroup cgroup; /* of a container that runs */
	struct build build;
};

/* --- which container ---------------------------------------------------------------------------------------------------------- */

/* "POD" or "POD/CONTAINER"; "pod/POD", too. */
static void split_name(struct commit *c, const char *name)
{
	if (text_starts(name, "pod/") || text_starts(name, "pods/") || text_starts(name, "po/"))
		name = strchr(name, '/') + 1;
	const char *slash = strchr(name, '/');
	c->pod = slash ? arena_strndup(c->x->arena, name, (size_t)(slash - name)) : name;
	c->container = slash ? slash + 1 : NULL;
}

static const struct container *find_container(const struct commit *c)
{
	const struct pod_spec *spec = &c->found.pod->spec;

	list_each(one, &spec->containers)
		if (text_is(one->name, c->container))
			return one;
	list_each(one, &spec->initContainers)
		if (text_is(one->name, c->container))
			return one;
	return NULL;
}

static int find(struct commit *c, struct error *err)
{
	struct context *x = c->x;
	_cleanup_free_ char *text = NULL;
	size_t size;
	int r = pods_find(&x->in, x->namespace, c->pod, x->arena, &c->found, err);

	if (r < 0)
		return r;
	const struct pod *pod = c->found.pod;
	if (!c->container && pod->spec.containers.n != 1)
		return usage_error(err, "the pod '%s' has several containers: say which one (%s/%s)", c->pod,
				   c->pod, pod->spec.containers.at[0].name);
	if (!c->container)
		c->container = pod->spec.containers.at[0].name;
	_cleanup_free_ char *path = memory_printf("pods/%s/launch.json", pod->metadata.uid);
	r = file_read(x->in.runfd, path, NODE_BYTES_MAX, &text, &size, err);
	struct launch *launch = r < 0 ? NULL : launch_read(text, size, x->arena, err);
	if (!launch)
		return -err->code;
	c->image = launch_find_image(launch, c->container);
	if (!c->image || !find_container(c))
		return error_set(err, ENOENT, "the pod '%s' has no container '%s'", c->pod, c->container);
	return 0;
}

static bool runs(const struct commit *c)
{
	const struct pod_status *status = &c->found.pod->status;

	if (!c->found.alive)
		return false;
	list_each(one, &status->containerStatuses)
		if (text_is(one->name, c->container))
			return one->state.running;
	list_each(one, &status->initContainerStatuses)
		if (text_is(one->name, c->container))
			return one->state.running;
	return false;
}

/* --- stopping it ---------------------------------------------------------------------------------------------------------------- */

static int find_cgroup(struct commit *c, struct error *err)
{
	struct cgroup base = CGROUP_NONE, pod = CGROUP_NONE;
	int r = cgroup_probe(&c->system, err);

	if (r < 0)
		return r;
	r = cgroup_find(&base, &c->system, NULL, c->x->in.cgroup);
	if (r == 0)
		r = cgroup_find(&pod, &c->system, &base,
				arena_printf(c->x->arena, "pod%s", c->found.pod->metadata.uid));
	if (r == 0)
		r = cgroup_find(&c->cgroup, &c->system, &pod, c->container);
	cgroup_close(&pod);
	cgroup_close(&base);
	return r < 0 ? error_set(err, -r, "cannot find the cgroup of the container '%s'", c->container) : 0;
}

/* Waits for the end of the command, however it comes. */
static void guard(struct commit *c, int end, bool stopped)
{
	char byte;

	setsid();
	for (int s = 1; s < NSIG; s++)
		signal(s, SIG_IGN);
	while (read(end, &byte, 1) < 0 && errno == EINTR)
		;
	if (stopped)
		cgroup_freeze(&c->cgroup, false);
	file_remove_tree(AT_FDCWD, c->build.scratch, NULL);
	unlinkat(c->x->in.rootfd, "tmp", AT_REMOVEDIR);
	_exit(0);
}

/* The guard is there before the container stops. Its pid; *END: closed, it does its work. */
static pid_t start_guard(struct commit *c, bool stop, int *end, struct error *err)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_errno(err, "cannot make a pipe");
	fflush(NULL);
	pid_t pid = fork();
	if (pid == 0) {
		close(ends[1]);
		guard(c, ends[0], stop);
	}
	close(ends[0]);
	*end = ends[1];
	return pid < 0 ? error_errno(err, "cannot start a process") : pid;
}

static int stop(struct commit *c, struct error *err)
{
	int r = cgroup_freeze(&c->cgroup, true);

	return r < 0 ? error_set(err, -r, "cannot stop the container '%s' while it is read: %s", c->container,
				 r == -EOPNOTSUPP ? "this machine has no cgroup freezer" : error_meaning(-r))
		     : 0;
}

/* --- the image ------------------------------------------------------------------------------------------------------------------- */

static int change_config(struct commit *c, struct error *err)
{
	struct build_stage *s = &c->build.stages.at[0];
	const struct variables none = { .escape = '\\' };
	struct image_change change = {
		.config = s->config, .variables = &none, .arena = c->x->arena, .err = err
	};
	int r = 0;

	list_each(text, &c->changes) {
		struct dockerfile file = {};
		if (r == 0)
			r = dockerfile_parse("--change", *text, strlen(*text), c->x->arena, &file, err);
		list_each(i, &file.instructions) {
			if (r == 0 && !config_has(i->keyword))
				r = error_set(err, EINVAL, "--change takes no %s", i->keyword);
			if (r == 0)
				r = config_change(&change, i);
		}
	}
	return r;
}

/* What is mounted in the container, and is no change of it. */
static void add_stubs(struct commit *c, struct build_step *step)
{
	static const char *const always[] = { "/etc/hosts", "/etc/hostname", "/etc/resolv.conf",
					      "/dev",       "/proc",         "/sys" };
	const struct container *container = find_container(c);

	for (size_t n = 0; n < sizeof(always) / sizeof(*always); n++)
		*list_add(c->x->arena, &step->stubs) = always[n];
	list_each(mount, &container->volumeMounts)
		*list_add(c->x->arena, &step->stubs) = mount->mountPath;
}

static int add_changes(struct commit *c)
{
	struct build *b = &c->build;
	struct arena *a = c->x->arena;
	struct built_layer layer = {};
	struct build_step step = { .epoch = -1, .lives = true, .lower = b->stages.at[0].lower };

	const struct optional_bool *host = &c->found.pod->spec.hostUsers;
	step.mapped = host->set && !host->value;
	step.scratch = b->scratch;
	step.upper = arena_printf(a, "%s/pods/%s/container.%s/upper", c->x->in.root,
				  c->found.pod->metadata.uid, c->container);
	if (!file_exists(AT_FDCWD, step.upper))
		return error_set(b->err, ENOENT,
				 "the container '%s' has not started yet"
				 "root is read-only",
				 c->container);
	add_stubs(c, &step);
	int r = build_ask_layer(b, "pack", &step, &layer);
	if (r <= 0)
		return r < 0 ? r : error_set(b->err, EIO, "the layer was not made");
	build_add_layer(b, &layer);
	struct node *history =
		build_add_history(b, arena_printf(a, "seapod commit %s/%s", c->pod, c->container), true);
	if (c->message)
		node_put(a, history, "comment", node_string(a, c->message));
	if (c->author) {
		node_put(a, history, "author", node_string(a, c->author));
		node_put(a, b->stages.at[0].whole, "author", node_string(a, c->author));
	}
	return 0;
}

static int make_image(struct commit *c, struct error *err)
{
	struct image image;
	int r = image_resolve(&c->x->in, c->image->id, c->x->arena, &image, err);

	if (r == 0)
		r = build_begin_from(&c->build, &image, list_add(c->x->arena, &c->build.stages));
	if (r == 0)
		r = change_config(c, err);
	if (r == 0 && c->cgroup.system)
		r = stop(c, err);
	return r < 0 ? r : add_changes(c);
}

/* --- the whole --------------------------------------------------------------------------------------------------------------------- */

static int read_arguments(struct commit *c, struct options *o, struct error *err)
{
	const struct option_spec *option;
	struct context *x = c->x;
	const char *value;
	int r;

	while ((r = options_next(o, &option, &value, err)) > 0) {
		if (option->letter == 'n')
			use_namespace(x, value);
		else if (option->letter == 'a')
			c->author = value;
		else if (option->letter == 'm')
			c->message = value;
		else if (option->letter == 'c')
			*list_add(x->arena, &c->changes) = value;
		else
			c->build.quiet = true;
	}
	if (r < 0 || !need(o, 0, "a container", err) || !need(o, 1, "a name for the image", err))
		return -EXIT_USAGE;
	split_name(c, o->positional[0]);
	const char *name = o->positional[1];
	name = reference_has_registry(name) ? name : arena_printf(x->arena, "localhost/%s", name);
	c->build.name = reference_complete(name, x->arena, err);
	return c->build.name ? 0 : -err->code;
}

static int begin(struct commit *c)
{
	char uid[UID_SIZE];

	uid_make(uid);
	c->build.scratch = arena_printf(c->x->arena, "%s/tmp/commit-%.8s", c->x->in.root, uid);
	return file_make_dirs(AT_FDCWD, c->build.scratch, 0700, c->build.err);
}

int run_commit(struct context *x, int argc, char **argv, struct error *err)
{
	struct commit *c = arena_one(x->arena, struct commit);
	struct options o;
	int end = -1;

	*c = (struct commit){ .x = x, .cgroup = CGROUP_NONE, .build = { .x = x, .err = err, .epoch = -1 } };
	options_begin(&o, x->command, argc, argv);
	int r = read_arguments(c, &o, err);
	_cleanup_close_ int hold = r < 0 ? -1 : store_hold(&x->in, err);
	if (hold < 0)
		return r < 0 ? r : -err->code;
	r = find(c, err);
	if (r == 0 && runs(c))
		r = find_cgroup(c, err);
	if (r == 0)
		r = begin(c);
	pid_t pid = r < 0 ? r : start_guard(c, c->cgroup.system, &end, err);
	if (pid < 0)
		return pid;
	r = make_image(c, err);
	close_fd(&end); /* the container goes on; the image has all of it */
	waitpid(pid, NULL, 0);
	const char *id = r < 0 ? NULL : build_commit(&c->build);
	if (id && c->build.quiet)
		printf("%s", id);
	else if (id)
		printf("image/%s committed\n", c->build.name);
	return id ? 0 : -err->code;
}
