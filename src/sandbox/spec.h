/* spec.h — pod spec + image config -> OCI spec. Reads objects and the image's passwd; makes nothing.
 */
#pragma once

#include "sandbox/sandbox.h"

/* Fills SPEC but for root and what needs descriptors of the moment (oci mounts of volumes are added by the caller). */
int spec_process(const struct sandbox *s, const struct sandbox_container *c, struct oci_process *process, struct error *err);

/* The value of the variable NAME in PROCESS, or NULL (an expand_lookup). */
const char *spec_variable(const void *process, const char *name);
