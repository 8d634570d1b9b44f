/* mount_open.h — an entry of a spec's mounts as a detached mount with all its attributes.
 *
 * By the child, where the namespaces are the container's; or by the parent before the clone, where the host's files may be opened that
 * the root of a user namespace may not. No allocation.
 */
#pragma once

#include "oci/spec.h"

/* A descriptor (M's own source_fd where that is used as it is) or -errno. */
int oci_mount_open(const struct oci_mount *m);
