/* main.c — seapod-oci: its commands, the options before them, and how errors are told; see commands.h. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "linux/program.h"
#include "object/node.h"
#include "runtime/config.h"
#include "runtime/rootless.h"
#include "runtime/state.h"
#include "runtime_cli/commands.h"

#define ROOT "/run/seapod-oci"

struct oci_options oci = { .rootfd = -1, .log = -1 };

const struct command commands[] = {
	{ "create", "Life", "[-b BUNDLE] ID", "create a container", oci_create_options, oci_run_create,
	  .enters = true },
	{ "start", "Life", "ID", "start the program of a created container", NULL, oci_run_start },
	{ "run", "Life", "[-d] [-b BUNDLE] ID", "create a container, start it, wait for its end",
	  oci_run_options, oci_run_run, .enters = true },
	{ "exec", "Life", "ID COMMAND...", "execute another program in a container", oci_exec_options,
	  oci_run_exec, .own_options = true, .enters = true },
	{ "kill", "Life", "ID [SIGNAL]", "send a signal (SIGTERM) to a container's process", oci_kill_options,
	  oci_run_kill },
	{ "pause", "Life", "ID", "suspend all processes of a container", NULL, oci_run_pause },
	{ "resume", "Life", "ID", "let them go on", NULL, oci_run_resume },
	{ "update", "Life", "ID", "change the resources of a container", oci_update_options, oci_run_update },
	{ "delete", "Life", "ID", "remove what a stopped container has left", oci_delete_options,
	  oci_run_delete },
	{ "checkpoint", "Life", "ID", "write a running container to files", oci_checkpoint_options,
	  oci_run_checkpoint },
	{ "restore", "Life", "[-d] [-b BUNDLE] ID", "make a container from these files", oci_restore_options,
	  oci_run_restore },
	{ "state", "Show", "ID", "the state of a container, as JSON", NULL, oci_run_state },
	{ "list", "Show", "", "the containers below --root", oci_list_options, oci_run_list },
	{ "ps", "Show", "ID", "the processes of a container", oci_ps_options, oci_run_ps },
	{ "events", "Show", "ID", "figures of a container's use of resources", oci_events_options,
	  oci_run_events },
	{ "spec", "Show", "", "write a config.json to begin with", oci_spec_options, oci_run_spec },
	{ "features", "Show", "", "what this runtime can do, as JSON", NULL, oci_run_features },
	{},
};

enum { COUNT = sizeof(commands) / sizeof(*commands) - 1 };

const struct option_spec oci_globals[] = {
	{ "root", 0, "DIR",
	  "where the state of containers is kept (" ROOT "; not root: $XDG_RUNTIME_DIR/seapod-oci)" },
	{ "log", 0, "FILE", "where to tell errors, besides standard error" },
	{ "log-format", 0, "text|json", "how they look there" },
	{ "log-level", 0, "LEVEL", "without effect" },
	{ "debug", 0, NULL, "without effect" },
	{ "systemd-cgroup", 0, NULL, "cgroups are units of systemd: cgroupsPath is SLICE:PREFIX:NAME" },
	{ "cgroup-manager", 0, "cgroupfs|systemd", "the same" },
	{ "rootless", 0, "auto|true|false", "without effect" },
	{ "criu", 0, "PATH", "the program that checkpoint and restore use (criu)" },
	{ "version", 'v', NULL, "the version of the program and of the specification" },
	{ "help", 'h', NULL, "this" },
	{},
};

/* One line as runc's: callers look for the last one with level "error". */
static void log_to_file(const char *level, const char *text)
{
	_cleanup_arena_ struct arena *a = arena_new();
	_cleanup_text_ struct text line = {};
	char now[CLOCK_TEXT_SIZE];

	clock_rfc3339(clock_wall(), now);
	struct node *n = node_new(a, NODE_MAP);
	node_put(a, n, "level", node_string(a, level));
	node_put(a, n, "msg", node_string(a, text));
	node_put(a, n, "time", node_string(a, now));
	if (oci.is_json)
		node_to_json(n, false, &line);
	else
		text_printf(&line, "time=\"%s\" level=%s msg=\"%s\"", now, level, text);
	text_add_char(&line, '\n');
	write_all(oci.log, line.at, line.n);
}

void oci_warn(const char *text)
{
	if (oci.log >= 0)
		log_to_file("warning", text);
	else
		fprintf(stderr, "seapod-oci: warning: %s\n", text);
}

const char *oci_id_and_flag(struct context *x, int argc, char **argv, struct options *o, bool *flag,
			    struct error *err)
{
	const struct option_spec *option;
	const char *value;
	int r;

	options_begin(o, x->command, argc, argv);
	while ((r = options_next(o, &option, &value, err)) > 0)
		*flag = true;
	return r < 0 ? NULL : need(o, 0, "the id of the container", err);
}

static int finish(int r, const struct error *err)
{
	fflush(stdout);
	if (r < 0 && err->code) {
		if (oci.log >= 0)
			log_to_file("error", err->text);
		fprintf(stderr, "seapod-oci: %s\n", err->text);
	}
	return r >= 0 ? r : r <= -EXIT_WITH(0) ? -r - EXIT_WITH(0) : 1;
}

static const struct command *find(const char *name, struct error *err)
{
	for (size_t i = 0; i < COUNT; i++)
		if (text_is(commands[i].name, name))
			return &commands[i];
	error_set(err, EINVAL, "there is no command '%s' (see seapod oci --help)", name);
	return NULL;
}

static int open_log(const char *path, struct error *err)
{
	oci.log = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	return oci.log < 0 ? error_errno(err, "cannot open the log '%s'", path) : 0;
}

/* 1: done already (help, version). */
static int apply_global(const char *name, const char *value, const char **root, struct error *err)
{
	if (text_is(name, "root"))
		*root = value;
	else if (text_is(name, "log"))
		return open_log(value, err);
	else if (text_is(name, "log-format") && !text_is(value, "text") && !text_is(value, "json"))
		return usage_error(err, "--log-format: '%s' is neither text nor json", value);
	else if (text_is(name, "log-format"))
		oci.is_json = text_is(value, "json");
	else if (text_is(name, "criu"))
		oci.criu = value;
	else if (text_is(name, "systemd-cgroup"))
		oci.systemd_cgroup = true;
	else if (text_is(name, "cgroup-manager"))
		oci.systemd_cgroup = text_is(value, "systemd");
	else if (text_is(name, "help")) {
		oci_help();
		return 1;
	} else if (text_is(name, "version")) {
		puts("seapod-oci version " SEAPOD_VERSION "\nspec: " OCI_VERSION_MAX);
		return 1;
	}
	return 0;
}

static int run(int argc, char **argv, struct error *err)
{
	static const struct command self = {
		"oci", "", "COMMAND", "", oci_globals, NULL, .own_options = true
	};
	const struct option_spec *option;
	const char *value, *home = getenv("XDG_RUNTIME_DIR"), *root = ROOT;
	char own[PATH_MAX];
	struct options o;
	int r;

	if (!text_empty(home) && (geteuid() != 0 || rootless_is_inside())) {
		snprintf(own, sizeof(own), "%s/seapod-oci", home);
		root = own;
	}

	options_begin(&o, &self, argc - 1, argv + 1);
	while ((r = options_next(&o, &option, &value, err)) > 0)
		if ((r = apply_global(option->name, value, &root, err)) != 0)
			return r > 0 ? 0 : r;
	if (r < 0)
		return r;
	if (o.count == 0) {
		oci_help();
		return 1;
	}
	if (text_is(o.positional[0], "help")) { /* man/make-page asks so */
		oci_help_scdoc();
		return 0;
	}
	_cleanup_arena_ struct arena *arena = arena_new();
	struct context x = { .arena = arena, .command = find(o.positional[0], err) };
	if (!x.command)
		return -EXIT_FAILED;
	int at = argc - o.count;
	if (at + 1 < argc && (text_is(argv[at + 1], "--help") || text_is(argv[at + 1], "-h"))) {
		oci_help_command(x.command);
		return 0;
	}
	if (!program_is_protected() && x.command->enters && program_protect(oci.argv, err) < 0)
		return -EXIT_FAILED;
	oci.rootfd = text_is(x.command->group, "Show") && !text_is(x.command->name, "state") &&
				     access(root, F_OK) < 0
			     ? -1
			     : oci_root_open(root, err);
	if (oci.rootfd < 0 && err->code)
		return -EXIT_FAILED;
	return x.command->run(&x, argc - at - 1, argv + at + 1, err);
}

int main(int argc, char **argv)
{
	struct error err = {};

	oci.argv = argv;
	int r = run(argc, argv, &err);

	return finish(r == -EXIT_USAGE ? -EXIT_FAILED : r, &err);
}
