/* resize.c — seapod resize: other amounts of CPU and memory for a pod that runs (KEP-1287). The same as applying a manifest with them. */
#include <stdio.h>

#include "cli/commands.h"
#include "cli/pods.h"
#include "cli/select.h"
#include "cli/start.h"

const struct option_spec resize_options[] = {
	{ "container", 'c', "NAME", "the container" },
	{ "cpu", 0, "AMOUNT", "the most CPU time (500m, 2)" },
	{ "memory", 'm', "AMOUNT", "the most memory (64Mi)" },
	{ "cpu-request", 0, "AMOUNT", "its share of CPU time" },
	{ "memory-request", 0, "AMOUNT", "the memory it asks for" },
	{ "namespace", 'n', "NAME", "the namespace" },
	{},
};

struct resizing {
	const char *container;
	struct quantity_map limits, requests;
};

static int take_amount(struct context *x, struct quantity_map *map, const char *name, const char *value,
		       struct error *err)
{
	struct quantity q;

	if (quantity_parse(value, &q) < 0 || q.nano <= 0)
		return usage_error(err, "'%s' is not an amount of %s above 0 (%s)", value, name,
				   text_is(name, "cpu") ? "500m, 2" : "64Mi, 1Gi");
	q.text = value;
	*list_add(x->arena, map) = (struct quantity_pair){ name, q };
	return 0;
}

static int take_option(struct context *x, struct resizing *r, const struct option_spec *option,
		       const char *value, struct error *err)
{
	bool request = text_ends(option->name, "-request");

	if (option->letter == 'c')
		r->container = value;
	else if (option->letter == 'n')
		use_namespace(x, value);
	else
		return take_amount(x, request ? &r->requests : &r->limits,
				   text_starts(option->name, "cpu") ? "cpu" : "memory", value, err);
	return 0;
}

static void set(struct context *x, struct quantity_map *map, const char *name, struct quantity value)
{
	list_each(pair, map) {
		if (text_is(pair->key, name)) {
			pair->value = value;
			return;
		}
	}
	*list_add(x->arena, map) = (struct quantity_pair){ name, value };
}

/* A request that was its limit, or would be above it, follows it: what was Guaranteed stays so. */
static void change(struct context *x, struct resource_requirements *resources, const struct resizing *r)
{
	list_each(pair, &r->limits) {
		struct quantity limit = resource_get(&resources->limits, pair->key),
				request = resource_get(&resources->requests, pair->key);
		bool follows = request.set && ((limit.set && quantity_compare(&request, &limit) == 0) ||
					       quantity_compare(&request, &pair->value) > 0);
		set(x, &resources->limits, pair->key, pair->value);
		if (follows)
			set(x, &resources->requests, pair->key, pair->value);
	}
	list_each(pair, &r->requests)
		set(x, &resources->requests, pair->key, pair->value);
}

/* The container's, the only container's, or the pod's own. */
static struct resource_requirements *find(struct pod *pod, const char *container, struct error *err)
{
	const struct container *c = container                     ? pod_find_container(pod, container)
				    : pod->spec.resources         ? NULL
				    : pod->spec.containers.n == 1 ? &pod->spec.containers.at[0]
								  : NULL;

	if (c)
		return (struct resource_requirements *)&c->resources;
	if (!container && pod->spec.resources)
		return pod->spec.resources;
	if (container)
		error_set(err, ENOENT, "the pod '%s' has no container '%s'", pod->metadata.name, container);
	else
		error_set(err, EINVAL, "the pod '%s' has several containers: say which (-c NAME)",
			  pod->metadata.name);
	return NULL;
}

static int resize(struct context *x, const char *name, const struct resizing *r, struct error *err)
{
	struct problems problems = { .arena = x->arena };
	struct found_pod there, wanted;
	int result = pods_find(&x->in, x->namespace, name, x->arena, &there, err);

	if (result == 0)
		result = pods_find(&x->in, x->namespace, name, x->arena, &wanted, err);
	struct resource_requirements *resources = result < 0 ? NULL : find(wanted.pod, r->container, err);
	if (!resources)
		return -err->code;
	change(x, resources, r);
	if (!pod_validate(wanted.pod, &problems))
		return error_set(err, EINVAL, "the pod '%s': %s", name,
				 problems.errors.n ? problems.errors.at[0].text : "the amounts are wrong");
	result = pod_configure(x, &there, wanted.pod, err);
	if (result >= 0)
		printf("pod/%s %s\n", name, result ? "resized" : "unchanged");
	return result < 0 ? result : 0;
}

int run_resize(struct context *x, int argc, char **argv, struct error *err)
{
	const struct option_spec *option;
	const char *value;
	struct resizing wish = {};
	struct selection s = { .pods = true };
	struct options o;
	int r;

	options_begin(&o, x->command, argc, argv);
	while ((r = options_next(&o, &option, &value, err)) > 0)
		if ((r = take_option(x, &wish, option, value, err)) < 0)
			return r;
	if (r < 0 || !need(&o, 0, "a pod's name", err))
		return -EXIT_USAGE;
	if ((r = select_words(x, &s, o.positional, o.count, err)) < 0 ||
	    (r = select_only_pods(x, &s, err)) < 0)
		return r;
	if (s.names.n != 1)
		return usage_error(err, "resize is of one pod (usage: seapod resize %s)", x->command->usage);
	const char *name = s.names.at[0].name;
	if (wish.limits.n + wish.requests.n == 0)
		return usage_error(err, "resize needs an amount (--cpu 500m, --memory 64Mi)");
	return resize(x, name, &wish, err);
}
