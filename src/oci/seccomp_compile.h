/* seccomp_compile.h — rules into a program for the kernel (seccomp(2), struct sock_filter). Only the worker links this.
 */
#pragma once

#include "base/text.h"
#include "oci/seccomp_profile.h"

/* What this machine is, as far as profiles ask. */
struct seccomp_machine seccomp_this_machine(uint64_t capabilities);

/* Appends the program, struct sock_filter after struct sock_filter, to OUT. -E2BIG: the kernel would not take it. Pure. */
int seccomp_compile(const struct seccomp_rules *rules, const struct seccomp_machine *machine,
		    struct text *out, struct error *err);
