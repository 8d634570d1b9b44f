/* options.c — command lines by table; see command.h. */
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "command/command.h"

int usage_error(struct error *err, const char *format, ...)
{
	char text[600];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	error_set(err, EINVAL, "%s", text);
	return -EXIT_USAGE;
}

void options_begin(struct options *o, const struct command *c, int argc, char **argv)
{
	*o = (struct options){ .command = c, .argc = argc, .argv = argv };
}

static const struct option_spec *find_long(const struct command *c, const char *name, size_t n)
{
	for (const struct option_spec *s = c->options; s && s->name; s++)
		if (strlen(s->name) == n && memcmp(s->name, name, n) == 0)
			return s;
	return NULL;
}

static const struct option_spec *find_letter(const struct command *c, char letter)
{
	for (const struct option_spec *s = c->options; s && s->name; s++)
		if (s->letter == letter)
			return s;
	return NULL;
}

static int unknown(struct options *o, const char *arg, struct error *err)
{
	const char *near = NULL;
	unsigned least = UINT_MAX;

	for (const struct option_absent *a = o->command->absent; a && a->name; a++)
		if (text_starts(arg, "--") && strncmp(a->name, arg + 2, strcspn(arg + 2, "=")) == 0 &&
		    strlen(a->name) == strcspn(arg + 2, "="))
			return usage_error(err, "%s has no option '--%s' (%s)", o->command->name, a->name,
					   a->instead);

	for (const struct option_spec *s = o->command->options; s && s->name && text_starts(arg, "--"); s++) {
		unsigned distance = text_near(s->name, arg + 2);
		if (distance < least) {
			least = distance;
			near = s->name;
		}
	}
	return usage_error(err, "%s has no option '%s'%s%s%s (see seapod %s --help)", o->command->name, arg,
			   near ? ", did you mean '--" : "", near ? near : "", near ? "'?" : "",
			   o->command->name);
}

/* A namespace is a DNS label (RFC 1123); a wrong one is empty for ever, and nobody would be told. */
static int check_namespace(const char *name, struct error *err)
{
	size_t n = strlen(name);

	if (n == 0 || n > 63 || strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != n ||
	    name[0] == '-' || name[n - 1] == '-')
		return usage_error(
			err, "'%.80s' is not the name of a namespace (small letters, digits and -)", name);
	return 1;
}

static int take_value(struct options *o, const struct option_spec *s, const char *attached,
		      const char **value, struct error *err)
{
	if (!attached && !s->optional && o->at >= o->argc)
		return usage_error(err, "the option --%s needs a value (%s)", s->name, s->value);
	*value = attached || s->optional ? attached : o->argv[o->at++];
	return text_is(s->name, "namespace") && s->letter == 'n' ? check_namespace(*value, err) : 1;
}

int options_next(struct options *o, const struct option_spec **option, const char **value, struct error *err)
{
	*value = NULL;
	if (o->cluster && *o->cluster) {
		*option = find_letter(o->command, *o->cluster);
		if (!*option)
			return unknown(o, (char[]){ '-', *o->cluster, 0 }, err);
		char *rest = ++o->cluster;
		if (!(*option)->value || (*option)->optional)
			return 1;
		o->cluster = NULL;
		return take_value(o, *option, *rest ? rest + (*rest == '=') : NULL, value, err);
	}
	while (o->at < o->argc) {
		char *arg = o->argv[o->at++];
		bool rest = text_is(arg, "--");
		if (rest || arg[0] != '-' || !arg[1]) {
			if (!rest)
				o->at--;
			bool all = rest || (o->command->own_options && o->count >= 0);
			while (o->at < o->argc && o->count < 256) {
				o->positional[o->count++] = o->argv[o->at++];
				if (!all)
					break;
			}
			if (o->count == 256)
				return usage_error(err, "there are more than 255 arguments");
			continue;
		}
		if (arg[1] != '-') {
			o->cluster = arg + 1;
			return options_next(o, option, value, err);
		}
		const char *equals = strchr(arg, '=');
		size_t n = equals ? (size_t)(equals - arg - 2) : strlen(arg + 2);
		*option = find_long(o->command, arg + 2, n);
		if (!*option)
			return unknown(o, arg, err);
		if ((*option)->value)
			return take_value(o, *option, equals ? equals + 1 : NULL, value, err);
		if (equals && !text_is(equals + 1, "true") && !text_is(equals + 1, "false"))
			return usage_error(err, "the option --%s takes no value", (*option)->name);
		if (!equals || text_is(equals + 1, "true"))
			return 1;
	}
	return 0;
}

const char *need(struct options *o, int i, const char *what, struct error *err)
{
	if (i < o->count)
		return o->positional[i];
	const struct command *c = o->command;
	if (text_empty(c->usage)) /* the verb of another command */
		usage_error(err, "%s needs %s", c->name, what);
	else
		usage_error(err, "%s needs %s (usage: seapod %s %s)", c->name, what, c->name, c->usage);
	return NULL;
}

/* --- options of every command --------------------------------------------------------------------------------------------- */

/* NAME, "--root": "--root DIR" or "--root=DIR" at *AT. */
static int take_named(const char *name, const char **to, int argc, char **argv, int *at, struct error *err)
{
	size_t n = strlen(name);
	const char *arg = argv[*at];

	if (strncmp(arg, name, n) != 0 || (arg[n] && arg[n] != '='))
		return 0;
	if (!arg[n] && *at + 1 == argc)
		return usage_error(err, "the option %s needs a value", name);
	*to = arg[n] ? arg + n + 1 : argv[*at + 1];
	*at += arg[n] ? 1 : 2;
	return 1;
}

int globals_take(struct globals *g, int argc, char **argv, int *at, bool before, struct error *err)
{
	int r = 0;

	if (*at < argc)
		r = take_named("--root", &g->root, argc, argv, at, err);
	if (r == 0 && *at < argc)
		r = take_named("--run", &g->run, argc, argv, at, err);
	if (r == 0 && *at < argc && before)
		r = take_named("--namespace", &g->namespace, argc, argv, at, err);
	if (r == 0 && *at < argc && before)
		r = take_named("-n", &g->namespace, argc, argv, at, err);
	return r > 0 && g->namespace ? check_namespace(g->namespace, err) : r;
}

/* Whether the next argument is the value of ARG, an option of C. */
static bool takes_next(const struct command *c, const char *arg)
{
	const struct option_spec *s = NULL;

	if (arg[1] == '-') {
		s = strchr(arg, '=') ? NULL : find_long(c, arg + 2, strlen(arg + 2));
		return s && s->value && !s->optional;
	}
	for (arg++; *arg; arg++)
		if ((s = find_letter(c, *arg)) && s->value && !s->optional)
			return !arg[1];
	return false;
}

int globals_take_all(struct globals *g, const struct command *c, int *argc, char **argv, struct error *err)
{
	int kept = 0, i = 0, r;

	while (i < *argc && !text_is(argv[i], "--") && (argv[i][0] == '-' || !c->own_options)) {
		if (text_is(argv[i], "--help") || (text_is(argv[i], "-h") && !find_letter(c, 'h')))
			g->help = true;
		if ((r = globals_take(g, *argc, argv, &i, false, err)) < 0)
			return r;
		if (r > 0)
			continue;
		bool two = argv[i][0] == '-' && takes_next(c, argv[i]) && i + 1 < *argc;
		argv[kept++] = argv[i++];
		if (two)
			argv[kept++] = argv[i++];
	}
	while (i < *argc)
		argv[kept++] = argv[i++];
	*argc = kept;
	return 0;
}
