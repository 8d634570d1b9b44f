/* systemd.h — a container's cgroup as a unit of systemd's: the driver behind --systemd-cgroup.
 *
 * On a machine whose cgroups systemd manages, a cgroup that others make beside it is at odds with it ("single writer",
 * https://systemd.io/CGROUP_DELEGATION). So systemd is asked over D-Bus for a transient scope, which is delegated to us, with the limits as
 * properties, so that it keeps them; files that have no property are written as without systemd (cgroup_set.c).
 *
 *	cgroupsPath "SLICE:PREFIX:NAME" ──► unit PREFIX-NAME.scope in SLICE ──► /a.slice/a-b.slice/PREFIX-NAME.scope
 *
 * A scope needs a process to begin with, and a container's process shall begin in its cgroup. The program seapod-systemd, which alone knows
 * D-Bus, is that first process: it puts itself into the scope and leaves when the container is in it, or when its caller has died; then
 * the scope is empty and systemd takes it away. Nothing is to be cleaned up.
 */
#pragma once

#include <sys/types.h>

#include "base/text.h"
#include "runtime/config.h"

struct oci_unit {
	const char *
		name; /* "libpod-x.scope"; "x.slice": no process is needed, and it stays until it is stopped */
	const char *slice; /* in which it is */
	bool user;         /* of the user's own systemd */
};

/* The unit that PATH (cgroupsPath; NULL or "": the default) stands for. All memory in A. */
int systemd_unit_read(const char *path, const char *id, bool user, struct arena *a, struct oci_unit *unit,
		      struct error *err);

/* Where the machine's systemd puts UNIT, below the hierarchies' roots. */
const char *systemd_unit_path(const struct oci_unit *unit, struct arena *a);

/* The properties for R, a line each: NAME SIGNATURE VALUE. What has no property is passed over. Pure. */
void systemd_properties(const struct config_resources *r, bool v2, struct text *out);

/* The worker, while it is in the scope. */
struct systemd_worker {
	int socket;
	pid_t pid;
};

/* Starts UNIT with PROPERTIES; *PATH is its cgroup. The worker is to be released as soon as a process of ours is in it (on an error: it is). */
int systemd_start(const struct oci_unit *unit, const char *properties, struct arena *a, const char **path,
		  struct systemd_worker *w, struct error *err);
void systemd_release(struct systemd_worker *w);

int systemd_set(const struct oci_unit *unit, const char *properties, struct error *err);

/* Ends UNIT; it is fine when there is none. */
int systemd_stop(const struct oci_unit *unit, struct error *err);

/* --- what the worker and its callers say to each other: one message, one answer --- */

enum { SYSTEMD_MESSAGE_MAX = 64 * 1024 };

/* The answer begins with one of these; then comes the path or the sentence. */
#define SYSTEMD_FINE   '+'
#define SYSTEMD_FAILED '-'
