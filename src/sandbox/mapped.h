/* mapped.h — a container whose users are nobody on the host (Pod spec.hostUsers: false, KEP-127).
 *
 * The pod has a user namespace, and what it owns belongs to that: network, IPC and UTS namespaces, so that root in the pod may do with them what
 * root may. The keeper stays outside: it has the host's rights, and nobody in the pod has. Files are shown through mounts that map ids
 * (mount_setattr(2), MOUNT_ATTR_IDMAP): user 0 of the pod writes to a volume as user 0 of its file system, and the image's layers, which all
 * pods share, need no copy with other owners. Linux 6.3, which has that for tmpfs, too; what cannot be mapped is an error that names it.
 */
#pragma once

#include "sandbox/sandbox.h"

/* Claims ids and makes the pod's user namespace, when it wants one. */
int mapped_begin(struct sandbox *s, struct error *err);
void mapped_close(struct sandbox *s);

/* unshare(2) for the sandbox: new namespaces WHICH of the pod, which its user namespace owns if it has one. */
int mapped_unshare(const struct sandbox *s, uint64_t which, struct error *err);

/* Runs DEED as root of the pod. */
int mapped_inside(const struct sandbox *s, int (*deed)(void *argument), void *argument);

/* Makes a spec that is otherwise complete one of the pod's user namespace: namespaces, the root of layers that are mapped, mounts that are opened
 * and mapped, devices that are bound. MOUNT_POINT: an empty directory. What it opens is added to KEPT. Nothing to do without a user namespace. */
struct descriptor_list;
int mapped_container(const struct sandbox *s, struct oci_spec *spec, const char *mount_point,
		     struct descriptor_list *kept, struct error *err);

/* The user and group of the pod on the host. */
uid_t mapped_id(const struct sandbox *s, uid_t id);

/* A child in the user namespace may not lower its own score (it is the host's to give): the keeper does it. */
void mapped_oom_score(const struct sandbox *s, pid_t pid, int score);
