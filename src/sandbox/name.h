/* name.h — a pod's name belongs to one keeper, and the kernel takes it back.
 *
 * RUN/names/<namespace>_<name> is a file whose text is the pod's uid and whose lock (fcntl_locking(2), F_OFD_SETLK, held by the
 * keeper for its life) is the claim. Two applies of one pod at once: one gets the lock. A keeper that dies by any means loses it at once, so
 * "is it alive" is one question to the kernel and there is no stale claim. A pod that has finished keeps the file (the name is
 * taken until it is deleted) without a lock.
 */
#pragma once

#include <stdbool.h>

#include "base/instance.h"
#include "base/memory.h"

enum { UID_SIZE = 37 }; /* "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx" and NUL */

/* A new random uid (RFC 9562 version 4). */
void uid_make(char uid[static UID_SIZE]);

/* Claims NAMESPACE/NAME for UID. Returns the descriptor that is the claim (keep it open), or
 * -EEXIST: another pod has the name (*HOLDER: its uid, *ALIVE: its keeper runs); a file whose pod directory is gone is no pod
 * and is taken over; the same uid that is not alive is taken over, too. */
int name_claim(const struct instance *in, const char *namespace, const char *name, const char *uid,
	       char holder[static UID_SIZE], bool *alive, struct error *err);

/* Gives the name back: removes the file while its lock (CLAIM) is still held. */
void name_release(const struct instance *in, const char *namespace, const char *name);

/* The same for a pod that has left something on the disk: the file, with its lock, becomes RUN/gone/<namespace>_<name>_<uid> until name_forget. Who finds it
 * without its lock (names_left) has to remove what is left. 0 or -errno. */
int name_retire(const struct instance *in, const char *namespace, const char *name, const char *uid);
void name_forget(const struct instance *in, const char *namespace, const char *name, const char *uid);

struct left_name {
	const char *namespace, *name, *uid;
};
struct left_names LIST(struct left_name);

/* Those whose keeper died before it had removed all. */
void names_left(const struct instance *in, struct arena *a, struct left_names *out);

/* Who has the name: 0 and HOLDER and *ALIVE; -ENOENT: nobody. */
int name_holder(const struct instance *in, const char *namespace, const char *name,
		char holder[static UID_SIZE], bool *alive);
