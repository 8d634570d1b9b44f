/* debug.c — seapod debug: an ephemeral container in a pod that runs (KEP-277; kubectl debug).
 *
 * The keeper gets the pod's object with one container more, as it gets any change (protocol.h "configure"). Who is to be attached to it has it wait.
 */
#include <stdio.h>
#include <sys/random.h>
#include <unistd.h>

#include "api/names.h"
#include "cli/commands.h"
#include "cli/container.h"
#include "cli/debug_profile.h"
#include "cli/pods.h"
#include "cli/session.h"
#include "cli/start.h"

const struct option_spec debug_options[] = {
	{ "image", 0, "IMAGE", "the image with the tools" },
	{ "target", 0, "CONTAINER", "see the processes of this container" },
	{ "container", 'c', "NAME", "the new container's name" },
	{ "env", 'e', "NAME=VALUE", "a variable" },
	{ "profile", 0, "NAME", "general, baseline, restricted, netadmin, sysadmin" },
	{ "custom", 0, "FILE", "more of it: volumeMounts, envFrom, securityContext …" },
	{ "stdin", 'i', NULL, "give it our standard input" },
	{ "tty", 't', NULL, "give it a terminal" },
	{ "namespace", 'n', "NAME", "the namespace" },
	{},
};

static const char *invent_name(struct context *x)
{
	unsigned char random[3];

	while (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		;
	return arena_printf(x->arena, "debugger-%02x%02x%02x", random[0], random[1], random[2]);
}

static int add_variable(struct context *x, struct container *c, const char *value, struct error *err)
{
	struct env_var e;
	int r = env_take(value, x->arena, &e, err);

	if (r > 0)
		*list_add(x->arena, &c->env) =
			(struct env_var){ .name = e.name, .value = without_references(e.value, x->arena) };
	return r < 0 ? r : 0;
}

static int take_option(struct context *x, struct container *c, const struct option_spec *option,
		       const char *value, struct error *err)
{
	if (text_is(option->name, "profile") || text_is(option->name, "custom"))
		return 0; /* begin_with */
	if (text_is(option->name, "image"))
		c->image = value;
	else if (text_is(option->name, "target"))
		c->targetContainerName = value;
	else if (option->letter == 'c')
		c->name = value;
	else if (option->letter == 'e')
		return add_variable(x, c, value, err);
	else if (option->letter == 'i')
		c->stdin = c->stdinOnce = true;
	else if (option->letter == 't')
		c->tty = true;
	else
		use_namespace(x, value);
	return 0;
}

static int check(const struct pod *pod, const struct container *c, struct error *err)
{
	const char *why = name_dns_label(c->name);

	if (why)
		return usage_error(err, "the name '%.80s' %s", c->name, why);
	if (pod_find_container(pod, c->name))
		return error_set(err, EEXIST, "the pod '%s' has a container '%s' already", pod->metadata.name,
				 c->name);
	if (c->targetContainerName && !pod_find_container(pod, c->targetContainerName))
		return error_set(err, ENOENT, "the pod '%s' has no container '%s'", pod->metadata.name,
				 c->targetContainerName);
	return 0;
}

/* The rules of a container, as part of the pod that it comes to. */
static int validate(struct context *x, const struct pod *pod, const struct container *c, struct error *err)
{
	struct problems problems = { .arena = x->arena };
	struct pod whole = *pod;

	whole.spec.ephemeralContainers = (struct containers){};
	*list_add(x->arena, &whole.spec.ephemeralContainers) = *c;
	return pod_validate(&whole, &problems) ? 0 : error_set(err, EINVAL, "%s", problems.errors.at[0].text);
}

static int add(struct context *x, const char *name, struct container *c, struct error *err)
{
	bool attach = c->stdin || c->tty;
	struct found_pod found;
	int r = pods_find(&x->in, x->namespace, name, x->arena, &found, err);

	if (r < 0)
		return r;
	if ((r = need_alive(found.alive, name, err)) < 0)
		return r;
	object_defaults(&ephemeral_container_table, c, x->arena);
	if ((r = check(found.pod, c, err)) < 0 || (r = validate(x, found.pod, c, err)) < 0)
		return r;
	if (c->tty && c->stdin && !isatty(STDIN_FILENO)) {
		fprintf(stderr, "seapod: warning: standard input is no terminal, so the program gets none\n");
		c->tty = false;
	}
	if ((r = pod_add_container(x, found.pod, c, attach ? START_HOLD : 0, err)) < 0)
		return r;
	if (!attach) {
		printf("%s\n", c->name);
		return 0;
	}
	_cleanup_close_ int fd = keeper_connect(&x->in, found.pod->metadata.uid, err);
	return fd < 0 ? fd : session_attach(x, fd, c->name, c->stdin, c->tty, err);
}

/* What the file of --custom says, then what --profile does, are where the other options begin, wherever they stand. */
static int begin_with(struct context *x, struct container *c, struct options o, struct error *err)
{
	const char *value, *custom = NULL, *profile = NULL;
	const struct strings command = c->command;
	const struct option_spec *option;
	int r;

	while ((r = options_next(&o, &option, &value, err)) > 0) {
		custom = text_is(option->name, "custom") ? value : custom;
		profile = text_is(option->name, "profile") ? value : profile;
	}
	if (r == 0 && custom && (r = debug_custom(x, c, custom, err)) < 0)
		return -EXIT_SEAPOD;
	c->command = command;
	return r < 0 || !profile ? r : debug_profile(x, c, profile, err);
}

int run_debug(struct context *x, int argc, char **argv, struct error *err)
{
	struct container *c = arena_one(x->arena, struct container);
	struct command loose = *x->command;
	const struct option_spec *option;
	const char *value;
	struct options o;
	int r;

	options_begin(&o, x->command, argc, argv);
	for (int i = 0; i < argc; i++) /* as kubectl: options after the pod's name, too, up to "--" */
		if (text_is(argv[i], "--")) {
			o.argc = i;
			for (int j = i + 1; j < argc; j++)
				*list_add(x->arena, &c->command) = without_references(argv[j], x->arena);
			break;
		}
	loose.own_options = false;
	o.command = &loose;
	if ((r = begin_with(x, c, o, err)) < 0)
		return r;
	c->imagePullPolicy = "IfNotPresent";
	while ((r = options_next(&o, &option, &value, err)) > 0)
		if ((r = take_option(x, c, option, value, err)) < 0)
			return -EXIT_USAGE;
	if (r < 0)
		return r;
	const char *name = need(&o, 0, "a pod's name", err);
	if (!name)
		return -EXIT_USAGE;
	if (!c->image)
		return usage_error(err, "debug needs an image (usage: seapod debug %s)", x->command->usage);
	for (int i = 1; i < o.count; i++)
		*list_add(x->arena, &c->command) = without_references(o.positional[i], x->arena);
	if (!c->name)
		c->name = invent_name(x);
	r = add(x, name, c, err);
	return r < 0 && r > -EXIT_WITH(0) ? -EXIT_SEAPOD : r;
}
