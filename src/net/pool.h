/* pool.h — addresses that cannot leak.
 *
 * RUN/networks/<network>/<address> is a file whose lock (fcntl_locking(2), F_OFD_SETLK, held by the keeper for its life) is the claim and whose
 * text says who has the address and what for (record.h). When the keeper dies, by whatever means, the kernel drops the lock: a file without one
 * is nobody's. Addresses are given in turn, so that one that became free is not used again at once (neighbours and connections remember
 * it); RUN/networks/<network>/.next says where to look.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>

#include "base/instance.h"

/* RUN/networks/NETWORK, opened, made if missing. */
int pool_open(const struct instance *in, const char *network, struct error *err);

/* From FIRST to LAST, without the GATEWAY; host byte order. */
struct pool_range {
	uint32_t first, last, gateway;
};

/* Claims a free address of RANGE, or *ADDRESS if that is not 0 (anywhere in the network, the caller has looked). Returns the descriptor that is the claim, and
 * *ADDRESS; *LEFT: the file has the text of an owner that died. -EADDRNOTAVAIL when all are taken, -EADDRINUSE when the one is. */
int pool_claim(int pool, const struct pool_range *range, struct in_addr *address, bool *left,
	       struct error *err);

/* Gives ADDRESS back, whose lock is still held (close it after this). */
void pool_release(int pool, struct in_addr address);

/* One look at the file NAME of the pool: 1, *FD is open for reading and its owner lives; 0, its owner is dead, *FD is open and the lock
 * is ours (until it is closed); -errno. */
int pool_look(int pool, const char *name, int *fd);

/* While it is held, what follows from the records stays as it is (flock(2): LOCK_SH for who adds his own, LOCK_EX for who makes all anew). One lock for
 * all networks, RUN/networks/.rules. A descriptor. */
int pool_lock(const struct instance *in, int how, struct error *err);
