/* lifecycle.c — delete, rm, stop, start, restart, kill: requests to keepers, and the end of pods that have none any more. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/read.h"
#include "api/store.h"
#include "cli/commands.h"
#include "cli/pods.h"
#include "cli/start.h"
#include "cli/volume.h"
#include "net/service.h"
#include "sandbox/note.h"
#include "sandbox/sandbox.h"

const struct option_spec delete_options[] = {
	{ "filename", 'f', "FILE", "delete the objects of a manifest" },
	{ "grace-period", 0, "SECONDS", "time between TERM and KILL" },
	{ "now", 0, NULL, "the same as --grace-period 1" },
	{ "force", 0, NULL, "kill at once" },
	{ "ignore-not-found", 0, NULL, "what is not there is no error" },
	{ "all", 0, NULL, "every pod of the namespace" },
	{ "namespace", 'n', "NAME", "the namespace" },
	{},
};
const struct option_spec rm_options[] = {
	{ "force", 'f', NULL, "kill at once" },
	{ "time", 't', "SECONDS", "time between TERM and KILL" },
	{ "namespace", 'n', "NAME", "the namespace" },
	{},
};
const struct option_spec stop_options[] = {
	{ "time", 't', "SECONDS", "time between TERM and KILL" },
	{ "namespace", 'n', "NAME", "the namespace" },
	{},
};
const struct option_spec restart_options[] = {
	{ "time", 't', "SECONDS", "time between TERM and KILL" },
	{ "container", 'c', "NAME", "only this container" },
	{ "namespace", 'n', "NAME", "the namespace" },
	{},
};
const struct option_spec start_options[] = {
	{ "namespace", 'n', "NAME", "the namespace" },
	{},
};
const struct option_spec kill_options[] = {
	{ "signal", 's', "SIGNAL", "the signal, KILL by default" },
	{ "container", 'c', "NAME", "only this container" },
	{ "namespace", 'n', "NAME", "the namespace" },
	{},
};

/* Sends REQUEST to the pod's keeper and, if WAIT, waits for the end it asked for. */
static int ask(struct context *x, const struct pod *pod, const struct request *request, bool wait,
	       struct error *err)
{
	struct reply reply = {};
	_cleanup_close_ int fd = keeper_connect(&x->in, pod->metadata.uid, err);
	int r = fd < 0 ? fd : keeper_ask(fd, x->arena, request, NULL, &reply, NULL, err);

	if (r == 0 && wait)
		r = pod_wait_end(x, fd, err);
	return r < 0 ? error_prefix(err, "the pod '%s'", pod->metadata.name) : 0;
}

static int delete_pod(struct context *x, const char *namespace, const char *name,
		      const struct request *request, struct error *err)
{
	struct found_pod found;
	int r = pods_find(&x->in, namespace, name, x->arena, &found, err);

	if (r < 0) /* its keeper was killed: it is gone, and is not to come back with the next boot */
		return note_remove(&x->in, namespace, name) == 0 ? 0 : r;
	if (found.alive)
		r = ask(x, found.pod, request, true, err);
	/* A keeper that ended meanwhile, or long ago, left the directory. */
	if (!found.alive || r < 0)
		if (pods_find(&x->in, namespace, name, x->arena, &found, NULL) == 0 && !found.alive) {
			sandbox_sweep(&x->in, found.pod->metadata.uid, namespace, name);
			r = 0;
		}
	return r;
}

static int delete_object(struct context *x, const struct kind *kind, const char *namespace, const char *name,
			 const struct request *request, struct error *err)
{
	if (kind->kind == KIND_POD)
		return delete_pod(x, namespace, name, request, err);
	if (kind->kind == KIND_SERVICE)
		return service_remove(&x->in, namespace, name, err);
	if (kind->kind == KIND_CLAIM)
		return claim_delete(x, namespace, name, err);
	return store_remove(&x->in, kind->plural, namespace, name, err);
}

struct deletion {
	struct request request;
	bool ignore, all;
	struct strings files;
	int result;
};

static void delete_one(struct context *x, struct deletion *d, const char *word, const char *namespace,
		       const char *name)
{
	struct error err = {};
	const struct kind *kind = kind_of_word(word, &err);
	int r = kind ? delete_object(x, kind, namespace, name, &d->request, &err) : -EINVAL;

	if (r == 0)
		printf("%s/%s deleted\n", kind->singular, name);
	else if (!kind || !(d->ignore && err.code == ENOENT)) {
		fflush(stdout);
		fprintf(stderr, "seapod: %s\n", err.text);
		d->result = -EXIT_FAILED;
	}
}

static int delete_files(struct context *x, struct deletion *d, struct error *err)
{
	struct problems problems = { .arena = x->arena };
	struct objects objects = {};

	list_each(file, &d->files) {
		int r = objects_read(*file, x->asked_namespace, x->arena, &objects, &problems, err);
		if (r == -EINVAL)
			return error_set(err, EINVAL, "%s",
					 problems.errors.n ? problems.errors.at[0].text
							   : "the manifest is wrong");
		if (r < 0)
			return r;
	}
	for (size_t i = objects.n; i-- > 0;) {
		const struct object_meta *m = object_metadata(&objects.at[i]);
		delete_one(x, d, kind_at(objects.at[i].kind)->singular, m->namespace, m->name);
	}
	return 0;
}

static int grace_value(const char *value, struct request *request, struct error *err)
{
	long long seconds;

	if (text_to_int(value, 0, INT32_MAX, &seconds) < 0)
		return usage_error(err, "'%s' is no number of seconds", value);
	request->grace = (struct optional_int){ true, seconds };
	return 0;
}

static bool is_pods(const char *word)
{
	const struct kind *kind = kind_of_word(word, NULL);
	return kind && kind == kind_of_word("pod", NULL);
}

int run_delete(struct context *x, int argc, char **argv, struct error *err)
{
	const struct option_spec *option;
	const char *value;
	struct options o;
	struct deletion d = { .request = { .verb = "delete" } };
	bool rm = text_is(x->command->name, "rm");
	int r;

	options_begin(&o, x->command, argc, argv);
	while ((r = options_next(&o, &option, &value, err)) > 0) {
		if (text_is(option->name, "filename"))
			*list_add(x->arena, &d.files) = value;
		else if ((text_is(option->name, "grace-period") || option->letter == 't') &&
			 grace_value(value, &d.request, err) < 0)
			return -EXIT_USAGE;
		else if (text_is(option->name, "now"))
			d.request.grace = (struct optional_int){ true, 1 };
		else if (text_is(option->name, "force"))
			d.request.force = true;
		else if (text_is(option->name, "ignore-not-found"))
			d.ignore = true;
		else if (text_is(option->name, "all"))
			d.all = true;
		else if (option->letter == 'n')
			use_namespace(x, value);
	}
	if (r < 0)
		return r;
	if (d.files.n && (r = delete_files(x, &d, err)) < 0)
		return r;
	if (o.count == 0 && !d.files.n)
		return usage_error(err, "%s needs %s (usage: seapod %s %s)", x->command->name,
				   rm ? "a pod's name" : "a kind and names, or -f FILE", x->command->name,
				   x->command->usage);
	int first = rm || o.count == 0 || strchr(o.positional[0], '/') ? 0 : 1; /* "pod web", or "pod/web" */
	const char *kind = rm ? "pod" : first ? o.positional[0] : NULL;
	if (first && o.count == 1 && !d.all)
		return usage_error(err, "delete needs the name of a %s", kind);
	if (d.all && (o.count != 1 || !is_pods(o.positional[0])))
		return usage_error(err, "--all deletes every pod: 'delete pods --all', without names");
	for (int i = first; i < o.count; i++) {
		const char *slash = strchr(o.positional[i], '/');
		const char *its =
			slash ? arena_strndup(x->arena, o.positional[i], (size_t)(slash - o.positional[i]))
			      : kind;
		if (!its)
			return usage_error(err, "'%s' needs a kind before it (pod/%s)", o.positional[i],
					   o.positional[i]);
		delete_one(x, &d, its, x->namespace, slash ? slash + 1 : o.positional[i]);
	}
	if (d.all) {
		struct found_pods pods = {};
		pods_list(&x->in, x->namespace, x->arena, &pods, err);
		list_each(found, &pods)
			delete_one(x, &d, "pod", x->namespace, found->pod->metadata.name);
	}
	err->code = 0;
	return d.result;
}

/* stop, restart, kill: VERB for each pod named. */
static int each_pod(struct context *x, struct options *o, const struct request *request, bool wait,
		    struct error *err)
{
	int result = 0;

	if (!need(o, 0, "a pod's name", err))
		return -EXIT_USAGE;
	for (int i = 0; i < o->count; i++) {
		struct found_pod found;
		struct error why = {};
		int r = pods_find(&x->in, x->namespace, o->positional[i], x->arena, &found, &why);
		if (r == 0 && !found.alive && !text_is(request->verb, "stop"))
			r = error_set(&why, ESRCH, "the pod '%s' is not running", o->positional[i]);
		else if (r == 0 && found.alive)
			r = ask(x, found.pod, request, wait, &why);
		if (r == 0)
			printf("%s\n", o->positional[i]);
		else {
			fprintf(stderr, "seapod: %s\n", why.text);
			result = -EXIT_FAILED;
		}
	}
	err->code = 0;
	return result;
}

static int stop_or_restart(struct context *x, int argc, char **argv, const char *verb, bool wait,
			   struct error *err)
{
	struct request request = { .verb = verb };
	const struct option_spec *option;
	const char *value;
	struct options o;
	int r;

	options_begin(&o, x->command, argc, argv);
	while ((r = options_next(&o, &option, &value, err)) > 0) {
		if (option->letter == 't' && grace_value(value, &request, err) < 0)
			return -EXIT_USAGE;
		if (option->letter == 'c')
			request.container = value;
		if (option->letter == 'n')
			use_namespace(x, value);
	}
	return r < 0 ? r : each_pod(x, &o, &request, wait, err);
}

int run_stop(struct context *x, int argc, char **argv, struct error *err)
{
	return stop_or_restart(x, argc, argv, "stop", true, err);
}

int run_restart(struct context *x, int argc, char **argv, struct error *err)
{
	return stop_or_restart(x, argc, argv, "restart", true, err);
}

static int start_again(struct context *x, const char *name, struct error *err)
{
	struct found_pod found;
	int r = pods_find(&x->in, x->namespace, name, x->arena, &found, err);

	if (r < 0 || found.alive)
		return r;
	_cleanup_close_ int watch = pod_start_again(x, found.pod, err);
	r = watch < 0 ? watch : pod_wait(x, watch, WAIT_SETTLED, -1, err);
	return r < 0 ? error_prefix(err, "the pod '%s'", name) : 0;
}

/* A pod that runs is fine, as docker has it. */
int run_start(struct context *x, int argc, char **argv, struct error *err)
{
	const struct option_spec *option;
	const char *value;
	struct options o;
	int r, result = 0;

	options_begin(&o, x->command, argc, argv);
	while ((r = options_next(&o, &option, &value, err)) > 0)
		use_namespace(x, value);
	if (r < 0 || !need(&o, 0, "a pod's name", err))
		return -EXIT_USAGE;
	for (int i = 0; i < o.count; i++) {
		struct error why = {};
		if (start_again(x, o.positional[i], &why) == 0) {
			printf("%s\n", o.positional[i]);
			continue;
		}
		fprintf(stderr, "seapod: %s\n", why.text);
		result = -EXIT_FAILED;
	}
	err->code = 0;
	return result;
}

static int signal_number(const char *name)
{
	long long number;

	if (text_to_int(name, 1, 64, &number) == 0)
		return (int)number;
	if (text_starts(name, "SIG"))
		name += 3;
	for (int i = 1; i < NSIG; i++)
		if (text_is(sigabbrev_np(i), name))
			return i;
	return 0;
}

int run_kill(struct context *x, int argc, char **argv, struct error *err)
{
	struct request request = { .verb = "kill", .signal = SIGKILL };
	const struct option_spec *option;
	const char *value;
	struct options o;
	int r;

	options_begin(&o, x->command, argc, argv);
	while ((r = options_next(&o, &option, &value, err)) > 0) {
		if (option->letter == 's' && !(request.signal = signal_number(value)))
			return usage_error(err, "there is no signal '%s'", value);
		if (option->letter == 'c')
			request.container = value;
		if (option->letter == 'n')
			use_namespace(x, value);
	}
	return r < 0 ? r : each_pod(x, &o, &request, false, err);
}
