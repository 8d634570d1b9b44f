/* apply.c — seapod apply: objects from files to what runs. Nothing is touched before all of it is valid.
 *
 * ConfigMaps and Secrets are stored first, then all pods are started, and only then is any of them waited for; those that join the network of
 * another pod come after the others.
 */
#include <stdio.h>
#include <unistd.h>

#include "api/annotations.h"
#include "api/read.h"
#include "api/store.h"
#include "base/duration.h"
#include "cli/commands.h"
#include "cli/pods.h"
#include "cli/start.h"
#include "net/service.h"
#include "service/forward.h"
#include "volume/claim_volume.h"

const struct option_spec apply_options[] = {
	{ "filename", 'f', "FILE", "a manifest, a directory of them, or - for stdin" },
	{ "wait", 'w', "running|ready", "return only when every pod runs, or is ready", .optional = true },
	{ "timeout", 0, "DURATION", "how long to wait (30s, 2m)" },
	{ "dry-run", 0, "client|server", "check the manifests, change nothing", .optional = true },
	{ "kustomize", 'k', "DIR", "(kubectl kustomize DIR | seapod apply -f -)" },
	{ "namespace", 'n', "NAME", "the namespace of objects that have none" },
	{},
};

/* A pod on its way. */
struct applied {
	struct pod *pod;
	int fd;             /* its keeper's reports; -1: nothing to wait for */
	const char *result; /* "created" */
};

struct applying {
	struct strings files;
	bool dry;
	enum wait_for wait;
	int timeout_ms;
	struct objects objects;
	bool failed;
};

static int take_options(struct context *x, struct applying *a, int argc, char **argv, struct error *err)
{
	const struct option_spec *option;
	const char *value;
	struct options o;
	int r;

	options_begin(&o, x->command, argc, argv);
	while ((r = options_next(&o, &option, &value, err)) > 0) {
		if (option->letter == 'f')
			*list_add(x->arena, &a->files) = value;
		else if (option->letter == 'n')
			use_namespace(x, value);
		else if (option->letter == 'w' && value && !text_is(value, "ready") &&
			 !text_is(value, "running"))
			return usage_error(err, "apply cannot wait for '%s' (running, ready)", value);
		else if (option->letter == 'w')
			a->wait = text_is(value, "running") ? WAIT_RUNNING : WAIT_READY;
		else if (text_is(option->name, "dry-run") && value && !text_is(value, "client") &&
			 !text_is(value, "server") && !text_is(value, "none"))
			return usage_error(
				err, "--dry-run is client, server (both the same here) or none, not '%s'",
				value);
		else if (text_is(option->name, "dry-run"))
			a->dry = !text_is(value, "none");
		else if (option->letter == 'k')
			return usage_error(
				err,
				"there is no kustomize in Seapod (kubectl kustomize %s | seapod apply -f -)",
				value);
		else if (text_is(option->name, "timeout") && duration_parse(value, &a->timeout_ms) < 0)
			return usage_error(err, "'%s' is not a duration (30s, 2m)", value);
	}
	if (r < 0)
		return r;
	if (o.count > 0)
		return usage_error(err, "apply does not take '%s' (give files with -f)", o.positional[0]);
	return a->files.n > 0 ? 0 : usage_error(err, "apply needs -f FILE");
}

/* --- reading ------------------------------------------------------------------------------------------------------------ */

static void print_problems(const struct problems *p)
{
	list_each(warning, &p->warnings)
		fprintf(stderr, "seapod: warning: %s\n", warning->text);
	list_each(error, &p->errors)
		fprintf(stderr, "seapod: %s\n", error->text);
	if (p->more)
		fprintf(stderr, "seapod: and %zu more errors\n", p->more);
}

static int read_objects(struct context *x, struct applying *a, struct error *err)
{
	struct problems problems = { .arena = x->arena };

	list_each(file, &a->files) {
		int r = objects_read(*file, x->asked_namespace, x->arena, &a->objects, &problems, err);
		if (r < 0 && r != -EINVAL)
			return r;
	}
	print_problems(&problems);
	if (problems.errors.n) {
		err->code = 0; /* said already */
		return -EXIT_FAILED;
	}
	return a->objects.n > 0 ? 0 : error_set(err, EINVAL, "there is no object in '%s'", a->files.at[0]);
}

/* --- ConfigMaps, Secrets and claims ------------------------------------------------------------------------------------------- */

/* What a claim is for does not change (kubernetes validation: the spec is immutable but for resources.requests). */
static int put_claim(struct context *x, const struct claim *claim, struct error *err)
{
	const struct object_meta *m = &claim->metadata;
	struct claim old = {};
	struct error missing = {};
	bool there = claim_read(&x->in, m->namespace, m->name, x->arena, &old, &missing) == 0;
	bool same = there && old.spec.accessModes.n == claim->spec.accessModes.n;

	for (size_t i = 0; same && i < old.spec.accessModes.n; i++)
		same = text_is(old.spec.accessModes.at[i], claim->spec.accessModes.at[i]);
	if (there && !same)
		return error_set(err, EPERM,
				 "the claim '%s' is there with other access modes, which cannot be changed",
				 m->name);
	return claim_storage_make(&x->in, claim, err);
}

/* 1: it is new or was changed, so pods may want to know; 0: not; negative. */
static int put_object(struct context *x, const struct object *o, struct error *err)
{
	static const char *const results[] = { "created", "configured", "unchanged" };
	const struct kind *kind = kind_at(o->kind);
	const struct object_meta *m = object_metadata(o);
	int r = o->kind == KIND_CLAIM ? put_claim(x, o->claim, err) : 0;

	if (r == 0)
		r = o->kind == KIND_SERVICE ? service_put(&x->in, o->service, x->arena, err)
					    : store_put(&x->in, kind->plural, m->namespace, m->name,
							object_encode(kind->table, o->pod, x->arena),
							err); /* all of the union's members are one pointer */
	if (r < 0)
		return error_prefix(err, "the %s '%s'", kind->singular, m->name);
	printf("%s/%s %s\n", kind->singular, m->name, results[r]);
	if (o->kind == KIND_SERVICE && service_forward(&x->in, m->namespace, m->name, err) < 0)
		return error_prefix(err, "the service '%s' is stored and does not forward", m->name);
	return r != STORE_UNCHANGED && o->kind != KIND_SERVICE;
}

/* Pods read their ConfigMaps and Secrets again, and those that wait for one begin. */
static void refresh_pods(struct context *x)
{
	struct found_pods pods = {};
	struct error err = {};

	pods_list(&x->in, NULL, x->arena, &pods, &err);
	list_each(found, &pods) {
		_cleanup_close_ int fd =
			found->alive ? keeper_connect(&x->in, found->pod->metadata.uid, NULL) : -1;
		struct reply reply = {};
		if (fd >= 0 && keeper_ask(fd, x->arena, &(struct request){ .verb = "objects" }, NULL, &reply,
					  NULL, &err) < 0)
			fprintf(stderr, "seapod: warning: the pod '%s': %s\n", found->pod->metadata.name,
				err.text);
	}
}

static int put_objects(struct context *x, struct applying *a, struct error *err)
{
	bool changed = false;

	list_each(object, &a->objects) {
		int r = object->kind == KIND_POD ? 0 : put_object(x, object, err);
		if (r < 0)
			return r;
		changed = changed || r;
	}
	if (changed)
		refresh_pods(x);
	return 0;
}

/* --- pods ----------------------------------------------------------------------------------------------------------------- */

/* A pod of this name is there already: nothing to do, a change that it can take as it runs, or one that it cannot. */
static int meet(struct context *x, const struct found_pod *found, struct applied *p, struct error *err)
{
	int changed = pod_configure(x, found, p->pod, err);

	if (changed < 0)
		return changed;
	p->result = changed ? "configured" : "unchanged";
	p->fd = found->alive ? pod_watch(x, found->pod, NULL) : -1;
	return 0;
}

static int begin(struct context *x, struct applied *p, struct error *err)
{
	const struct object_meta *m = &p->pod->metadata;
	struct found_pod found;

	p->fd = -1;
	if (pods_find(&x->in, m->namespace, m->name, x->arena, &found, NULL) == 0)
		return meet(x, &found, p, err);
	p->result = "created";
	p->fd = pod_start(x, p->pod, 0, NULL, err);
	return p->fd < 0 ? error_prefix(err, "the pod '%s'", m->name) : 0;
}

/* Two applies at once: both saw no pod, one made it. The other one meets it now. */
static bool was_made_meanwhile(struct context *x, struct applied *p, struct error *why)
{
	const struct object_meta *m = &p->pod->metadata;
	struct found_pod found;

	if (!text_is(p->result, "created") ||
	    pods_find(&x->in, m->namespace, m->name, x->arena, &found, NULL) < 0 ||
	    text_is(found.pod->metadata.uid, m->uid))
		return false;
	close_fd(&p->fd);
	*why = (struct error){};
	return meet(x, &found, p, why) == 0;
}

static bool is_there(struct context *x, const struct applied *p)
{
	struct found_pod found;
	return pods_find(&x->in, p->pod->metadata.namespace, p->pod->metadata.name, x->arena, &found, NULL) ==
	       0;
}

static void finish(struct context *x, const struct applying *a, struct applied *p, struct error *why)
{
	int r = p->fd < 0 ? 0 : pod_wait(x, p->fd, a->wait, a->timeout_ms, why);

	if (r < 0 && was_made_meanwhile(x, p, why))
		r = p->fd < 0 ? 0 : pod_wait(x, p->fd, a->wait, a->timeout_ms, why);
	close_fd(&p->fd);
	if (r == 0 || (text_is(p->result, "created") && is_there(x, p)))
		printf("pod/%s %s\n", p->pod->metadata.name, p->result);
	if (r < 0)
		error_prefix(why, "the pod '%s'", p->pod->metadata.name);
}

static void fail(struct applying *a, const struct error *why)
{
	fflush(stdout);
	fprintf(stderr, "seapod: %s\n", why->text);
	a->failed = true;
}

/* "container:NAME": it lives in the network of another pod, which may come with it. */
static bool joins_another(const struct pod *pod)
{
	const char *network = string_map_get(&pod->metadata.annotations, NETWORK_ANNOTATION);
	return network && text_starts(network, "container:");
}

static void apply_some(struct context *x, struct applying *a, bool joiners)
{
	struct LIST(struct applied) pods = {};

	list_each(object, &a->objects) {
		struct applied p = { .pod = object->pod };
		struct error why = {};
		if (object->kind != KIND_POD || joins_another(p.pod) != joiners)
			continue;
		if (begin(x, &p, &why) < 0)
			fail(a, &why);
		else
			*list_add(x->arena, &pods) = p;
	}
	list_each(p, &pods) {
		struct error why = {};
		finish(x, a, p, &why);
		if (why.code)
			fail(a, &why);
	}
}

int run_apply(struct context *x, int argc, char **argv, struct error *err)
{
	struct applying a = { .wait = WAIT_SETTLED, .timeout_ms = -1 };
	int r = take_options(x, &a, argc, argv, err);

	if (r == 0)
		r = read_objects(x, &a, err);
	if (r < 0)
		return r;
	if (a.dry) {
		list_each(object, &a.objects)
			printf("%s/%s valid (dry run)\n", kind_at(object->kind)->singular,
			       object_metadata(object)->name);
		return 0;
	}
	if ((r = put_objects(x, &a, err)) < 0)
		return r;
	apply_some(x, &a, false);
	apply_some(x, &a, true);
	return a.failed ? -EXIT_FAILED : 0;
}
