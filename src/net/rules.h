/* rules.h — Seapod's part of the packet filter: tables of its own, rules that never change, and maps that do.
 *
 * A published port is one element of a map: (protocol, port) -> (pod's address, port); a pod is one element of a set: (link, hardware address,
 * address), the only ones that it may send from. Adding them is one netlink message, whatever their number. The rules themselves are text
 * for nft(8), loaded when they are missing; nobody else's table is touched. docs/networks.md has the way of a packet.
 */
#pragma once

#include "linux/netlink.h"
#include "net/network.h"
#include "net/record.h"

/* The whole of it as text for nft(8), a single transaction: what there was of it goes. Pure. GUARD: with the table of the bridge family, which
 * keeps pods from sending under others' addresses. */
void rules_text(const struct network *n, const struct instance *in, const struct endpoint_records *endpoints,
		bool guard, struct text *out);

/* Loads them. On a kernel without the bridge family the guard is left out, and a warning says so. */
int rules_load(const struct network *n, const struct instance *in, const struct endpoint_records *endpoints,
	       struct error *err);

bool rules_exist(const struct instance *in);
void rules_remove(const struct instance *in);
