/* reload.h — makes anew what the host's kernel knows of networks, from the files that say how it should be.
 *
 * Declarative: bridges, links, rules and their elements follow from ROOT/networks/<name>.json, the records of the endpoints whose keepers live
 * and the Services. So a deleted table, a flushed rule set, a deleted bridge or veth heal: at once (rules_watch.h), with the next pod (rules, bridge), or by
 * `seapod network reload` (all).
 */
#pragma once

#include "net/network.h"

struct reload_report {
	unsigned networks, endpoints, connected; /* that there are; of which the link had to be made again */
};

/* All of it, of all networks. An endpoint that cannot be connected is an error, after the others. */
int network_reload(const struct instance *in, struct reload_report *report, struct error *err);

/* The same of N if its bridge is missing; *INDEX is the bridge's, or the parent's. N may have another subnet after it (network.h). Several at
 * once agree. */
int network_ensure(struct network *n, const struct instance *in, unsigned *index, struct error *err);

/* The rules with their elements; what dead keepers left goes. */
int network_reload_rules(const struct instance *in, struct error *err);

/* Removes N, which nobody is on: its bridge, its file, its place in the rules. */
int network_remove(const struct network *n, const struct instance *in, struct error *err);

/* Removes rules and bridges of all networks, and the choice of the default one's subnet. The files of the others stay. */
void networks_prune(const struct instance *in);
