/* become.h — the last steps of every process in a container, from stdio to execve; runs between clone and exec.
 */
#pragma once

#include "base/error.h"
#include "oci/spec.h"

/* argv, envp and where to look, made before the clone: the child may not allocate. */
struct become {
	const struct oci_process *process;
	char *const *argv, *const *envp;
	char *const *candidates; /* paths to try, NULL at the end */
	const int *stdio;
	int sync; /* reports go here */
};

/* Prepares B (memory in A). */
void become_prepare(struct become *b, const struct oci_process *process, struct arena *a);

/* Everything up to execve: session, terminal, stdio, limits, identity, filter. 0 or negative. */
int become_ready(const struct become *b, struct error *err);

/* Executes; returns only on an error. */
int become_execute(const struct become *b, struct error *err);
