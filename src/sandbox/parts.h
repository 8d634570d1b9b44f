/* parts.h — what sandbox.c puts together, each in a file of its own. Private to the room.
 *
 * Each fills in its part of S; sandbox_destroy() undoes what was made. The network's part is network.h.
 */
#pragma once

#include "sandbox/sandbox.h"

/* files.c: hosts, hostname and resolv.conf, on a mount that containers get (S->files); needs the network. */
int sandbox_files_make(struct sandbox *s, struct error *err);

/* cgroup.c: the pod's control group with its budget (S->cgroups, base, cgroup). */
int sandbox_cgroup_make(struct sandbox *s, struct error *err);

/* sweep.c: RUN/pods/<uid>. */
void sandbox_directory_remove(const struct instance *in, const char *uid, const char *name);

/* sweep.c: what is on the disk: ROOT/pods/<uid> and the logs. */
void sandbox_disk_remove(const struct instance *in, const char *uid, const char *namespace, const char *name);
