/* wait.c — seapod wait: until a condition of a pod holds, or it is gone; kubectl's --for. */
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/duration.h"
#include "cli/commands.h"
#include "cli/select.h"
#include "cli/start.h"
#include "object/jsonpath.h"

const struct option_spec wait_options[] = {
	{ "for", 0, "WHAT", "delete, condition=TYPE, phase=PHASE, jsonpath={PATH}=V" },
	{ "all", 0, NULL, "every pod of the namespace" },
	{ "selector", 'l', "LABELS", "those with labels (color=red)" },
	{ "filename", 'f', "FILE", "the pods of a manifest" },
	{ "all-namespaces", 'A', NULL, "of all namespaces" },
	{ "timeout", 0, "DURATION", "how long to wait (30s by default)" },
	{ "namespace", 'n', "NAME", "the namespace" },
	{},
};

enum { TIMEOUT_MS = 30000 };

struct wish {
	bool gone;
	const char *condition, *status; /* "Ready", "True" */
	const char *phase;
	const struct jsonpath *path;
	const char *written, *value; /* VALUE NULL: it is there */
};

/* jsonpath={.status.podIP}, or with =VALUE behind it. Without braces the first "=" ends the path. */
static int parse_path(const char *text, struct wish *w, struct arena *a, struct error *err)
{
	const char *close = *text == '{' ? strrchr(text, '}') : NULL,
		   *end = close ? close + 1 : strchrnul(text, '=');
	struct error why = {};

	w->written = text;
	w->value = *end == '=' ? end + 1 : NULL;
	w->path = *end && *end != '=' ? NULL
				      : jsonpath_path(arena_strndup(a, text, (size_t)(end - text)), a, &why);
	return w->path ? 0
		       : usage_error(err,
				     "'%.100s' is not a path with or without a value "
				     "({.status.phase}=Running)%s%s",
				     text, why.code ? ": " : "", why.code ? why.text : "");
}

static bool path_holds(const struct wish *w, const struct pod *pod)
{
	_cleanup_arena_ struct arena *a = arena_new();
	_cleanup_text_ struct text text = {};
	struct found_nodes found = {};

	if (jsonpath_find(w->path, object_encode(&pod_table, pod, a), a, &found, NULL) < 0 || found.n == 0)
		return false;
	jsonpath_value(found.at[0], &text);
	return !w->value || text_is(text_str(&text), w->value);
}

static int parse_phase(const char *text, struct wish *w, struct error *err)
{
	static const char *const phases[] = { "Pending", "Running", "Succeeded", "Failed" };

	for (size_t i = 0; i < sizeof(phases) / sizeof(*phases); i++)
		if (strcasecmp(phases[i], text) == 0)
			w->phase = phases[i];
	return w->phase ? 0
			: usage_error(err, "there is no phase '%.60s' (Pending, Running, Succeeded, Failed)",
				      text);
}

static int parse(const char *text, struct wish *w, struct arena *a, struct error *err)
{
	if (text_is(text, "delete"))
		w->gone = true;
	else if (text && text_starts(text, "phase="))
		return parse_phase(text + strlen("phase="), w, err);
	else if (text && text_starts(text, "jsonpath="))
		return parse_path(text + strlen("jsonpath="), w, a, err);
	else if (text && text_starts(text, "condition=")) {
		const char *type = text + strlen("condition="), *equals = strchr(type, '=');
		w->condition = equals ? arena_strndup(a, type, (size_t)(equals - type)) : type;
		w->status = equals ? equals + 1 : "True";
	} else
		return usage_error(err, "wait needs --for=delete, --for=condition=Ready, --for=phase=Running "
					"or --for=jsonpath={.status.phase}=Running");
	return 0;
}

static bool holds(const struct wish *w, const struct pod_status *s)
{
	if (w->phase)
		return text_is(w->phase, s->phase);
	list_each(c, &s->conditions)
		if (strcasecmp(c->type, w->condition) == 0)
			return strcasecmp(c->status, w->status) == 0;
	return false;
}

static int time_over(const struct wish *w, const char *name, struct arena *a, struct error *err)
{
	const char *what = w->gone    ? "was not deleted"
			   : w->path  ? arena_printf(a, "had no %s", w->written)
			   : w->phase ? arena_printf(a, "did not become %s", w->phase)
			   : strcasecmp(w->status, "True") == 0
				   ? arena_printf(a, "did not become %s", w->condition)
				   : arena_printf(a, "kept the condition %s, which was to become %s",
						  w->condition, w->status);

	return error_set(err, ETIMEDOUT, "the pod '%s' %s in time (see seapod describe pod %s)", name, what,
			 name);
}

/* The keeper says when something has changed; what it is now is in the pod's directory. */
static int wait_for_pod(struct context *x, const struct wish *w, const char *namespace, const char *name,
			uint64_t until, struct error *err)
{
	_cleanup_close_ int watch = -1;
	struct found_pod found;
	const char *uid = NULL;

	for (;;) {
		int r = pods_find(&x->in, namespace, name, x->arena, &found, err);
		bool gone = r == -ENOENT || (r == 0 && uid && !text_is(uid, found.pod->metadata.uid));
		if (w->gone && gone)
			return 0;
		if (r < 0)
			return r;
		if (!w->gone && (w->path ? path_holds(w, found.pod) : holds(w, &found.pod->status)))
			return 0;
		uid = found.pod->metadata.uid;
		if (!found.alive)
			return error_set(err, ESRCH, "the pod '%s' has ended (%s)", name,
					 found.pod->status.phase);
		if (watch < 0 && (watch = pod_watch(x, found.pod, NULL)) < 0) {
			usleep(1000); /* it is just ending */
			continue;
		}
		r = pod_wait_change(x, watch, until, err);
		if (r == -ETIMEDOUT)
			return time_over(w, name, x->arena, err);
		if (r <= 0)
			close_fd(&watch);
	}
}

/* Every pod that S means is waited for until the same moment, whatever becomes of the others. */
static int wait_for_all(struct context *x, const struct wish *wish, const struct selection *s, uint64_t until,
			struct error *err)
{
	struct choice choice = {};
	struct LIST(struct selected_name) names = {};
	int r = 0, result = 0;

	list_each(name, &s->names)
		*list_add(x->arena, &names) = *name;
	if (s->kinds.n && (r = select_find(x, s, x->arena, &choice, err)) < 0)
		return r;
	list_each(c, &choice.items)
		*list_add(x->arena, &names) = (struct selected_name){ c->kind, c->namespace, c->name };
	if (names.n == 0 && !wish->gone)
		return error_set(err, ENOENT, "there is no pod to wait for");
	list_each(name, &names) {
		struct error why = {};
		if (name->kind->kind != KIND_POD)
			continue; /* of a manifest */
		if (wait_for_pod(x, wish, name->namespace, name->name, until, &why) == 0) {
			printf("pod/%s %s\n", name->name, wish->gone ? "deleted" : "condition met");
			continue;
		}
		fflush(stdout);
		fprintf(stderr, "seapod: %s\n", why.text);
		result = -EXIT_FAILED;
	}
	return result;
}

int run_wait(struct context *x, int argc, char **argv, struct error *err)
{
	const struct option_spec *option;
	const char *value, *wanted = NULL;
	int r, timeout = TIMEOUT_MS, taken;
	struct selection s = { .pods = true };
	bool all = false;
	struct wish wish = {};
	struct options o;

	options_begin(&o, x->command, argc, argv);
	while ((r = options_next(&o, &option, &value, err)) > 0) {
		if ((taken = select_option(x, &s, option, value, err)) < 0)
			return taken;
		if (taken)
			continue;
		if (text_is(option->name, "for"))
			wanted = value;
		else if (text_is(option->name, "all"))
			all = true;
		else if (duration_parse(value, &timeout) < 0)
			return usage_error(err, "'%s' is not a duration (30s, 2m)", value);
	}
	if (r < 0 || (r = parse(wanted, &wish, x->arena, err)) < 0)
		return r;
	if (o.count == 0 && !s.files.n && !s.labels.n && !all)
		return need(&o, 0, "a pod's name, --all, -l LABELS or -f FILE", err), -EXIT_USAGE;
	if ((r = select_words(x, &s, o.positional, o.count, err)) < 0 ||
	    (r = select_only_pods(x, &s, err)) < 0)
		return r;
	if (s.kinds.n && !all && !s.labels.n)
		return usage_error(err, "wait needs a pod's name, --all, -l LABELS or -f FILE");
	return wait_for_all(x, &wish, &s, clock_boot_us() + (uint64_t)timeout * 1000, err);
}
