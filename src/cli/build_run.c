/* build_run.c — RUN: a pod of one container, whose upper directory becomes a layer.
 *
 * The container is one as every other, with the stage's layers and config; what it says is shown as it comes. --mount makes volumes of the pod:
 * what is mounted is in no layer, nor are the empty files and directories that were made to mount on.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "api/annotations.h"
#include "base/clock.h"
#include "base/file.h"
#include "cli/build.h"
#include "cli/pods.h"
#include "cli/session.h"
#include "cli/start.h"
#include "image/layer.h"
#include "sandbox/launch.h"
#include "sandbox/name.h"
#include "sandbox/sandbox.h"

enum { OUTPUT_MAX = 16 * 1024 * 1024 };

struct running {
	struct build *b;
	struct build_stage *stage;
	const struct instruction *i;
	struct pod pod;
	struct container *container;
	struct launch launch;
	struct build_step step;
};

/* --- --mount ---------------------------------------------------------------------------------------------------------------- */

struct mount_wish {
	const char *type, *id, *source, *target;
	bool writable, required;
};

static int read_mount(struct running *r, const char *text, struct mount_wish *m)
{
	struct arena *a = r->b->x->arena;
	char *rest = arena_strdup(a, text), *part;

	*m = (struct mount_wish){ .type = "bind" };
	while ((part = strsep(&rest, ","))) {
		char *value = strchr(part, '=');
		if (value)
			*value++ = '\0';
		const char *v = word_expand(value ? value : "", &r->stage->variables, a, r->b->err);
		if (!v)
			return -EINVAL;
		if (text_is(part, "type"))
			m->type = v;
		else if (text_is(part, "id"))
			m->id = v;
		else if (text_is(part, "source") || text_is(part, "src"))
			m->source = v;
		else if (text_is(part, "target") || text_is(part, "dst") || text_is(part, "destination"))
			m->target = v;
		else if (text_is(part, "rw") || text_is(part, "readwrite"))
			m->writable = !text_is(v, "false");
		else if (text_is(part, "required"))
			m->required = !text_is(v, "false");
		else if (!text_is(part, "ro") && !text_is(part, "readonly") && !text_is(part, "sharing") &&
			 !text_is(part, "size"))
			return error_set(r->b->err, EINVAL, "--mount has no option '%s' here", part);
	}
	return 0;
}

static struct volume *add_volume(struct running *r, const struct mount_wish *m, bool read_only,
				 const char *sub)
{
	struct arena *a = r->b->x->arena;
	struct volume *v = list_add(a, &r->pod.spec.volumes);

	v->name = arena_printf(a, "v%zu", r->pod.spec.volumes.n);
	*list_add(a, &r->container->volumeMounts) = (struct volume_mount){
		.name = v->name, .mountPath = m->target, .readOnly = read_only, .subPath = sub
	};
	*list_add(a, &r->step.stubs) = m->target;
	return v;
}

static void add_host_path(struct running *r, struct volume *v, const char *path, const char *type)
{
	v->hostPath = arena_one(r->b->x->arena, struct host_path_volume);
	*v->hostPath = (struct host_path_volume){ path, type };
}

/* The directory of a cache is named by its id, in hexadecimal digits: any id is a name. */
static int mount_cache(struct running *r, struct mount_wish *m)
{
	struct context *x = r->b->x;
	_cleanup_text_ struct text name = {};

	for (const char *s = m->id ? m->id : m->target; *s && name.n < 200; s++)
		text_printf(&name, "%02x", (unsigned char)*s);
	const char *path = arena_printf(x->arena, "%s/cache/mounts/%s", x->in.root, text_str(&name));
	int result = file_make_dirs(AT_FDCWD, path, 0755, r->b->err);
	add_host_path(r, add_volume(r, m, false, NULL), path, "Directory");
	return result;
}

/* The source is found by the keeper, below the context and nowhere else (subPath). */
static int mount_bind(struct running *r, struct mount_wish *m)
{
	if (m->writable)
		return error_set(r->b->err, EINVAL, "--mount=type=bind,rw is not done");
	const char *source = text_empty(m->source) ? "" : m->source + strspn(m->source, "/");
	add_host_path(r, add_volume(r, m, true, text_is(source, ".") ? "" : source), r->b->directory,
		      "Directory");
	return 0;
}

static int mount_tmpfs(struct running *r, struct mount_wish *m)
{
	struct volume *v = add_volume(r, m, false, NULL);

	v->emptyDir = arena_one(r->b->x->arena, struct empty_dir_volume);
	v->emptyDir->medium = "Memory";
	return 0;
}

static int mount_secret(struct running *r, struct mount_wish *m)
{
	struct build *b = r->b;
	const char *id = m->id ? m->id : m->target;

	if (!id)
		return error_set(b->err, EINVAL, "--mount=type=secret needs an id");
	if (!m->target)
		m->target = arena_printf(b->x->arena, "/run/secrets/%s", id);
	list_each(secret, &b->secrets)
		if (text_is(secret->key, id)) {
			add_host_path(r, add_volume(r, m, true, NULL), secret->value, "File");
			return 0;
		}
	return m->required ? error_set(b->err, EINVAL,
				       "the secret '%s' was not given (--secret id=%s,src=FILE)", id, id)
			   : 0;
}

static const struct {
	const char *type;
	int (*mount)(struct running *r, struct mount_wish *m);
} mounts[] = {
	{ "cache", mount_cache }, { "bind", mount_bind }, { "tmpfs", mount_tmpfs }, { "secret", mount_secret }
};

static int add_mount(struct running *r, const char *text)
{
	struct mount_wish m;
	int result = read_mount(r, text, &m);

	if (result < 0)
		return result;
	if (!m.target && !text_is(m.type, "secret"))
		return error_set(r->b->err, EINVAL, "--mount=%s needs a target", text);
	if (m.target && *m.target != '/') {
		const char *dir = node_get_string(r->stage->config, "WorkingDir");
		m.target = arena_printf(r->b->x->arena, "%s/%s", text_empty(dir) ? "" : dir, m.target);
	}
	for (size_t n = 0; n < sizeof(mounts) / sizeof(*mounts); n++)
		if (text_is(mounts[n].type, m.type))
			return mounts[n].mount(r, &m);
	return error_set(r->b->err, EINVAL, "--mount=type=%s is not done (bind, cache, tmpfs, secret)",
			 m.type);
}

static int add_flags(struct running *r)
{
	int result = 0;

	list_each(flag, &r->i->flags) {
		if (result == 0 && text_is(flag->name, "mount"))
			result = add_mount(r, flag->value);
		else if (result == 0 && !text_is(flag->name, "network"))
			result = error_set(r->b->err, EINVAL, "there is no flag --%s here", flag->name);
	}
	return result;
}

/* --- the pod ------------------------------------------------------------------------------------------------------------------ */

static void copy_strings(struct arena *a, const struct node *list, struct strings *out)
{
	if (list && list->kind == NODE_LIST)
		list_each(item, &list->items)
			*list_add(a, out) = (*item)->text;
}

/* What the shell is given: the text, with its here-documents behind it; one that is all there is to run is the command itself. */
static void add_command(struct running *r, struct strings *words)
{
	struct arena *a = r->b->x->arena;
	const struct instruction *i = r->i;
	const char *end = i->text + strcspn(i->text, " \t");

	if (i->exec) {
		*words = i->words;
		return;
	}
	config_shell(r->stage->config, a, words);
	bool alone = i->heredocs.n == 1 && text_starts(i->text, "<<") && !*end;
	*list_add(a, words) = alone               ? i->heredocs.at[0].text
			      : i->heredocs.n > 0 ? arena_printf(a, "%s\n%s", i->text, i->tail)
						  : i->text;
}

static int add_image(struct running *r)
{
	struct context *x = r->b->x;
	const struct node *config = r->stage->config;
	struct launch_image *image = list_add(x->arena, &r->launch.images);
	char path[PATH_MAX];
	int result = 0;

	*image =
		(struct launch_image){ .container = r->container->name, .reference = "build", .id = "build" };
	copy_strings(x->arena, node_get(config, "Env"), &image->config.Env);
	const struct variables env = { .pairs = image->config.Env };
	list_each(arg, &r->stage->args) /* ENV wins over ARG */
		if (!variable_find(&env, *arg, strcspn(*arg, "=")))
			*list_add(x->arena, &image->config.Env) = *arg;
	image->config.WorkingDir = node_get_string(config, "WorkingDir");
	image->config.User = node_get_string(config, "User");
	add_command(r, &image->config.Cmd);
	list_each(id, &r->stage->lower) {
		if (result == 0)
			result = layer_ready(&x->in, *id, path, r->b->err);
		*list_add(x->arena, &image->layers) = arena_strdup(x->arena, path);
	}
	return result;
}

static int make_pod(struct running *r)
{
	struct context *x = r->b->x;
	char uid[UID_SIZE], now[CLOCK_TEXT_SIZE];
	const char *network =
		instruction_flag(r->i, "network") ? instruction_flag(r->i, "network") : r->b->network;
	struct problems problems = { .arena = x->arena };

	uid_make(uid);
	r->pod.metadata.uid = arena_strdup(x->arena, uid);
	r->pod.metadata.creationTimestamp = arena_strdup(x->arena, clock_rfc3339(clock_wall(), now));
	r->pod.metadata.name = r->container->name = r->b->pod;
	r->pod.metadata.namespace = "default";
	r->pod.spec.restartPolicy = "Never";
	r->pod.spec.hostNetwork = text_is(network, "host");
	if (text_is(network, "none"))
		*list_add(x->arena, &r->pod.metadata.annotations) =
			(struct string_pair){ NETWORK_ANNOTATION, "none" };
	r->container->image = "build";
	int result = add_flags(r);
	if (result < 0)
		return result;
	object_defaults(&pod_table, &r->pod, x->arena);
	pod_defaults(&r->pod, x->arena);
	if (!pod_validate(&r->pod, &problems))
		return error_set(r->b->err, EINVAL, "%s", problems.errors.at[0].text);
	return 0;
}

/* Shows what the program says, or keeps it until it is known that it failed. The program's exit code. */
static int attach(struct running *r, int fd)
{
	struct build *b = r->b;
	int keep[2] = { dup(STDOUT_FILENO), dup(STDERR_FILENO) };
	_cleanup_close_ int output = b->quiet ? memfd_create("output", MFD_CLOEXEC) : -1;
	sigset_t before;

	fflush(NULL);
	if (output >= 0) {
		dup2(output, STDOUT_FILENO);
		dup2(output, STDERR_FILENO);
	}
	sigprocmask(SIG_SETMASK, NULL, &before);
	int code = session_attach(b->x, fd, b->pod, false, false, b->err);
	dup2(keep[0], STDOUT_FILENO);
	dup2(keep[1], STDERR_FILENO);
	close(keep[0]);
	close(keep[1]);
	_cleanup_free_ char *text = NULL;
	size_t size;
	if (output >= 0 && code != 0 && lseek(output, 0, SEEK_SET) == 0 &&
	    file_read_fd(output, "output", OUTPUT_MAX, &text, &size, NULL) == 0)
		write_all(STDERR_FILENO, text, size);
	sigprocmask(SIG_SETMASK, &before, NULL); /* whoever wants an end gets it now */
	return code;
}

/* Why the container could not be started; NULL: it was. */
static const char *start_error(struct running *r)
{
	struct found_pod found;
	struct context *x = r->b->x;

	if (pods_find(&x->in, "default", r->b->pod, x->arena, &found, NULL) < 0 ||
	    found.pod->status.containerStatuses.n == 0)
		return NULL;
	const struct state_terminated *end = found.pod->status.containerStatuses.at[0].state.terminated;
	return end && text_is(end->reason, "StartError") ? end->message : NULL;
}

static int run_pod(struct running *r)
{
	struct context *x = r->b->x;
	struct reply reply = {};
	_cleanup_text_ struct text text = {};
	_cleanup_message_fds_ struct message_fds fds = {};

	r->launch.pod = r->pod;
	r->launch.hold = true;
	node_to_json(object_encode(&launch_table, &r->launch, x->arena), false, &text);
	_cleanup_close_ int watch = keeper_spawn(&x->in, text.at, text.n, r->b->err);
	int result = watch < 0 ? watch : reply_receive(watch, x->arena, &reply, &fds, r->b->err);
	if (result > 0 && text_is(reply.event, "error"))
		return error_set(r->b->err, EREMOTEIO, "%s", reply.error);
	if (result <= 0)
		return result < 0 ? result : error_set(r->b->err, ECONNRESET, "the pod's keeper has ended");
	_cleanup_close_ int fd = keeper_connect(&x->in, r->pod.metadata.uid, r->b->err);
	int code = fd < 0 ? fd : attach(r, fd);
	pod_wait_end(x, watch, NULL);
	const char *why = code == 0 ? NULL : start_error(r);
	if (why)
		return error_set(r->b->err, EREMOTEIO, "%s", why);
	return code > 0   ? error_set(r->b->err, EREMOTEIO, "the command ended with the exit code %d", code)
	       : code < 0 ? -r->b->err->code
			  : 0;
}

/* What is mounted in every container. */
static void add_stubs(struct running *r)
{
	static const char *const stubs[] = { "/etc/hosts", "/etc/hostname", "/etc/resolv.conf",
					     "/dev",       "/proc",         "/sys" };

	for (size_t n = 0; n < sizeof(stubs) / sizeof(*stubs); n++)
		*list_add(r->b->x->arena, &r->step.stubs) = stubs[n];
}

int build_run(struct build *b, struct build_stage *s, const struct instruction *i,
	      const struct build_step *step, struct built_layer *layer)
{
	struct arena *a = b->x->arena;
	struct running *r = arena_one(a, struct running);

	*r = (struct running){ .b = b, .stage = s, .i = i, .step = *step };
	r->pod = (struct pod){ .apiVersion = "v1", .kind = "Pod" };
	r->container = list_add(a, &r->pod.spec.containers);
	if (s->lower.n == 0)
		return error_set(b->err, EINVAL, "nothing can run: the stage has no files yet");
	int result = make_pod(r);
	if (result == 0)
		result = add_image(r);
	if (result == 0)
		result = run_pod(r);
	if (result < 0)
		return result;
	add_stubs(r);
	r->step.upper =
		arena_printf(a, "%s/pods/%s/container.%s/upper", b->x->in.root, r->pod.metadata.uid, b->pod);
	result = build_ask_layer(b, "pack", &r->step, layer);
	sandbox_sweep(&b->x->in, r->pod.metadata.uid, "default", b->pod);
	return result < 0 ? result : 0;
}
