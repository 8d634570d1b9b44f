/* defaults.h — what the field gives a container that asks for nothing: capabilities, devices, masked paths, mounts.
 *
 * The values are those of Docker and the CRI runtimes (moby profiles and oci/defaults, containerd oci/spec.go; runtime-spec
 * config-linux.md "Default Filesystems" and "Default Devices").
 */
#pragma once

#include "oci/spec.h"

extern const uint64_t default_capabilities;

/* How many devices every container has; oci_default_files puts them first. */
enum { OCI_USUAL_DEVICES = 6 };

/* Fills devices, masked and read-only paths and the mounts that every container has. PRIVILEGED: every device of the host, nothing
 * masked, /sys writable. */
void oci_default_files(struct oci_spec *spec, bool privileged, struct arena *a);
