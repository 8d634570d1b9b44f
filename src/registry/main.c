/* main.c — the program seapod-registry: the only one that speaks HTTP and TLS.
 *
 *	seapod-registry ROOT RUN pull [OPTION...] IMAGE...
 *	seapod-registry ROOT RUN push [OPTION...] IMAGE [DESTINATION]
 *	seapod-registry ROOT RUN tags|catalog|referrers [OPTION...] NAME
 *	seapod-registry ROOT RUN login|logout [OPTION...] REGISTRY [USERNAME]
 *
 *	--tls-verify=false  --platform=OS/ARCH  --authfile=FILE  --secret=FD  --style=lines|bars|quiet|json  --error=FD
 *
 * A secret is the text of a config.json, in a file that was handed over as a descriptor, so that it is on no command line. What was done goes
 * to standard output, an error to standard error (or to FD, bare) in one line; exit 0 or 1.
 */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "registry/list.h"
#include "registry/login.h"
#include "registry/pull.h"
#include "registry/push.h"

enum { SECRET_MAX = 1024 * 1024 };

/* --- options -------------------------------------------------------------------------------------------- */

static int take_secret(struct registry_session *s, const char *value, struct error *err)
{
	_cleanup_free_ char *text = NULL;
	long long fd;

	if (text_to_int(value, 0, INT_MAX, &fd) < 0)
		return error_set(err, EINVAL, "'%s' is no descriptor", value);
	_cleanup_close_ int owned = (int)fd;
	int r = lseek(owned, 0, SEEK_SET) < 0
			? error_errno(err, "cannot read an image pull secret")
			: file_read_fd(owned, "the image pull secret", SECRET_MAX, &text, NULL, err);
	if (r == 0)
		*list_add(s->arena, &s->sources.secrets) = arena_strdup(s->arena, text);
	return r;
}

static int error_fd = -1;

static int take_error_fd(const char *value, struct error *err)
{
	long long fd;

	if (text_to_int(value, 3, INT_MAX, &fd) < 0 || fcntl((int)fd, F_SETFD, FD_CLOEXEC) < 0)
		return error_set(err, EINVAL, "'%s' is no descriptor", value);
	error_fd = (int)fd;
	return 0;
}

static int take_style(struct registry_session *s, const char *value)
{
	static const char *const names[] = { [PROGRESS_LINES] = "lines",
					     [PROGRESS_BARS] = "bars",
					     [PROGRESS_QUIET] = "quiet",
					     [PROGRESS_JSON] = "json" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (!text_is(value, names[i]))
			continue;
		s->progress.style = (enum progress_style)i;
		return 0;
	}
	return -EINVAL;
}

/* "--NAME=VALUE" */
static int take_option(struct registry_session *s, const char *option, struct error *err)
{
	const char *value = strchr(option, '=') ? strchr(option, '=') + 1 : "";

	if (text_starts(option, "--tls-verify="))
		s->insecure = text_is(value, "false");
	else if (text_starts(option, "--platform="))
		return platform_parse(value, s->arena, &s->platform, err);
	else if (text_starts(option, "--authfile="))
		s->sources.file = value;
	else if (text_starts(option, "--error="))
		return take_error_fd(value, err);
	else if (text_starts(option, "--secret="))
		return take_secret(s, value, err);
	else if (!text_starts(option, "--style=") || take_style(s, value) < 0)
		return error_set(err, EINVAL, "seapod-registry has no option '%s'", option);
	return 0;
}

/* --- verbs ----------------------------------------------------------------------------------------------- */

static void say(const struct registry_session *s, const char *result, const char *reference,
		const char *digest)
{
	if (s->progress.style == PROGRESS_JSON)
		progress_event(&s->progress, "end", "image", reference, "result", result,
			       digest ? "digest" : NULL, digest, NULL);
	else if (s->progress.style == PROGRESS_QUIET)
		printf("%s\n", reference);
	else
		printf("image/%s %s\n", reference, result);
	fflush(stdout);
}

static int pull(struct registry_session *s, char **argv, struct error *err)
{
	int r = 0;

	s->progress.verb = "pulling";
	for (; *argv && r == 0; argv++) {
		struct pulled pulled;
		r = image_pull(s, *argv, &pulled, err);
		if (r == 0)
			say(s, pulled.fresh ? "pulled" : "unchanged", pulled.reference, pulled.digest);
	}
	return r;
}

static int push(struct registry_session *s, char **argv, struct error *err)
{
	struct pushed pushed;

	if (!argv[0])
		return error_set(err, EINVAL, "push needs an image");
	s->progress.verb = "pushing";
	int r = image_push(s, argv[0], argv[1], &pushed, err);
	if (r == 0)
		say(s, pushed.fresh ? "pushed" : "unchanged", pushed.reference, pushed.digest);
	return r;
}

static const struct {
	const char *name;
	int (*run)(struct registry_session *s, char **argv, struct error *err);
} verbs[] = {
	{ "pull", pull },
	{ "push", push },
	{ "tags", registry_tags },
	{ "catalog", registry_catalog },
	{ "referrers", registry_referrers },
	{ "login", registry_login },
	{ "logout", registry_logout },
};

static int run(struct registry_session *s, const char *verb, char **argv, struct error *err)
{
	int r = 0;

	for (; r == 0 && *argv && text_starts(*argv, "--"); argv++)
		r = take_option(s, *argv, err);
	if (r == 0)
		r = session_open(s, err);
	for (size_t i = 0; r == 0 && i < sizeof(verbs) / sizeof(*verbs); i++)
		if (text_is(verb, verbs[i].name))
			return verbs[i].run(s, argv, err);
	return r < 0 ? r : error_set(err, EINVAL, "seapod-registry has no verb '%s'", verb);
}

/* An error may hold words of a stranger: they must not move the cursor, nor look like another line. */
static void make_printable(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == '\x7f')
			*text = '?';
}

int main(int argc, char **argv)
{
	_cleanup_(instance_close) struct instance in = { .rootfd = -1, .runfd = -1 };
	_cleanup_arena_ struct arena *a = arena_new();
	struct registry_session s = { .in = &in, .arena = a };
	struct error err = {};

	if (argc < 4)
		return 2;
	int r = instance_open(&in, argv[1], argv[2], &err);
	if (r == 0)
		r = run(&s, argv[3], argv + 4, &err);
	session_close(&s);
	if (r < 0) {
		make_printable(err.text);
		progress_event(&s.progress, "error", "message", err.text, NULL);
		if (error_fd >= 0)
			dprintf(error_fd, "%s", err.text);
		else
			fprintf(stderr, "seapod: %s\n", err.text);
	}
	return r < 0 ? 1 : 0;
}
