/* seccomp.h — the filter of system calls that a profile gives a process, compiled once for a machine.
 *
 * Compiling takes 5 to 20 ms and a library of 150 KB; a keeper does neither. It looks in ROOT/cache/seccomp for a program that was
 * made from the very same bytes of profile, capabilities and kernel (all of them are in the file and compared, so a name that collides does
 * no harm), and only if there is none it runs seapod-seccomp and waits for it. The directory is root's alone.
 */
#pragma once

#include "base/instance.h"
#include "oci/spec.h"

enum { SECCOMP_PROFILE_MAX = 1024 * 1024 };

struct seccomp_filter {
	struct oci_filter filter; /* for a process's spec; in the mapping */
	void *mapping;
	size_t size;
};

/* The filter of the profile in the file PATH (NULL: Seapod's default, which is Docker's and the CRI runtimes') for a process with
 * CAPABILITIES in its bounding set. *F owns the memory until it is released; a child that was cloned keeps its own. Errors: what is
 * wrong with the profile. */
int seccomp_filter_get(const struct instance *in, const char *path, uint64_t capabilities,
		       struct seccomp_filter *f, struct error *err);

/* The same of the profile TEXT of SIZE bytes; the cache is below the directory ROOTFD. */
int seccomp_filter_from(int rootfd, const char *text, size_t size, uint64_t capabilities,
			struct seccomp_filter *f, struct error *err);

void seccomp_filter_release(struct seccomp_filter *f);
