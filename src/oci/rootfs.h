/* rootfs.h — the container's view of files, built in its new mount namespace; runs between clone and exec.
 */
#pragma once

#include "base/error.h"
#include "oci/spec.h"

/* Builds SPEC's root file system with all its mounts and makes it this process's root. MOUNT_POINT: an empty directory of the host. */
int rootfs_enter(const struct oci_spec *spec, const char *mount_point, struct error *err);
