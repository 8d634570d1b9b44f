/* registry.h — the program seapod-registry, from the command line's side.
 */
#pragma once

#include "command/command.h"
#include "object/field.h"

/* A call: options and arguments in the order in which they are given ("--style=json"), and texts of config.json that it reads from descriptors. */
struct registry_call {
	const char *verb;
	struct strings options, arguments;
	struct strings secrets;
	bool quiet, json;
};

/* The verbs of `seapod image` that are its: pull, push, tags, catalog, referrers. ARGV[0] is the verb. */
bool registry_has_verb(const char *verb);
int registry_verb(struct context *x, int argc, char **argv, struct error *err);

/* Becomes seapod-registry, which says the rest. Returns only if it cannot be executed. */
int registry_become(struct context *x, const struct registry_call *call, struct error *err);

/* Runs it and waits: what it says on standard output is dropped, its error comes back. */
int registry_run(struct context *x, const struct registry_call *call, struct error *err);
