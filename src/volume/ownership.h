/* ownership.h — a volume becomes the group's that the pod wants (fsGroup; kubernetes pkg/volume/volume_linux.go).
 *
 * Every file gets the group, may be read and written by it, and directories hand the group on (setgid). With fsGroupChangePolicy OnRootMismatch
 * nothing is done when the top directory is as it should be (KEP-695): a volume of a million files is not walked at each start.
 */
#pragma once

#include "api/pod.h"
#include "base/error.h"

/* Gives what is in the directory DIR (open for reading) to the pod's fsGroup, if it has one. Links are not followed. */
int ownership_apply(int dir, const struct pod *pod, struct error *err);
