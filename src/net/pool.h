/* pool.h — addresses that cannot leak.
 *
 * RUN/networks/<name>.pool is an empty file; the claim of address number N is a lock on its byte N (F_OFD_SETLK) that the keeper holds
 * through a descriptor. When the keeper dies, by whatever means, the kernel drops the lock. The kernel also tells which range is
 * taken (F_OFD_GETLK), so looking for a free one skips whole ranges. The first 4 bytes are where to look next: addresses are given in
 * turn, and one that became free is not used again at once (neighbours remember it).
 */
#pragma once

#include <stdint.h>

#include "base/instance.h"

/* Claims one of the numbers 2 to COUNT - 2 (0 is the network, 1 the gateway, COUNT - 1 the broadcast address). Returns the descriptor that is the
 * claim; *NUMBER is what it holds. -EADDRNOTAVAIL when all are taken. */
int pool_claim(const struct instance *in, const char *name, uint32_t count, uint32_t *number, struct error *err);
