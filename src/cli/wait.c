/* wait.c — seapod wait: until a condition of a pod holds, or it is gone; kubectl's --for. */
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

#include "api/kinds.h"
#include "base/clock.h"
#include "base/duration.h"
#include "cli/commands.h"
#include "cli/pods.h"
#include "cli/start.h"

const struct option_spec wait_options[] = {
	{ "for", 0, "WHAT", "delete, condition=TYPE, phase=PHASE, jsonpath={PATH}=V" },
	{ "timeout", 0, "DURATION", "how long to wait (30s by default)" },
	{ "namespace", 'n', "NAME", "the namespace" },
	{},
};

enum { TIMEOUT_MS = 30000 };

struct wish {
	bool gone;
	const char *condition, *status; /* "Ready", "True" */
	const char *phase;
	const char *path, *value; /* ".status.phase"; VALUE NULL: it is there */
};

/* jsonpath={.status.containerStatuses[0].ready}=true: what of JSONPath kubectl users write for this: names and numbers. */
static int parse_path(const char *text, struct wish *w, struct arena *a, struct error *err)
{
	bool braces = *text == '{';
	const char *end = braces ? strchr(text, '}') : strchr(text, '=');
	size_t n = end ? (size_t)(end - text) : strlen(text);

	w->path = arena_strndup(a, text + braces, n - braces);
	const char *after = end && braces ? end + 1 : end;
	w->value = after && *after == '=' ? after + 1 : NULL;
	if ((braces && !end) || *w->path != '.' || strpbrk(w->path, "*?@()'\"") ||
	    (after && *after && *after != '='))
		return usage_error(err,
				   "'%s' is no path of names and numbers ({.status.podIP}, "
				   "{.status.containerStatuses[0].ready}=true)",
				   text);
	return 0;
}

/* What is at PATH (".a.b[0]") of N; NULL: nothing. */
static const struct node *node_at(const struct node *n, const char *path, struct arena *a)
{
	while (n && *path) {
		size_t name = strcspn(++path, ".[]"); /* after "." or "[" */
		if (path[-1] == '[') {
			size_t i = strtoul(path, NULL, 10);
			n = n->kind == NODE_LIST && i < n->items.n ? n->items.at[i] : NULL;
		} else if (name > 0) {
			n = node_get(n, arena_strndup(a, path, name));
		}
		path += name;
		path += *path == ']';
	}
	return n;
}

static bool path_holds(const struct wish *w, const struct pod *pod)
{
	_cleanup_arena_ struct arena *a = arena_new();
	_cleanup_text_ struct text text = {};
	const struct node *n = node_at(object_encode(&pod_table, pod, a), w->path, a);

	if (!n || !w->value)
		return n != NULL;
	if (n->kind == NODE_STRING)
		return text_is(n->text, w->value);
	node_to_json(n, false, &text);
	return text_is(text_str(&text), w->value);
}

static int parse(const char *text, struct wish *w, struct arena *a, struct error *err)
{
	if (text_is(text, "delete"))
		w->gone = true;
	else if (text && text_starts(text, "phase="))
		w->phase = text + strlen("phase=");
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
	return error_set(
		err, ETIMEDOUT, "the pod '%s' %s%s in time (see seapod describe pod %s)", name,
		w->gone ? "was not deleted" : "did not become ",
		w->gone    ? ""
		: w->path  ? arena_printf(a, "%s%s%s", w->path, w->value ? "=" : "", w->value ? w->value : "")
		: w->phase ? w->phase
			   : w->condition,
		name);
}

/* The keeper says when something has changed; what it is now is in the pod's directory. */
static int wait_for_pod(struct context *x, const struct wish *w, const char *name, uint64_t until,
			struct error *err)
{
	_cleanup_close_ int watch = -1;
	struct found_pod found;
	const char *uid = NULL;

	for (;;) {
		int r = pods_find(&x->in, x->namespace, name, x->arena, &found, err);
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

int run_wait(struct context *x, int argc, char **argv, struct error *err)
{
	const struct option_spec *option;
	const char *value, *wanted = NULL;
	int r, timeout = TIMEOUT_MS;
	struct wish wish = {};
	struct options o;

	options_begin(&o, x->command, argc, argv);
	while ((r = options_next(&o, &option, &value, err)) > 0) {
		if (option->letter == 'n')
			use_namespace(x, value);
		else if (text_is(option->name, "for"))
			wanted = value;
		else if (duration_parse(value, &timeout) < 0)
			return usage_error(err, "'%s' is no duration (30s, 2m)", value);
	}
	if (r < 0 || (r = parse(wanted, &wish, x->arena, err)) < 0)
		return r;
	const struct kind *kind =
		o.count > 1 ? kind_of_word(o.positional[0], NULL) : NULL; /* "pod web", or "web api" */
	if (kind && kind != kind_of_word("pod", NULL))
		return usage_error(err, "wait is for pods, not for a %s", kind->singular);
	int first = kind ? 1 : 0;
	if (!need(&o, first, "a pod's name", err))
		return -EXIT_USAGE;
	uint64_t until = clock_boot_us() + (uint64_t)timeout * 1000;
	for (int i = first; i < o.count; i++) {
		const char *slash = strchr(o.positional[i], '/'), *name = slash ? slash + 1 : o.positional[i];
		if ((r = wait_for_pod(x, &wish, name, until, err)) < 0)
			return r;
		printf("pod/%s %s\n", name, wish.gone ? "deleted" : "condition met");
	}
	return 0;
}
