/* spec.h — pod spec + image config -> OCI spec. Reads objects and the image's passwd; makes nothing.
 */
#pragma once

#include "oci/seccomp.h"
#include "sandbox/sandbox.h"

/* Fills SPEC but for root and what needs descriptors of the moment (oci mounts of volumes are added by the caller). */
int spec_process(const struct sandbox *s, const struct sandbox_container *c, struct oci_process *process,
		 struct error *err);

/* Makes PROCESS, which spec_process has filled in, one of the user NAME ("user[:group]", names or numbers). */
int spec_user(const struct sandbox *s, const struct sandbox_container *c, const char *name,
	      struct oci_process *process, struct error *err);

/* Gives PROCESS the filter of system calls that its seccompProfile asks for: the default one when it does not ask (Seapod is as a kubelet with
 * seccompDefault, KEP-2413), none when privileged. F must live until the process was cloned. Localhost profiles are below ROOT/seccomp. */
int spec_filter(const struct sandbox *s, const struct container *c, struct oci_process *process,
		struct seccomp_filter *f, struct error *err);

/* The value of the variable NAME in PROCESS, or NULL (an expand_lookup). */
const char *spec_variable(const void *process, const char *name);
