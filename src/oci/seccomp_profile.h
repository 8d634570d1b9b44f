/* seccomp_profile.h — a seccomp profile in JSON, and which of its rules hold for one machine and one set of capabilities.
 *
 * Two dialects are read alike: the OCI runtime specification's (config-linux.md "Seccomp") and the richer one in which Docker, containerd and
 * Podman write their profiles, where a rule may depend on capabilities, architectures and the kernel ("includes", "excludes").
 * Only the worker reads profiles. Pure: text in, structs out.
 */
#pragma once

#include <stdint.h>

#include "base/error.h"
#include "base/memory.h"

enum { SECCOMP_ARGUMENTS_MAX = 6 };

struct seccomp_argument {
	unsigned index;
	int op; /* enum scmp_compare */
	uint64_t value, value_two;
};

struct seccomp_rule {
	const char *name;
	uint32_t action;                                     /* SCMP_ACT_* */
	struct seccomp_argument args[SECCOMP_ARGUMENTS_MAX]; /* all must hold */
	unsigned n;
};

struct seccomp_rules {
	uint32_t default_action;
	struct LIST(uint32_t) architectures; /* SCMP_ARCH_*, besides the native one */
	unsigned flags;                      /* SECCOMP_FILTER_FLAG_* */
	struct LIST(struct seccomp_rule) rules;
};

struct seccomp_machine {
	uint32_t architecture; /* SCMP_ARCH_* */
	unsigned kernel[2];    /* 6, 18 */
	uint64_t capabilities;
};

/* The rules of the profile TEXT for MACHINE; all memory in A. */
int seccomp_profile_read(const char *text, size_t size, const struct seccomp_machine *machine,
			 struct arena *a, struct seccomp_rules *rules, struct error *err);
