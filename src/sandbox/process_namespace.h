/* process_namespace.h — one process namespace for all containers of a pod (Pod spec.shareProcessNamespace, KEP-495).
 *
 * Its first process is seapod-init, which is in a container as any other, only that nobody sees it: its root has nothing but the program,
 * and it has no capability. So a container that may trace (CAP_SYS_PTRACE) finds nothing of the host behind /proc/1/root.
 */
#pragma once

#include "sandbox/sandbox.h"

/* Makes the namespace if there is none, or if its first process has died. */
int process_namespace_ensure(struct sandbox *s, struct error *err);

/* Ends the first process and with it all that is in the namespace. */
void process_namespace_close(struct sandbox *s);
