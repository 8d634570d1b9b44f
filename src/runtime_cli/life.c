/* life.c — create, run, start, exec, kill, delete, pause, resume; see commands.h. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "runtime/runtime.h"
#include "runtime_cli/commands.h"
#include "runtime_cli/wait.h"

#define IO_OPTIONS                                                                         \
	{ "console-socket", 0, "SOCKET", "where to send the terminal" },                   \
		{ "pid-file", 0, "FILE", "where to write the process's id" },              \
		{ "preserve-fds", 0, "N", "give N descriptors from 3 on to the program" }, \
		{ "no-new-keyring", 0, NULL, "keep the caller's session keyring" },        \
	{                                                                                  \
		"no-subreaper", 0, NULL, "without effect"                                  \
	}

const struct option_spec oci_create_options[] = {
	{ "bundle", 'b', "DIR", "the bundle (the current directory)" },
	{ "no-pivot", 0, NULL, "change the root by chroot: for a host that runs in an initramfs" },
	IO_OPTIONS,
	{},
};
const struct option_spec oci_run_options[] = {
	{ "bundle", 'b', "DIR", "the bundle (the current directory)" },
	{ "no-pivot", 0, NULL, "change the root by chroot: for a host that runs in an initramfs" },
	{ "detach", 'd', NULL, "do not wait for its end" },
	{ "keep", 0, NULL, "do not delete it at its end" },
	IO_OPTIONS,
	{},
};
const struct option_spec oci_exec_options[] = {
	{ "process", 'p', "FILE", "a process as in config.json, as JSON" },
	{ "tty", 't', NULL, "give it a terminal" },
	{ "user", 'u', "UID[:GID]", "who it is" },
	{ "additional-gids", 'g', "GID", "another group of it" },
	{ "cwd", 0, "DIR", "where it starts" },
	{ "env", 'e', "NAME=value", "a variable" },
	{ "cap", 'c', "CAP_NAME", "another capability" },
	{ "no-new-privs", 0, NULL, "it can gain no privileges" },
	{ "detach", 'd', NULL, "do not wait for its end" },
	{ "ignore-paused", 0, NULL, "also when the container is paused" },
	IO_OPTIONS,
	{},
};
const struct option_spec oci_kill_options[] = {
	{ "all", 'a', NULL, "to every process of the container" },
	{},
};
const struct option_spec oci_delete_options[] = {
	{ "force", 'f', NULL, "kill it first when it runs; it is fine when there is none" },
	{},
};

static int number_option(const char *name, const char *text, long long max, long long *out, struct error *err)
{
	return text_to_int(text, 0, max, out) < 0
		       ? usage_error(err, "--%s: '%s' is not a number from 0 to %lld", name, text, max)
		       : 0;
}

/* 1: it was one of IO_OPTIONS. */
static int io_option(const char *name, const char *value, struct oci_io *io, struct error *err)
{
	long long n;

	if (text_is(name, "console-socket"))
		io->console_socket = value;
	else if (text_is(name, "pid-file"))
		io->pid_file = value;
	else if (text_is(name, "no-new-keyring"))
		io->no_new_keyring = true;
	else if (text_is(name, "preserve-fds")) {
		if (number_option(name, value, 1000, &n, err) < 0)
			return -EXIT_USAGE;
		io->preserve_fds = (unsigned)n;
	} else
		return text_is(name, "no-subreaper");
	return 1;
}

/* systemd's socket activation (sd_listen_fds(3)) goes on into the container. */
static void add_listen_fds(struct oci_io *io)
{
	const char *n = getenv("LISTEN_FDS");
	long long count;

	if (n && text_to_int(n, 0, 1000, &count) == 0)
		io->preserve_fds += (unsigned)count;
}

struct life {
	struct oci_create_wish wish;
	bool detach, keep;
};

static int read_create(struct context *x, int argc, char **argv, struct options *o, struct life *l,
		       struct error *err)
{
	const struct option_spec *option;
	const char *value;
	int r;

	*l = (struct life){ .wish = { .bundle = ".", .warn = oci_warn } };
	options_begin(o, x->command, argc, argv);
	while ((r = options_next(o, &option, &value, err)) > 0) {
		if (text_is(option->name, "bundle"))
			l->wish.bundle = value;
		else if (text_is(option->name, "no-pivot"))
			l->wish.no_pivot = true;
		else if (text_is(option->name, "detach"))
			l->detach = true;
		else if (text_is(option->name, "keep"))
			l->keep = true;
		else if ((r = io_option(option->name, value, &l->wish.io, err)) < 0)
			return r;
	}
	add_listen_fds(&l->wish.io);
	if (r < 0 || !(l->wish.id = need(o, 0, "the id of the container", err)))
		return -EXIT_USAGE;
	l->wish.systemd_cgroup = oci.systemd_cgroup;
	return 0;
}

/* What callers look for in the text (Podman's, to exit with 127 or 126). */
static int told(int r, struct error *err)
{
	if (r == -ENOENT && strstr(err->text, "the command"))
		error_hint(err, "executable file not found in $PATH: no such file or directory");
	else if (r == -EACCES && strstr(err->text, "the command"))
		error_hint(err, "permission denied");
	return r;
}

int oci_run_create(struct context *x, int argc, char **argv, struct error *err)
{
	struct container_process p;
	struct options o;
	struct life l;
	int r = read_create(x, argc, argv, &o, &l, err);

	if (r < 0)
		return r;
	r = oci_create(oci.rootfd, &l.wish, &p, err);
	container_process_close(&p);
	return told(r, err);
}

int oci_run_run(struct context *x, int argc, char **argv, struct error *err)
{
	struct container_process p;
	struct options o;
	struct life l;
	int r = read_create(x, argc, argv, &o, &l, err);

	if (r < 0)
		return r;
	l.wish.io.keep_terminal = !l.detach;
	oci_wait_prepare();
	if ((r = oci_create(oci.rootfd, &l.wish, &p, err)) < 0)
		return told(r, err);
	r = oci_start(oci.rootfd, l.wish.id, oci_warn, err);
	if (r == 0 && !l.detach)
		r = oci_wait(&p, l.wish.io.console_socket ? -1 : l.wish.io.terminal.master);
	else if (r < 0) {
		struct exit_status status;
		process_signal(p.pidfd, SIGKILL);
		process_wait(p.pidfd, &status);
	}
	if (r < 0 || (!l.detach && !l.keep))
		oci_delete(oci.rootfd, l.wish.id, true, oci_warn, r < 0 ? NULL : err);
	oci_terminal_close(&l.wish.io.terminal);
	container_process_close(&p);
	return r;
}

int oci_run_start(struct context *x, int argc, char **argv, struct error *err)
{
	struct options o;
	const char *id = oci_id_and_flag(x, argc, argv, &o, NULL, err);

	if (!id)
		return -EXIT_USAGE;
	return told(oci_start(oci.rootfd, id, oci_warn, err), err);
}

/* "1000:1001" */
static int read_user(const char *text, struct oci_exec_wish *w, struct error *err)
{
	const char *colon = strchr(text, ':');
	char uid[16] = {};
	long long n = 0, g = 0;

	memcpy(uid, text,
	       colon ? (size_t)(colon - text) < sizeof(uid) ? (size_t)(colon - text) : 0 : strnlen(text, 15));
	if (text_to_int(uid, 0, UINT32_MAX - 1, &n) < 0 ||
	    (colon && text_to_int(colon + 1, 0, UINT32_MAX - 1, &g) < 0))
		return usage_error(err, "--user: '%s' is not of the form UID[:GID]", text);
	w->uid = (struct optional_int){ true, n };
	w->gid = (struct optional_int){ colon, g };
	return 0;
}

static int exec_option(struct context *x, const char *name, const char *value, struct oci_exec_wish *w,
		       bool *detach, struct error *err)
{
	long long n;

	if (text_is(name, "process"))
		w->process = value;
	else if (text_is(name, "tty"))
		w->terminal = true;
	else if (text_is(name, "user"))
		return read_user(value, w, err);
	else if (text_is(name, "additional-gids")) {
		if (number_option(name, value, UINT32_MAX - 1, &n, err) < 0)
			return -EXIT_USAGE;
		*list_add(x->arena, &w->groups) = n;
	} else if (text_is(name, "cwd"))
		w->cwd = value;
	else if (text_is(name, "env"))
		*list_add(x->arena, &w->env) = value;
	else if (text_is(name, "cap"))
		*list_add(x->arena, &w->caps) = value;
	else if (text_is(name, "no-new-privs"))
		w->no_new_privileges = true;
	else if (text_is(name, "detach"))
		*detach = true;
	else if (text_is(name, "ignore-paused"))
		w->ignore_paused = true;
	else
		return io_option(name, value, &w->io, err) < 0 ? -EXIT_USAGE : 0;
	return 0;
}

int oci_run_exec(struct context *x, int argc, char **argv, struct error *err)
{
	struct oci_exec_wish w = { .warn = oci_warn };
	const struct option_spec *option;
	struct container_process p;
	const char *value;
	bool detach = false;
	struct options o;
	int r;

	options_begin(&o, x->command, argc, argv);
	while ((r = options_next(&o, &option, &value, err)) > 0)
		if ((r = exec_option(x, option->name, value, &w, &detach, err)) < 0)
			return r;
	if (r < 0 || !(w.id = need(&o, 0, "the id of the container", err)))
		return -EXIT_USAGE;
	for (int i = 1; i < o.count; i++)
		*list_add(x->arena, &w.args) = o.positional[i];
	if (!w.process && w.args.n == 0)
		return usage_error(err, "exec needs a command, or --process");
	w.io.keep_terminal = !detach;
	add_listen_fds(&w.io);
	oci_wait_prepare();
	r = oci_exec(oci.rootfd, &w, &p, err);
	if (r < 0)
		return told(r, err), -EXIT_WITH(255);
	r = detach ? 0 : oci_wait(&p, w.io.console_socket ? -1 : w.io.terminal.master);
	oci_terminal_close(&w.io.terminal);
	container_process_close(&p);
	return r;
}

int oci_run_kill(struct context *x, int argc, char **argv, struct error *err)
{
	struct options o;
	bool all = false;
	const char *id = oci_id_and_flag(x, argc, argv, &o, &all, err);

	if (!id)
		return -EXIT_USAGE;
	const char *name = o.count > 1 ? o.positional[1] : "TERM";
	int number = oci_signal_number(name);
	return number < 0 ? usage_error(err, "kill: there is no signal '%s'", name)
			  : oci_kill(oci.rootfd, id, number, all, err);
}

int oci_run_delete(struct context *x, int argc, char **argv, struct error *err)
{
	struct options o;
	bool force = false;
	const char *id = oci_id_and_flag(x, argc, argv, &o, &force, err);

	if (!id)
		return -EXIT_USAGE;
	return oci_delete(oci.rootfd, id, force, oci_warn, err);
}

static int pause_or_resume(struct context *x, int argc, char **argv, bool pause, struct error *err)
{
	struct options o;
	const char *id = oci_id_and_flag(x, argc, argv, &o, NULL, err);

	if (!id)
		return -EXIT_USAGE;
	return oci_pause(oci.rootfd, id, pause, err);
}

int oci_run_pause(struct context *x, int argc, char **argv, struct error *err)
{
	return pause_or_resume(x, argc, argv, true, err);
}

int oci_run_resume(struct context *x, int argc, char **argv, struct error *err)
{
	return pause_or_resume(x, argc, argv, false, err);
}
