/* lifecycle.c — stop, start, restart, kill: requests to keepers. */
#include "cli/lifecycle.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/commands.h"
#include "cli/container.h"
#include "cli/pods.h"
#include "cli/start.h"

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

int pod_ask(struct context *x, const struct pod *pod, const struct request *request, bool wait,
	    struct error *err)
{
	struct reply reply = {};
	_cleanup_close_ int fd = keeper_connect(&x->in, pod->metadata.uid, err);
	int r = fd < 0 ? fd : keeper_ask(fd, x->arena, request, NULL, &reply, NULL, err);

	if (r == 0 && wait)
		r = pod_wait_end(x, fd, err);
	return r < 0 ? error_prefix(err, "the pod '%s'", pod->metadata.name) : 0;
}

int grace_value(const char *value, struct request *request, struct error *err)
{
	long long seconds;

	if (text_to_int(value, 0, INT32_MAX, &seconds) < 0)
		return usage_error(err, "'%s' is not a number of seconds", value);
	request->grace = (struct optional_int){ true, seconds };
	return 0;
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
			r = need_alive(false, o->positional[i], &why);
		else if (r == 0 && found.alive)
			r = pod_ask(x, found.pod, request, wait, &why);
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
