/* user_namespace.h — user namespaces, and what belongs to them (user_namespaces(7)).
 *
 * A user namespace is entered for ever: who has entered it has no rights outside any more. So whoever has to stay outside, as a keeper has, asks a
 * helper process that shares its memory and descriptors (vfork(2)) to do what can be done only inside, or with mounts of its own.
 */
#pragma once

#include <stdint.h>

/* A new user namespace with these maps, lines of "INSIDE OUTSIDE COUNT". A descriptor or -errno. */
int user_namespace_make(const char *uid_map, const char *gid_map);

/* Runs DEED(ARGUMENT) in a helper process that has the caller's memory and descriptors, and returns what it returned. The caller waits. */
int user_namespace_aside(int (*deed)(void *argument), void *argument);

/* The same as the user 0 of the namespace USERNS, with all rights there and none outside. */
int user_namespace_inside(int userns, int (*deed)(void *argument), void *argument);

/* Makes new namespaces WHICH (CLONE_NEWNET, CLONE_NEWIPC, CLONE_NEWUTS) that belong to USERNS, and enters them. The caller's user namespace
 * stays as it is. 0 or -errno. */
int user_namespace_own(int userns, uint64_t which);
