/* user_range.h — 65536 ids of the host for the users of one pod (Pod spec.hostUsers: false, KEP-127).
 *
 * Users 0 to 65535 of the pod are FIRST to FIRST + 65535 outside, where they are nobody. No two pods have an id in common, of whatever instance
 * they are, so what breaks out of one has no right to anything of another. A range is claimed by a lock on one byte of a file of the whole
 * machine (fcntl_locking(2), F_OFD_SETLK): the kernel drops it with its owner, and nothing is to be cleaned up.
 *
 * The ids are from 0x70000000 on, which systemd's table of ids has as unused, above those of container managers (systemd "UIDS-GIDS"): they
 * collide neither with users of the host nor with the ranges in /etc/subuid.
 */
#pragma once

#include <stdint.h>

#include "base/error.h"

enum { USER_RANGE = 65536, USER_RANGES = 4094, USER_RANGE_LOWEST = 0x70000000 };
#define USER_RANGE_FILE "/run/seapod-ids"

/* Claims a free range. *FIRST: its first id. A descriptor, which is the claim; -EUSERS: all are taken. */
int user_range_claim(uint32_t *first, struct error *err);

/* The id that the pod has for ID of the host: each range begins at a multiple of its size. An id of no range is left as it is. */
static inline uint32_t user_range_inside(uint32_t id)
{
	return id >= USER_RANGE_LOWEST && id - USER_RANGE_LOWEST < (uint32_t)USER_RANGES * USER_RANGE
		       ? id % USER_RANGE
		       : id;
}

/* "0 FIRST 65536", for uid_map and gid_map (user_namespaces(7)). */
enum { USER_RANGE_MAP_SIZE = 40 };
const char *user_range_map(uint32_t first, char text[static USER_RANGE_MAP_SIZE]);
