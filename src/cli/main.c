/* main.c — the program seapod: a table of commands, and what holds for all of them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"

#define VERSION "0.1.0"

static const struct command commands[] = {
	{ "apply", "Pods", "-f FILE", "create objects from manifests", apply_options, run_apply, false },
	{ "delete", "Pods", "pod NAME | -f FILE", "end pods, remove objects", delete_options, run_delete, false },
	{ "get", "Pods", "KIND [NAME]", "show pods, configmaps, secrets", get_options, run_get, false },
	{ "logs", "Pods", "POD [-c CONTAINER]", "show what a container has said", logs_options, run_logs, false },
	{ "exec", "Pods", "[-it] POD [-c CONTAINER] -- COMMAND...", "run a command in a container", exec_options, run_exec, true },
	{ "explain", "Pods", "pod.spec.containers", "what a field means, and what Seapod does with it", NULL, run_explain, false },
	{ "run", "As Docker's", "[-d] [--rm] [-p PORT] IMAGE [COMMAND...]", "run a program from an image", run_options, run_run, true },
	{ "ps", "As Docker's", "[-a]", "list pods", ps_options, run_ps, false },
	{ "stop", "As Docker's", "POD...", "end pods, keep them listed", stop_options, run_stop, false },
	{ "restart", "As Docker's", "POD...", "end and start containers in the same sandbox", stop_options, run_restart, false },
	{ "kill", "As Docker's", "[-s SIGNAL] POD...", "send a signal", kill_options, run_kill, false },
	{ "rm", "As Docker's", "POD...", "the same as delete pod", delete_options, run_delete, false },
	{ "load", "Images", "FILE", "load images from an archive", NULL, run_load, false },
	{ "images", "Images", "", "list images", NULL, run_images, false },
	{ "image", "Images", "ls|load|import|tag|rm ...", "images", NULL, run_image, false },
	{ "system", "System", "info|prune", "this instance", NULL, run_system, false },
};

enum { COUNT = sizeof(commands) / sizeof(*commands) };

static void help(void)
{
	const char *group = "";

	puts("Seapod runs Kubernetes Pods on this machine.\n\nUsage: seapod [--root DIR] [--run DIR] COMMAND ...");
	for (size_t i = 0; i < COUNT; i++) {
		if (strcmp(group, commands[i].group) != 0)
			printf("\n%s\n", group = commands[i].group);
		printf("  %-10s %s\n", commands[i].name, commands[i].doc);
	}
	puts("\nseapod COMMAND --help tells more.");
}

static void command_help(const struct command *c)
{
	printf("Usage: seapod %s %s\n\n%s.\n", c->name, c->usage, c->doc);
	if (c->options)
		puts("");
	for (const struct option_spec *s = c->options; s && s->name; s++) {
		char left[64];
		snprintf(left, sizeof(left), "%c%c%s--%s%s%s%s", s->letter ? '-' : ' ', s->letter ? s->letter : ' ', s->letter ? ", " : "  ", s->name,
			 s->optional ? "[=" : s->value ? " " : "", s->value ? s->value : "", s->optional ? "]" : "");
		printf("  %-34s %s\n", left, s->doc);
	}
}

static const struct command *find(const char *name, struct error *err)
{
	const char *near = NULL;
	unsigned least = 3;

	for (size_t i = 0; i < COUNT; i++) {
		if (text_is(commands[i].name, name))
			return &commands[i];
		unsigned distance = text_distance(commands[i].name, name);
		if (distance < least) {
			least = distance;
			near = commands[i].name;
		}
	}
	error_set(err, EINVAL, "there is no command '%s'%s%s%s (see seapod help)", name, near ? ", did you mean '" : "", near ? near : "",
		  near ? "'?" : "");
	return NULL;
}

/* "--root DIR" and "--run DIR", before the command. */
static const char *global_option(int argc, char **argv, int *at, const char *name)
{
	size_t n = strlen(name);

	if (*at < argc && strcmp(argv[*at], name) == 0 && *at + 1 < argc) {
		*at += 2;
		return argv[*at - 1];
	}
	if (*at < argc && strncmp(argv[*at], name, n) == 0 && argv[*at][n] == '=')
		return argv[(*at)++] + n + 1;
	return NULL;
}

static int finish(int r, const struct error *err)
{
	fflush(stdout);
	if (r < 0 && err->code)
		fprintf(stderr, "seapod: %s\n", err->text);
	return r >= 0 ? r : r <= -EXIT_WITH(0) ? -r - EXIT_WITH(0) : 1;
}

int main(int argc, char **argv)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	struct context x = { .arena = arena, .namespace = "default" };
	const char *root = NULL, *run = NULL;
	struct error err = {};
	int at = 1;

	for (const char *value;;) {
		if ((value = global_option(argc, argv, &at, "--root")))
			root = value;
		else if ((value = global_option(argc, argv, &at, "--run")))
			run = value;
		else
			break;
	}
	if (at >= argc || text_is(argv[at], "help") || text_is(argv[at], "--help") || text_is(argv[at], "-h")) {
		help();
		return at >= argc ? 2 : 0;
	}
	if (text_is(argv[at], "version") || text_is(argv[at], "--version")) {
		puts("seapod " VERSION);
		return 0;
	}
	x.command = find(argv[at], &err);
	if (!x.command)
		return finish(-EXIT_USAGE, &err);
	if (at + 1 < argc && text_is(argv[at + 1], "--help")) {
		command_help(x.command);
		return 0;
	}
	if (instance_open(&x.in, root, run, &err) < 0)
		return finish(-EXIT_FAILED, &err);
	int code = finish(x.command->run(&x, argc - at - 1, argv + at + 1, &err), &err);
	instance_close(&x.in);
	return code;
}
