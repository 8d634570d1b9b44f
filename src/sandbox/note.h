/* note.h — which pods are to be there after a boot: a note for each in ROOT/restore, which holds its launch.
 *
 * What runs is known in RUN, which a boot empties. So a keeper whose pod is to run always (restartPolicy Always) leaves a note on the disk once it has
 * started, and takes it away when somebody ends the pod; being ended by the machine's shutdown, or by a loss of power, leaves it.
 * `seapod system restore` starts what has a note and is not there.
 */
#pragma once

#include "base/instance.h"
#include "base/memory.h"

/* TEXT: a launch as JSON. */
int note_put(const struct instance *in, const char *namespace, const char *name, const char *text,
	     size_t size, struct error *err);

/* 0; -ENOENT: there is none. */
int note_remove(const struct instance *in, const char *namespace, const char *name);

struct notes LIST(const char *); /* their texts */

/* All of them, in no order; memory in A. */
int notes_read(const struct instance *in, struct arena *a, struct notes *out, struct error *err);
