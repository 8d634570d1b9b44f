/* apply.c — seapod apply: objects from files to what runs. Nothing is touched before all of it is valid. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "api/read.h"
#include "api/store.h"
#include "cli/commands.h"
#include "cli/pods.h"
#include "cli/start.h"

const struct option_spec apply_options[] = {
	{ "filename", 'f', "FILE", "a manifest, a directory of them, or - for standard input" },
	{ "wait", 'w', NULL, "return only when every pod is ready" },
	{ "timeout", 0, "DURATION", "how long to wait (30s, 2m)" },
	{ "dry-run", 0, NULL, "check the manifests, change nothing" },
	{ "namespace", 'n', "NAME", "the namespace of objects that have none" },
	{},
};

struct started {
	const struct pod *pod;
	int fd;
};

static void print_problems(const struct problems *p)
{
	list_each(warning, &p->warnings)
		fprintf(stderr, "seapod: warning: %s\n", warning->text);
	list_each(error, &p->errors)
		fprintf(stderr, "seapod: %s\n", error->text);
	if (p->more)
		fprintf(stderr, "seapod: and %zu more errors\n", p->more);
}

static int put_object(struct context *x, const struct object *o, struct error *err)
{
	bool secret = o->kind == KIND_SECRET;
	const struct object_meta *m = object_metadata(o);
	static const char *const results[] = { "created", "configured", "unchanged" };
	struct node *n = secret ? object_encode(&secret_table, o->secret, x->arena) : object_encode(&config_map_table, o->config_map, x->arena);
	int r = store_put(&x->in, secret ? "secrets" : "configmaps", m->namespace, m->name, n, err);

	if (r < 0)
		return r;
	printf("%s/%s %s\n", secret ? "secret" : "configmap", m->name, results[r]);
	return r == STORE_CONFIGURED;
}

/* Running pods read their ConfigMaps and Secrets again. */
static void refresh_pods(struct context *x)
{
	struct found_pods pods = {};
	struct error err = {};

	pods_list(&x->in, NULL, x->arena, &pods, &err);
	list_each(found, &pods) {
		_cleanup_close_ int fd = found->alive ? keeper_connect(&x->in, found->pod->metadata.uid, NULL) : -1;
		struct reply reply = {};
		if (fd >= 0 && keeper_ask(fd, x->arena, &(struct request){ .verb = "objects" }, NULL, &reply, NULL, &err) < 0)
			fprintf(stderr, "seapod: warning: the pod '%s': %s\n", found->pod->metadata.name, err.text);
	}
}

/* Does the stored object say the same as the applied one? What only Seapod sets does not count. */
static bool same_spec(struct context *x, const struct pod *a, const struct pod *b)
{
	return node_equal(object_encode(&pod_spec_table, &a->spec, x->arena), object_encode(&pod_spec_table, &b->spec, x->arena));
}

static int apply_pod(struct context *x, struct pod *pod, struct started *s, struct error *err)
{
	struct found_pod found;

	s->fd = -1;
	if (pods_find(&x->in, pod->metadata.namespace, pod->metadata.name, x->arena, &found, NULL) == 0) {
		if (same_spec(x, found.pod, pod)) {
			printf("pod/%s unchanged\n", pod->metadata.name);
			return 0;
		}
		return error_set(err, EEXIST, "the pod '%s' exists with another spec, which cannot be changed while it runs (seapod delete pod %s "
				 "first)", pod->metadata.name, pod->metadata.name);
	}
	s->pod = pod;
	s->fd = pod_start(x, pod, false, err);
	return s->fd < 0 ? error_prefix(err, "the pod '%s'", pod->metadata.name) : 0;
}

static int parse_duration(const char *s, int *ms)
{
	char *end;
	double value = strtod(s, &end);
	double unit = text_is(end, "") || text_is(end, "s") ? 1000 : text_is(end, "m") ? 60000 : text_is(end, "h") ? 3600000 : text_is(end, "ms") ? 1 : 0;

	*ms = (int)(value * unit);
	return end == s || unit == 0 || value < 0 || value * unit > 2e9 ? -EINVAL : 0;
}

int run_apply(struct context *x, int argc, char **argv, struct error *err)
{
	const struct option_spec *option;
	const char *value;
	struct options o;
	struct objects objects = {};
	struct problems problems = { .arena = x->arena };
	struct strings files = {};
	bool wait = false, dry = false;
	int timeout = -1, r, result = 0;

	options_begin(&o, x->command, argc, argv);
	while ((r = options_next(&o, &option, &value, err)) > 0) {
		if (option->letter == 'f')
			*list_add(x->arena, &files) = value;
		else if (option->letter == 'w')
			wait = true;
		else if (text_is(option->name, "dry-run"))
			dry = true;
		else if (text_is(option->name, "timeout") && parse_duration(value, &timeout) < 0)
			return usage_error(err, "'%s' is no duration (30s, 2m)", value);
	}
	if (r < 0)
		return r;
	for (int i = 0; i < o.count; i++)
		return usage_error(err, "apply does not take '%s' (give files with -f)", o.positional[i]);
	if (files.n == 0)
		return usage_error(err, "apply needs -f FILE");
	list_each(file, &files) {
		r = objects_read(*file, x->arena, &objects, &problems, err);
		if (r < 0 && r != -EINVAL)
			return r;
	}
	print_problems(&problems);
	if (problems.errors.n) {
		err->code = 0; /* said already */
		return -EXIT_FAILED;
	}
	if (objects.n == 0)
		return error_set(err, EINVAL, "there is no object in '%s'", files.at[0]);
	bool refresh = false;
	struct started *started = arena_alloc(x->arena, objects.n * sizeof(*started));
	list_each(object, &objects) {
		if (dry)
			printf("%s/%s valid (dry run)\n", object->kind == KIND_POD ? "pod" : object->kind == KIND_SECRET ? "secret" : "configmap",
			       object_metadata(object)->name);
		else if (object->kind != KIND_POD) {
			if ((r = put_object(x, object, err)) < 0)
				return r;
			refresh = refresh || r;
		}
	}
	if (refresh)
		refresh_pods(x);
	size_t n = 0;
	list_each(object, &objects) {
		if (dry || object->kind != KIND_POD)
			continue;
		struct error why = {};
		if (apply_pod(x, object->pod, &started[n], &why) < 0) {
			fprintf(stderr, "seapod: %s\n", why.text);
			result = -EXIT_FAILED;
		} else if (started[n].fd >= 0) {
			n++;
		}
	}
	for (size_t i = 0; i < n; i++) {
		struct error why = {};
		r = pod_wait(x, started[i].fd, wait ? WAIT_READY : WAIT_SETTLED, timeout, &why);
		struct found_pod found;
		bool there = r == 0 || pods_find(&x->in, started[i].pod->metadata.namespace, started[i].pod->metadata.name, x->arena, &found, NULL) == 0;
		if (there)
			printf("pod/%s created\n", started[i].pod->metadata.name);
		if (r < 0) {
			fflush(stdout);
			fprintf(stderr, "seapod: the pod '%s': %s\n", started[i].pod->metadata.name, why.text);
			result = -EXIT_FAILED;
		}
		close(started[i].fd);
	}
	err->code = 0;
	return result;
}
