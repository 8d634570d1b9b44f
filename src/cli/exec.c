/* exec.c — seapod exec: another process in a container. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/container.h"
#include "cli/pods.h"
#include "cli/session.h"

const struct option_spec exec_options[] = {
	{ "stdin", 'i', NULL, "give it our standard input" },
	{ "tty", 't', NULL, "give it a terminal" },
	{ "container", 'c', "NAME", "the container; the first by default" },
	{ "env", 'e', "NAME[=VALUE]", "a variable more; without a value: ours" },
	{ "user", 'u', "USER[:GROUP]", "the user, by name or number" },
	{ "workdir", 'w', "DIR", "the working directory" },
	{ "namespace", 'n', "NAME", "the namespace" },
	{},
};

int run_exec(struct context *x, int argc, char **argv, struct error *err)
{
	const struct option_spec *option;
	const char *value;
	struct request request = { .verb = "exec" };
	struct env_var variable;
	struct found_pod found;
	struct options o;
	int r;

	options_begin(&o, x->command, argc, argv);
	/* kubectl writes options after the pod's name, too, up to "--". */
	for (int i = 0; i < argc; i++)
		if (text_is(argv[i], "--")) {
			o.argc = i;
			for (int j = i + 1; j < argc; j++)
				*list_add(x->arena, &request.argv) = argv[j];
			break;
		}
	struct command loose = *x->command;
	loose.own_options = request.argv.n == 0;
	o.command = &loose;
	while ((r = options_next(&o, &option, &value, err)) > 0) {
		switch (option->letter) {
		case 'i':
			request.stdin_wanted = true;
			break;
		case 't':
			request.tty = true;
			break;
		case 'c':
			request.container = value;
			break;
		case 'e':
			if ((r = env_take(value, x->arena, &variable, err)) < 0)
				return r;
			if (r > 0)
				*list_add(x->arena, &request.env) =
					arena_printf(x->arena, "%s=%s", variable.name, variable.value);
			break;
		case 'u':
			request.user = value;
			break;
		case 'w':
			request.cwd = value;
			break;
		default:
			use_namespace(x, value);
		}
	}
	if (r < 0)
		return r;
	const char *name = need(&o, 0, "a pod's name", err);
	if (!name)
		return -EXIT_USAGE;
	for (int i = 1; i < o.count; i++)
		*list_add(x->arena, &request.argv) = o.positional[i];
	if (request.argv.n == 0)
		return usage_error(err, "exec needs a command (usage: seapod exec %s)", x->command->usage);
	if (request.tty && request.stdin_wanted && !isatty(STDIN_FILENO)) {
		fprintf(stderr, "seapod: warning: standard input is no terminal, so the program gets none\n");
		request.tty = false;
	}
	if ((r = pods_find(&x->in, x->namespace, name, x->arena, &found, err)) < 0)
		return -EXIT_SEAPOD;
	const struct container *c = container_choose(found.pod, request.container, x->arena, err);
	if (!c || need_alive(found.alive, name, err) < 0)
		return -EXIT_SEAPOD;
	request.container = c->name;
	_cleanup_close_ int fd = keeper_connect(&x->in, found.pod->metadata.uid, err);
	return fd < 0 ? -EXIT_SEAPOD : session_exec(x, fd, &request, err);
}
