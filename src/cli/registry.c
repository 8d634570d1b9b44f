/* registry.c — images from registries and to them: the program seapod-registry does it; here are the commands' options. */
#include "cli/registry.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/commands.h"

enum { WORDS_MAX = 4096 };

const struct option_spec pull_options[] = {
	{ "quiet", 'q', NULL, "say nothing but the image's name" },
	{ "output", 'o', "json", "events, one JSON object a line" },
	{ "platform", 0, "OS/ARCH[/VARIANT]", "for another kind of machine" },
	{ "authfile", 0, "FILE", "the file with logins" },
	{ "tls-verify", 0, "true|false", "false: any certificate, and HTTP", .optional = true },
	{},
};

const struct option_spec login_options[] = {
	{ "username", 'u', "NAME", "the name" },
	{ "password-stdin", 0, NULL, "read the password from standard input" },
	{ "authfile", 0, "FILE", "the file to keep it in" },
	{ "tls-verify", 0, "true|false", "false: any certificate, and HTTP", .optional = true },
	{},
};

const struct option_spec logout_options[] = {
	{ "authfile", 0, "FILE", "the file it is kept in" },
	{},
};

/* --- calling ----------------------------------------------------------------------------------------------- */

/* TEXT as a file that the program inherits; its number as an option. Stays open: the program is what follows. */
static int hand_over(struct context *x, const char *text, struct strings *argv, struct error *err)
{
	int fd = memfd_create("secret", 0);

	if (fd < 0 || write_all(fd, text, strlen(text)) < 0)
		return error_errno(err, "cannot hand over an image pull secret");
	*list_add(x->arena, argv) = arena_printf(x->arena, "--secret=%d", fd);
	return 0;
}

static int execute(struct context *x, const struct registry_call *call, struct error *err)
{
	struct strings argv = {};
	char path[PATH_MAX];
	const char *const first[] = { "seapod-registry", x->in.root, x->in.run, call->verb };

	for (size_t i = 0; i < sizeof(first) / sizeof(*first); i++)
		*list_add(x->arena, &argv) = first[i];
	list_each(secret, &call->secrets) {
		int r = hand_over(x, *secret, &argv, err);
		if (r < 0)
			return r;
	}
	*list_add(x->arena, &argv) = call->json              ? "--style=json"
				     : call->quiet           ? "--style=quiet"
				     : isatty(STDERR_FILENO) ? "--style=bars"
							     : "--style=lines";
	list_each(option, &call->options)
		*list_add(x->arena, &argv) = *option;
	list_each(argument, &call->arguments)
		*list_add(x->arena, &argv) = *argument;
	*list_add(x->arena, &argv) = NULL;
	instance_helper("seapod-registry", path);
	fflush(stdout);
	execv(path, (char **)argv.at);
	return error_errno(err, "cannot execute '%s'", path);
}

int registry_become(struct context *x, const struct registry_call *call, struct error *err)
{
	return execute(x, call, err);
}

/* In a child: its words go to WORDS, what it has done to nowhere. */
static void execute_in_child(struct context *x, struct registry_call call, int words)
{
	struct error err = {};
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC), own = fcntl(words, F_DUPFD, 3);

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	dup2(null, STDOUT_FILENO);
	*list_add(x->arena, &call.options) = arena_printf(x->arena, "--error=%d", own);
	execute(x, &call, &err);
	dprintf(words, "%s", err.text);
	_exit(1);
}

int registry_run(struct context *x, const struct registry_call *call, struct error *err)
{
	_cleanup_close_ int words = memfd_create("words", MFD_CLOEXEC);
	_cleanup_free_ char *text = NULL;
	int status;

	if (words < 0)
		return error_errno(err, "cannot start seapod-registry");
	fflush(NULL);
	pid_t pid = fork();
	if (pid == 0)
		execute_in_child(x, *call, words);
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return error_errno(err, "cannot start seapod-registry");
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	lseek(words, 0, SEEK_SET);
	if (file_read_fd(words, "words", WORDS_MAX, &text, NULL, err) < 0)
		return -EIO;
	return error_set(err, EREMOTEIO, "%s", *text ? text : "the pull was broken off");
}

/* --- commands ------------------------------------------------------------------------------------------------ */

static int take_option(struct context *x, struct registry_call *call, const struct option_spec *option,
		       const char *value, struct error *err)
{
	if (option->letter == 'q')
		call->quiet = true;
	else if (option->letter == 'o' && !text_is(value, "json"))
		return usage_error(err, "the output '%s' is not known (json)", value);
	else if (option->letter == 'o')
		call->json = true;
	else if (text_is(option->name, "tls-verify") && value && !text_is(value, "true") &&
		 !text_is(value, "false"))
		return usage_error(err, "--tls-verify is true or false, not '%s'", value);
	else
		*list_add(x->arena, &call->options) =
			arena_printf(x->arena, "--%s=%s", option->name, value ? value : "true");
	return 0;
}

/* VERB with the options and at least one positional argument from FIRST on, AT_MOST of them. */
static int pass_on(struct context *x, struct options *o, int first, int at_most, const char *verb,
		   struct error *err)
{
	struct registry_call call = { .verb = verb };
	const struct option_spec *option;
	const char *value;
	int r;

	while ((r = options_next(o, &option, &value, err)) > 0)
		if ((r = take_option(x, &call, option, value, err)) < 0)
			return r;
	if (r < 0 ||
	    !need(o, first, text_is(verb, "pull") || text_is(verb, "push") ? "an image" : "a name", err))
		return -EXIT_USAGE;
	if (o->count - first > at_most)
		return usage_error(err, "%s does not take '%s'", verb, o->positional[first + at_most]);
	for (int i = first; i < o->count; i++)
		*list_add(x->arena, &call.arguments) = o->positional[i];
	return registry_become(x, &call, err);
}

static const struct {
	const char *name;
	int arguments;
} image_verbs[] = {
	{ "pull", 200 }, { "push", 2 }, { "tags", 1 }, { "catalog", 1 }, { "referrers", 1 },
};

static int take_verb(struct context *x, const char *verb, int first, int argc, char **argv, struct error *err)
{
	const struct command command = { .name = x->command->name, .options = pull_options };
	struct options o;

	options_begin(&o, &command, argc, argv);
	for (size_t i = 0; i < sizeof(image_verbs) / sizeof(*image_verbs); i++)
		if (text_is(verb, image_verbs[i].name))
			return pass_on(x, &o, first, image_verbs[i].arguments, verb, err);
	return usage_error(err, "there is no verb '%s'", verb);
}

bool registry_has_verb(const char *verb)
{
	for (size_t i = 0; i < sizeof(image_verbs) / sizeof(*image_verbs); i++)
		if (text_is(verb, image_verbs[i].name))
			return true;
	return false;
}

int registry_verb(struct context *x, int argc, char **argv, struct error *err)
{
	return take_verb(x, argv[0], 1, argc, argv, err);
}

int run_pull(struct context *x, int argc, char **argv, struct error *err)
{
	return take_verb(x, "pull", 0, argc, argv, err);
}

int run_push(struct context *x, int argc, char **argv, struct error *err)
{
	return take_verb(x, "push", 0, argc, argv, err);
}

/* Asks for the password on the terminal, without showing it. */
static int ask_password(char *password, size_t size, struct error *err)
{
	struct termios shown, hidden;
	_cleanup_fclose_ FILE *tty = fopen("/dev/tty", "r+e");

	if (!tty || tcgetattr(fileno(tty), &shown) < 0)
		return error_set(err, ENOTTY,
				 "there is no terminal to ask for the password (--password-stdin reads it "
				 "from standard input)");
	hidden = shown;
	hidden.c_lflag &= ~(tcflag_t)ECHO;
	fputs("Password: ", tty);
	fflush(tty);
	tcsetattr(fileno(tty), TCSAFLUSH, &hidden);
	bool read = fgets(password, (int)size, tty);
	tcsetattr(fileno(tty), TCSAFLUSH, &shown);
	fputs("\n", tty);
	return read ? 0 : error_set(err, EIO, "no password was given");
}

/* The password as standard input of what follows. */
static int password_to_stdin(struct error *err)
{
	char password[1024];
	int r = ask_password(password, sizeof(password), err);
	_cleanup_close_ int fd = r < 0 ? -1 : memfd_create("password", MFD_CLOEXEC);

	if (r < 0)
		return r;
	if (fd < 0 || write_all(fd, password, strlen(password)) < 0 || lseek(fd, 0, SEEK_SET) < 0 ||
	    dup2(fd, STDIN_FILENO) < 0)
		return error_errno(err, "cannot hand over the password");
	return 0;
}

int run_login(struct context *x, int argc, char **argv, struct error *err)
{
	struct registry_call call = { .verb = "login" };
	const struct option_spec *option;
	const char *value, *username = NULL;
	bool from_stdin = false;
	struct options o;
	int r;

	options_begin(&o, x->command, argc, argv);
	while ((r = options_next(&o, &option, &value, err)) > 0) {
		if (option->letter == 'u')
			username = value;
		else if (text_is(option->name, "password-stdin"))
			from_stdin = true;
		else if ((r = take_option(x, &call, option, value, err)) < 0)
			return r;
	}
	if (r < 0 || !need(&o, 0, "a registry", err))
		return -EXIT_USAGE;
	if (!username)
		return usage_error(err, "login needs a name (-u NAME)");
	if (!from_stdin && (r = password_to_stdin(err)) < 0)
		return r;
	*list_add(x->arena, &call.arguments) = o.positional[0];
	*list_add(x->arena, &call.arguments) = username;
	return registry_become(x, &call, err);
}

int run_logout(struct context *x, int argc, char **argv, struct error *err)
{
	struct options o;

	options_begin(&o, x->command, argc, argv);
	return pass_on(x, &o, 0, 1, "logout", err);
}
