/* seccomp_agent.h — gives the listener of a filter to the agent at linux.seccomp.listenerPath (config-linux.md "The Container Process State"). */
#pragma once

#include <sys/types.h>

#include "object/node.h"
#include "runtime/config.h"

/* Sends LISTENER with the state STATE of the container and the id PID of the process that has the filter. One connection, one message.
 * All memory in A. */
int seccomp_agent_tell(const struct config_linux *l, int listener, pid_t pid, struct node *state,
		       struct arena *a, struct error *err);
