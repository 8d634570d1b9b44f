/* cni_plugin.h — one call of a CNI plugin: a program that is root's, asked and answered in JSON (CNI specification, section 2).
 *
 * It gets the environment that the specification names, PATH, and nothing else of ours: no descriptors, no working directory, no terminal. It has a
 * limited time, and then goes with all that it has started.
 */
#pragma once

#include "object/node.h"

#include "base/error.h"

struct cni_call {
	const char *command;                       /* ADD, DEL, CHECK, GC, STATUS */
	const char *network;                       /* for errors */
	const char *type;                          /* the plugin */
	const char *plugins;                       /* the directories where it may be */
	const char *id, *netns, *interface, *args; /* NULL: not of this command */
	int host;                                  /* the network namespace that it runs in; -1: ours */
	int timeout_s;
};

/* Runs it. *RESULT: what it printed, of ADD a map; else maybe NULL. An error is the plugin's own words, or that it is missing, hangs, was killed, or prints
 * what is no JSON. */
int cni_call(const struct cni_call *call, const struct node *request, struct arena *a, struct node **result,
	     struct error *err);
