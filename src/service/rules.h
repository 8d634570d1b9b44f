/* rules.h — the Services' part of the packet filter: a table of its own beside net/rules.h, whose rules never change.
 *
 * A Service's port is a *number* (a multiple of 16); it has a *face* for each way to it (address, protocol, port; or a node port), and its ready pods lie in
 * *slots* 0 … n-1. A connection to a face takes the number from `faces`, draws a slot, takes the pod's number from `ids` and its address from `live`:
 *
 *	faces   10.222.7.1 . tcp . 80  ->  0x4120 | class         class: the smallest k with 2^k >= n
 *	ids     0x4120 . 2             ->  0x5230                 slot 2
 *	live    0x5230                 ->  10.139.0.9 . 8080
 *
 * It draws from 2^k slots and draws again when nobody is in the one it got; after TRIES of them it draws from the lower half, which is always full. So a
 * pod that comes or goes is an element or two in each map, whatever the number of pods and Services, and there is no rule and no chain for either.
 *
 * With sessionAffinity the class is STICKY; the chain stick_<seconds> looks the client up in `clients` first and notes it there. The pod's number there is never
 * used again, so one that has gone is simply not found in `live`.
 *
 * The packet's priority (skb->priority) holds the number from rule to rule: of all that nftables can write it is what nobody else reads of a packet on its way
 * in, and the kernel sets it anew when it forwards. What reaches an address of Services and no pod is rejected at once.
 */
#pragma once

#include "base/instance.h"
#include "base/memory.h"
#include "base/text.h"
#include "linux/netlink.h"

enum {
	CLASS_MAX = 12, /* 4,096 pods of a port */
	CLASS_STICKY = 15,
	CLASS_MASK = 15,
	TRIES = 6,
	TABLE_NAME_SIZE = INSTANCE_NAME_SIZE + 16,
	STICK_NAME_SIZE = 24,
};

struct service_ranges {
	const char *four, *six; /* "10.222.0.0/16"; NULL: none */
};

/* Seconds of session affinity that there are chains for. */
struct affinities LIST(int32_t);

/* "seapod_services" */
char *service_table_name(const struct instance *in, char name[static TABLE_NAME_SIZE]);

/* "stick_10800" */
char *service_stick_name(int32_t seconds, char name[static STICK_NAME_SIZE]);

/* The smallest k with 2^K >= N, N >= 1. */
unsigned service_class(size_t n);

/* The table as text for nft(8), without elements. Pure. Made anew in one transaction when it is there already: the elements stay. */
void service_rules_text(const struct instance *in, const struct service_ranges *ranges,
			const struct affinities *affinities, struct text *out);

int service_rules_load(const struct instance *in, const struct service_ranges *ranges,
		       const struct affinities *affinities, struct error *err);
bool service_rules_exist(const struct instance *in, struct netlink *nf);
void service_rules_remove(const struct instance *in);
