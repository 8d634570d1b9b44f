/* capability.h — capabilities as a bit mask (capabilities(7)); no allocation, for use between clone and exec.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define CAPABILITY(number) (UINT64_C(1) << (number))

/* The number of "CAP_NET_RAW" or "NET_RAW" in any case, or -1. */
int capability_number(const char *name);

/* The name of number I without "CAP_"; NULL behind the last that is known. */
const char *capability_name(int i);

/* Every capability that this kernel has. */
uint64_t capability_all(void);

/* Drops what is not in KEEP from the bounding set. 0 or -errno. */
int capability_bound(uint64_t keep);

/* Sets the three sets of this thread; AMBIENT is raised (and must be in the other two). 0 or -errno. */
int capability_set(uint64_t effective, uint64_t permitted, uint64_t inheritable, uint64_t ambient);

/* Makes WHICH effective, too, as far as the permitted set has it. 0 or -errno. */
int capability_raise(uint64_t which);
