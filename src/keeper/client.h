/* client.h — a command's side of the control socket.
 */
#pragma once

#include "base/instance.h"
#include "keeper/protocol.h"

/* Starts a keeper for LAUNCH (JSON text, sandbox/launch.h) and returns a connection on which it reports "status" events as
 * `watch` does, beginning with the start of the pod. If it cannot make the sandbox, an "error" reply comes and the keeper ends,
 * with nothing left. The keeper lives on when the connection is closed. */
int keeper_spawn(const struct instance *in, const char *launch, size_t size, struct error *err);

/* DATA in a sealed memfd, to be handed to a keeper. */
int keeper_memory(const char *data, size_t size, struct error *err);

/* Connects to the keeper of the pod UID. -ECONNREFUSED or -ENOENT: it does not run (err says so). */
int keeper_connect(const struct instance *in, const char *uid, struct error *err);

/* Sends REQUEST and reads the first reply: 0 for "ok" (FDS: what came with it; may be NULL if none is expected),
 * negative with the keeper's own sentence for "error" (then reply->code is the exit code wanted). */
int keeper_ask(int fd, struct arena *arena, const struct request *request, const struct message_fds *send,
	       struct reply *reply, struct message_fds *received, struct error *err);

/* Is the pod's keeper alive? (Its lock on RUN/names/<namespace>_<name>.) */
bool keeper_alive(const struct instance *in, const char *namespace, const char *name);
