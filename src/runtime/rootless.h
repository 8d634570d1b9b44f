/* rootless.h — a runtime whose caller is not root.
 *
 * Two ways lead here. Podman makes a user namespace and calls us as the root of it: then less is possible than for the machine's root (no device
 * nodes, often no cgroups). Or an ordinary user calls us, with a user namespace in the configuration: then we go into that namespace ourselves
 * before anything is made, with a mount namespace of our own, and from there on it is as with Podman; the configuration's other namespaces are
 * made inside.
 *
 * user_namespaces(7); ids besides the caller's own are given by newuidmap(1) and newgidmap(1), which know /etc/subuid and /etc/subgid.
 */
#pragma once

#include <sys/types.h>

#include "runtime/config.h"

/* Is this user namespace another one than the machine's? */
bool rootless_is_inside(void);

/* May the groups of a process be set (user_namespaces(7) "/proc/pid/setgroups")? */
bool rootless_may_set_groups(void);

/* Moves this process into the new user namespace of C, and takes it out of C, with its mappings: it is there. */
int rootless_enter(struct oci_config *c, struct error *err);

/* Moves this process into the user namespace of the process PID, which its caller has made: for exec. */
int rootless_join(pid_t pid, struct error *err);
