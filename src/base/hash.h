/* hash.h — FNV-1a (draft-eastlake-fnv): short, and good enough to find places in tables and to tell a few names apart.
 *
 * Not against an enemy: where strangers choose what is hashed, the table has to bound what falls into one place.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define HASH_BEGIN   UINT32_C(2166136261)
#define HASH64_BEGIN UINT64_C(14695981039346656037)

/* HASH (HASH_BEGIN at first) of what was there before and the N bytes of DATA. */
static inline uint32_t hash_add(uint32_t hash, const void *data, size_t n)
{
	for (const unsigned char *at = data, *end = at + n; at < end; at++)
		hash = (hash ^ *at) * UINT32_C(16777619);
	return hash;
}

static inline uint64_t hash64_add(uint64_t hash, const void *data, size_t n)
{
	for (const unsigned char *at = data, *end = at + n; at < end; at++)
		hash = (hash ^ *at) * UINT64_C(1099511628211);
	return hash;
}
