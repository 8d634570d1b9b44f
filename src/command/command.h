/* command.h — what a command is, and what all of them share.
 */
#pragma once

#include <stdbool.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/instance.h"
#include "base/memory.h"
#include "base/text.h"

/* What a command returns when it is to exit with a certain code: -EXIT_WITH(code), apart from every -errno, which exits with 1. */
#define EXIT_WITH(code) (1000 + (code))
enum { EXIT_FAILED = EXIT_WITH(1), EXIT_USAGE = EXIT_WITH(2), EXIT_SEAPOD = EXIT_WITH(125) };

/* What every command is given. */
struct context {
	struct instance in;
	struct arena *arena;
	const char *namespace, *asked_namespace; /* the second: NULL unless -n was given */
	const struct command *command;
	int images; /* store_use(), while pods are being started; 0: none */
};

/* An option of a command. */
struct option_spec {
	const char *name;  /* "follow" */
	char letter;       /* 'f', or 0 */
	const char *value; /* "FILE"; NULL: a flag */
	const char *doc;
	bool optional; /* the value may be left out: then only --name=VALUE gives one */
};

/* An option that people know from another program, and what there is instead. Tables end with one without a name. */
struct option_absent {
	const char *name, *instead;
};

struct command {
	const char *name;
	const char *group; /* heading in the help */
	const char *usage; /* after the name */
	const char *doc;
	const struct option_spec *options;
	int (*run)(struct context *x, int argc, char **argv, struct error *err);
	bool own_options; /* options end at the first argument (run, exec: the rest is the program's) */
	const char *
		arguments; /* what they are, for completion.c: KIND, OBJECT, POD, CONTAINER, IMAGE, FILE, COMMAND, or words with | between */
	bool enters;       /* seapod-oci: a copy of its process becomes a container's */
	const struct option_absent *absent;
	bool apart; /* works without an instance: no directory is made or read */
};

/* Ends with a command without a name. */
extern const struct command commands[];

/* Parsing: options are taken out of argv in order. Returns the next option's letter or name through OPTION, its VALUE; 0 when done
 * (then the arguments are argv[*at] …); negative: wrong usage. */
struct options {
	const struct command *command;
	int argc, at;
	char **argv;
	char *cluster; /* the rest of "-it" */
	const char *positional[256];
	int count;
};

/* What may stand before any command, and after it. */
struct globals {
	const char *root, *run;
	const char *namespace; /* before the command only; after it, it is the command's own -n */
	bool help;
};

/* Takes a global option and its value at ARGV[*AT], BEFORE the command or after it. 1: taken, *AT is behind it; 0: there is none; negative. */
int globals_take(struct globals *g, int argc, char **argv, int *at, bool before, struct error *err);

/* Takes all of them, and --help, out of the arguments of C. */
int globals_take_all(struct globals *g, const struct command *c, int *argc, char **argv, struct error *err);

void options_begin(struct options *o, const struct command *c, int argc, char **argv);
/* 1: *OPTION and *VALUE; 0: end, positional arguments are in o->positional; negative. */
int options_next(struct options *o, const struct option_spec **option, const char **value, struct error *err);
/* -n NAMESPACE */
static inline void use_namespace(struct context *x, const char *namespace)
{
	x->namespace = x->asked_namespace = namespace;
}

int usage_error(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A positional argument or usage error. */
const char *need(struct options *o, int i, const char *what, struct error *err);
