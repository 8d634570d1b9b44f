/* filter_verdict.h — what a compiled filter of system calls will say, without asking the kernel.
 *
 * For plans that have to know what can still be done once the filter is loaded. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "oci/spec.h"

/* Does F let the native system call NUMBER pass, with FIRST as its first argument and 0 as the others? */
bool filter_allows(const struct oci_filter *f, int number, uint64_t first);
