/* build.c — seapod build: an image from a Dockerfile (Dockerfile reference; docs/build.md says what of it).
 *
 * The command reads the file and goes through it; files and layers are made by the program seapod-build (build/step.h), commands run in pods.
 * Whatever ends the command, a second process, the guard, outlives it for as long as it takes to remove what the build had on its way: the pod of
 * a RUN and the scratch directory. It is the only one that removes them, so there is one way to do it.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/build.h"
#include "cli/commands.h"
#include "cli/pods.h"
#include "cli/start.h"
#include "image/reference.h"
#include "image/store.h"
#include "object/json.h"
#include "sandbox/name.h"
#include "sandbox/sandbox.h"

enum { ANSWER_MAX = 64 * 1024, IGNORE_MAX = 1024 * 1024 };

const struct option_spec build_options[] = {
	{ "tag", 't', "NAME", "the image's name" },
	{ "file", 'f', "FILE", "the file (Containerfile or Dockerfile in DIR)" },
	{ "build-arg", 0, "NAME=VALUE", "a value for an ARG" },
	{ "target", 0, "STAGE", "build as far as this stage" },
	{ "no-cache", 0, NULL, "make every layer anew" },
	{ "secret", 0, "id=ID,src=FILE", "a file for RUN --mount=type=secret" },
	{ "network", 0, "bridge|none|host", "the network of RUN" },
	{ "quiet", 'q', NULL, "print the image's id only" },
	{},
};

/* --- the worker ---------------------------------------------------------------------------------------------------------- */

static void execute_worker(struct build *b, const char *verb, const char *step, int answer, int words)
{
	char path[PATH_MAX];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(answer, STDOUT_FILENO);
	dup2(words, STDERR_FILENO);
	instance_helper("seapod-build", path);
	execl(path, "seapod-build", b->x->in.root, b->x->in.run, verb, step, NULL);
	dprintf(words, "cannot execute '%s'", path);
	_exit(1);
}

static const char *read_back(struct build *b, int fd)
{
	_cleanup_free_ char *text = NULL;

	lseek(fd, 0, SEEK_SET);
	if (file_read_fd(fd, "the worker's words", ANSWER_MAX, &text, NULL, b->err) < 0)
		return "";
	return arena_strdup(b->x->arena, text);
}

const char *build_ask(struct build *b, const char *verb, const struct build_step *step)
{
	_cleanup_close_ int answer = memfd_create("answer", MFD_CLOEXEC),
			    words = memfd_create("words", MFD_CLOEXEC);
	_cleanup_text_ struct text text = {};
	int status = 0;

	node_to_json(object_encode(&build_step_table, step, b->x->arena), false, &text);
	fflush(NULL);
	pid_t pid = answer < 0 || words < 0 ? -1 : fork();
	if (pid == 0)
		execute_worker(b, verb, text_str(&text), answer, words);
	if (pid < 0 || waitpid(pid, &status, 0) < 0) {
		error_errno(b->err, "cannot start seapod-build");
		return NULL;
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return read_back(b, answer);
	const char *why = read_back(b, words);
	error_set(b->err, EREMOTEIO, "%s", *why ? why : "the step was broken off");
	return NULL;
}

int build_ask_layer(struct build *b, const char *verb, const struct build_step *step,
		    struct built_layer *layer)
{
	struct problems ignored = { .arena = b->x->arena };
	const char *text = build_ask(b, verb, step);
	struct node *n = text && *text ? node_from_json(b->x->arena, text, strlen(text), b->err) : NULL;

	if (!text)
		return -b->err->code;
	return n && object_decode(&built_layer_table, n, layer, b->x->arena, NULL, &ignored);
}

/* --- the guard ------------------------------------------------------------------------------------------------------------ */

static void remove_pod(struct build *b)
{
	struct context *x = b->x;
	struct found_pod found;
	struct reply reply = {};

	if (pods_find(&x->in, "default", b->pod, x->arena, &found, NULL) < 0)
		return;
	_cleanup_close_ int fd = found.alive ? keeper_connect(&x->in, found.pod->metadata.uid, NULL) : -1;
	if (fd >= 0 && keeper_ask(fd, x->arena, &(struct request){ .verb = "delete", .force = true }, NULL,
				  &reply, NULL, NULL) == 0)
		pod_wait_end(x, fd, NULL);
	if (pods_find(&x->in, "default", b->pod, x->arena, &found, NULL) == 0 && !found.alive)
		sandbox_sweep(&x->in, found.pod->metadata.uid, "default", b->pod);
}

/* Waits for the end of the command, however it comes, and tidies. */
static void guard(struct build *b, int end)
{
	char byte;

	setsid();
	for (int s = 1; s < NSIG; s++)
		signal(s, SIG_IGN);
	while (read(end, &byte, 1) < 0 && errno == EINTR)
		;
	remove_pod(b);
	file_remove_tree(AT_FDCWD, b->scratch, NULL);
	unlinkat(b->x->in.rootfd, "tmp", AT_REMOVEDIR);
	_exit(0);
}

/* Its pid; *END: closed, it begins to tidy. */
static pid_t start_guard(struct build *b, int *end)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_errno(b->err, "cannot make a pipe");
	fflush(NULL);
	pid_t pid = fork();
	if (pid == 0) {
		close(ends[1]);
		guard(b, ends[0]);
	}
	close(ends[0]);
	*end = ends[1];
	return pid < 0 ? error_errno(b->err, "cannot start a process") : pid;
}

/* --- arguments -------------------------------------------------------------------------------------------------------------- */

static int add_secret(struct build *b, const char *value)
{
	struct string_pair secret = {};
	char *rest = arena_strdup(b->x->arena, value), *part;

	while ((part = strsep(&rest, ",")))
		if (text_starts(part, "id="))
			secret.key = part + 3;
		else if (text_starts(part, "src="))
			secret.value = realpath(part + 4, NULL);
		else if (text_starts(part, "source="))
			secret.value = realpath(part + 7, NULL);
	if (!secret.key || !secret.value)
		return usage_error(b->err,
				   "the secret '%s' is wrong: it is id=ID,src=FILE, and FILE must be there",
				   value);
	*list_add(b->x->arena, &b->secrets) =
		(struct string_pair){ secret.key, arena_strdup(b->x->arena, secret.value) };
	free((char *)secret.value);
	return 0;
}

static int take_option(struct build *b, const char *name, const char *value, const char **file)
{
	if (text_is(name, "tag"))
		b->name = value;
	else if (text_is(name, "file"))
		*file = value;
	else if (text_is(name, "build-arg"))
		*list_add(b->x->arena, &b->wishes) = value;
	else if (text_is(name, "target"))
		b->target = value;
	else if (text_is(name, "network"))
		b->network = value;
	else if (text_is(name, "secret"))
		return add_secret(b, value);
	else if (text_is(name, "no-cache"))
		b->fresh = true;
	else
		b->quiet = true;
	return 0;
}

/* A Containerfile, a Dockerfile, or the FILE that was given. */
static int read_file(struct build *b, const char *file)
{
	static char *text;
	size_t size;
	_cleanup_close_ int dir = file_open_dir(AT_FDCWD, b->directory, 0, b->err);

	if (dir < 0)
		return dir;
	const char *name = file ? file : file_exists(dir, "Containerfile") ? "Containerfile" : "Dockerfile";
	int r = file_read(file ? AT_FDCWD : dir, name, DOCKERFILE_BYTES_MAX, &text, &size, b->err);
	if (r == 0)
		r = dockerfile_parse(name, text, size, b->x->arena, &b->file, b->err);
	free(text);
	char *ignore = NULL;
	const char *other = file_exists(dir, ".containerignore") ? ".containerignore" : ".dockerignore";
	if (r == 0 && file_exists(dir, other) &&
	    (r = file_read(dir, other, IGNORE_MAX, &ignore, NULL, b->err)) == 0)
		b->ignore = arena_strdup(b->x->arena, ignore);
	free(ignore);
	return r;
}

static int read_epoch(struct build *b)
{
	const char *text = getenv("SOURCE_DATE_EPOCH");
	long long value = -1;

	if (!text_empty(text) && text_to_int(text, 0, INT64_C(1) << 40, &value) < 0)
		return error_set(b->err, EINVAL, "SOURCE_DATE_EPOCH=%s is no number of seconds", text);
	b->epoch = value;
	return 0;
}

static int read_arguments(struct build *b, struct options *o)
{
	const struct option_spec *option;
	const char *value, *file = NULL;
	int r;

	while ((r = options_next(o, &option, &value, b->err)) > 0)
		if ((r = take_option(b, option->name, value, &file)) < 0)
			return r;
	if (r < 0 || !need(o, 0, "a directory", b->err))
		return -EXIT_USAGE;
	if (!b->name)
		return usage_error(b->err, "build needs a name for the image (-t NAME)");
	if (!text_is(b->network, "bridge") && !text_is(b->network, "none") && !text_is(b->network, "host"))
		return usage_error(b->err, "the network '%s' is not one of bridge, none and host",
				   b->network);
	_cleanup_free_ char *directory = realpath(o->positional[0], NULL);
	if (!directory)
		return error_errno(b->err, "cannot read the directory '%s'", o->positional[0]);
	b->directory = arena_strdup(b->x->arena, directory);
	b->name = reference_has_registry(b->name) ? b->name
						  : arena_printf(b->x->arena, "localhost/%s", b->name);
	b->name = reference_complete(b->name, b->x->arena, b->err);
	if (!b->name || (r = read_epoch(b)) < 0)
		return -b->err->code;
	return read_file(b, file);
}

/* --- the whole --------------------------------------------------------------------------------------------------------------- */

static int begin(struct build *b)
{
	char uid[UID_SIZE];

	uid_make(uid);
	b->pod = arena_printf(b->x->arena, "build-%.8s", uid);
	b->scratch = arena_printf(b->x->arena, "%s/tmp/%s", b->x->in.root, b->pod);
	return file_make_dirs(AT_FDCWD, b->scratch, 0700, b->err);
}

const char *build_commit(struct build *b)
{
	const struct build_stage *last = &b->stages.at[b->stages.n - 1];
	const struct build_step step = { .name = b->name, .config = last->whole, .layers = last->layers };

	return build_ask(b, "commit", &step);
}

static int commit(struct build *b)
{
	const char *id = build_commit(b);

	if (!id)
		return -b->err->code;
	if (b->quiet)
		printf("%s", id);
	else
		printf("image/%s built\n", b->name);
	return 0;
}

int run_build(struct context *x, int argc, char **argv, struct error *err)
{
	struct build *b = arena_one(x->arena, struct build);
	struct options o;
	int end = -1;

	*b = (struct build){ .x = x, .err = err, .network = "bridge" };
	options_begin(&o, x->command, argc, argv);
	int r = read_arguments(b, &o);
	_cleanup_close_ int hold = r < 0 ? -1 : store_hold(&x->in, err);
	if (hold < 0 || begin(b) < 0)
		return r < 0 ? r : -err->code;
	pid_t pid = start_guard(b, &end);
	if (pid < 0)
		return pid;
	r = build_all(b);
	if (r == 0)
		r = commit(b);
	close_fd(&end);
	waitpid(pid, NULL, 0);
	return r;
}
