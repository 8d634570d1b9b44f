/* backend.h — a pod as Services see it: RUN/services/pods/<uid>, whose lock its keeper holds for its life and whose text says what of it matters to a
 * selector and a target port.
 *
 * A file without a lock is that of a keeper that was killed, as with addresses (net/pool.h). Who only looks opens it for reading: what was open for
 * writing and is closed wakes the watch (keeper/forwarding.c).
 */
#pragma once

#include "api/service.h"
#include "base/instance.h"

#define BACKENDS "services/pods"

struct backend_port {
	const char *name, *protocol;
	int32_t port;
};

struct backend {
	const char *pod, *namespace, *uid;
	struct string_map labels;
	const char *address, *address6; /* NULL: none that this host can forward to */
	bool ready;
	struct LIST(struct backend_port) ports; /* those with names */
};

struct backends LIST(struct backend);

/* Makes the file of the pod UID: the descriptor that is the claim. */
int backend_open(const struct instance *in, const char *uid, struct error *err);

/* With the lock of the Services held. */
int backend_write(int claim, const struct backend *b, struct error *err);

/* Those whose keepers live, and whose file says something. DEAD: the uids of the others (NULL: not asked). */
int backends_list(const struct instance *in, struct arena *a, struct backends *out, struct strings *dead,
		  struct error *err);

/* That of the pod UID; *ALIVE: its keeper lives. False: there is nothing to read. */
bool backend_read(const struct instance *in, const char *uid, struct arena *a, struct backend *out,
		  bool *alive);

void backend_remove(const struct instance *in, const char *uid);

/* The port that TARGET means of B, spoken with PROTOCOL; 0: it has none of that name. */
uint16_t backend_port_of(const struct backend *b, const struct int_or_string *target, const char *protocol);
