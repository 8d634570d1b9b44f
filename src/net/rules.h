/* rules.h — Seapod's part of the packet filter: tables of its own, rules that never change, and maps that do.
 *
 * A published port is one element of a map: (protocol, port) -> (pod's address, port); a range of them, too; a pod is one element of a set: (link, hardware
 * address, address), the only ones that it may send from. Adding them is one netlink message, whatever their number. Networks are elements, too, so the rules
 * stay the same for any number of them. They are text for nft(8), loaded when they are missing; nobody else's table is touched. docs/networks.md has the way
 * of a packet.
 */
#pragma once

#include "linux/netlink.h"
#include "net/network.h"
#include "net/record.h"

/* A network and who is on it. */
struct network_state {
	struct network network;
	struct endpoint_records endpoints;
};

struct network_states LIST(struct network_state);

/* All networks of the instance, from their files. REMOVE: the records of dead keepers are removed. */
int network_states_read(const struct instance *in, bool remove, struct arena *a, struct network_states *out,
			struct error *err);

/* The whole of it as text for nft(8), a single transaction: what there was of it goes. Pure. GUARD: with the table of the bridge family, which
 * keeps pods from sending under others' addresses. */
void rules_text(const struct instance *in, const struct network_states *networks, bool guard,
		struct text *out);

/* Loads them. On a kernel without the bridge family the guard is left out, and a warning says so. */
int rules_load(const struct instance *in, const struct network_states *networks, struct error *err);

/* nft(8) reads TEXT, one transaction; what it says on an error comes back in ERR. */
int rules_run(const char *text, struct error *err);

bool rules_exist(const struct instance *in);
bool rules_guard_exist(const struct instance *in); /* the table of the bridge family */
void rules_remove(const struct instance *in);
