/* volume.h — claims and their storage, for the commands that make and remove them.
 */
#pragma once

#include "command/command.h"

/* Removes the claim NAME and, unless it is to be retained, what it holds. -EBUSY: a pod has it, and err names the pod. */
int claim_delete(struct context *x, const char *namespace, const char *name, struct error *err);

/* Makes the claim NAME of the namespace in use if there is none (Docker makes a named volume that is mounted). */
int claim_ensure(struct context *x, const char *name, struct error *err);
