/* reload.h — makes anew what the host's kernel knows of a network, from the files that say how it should be.
 *
 * Declarative: bridge, links, rules and their elements follow from ROOT/networks/<name>.json and the records of the endpoints whose keepers live.
 * So a deleted table, a flushed rule set, a deleted bridge or veth heal: with the next pod (rules, bridge), or by `seapod network reload` (all).
 */
#pragma once

#include "net/network.h"

struct reload_report {
	unsigned endpoints, connected; /* that there are; of which the veth had to be made again */
};

/* All of it. An endpoint that cannot be connected is an error, after the others. */
int network_reload(const struct instance *in, struct reload_report *report, struct error *err);

/* The same if N's bridge is missing; *INDEX is the bridge's. N may have another subnet after it (network.h). Several at once agree. */
int network_ensure(struct network *n, const struct instance *in, unsigned *index, struct error *err);

/* The rules with their elements; what dead keepers left goes. */
int network_reload_rules(const struct network *n, const struct instance *in, struct error *err);

/* Removes bridge, rules and the choice of the subnet: nothing of the network is left. */
void network_remove(const struct instance *in);
