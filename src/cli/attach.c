/* attach.c — seapod attach: to the output and, with -i, the input of a container that runs. */
#include <stdio.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/container.h"
#include "cli/pods.h"
#include "cli/session.h"

const struct option_spec attach_options[] = {
	{ "stdin", 'i', NULL, "give it our standard input" },
	{ "tty", 't', NULL, "ours is a terminal (the container must have one)" },
	{ "container", 'c', "NAME", "the container; the first by default" },
	{ "namespace", 'n', "NAME", "the namespace" },
	{},
};

int run_attach(struct context *x, int argc, char **argv, struct error *err)
{
	const struct option_spec *option;
	const char *value, *wanted = NULL;
	struct found_pod found;
	bool input = false, tty = false;
	struct options o;
	int r;

	options_begin(&o, x->command, argc, argv);
	while ((r = options_next(&o, &option, &value, err)) > 0) {
		if (option->letter == 'i')
			input = true;
		else if (option->letter == 't')
			tty = true;
		else if (option->letter == 'c')
			wanted = value;
		else if (option->letter == 'n')
			use_namespace(x, value);
	}
	const char *name = r < 0 ? NULL : need(&o, 0, "a pod's name", err);
	if (!name)
		return -EXIT_USAGE;
	if (pods_find(&x->in, x->namespace, name, x->arena, &found, err) < 0)
		return -EXIT_SEAPOD;
	const struct container *c = container_choose(found.pod, wanted, x->arena, err);
	if (!c || need_alive(found.alive, name, err) < 0)
		return -EXIT_SEAPOD;
	if (tty && !c->tty)
		return usage_error(err, "the container '%s' has no terminal (attach without -t)", c->name);
	if (tty && !isatty(STDIN_FILENO))
		return usage_error(err, "standard input is not a terminal (attach without -t)");
	if (input && !c->stdin)
		fprintf(stderr,
			"seapod: warning: the container '%s' has no standard input (stdin: true, run -i)\n",
			c->name);
	_cleanup_close_ int fd = keeper_connect(&x->in, found.pod->metadata.uid, err);
	return fd < 0 ? -EXIT_SEAPOD : session_attach(x, fd, c->name, input && c->stdin, c->tty, err);
}
