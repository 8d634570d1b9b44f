/* state.h — what is known of a container: ROOT/<id>/.
 *
 *	state.json    the record, replaced by rename(2)
 *	config.json   a copy of the configuration: later changes of the bundle's do not count (runtime.md "Lifecycle" 2)
 *	start         the socket at which a container that was created waits; it goes when the container is started
 *	rootfs        where a container that has no mount namespace of its own has its root, and nothing else has
 *
 * The directory's name is the claim on the id (mkdir(2) makes it or says that it is there), a lock on the directory keeps commands that
 * change something apart, and is also how one sees that a creator is still at work or has died. Whether the container runs is asked of the
 * kernel: nothing has to be written when it ends.
 */
#pragma once

#include <sys/types.h>

#include "base/error.h"
#include "object/field.h"

struct oci_record {
	const char *ociVersion, *id, *bundle, *rootfs, *created, *owner;
	int64_t pid;
	uint64_t startTime; /* of the process (linux/process.h): a number that is used again is not it */
	const char *cgroupPath;
	const char *systemdUnit, *systemdSlice; /* NULL: systemd does not know of it */
	bool systemdUser;                       /* the user's own systemd */
	bool newUser, newTime;                  /* namespaces that exec must join besides the usual ones */
	struct string_map annotations;
};

enum oci_status { OCI_CREATING, OCI_CREATED, OCI_RUNNING, OCI_PAUSED, OCI_STOPPED };

struct oci_state {
	struct arena *arena;
	struct oci_record record;
	enum oci_status status;
	int rootfd, dir; /* of all containers; of this one */
	const char *id;
};

/* NULL or what is wrong with ID: letters, digits and "_+-." but not first, at most 1024. */
const char *oci_id_check(const char *id);

/* Opens (makes) the directory of all containers. */
int oci_root_open(const char *path, struct error *err);

/* Claims ID for a new container and locks it. -EEXIST: it is taken. What a creator that died has left is taken over. */
int oci_state_claim(int rootfd, const char *id, struct oci_state *s, struct error *err);

/* Opens ID's record; LOCK: and waits for whoever changes it. -ENOENT: there is no such container. */
int oci_state_open(int rootfd, const char *id, bool lock, struct oci_state *s, struct error *err);
void oci_state_close(struct oci_state *s);

/* Writes s->record. */
int oci_state_write(struct oci_state *s, struct error *err);

/* Removes all that is known of it. */
int oci_state_remove(struct oci_state *s, struct error *err);

const char *oci_status_name(enum oci_status status);

/* The state as the specification has it (runtime.md "State"), for `state` and for hooks. STATUS: NULL for the true one. */
struct node *oci_state_node(const struct oci_state *s, const char *status, struct arena *a);
