/* container.h — which container of a pod a command is about, and the other small things that several commands ask.
 */
#pragma once

#include "api/pod.h"
#include "command/command.h"

/* The container WANTED of POD. NULL is the one that the annotation kubectl.kubernetes.io/default-container names, or the first; when there are
 * others, standard error says which one it is. NULL: there is no such container, and err names those that there are. */
const struct container *container_choose(const struct pod *pod, const char *wanted, struct arena *a,
					 struct error *err);

/* Reads the options of a command that has -n NAMESPACE and one more, whose value goes to *OTHER. 0, or wrong usage. */
int options_of_pod(struct context *x, struct options *o, const char **other, struct error *err);

/* Docker's -e: "NAME=VALUE", or "NAME" for the value that the variable has here. 1; 0: it has none here and is left out; negative: wrong usage. */
int env_take(const char *text, struct arena *a, struct env_var *out, struct error *err);

/* Docker's --env-file: a variable of C a line, as -e takes them; empty lines and those with # are left out. */
int env_take_file(const char *path, struct arena *a, struct container *c, struct error *err);

/* WORD so that "$" in it is the program's own, and no reference to a variable (api/expand.h). */
const char *without_references(const char *word, struct arena *a);

/* Refuses to go on when the pod called NAME is not ALIVE. */
int need_alive(bool alive, const char *name, struct error *err);
