/* select.h — which objects a command line means; kubectl's ways to say it:
 *
 *	pods	pods,cm	all		every object of these kinds
 *	pod web api			by name, of one kind
 *	pod/web cm/settings		by name, each with its kind
 *	web				by name alone, where a command is about pods
 *	-f FILE				those that a manifest has
 *
 * -l LABELS narrows it, -A and -n say of which namespaces.
 */
#pragma once

#include "api/kinds.h"
#include "api/selector.h"
#include "cli/pods.h"
#include "command/command.h"

struct selected_name {
	const struct kind *kind;
	const char *namespace, *name;
};

struct kinds_wanted LIST(const struct kind *);

struct selection {
	bool pods; /* in: the command is about pods: names need no kind, and no words are every pod */
	/* by options: */
	struct strings files;
	struct selector labels;
	bool all_namespaces, ignore_missing;
	/* by words: */
	struct kinds_wanted kinds; /* every object of these */
	struct LIST(struct selected_name) names;
};

/* What was found. */
struct chosen {
	const struct kind *kind;
	const char *namespace, *name;
	struct found_pod pod; /* of a pod */
	struct node *node;    /* the object; of a pod NULL until chosen_node() */
};

struct choice {
	struct LIST(struct chosen) items;
	struct LIST(const char *) missing; /* a sentence for each name that there is not */
};

/* Takes an option that says which objects: --filename, --selector, --all-namespaces, --namespace, --ignore-not-found. 1; 0: it is another one;
 * negative: it is wrong. */
int select_option(struct context *x, struct selection *s, const struct option_spec *option, const char *value,
		  struct error *err);

/* Reads N words, and the files. Negative: wrong usage. Without any word or file nothing is selected (every pod, if the command is about pods). */
int select_words(struct context *x, struct selection *s, const char *const *words, int n, struct error *err);

/* The same for commands that are for pods alone: another kind that was asked for by a word is wrong usage. */
int select_only_pods(struct context *x, const struct selection *s, struct error *err);

/* Finds them; memory in A. */
int select_find(struct context *x, const struct selection *s, struct arena *a, struct choice *out,
		struct error *err);

/* Prints what was missing. 0, or -EXIT_FAILED with nothing more to say. */
int select_end(const struct choice *choice, struct error *err);

/* One object was asked for by its name. */
bool select_is_one(const struct selection *s);

struct node *chosen_node(struct chosen *c, struct arena *a);

/* "No pods in the namespace default", on standard error. */
void select_say_none(struct context *x, const struct selection *s);
