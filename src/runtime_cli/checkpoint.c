/* checkpoint.c — checkpoint, restore; see commands.h. */
#include <errno.h>
#include <signal.h>

#include "base/cleanup.h"
#include "runtime/checkpoint.h"
#include "runtime_cli/commands.h"
#include "runtime_cli/wait.h"

#define CRIU_OPTIONS                                                                               \
	{ "image-path", 0, "DIR", "where the files are (checkpoint)" },                            \
		{ "work-path", 0, "DIR", "where criu's logs are (as --image-path)" },              \
		{ "tcp-established", 0, NULL, "with open TCP connections" },                       \
		{ "ext-unix-sk", 0, NULL, "with connections to local sockets outside" },           \
		{ "shell-job", 0, NULL, "with the caller's terminal" },                            \
		{ "file-locks", 0, NULL, "with locks of files" },                                  \
		{ "manage-cgroups-mode", 0, "MODE", "soft, full, strict or ignore: see criu(8)" }, \
		{ "empty-ns", 0, "network", "leave out what is in the network namespace" },        \
		{ "auto-dedup", 0, NULL, "drop from the files of before what these have again" },  \
	{                                                                                          \
		"lazy-pages", 0, NULL, "is refused"                                                \
	}

const struct option_spec oci_checkpoint_options[] = {
	CRIU_OPTIONS,
	{ "leave-running", 0, NULL, "let it go on" },
	{ "pre-dump", 0, NULL, "its memory alone, and let it go on" },
	{ "parent-path", 0, "DIR", "of a --pre-dump, relative to --image-path: only what has changed since" },
	{},
};
const struct option_spec oci_restore_options[] = {
	CRIU_OPTIONS,
	{ "bundle", 'b', "DIR", "the bundle (the current directory)" },
	{ "console-socket", 0, "SOCKET", "where to send the terminal" },
	{ "pid-file", 0, "FILE", "where to write the process's id" },
	{ "detach", 'd', NULL, "do not wait for its end" },
	{ "no-subreaper", 0, NULL, "without effect" },
	{ "no-pivot", 0, NULL, "without effect" },
	{},
};

static int criu_option(const char *name, const char *value, struct oci_criu_wish *w, struct error *err)
{
	const struct {
		const char *name;
		const char **text;
		bool *flag;
	} all[] = {
		{ "image-path", &w->images, NULL },
		{ "work-path", &w->work, NULL },
		{ "parent-path", &w->parent, NULL },
		{ "manage-cgroups-mode", &w->cgroups_mode, NULL },
		{ "leave-running", NULL, &w->leave_running },
		{ "pre-dump", NULL, &w->pre_dump },
		{ "tcp-established", NULL, &w->tcp_established },
		{ "ext-unix-sk", NULL, &w->ext_unix_sk },
		{ "shell-job", NULL, &w->shell_job },
		{ "file-locks", NULL, &w->file_locks },
		{ "auto-dedup", NULL, &w->auto_dedup },
		{ "empty-ns", NULL, &w->empty_network },
	};

	if (text_is(name, "lazy-pages"))
		return usage_error(err, "--lazy-pages: it is not supported (checkpoint without it)");
	if (text_is(name, "empty-ns") && !text_is(value, "network"))
		return usage_error(err, "--empty-ns: only 'network' can be left out, not '%s'", value);
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		if (!text_is(all[i].name, name))
			continue;
		if (all[i].text)
			*all[i].text = value;
		else
			*all[i].flag = true;
	}
	return 0;
}

int oci_run_checkpoint(struct context *x, int argc, char **argv, struct error *err)
{
	struct oci_criu_wish w = { .criu = oci.criu, .images = "checkpoint" };
	const struct option_spec *option;
	const char *value, *id;
	struct options o;
	int r;

	options_begin(&o, x->command, argc, argv);
	while ((r = options_next(&o, &option, &value, err)) > 0)
		if ((r = criu_option(option->name, value, &w, err)) < 0)
			return r;
	if (r < 0 || !(id = need(&o, 0, "the id of the container", err)))
		return -EXIT_USAGE;
	return oci_checkpoint(oci.rootfd, id, &w, oci_warn, err);
}

int oci_run_restore(struct context *x, int argc, char **argv, struct error *err)
{
	struct oci_criu_wish w = { .criu = oci.criu, .images = "checkpoint" };
	struct oci_create_wish create = { .bundle = ".", .warn = oci_warn, .restore = &w };
	const struct option_spec *option;
	struct container_process p;
	bool detach = false;
	const char *value;
	struct options o;
	int r;

	for (int i = 0; i < argc; i++) /* as containerd writes it */
		if (text_is(argv[i], "-no-subreaper"))
			argv[i] = (char *)"--no-subreaper";
	options_begin(&o, x->command, argc, argv);
	while ((r = options_next(&o, &option, &value, err)) > 0) {
		if (text_is(option->name, "bundle"))
			create.bundle = value;
		else if (text_is(option->name, "console-socket"))
			create.io.console_socket = value;
		else if (text_is(option->name, "pid-file"))
			create.io.pid_file = value;
		else if (text_is(option->name, "detach"))
			detach = true;
		else if ((r = criu_option(option->name, value, &w, err)) < 0)
			return r;
	}
	if (r < 0 || !(create.id = need(&o, 0, "the id of the container", err)))
		return -EXIT_USAGE;
	create.systemd_cgroup = oci.systemd_cgroup;
	create.io.keep_terminal = !detach;
	oci_wait_prepare();
	if ((r = oci_create(oci.rootfd, &create, &p, err)) < 0)
		return r;
	if (!detach) {
		r = oci_wait(&p, create.io.console_socket ? -1 : create.io.terminal.master);
		oci_delete(oci.rootfd, create.id, true, oci_warn, err);
	}
	oci_terminal_close(&create.io.terminal);
	container_process_close(&p);
	return r;
}
