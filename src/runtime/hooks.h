/* hooks.h — hooks that run in the runtime's namespaces (config.md "POSIX-platform Hooks"): prestart, createRuntime, poststart, poststop.
 *
 * The others, which run in the container's, are its process's own steps (child_hook.c).
 */
#pragma once

#include "runtime/config.h"

/* Runs HOOKS in their order, each with STATE as standard input. The first that fails ends it. NAME is for the error. */
int oci_hooks_run(const struct config_hook_list *hooks, const char *name, const char *state,
		  struct error *err);
