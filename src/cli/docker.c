/* docker.c — Docker's words for what has a place of its own here: stats, rmi, tag, info, inspect, port. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/commands.h"
#include "cli/help.h"
#include "cli/obtain.h"
#include "cli/output.h"
#include "cli/select.h"

/* COMMAND with VERB before the arguments. */
static int with_verb(struct context *x, const char *command, const char *verb, int argc, char **argv,
		     struct error *err)
{
	char **args = arena_alloc(x->arena, sizeof(*args) * ((size_t)argc + 2));

	args[0] = arena_strdup(x->arena, verb);
	for (int i = 0; i < argc; i++)
		args[i + 1] = argv[i];
	x->command = command_find(command, err);
	return x->command->run(x, argc + 1, args, err);
}

int run_rmi(struct context *x, int argc, char **argv, struct error *err)
{
	return with_verb(x, "image", "rm", argc, argv, err);
}

int run_tag(struct context *x, int argc, char **argv, struct error *err)
{
	return with_verb(x, "image", "tag", argc, argv, err);
}

int run_info(struct context *x, int argc, char **argv, struct error *err)
{
	return with_verb(x, "system", "info", argc, argv, err);
}

/* --- inspect ------------------------------------------------------------------------------------------------------------ */

const struct option_spec inspect_options[] = {
	{ "output", 'o', "json|yaml|jsonpath=|custom-columns=", "how to print" },
	{ "namespace", 'n', "NAME", "the namespace" },
	{},
};

const struct option_absent inspect_absent[] = {
	{ "format", "the objects are Kubernetes': seapod inspect NAME -o jsonpath='{.status.podIP}'" },
	{},
};

/* A pod by its name; what is none may be an image. */
int run_inspect(struct context *x, int argc, char **argv, struct error *err)
{
	struct output output = { .kind = OUTPUT_JSON };
	const struct option_spec *option;
	struct selection s = { .pods = true };
	struct choice choice = {};
	struct LIST(struct node *) nodes = {};
	struct error why = {};
	struct image image;
	const char *value;
	struct options o;
	int r;

	options_begin(&o, x->command, argc, argv);
	while ((r = options_next(&o, &option, &value, err)) > 0) {
		if (option->letter == 'o' && output_parse(value, x->arena, &output, &why) < 0)
			return usage_error(err, "%s", why.text);
		if (option->letter == 'n')
			use_namespace(x, value);
	}
	if (r < 0 || !need(&o, 0, "the name of a pod or an image", err))
		return -EXIT_USAGE;
	if (!strchr(o.positional[0], '/') &&
	    pods_find(&x->in, x->namespace, o.positional[0], x->arena, &(struct found_pod){}, NULL) == 0)
		o.positional[0] = arena_printf(x->arena, "pod/%s", o.positional[0]);
	else if (image_find(x, o.positional[0], &image, NULL) == 0)
		return with_verb(x, "image", "inspect", argc, argv, err);
	if ((r = select_words(x, &s, o.positional, o.count, err)) < 0 ||
	    (r = select_find(x, &s, x->arena, &choice, err)) < 0)
		return r;
	list_each(c, &choice.items)
		*list_add(x->arena, &nodes) = chosen_node(c, x->arena);
	if (nodes.n > 0)
		r = output_objects(&output, nodes.at, nodes.n, o.count == 1, true, x->arena, err);
	return r < 0 ? r : select_end(&choice, err);
}

/* --- port ------------------------------------------------------------------------------------------------------------------ */

const struct option_spec port_options[] = {
	{ "namespace", 'n', "NAME", "the namespace" },
	{},
};

/* "80/tcp -> 0.0.0.0:8080"; of WANTED ("80", "80/udp") alone the address. True: it was printed. */
static bool print_port(const struct container_port *p, const char *wanted)
{
	const char *slash = wanted ? strchr(wanted, '/') : NULL,
		   *protocol = text_is(p->protocol, "UDP")    ? "udp"
			       : text_is(p->protocol, "SCTP") ? "sctp"
							      : "tcp";
	const char *ip = p->hostIP ? p->hostIP : "0.0.0.0", *open = strchr(ip, ':') ? "[" : "";

	if (!p->hostPort ||
	    (wanted && (atoi(wanted) != p->containerPort || !text_is(slash ? slash + 1 : "tcp", protocol))))
		return false;
	if (!wanted)
		printf("%d/%s -> ", p->containerPort, protocol);
	printf("%s%s%s:%d\n", open, ip, *open ? "]" : "", p->hostPort);
	return true;
}

int run_port(struct context *x, int argc, char **argv, struct error *err)
{
	const struct option_spec *option;
	struct found_pod found;
	const char *value;
	struct options o;
	bool any = false;
	int r;

	options_begin(&o, x->command, argc, argv);
	while ((r = options_next(&o, &option, &value, err)) > 0)
		use_namespace(x, value);
	if (r < 0 || !need(&o, 0, "a pod's name", err))
		return -EXIT_USAGE;
	if ((r = pods_find(&x->in, x->namespace, o.positional[0], x->arena, &found, err)) < 0)
		return r;
	const char *wanted = o.count > 1 ? o.positional[1] : NULL;
	list_each(c, &found.pod->spec.containers)
		list_each(p, &c->ports)
			any = print_port(p, wanted) || any;
	return any || !wanted ? 0
			      : error_set(err, ENOENT, "the pod '%s' does not publish the port %s",
					  o.positional[0], wanted);
}
