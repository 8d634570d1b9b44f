/* homes.h — who asks: of which namespace and on which networks the pod is that has an address, and whom it may hear of by a word. Pure.
 *
 * Docker's embedded DNS knows a container only to those who share a network with it, and there by its address on that network. So it is here: from
 * a word's addresses a pod is told those that are on one of its networks. The host is told all of the namespace "default". What has an address on no network of
 * Seapod's (a CNI plugin's, the host's own) cannot be judged, and is not hidden.
 */
#pragma once

#include "dns/facts.h"

struct fact_pods LIST(struct fact_pod *);
struct fact_networks LIST(struct fact_network *);

struct home {
	struct address address;
	const char *namespace;
	int network;          /* that ADDRESS is on; -1: none that is known */
	struct ints networks; /* of the whole pod, without -1 */
};
struct homes LIST(struct home);

/* Those of all pods, sorted, with all they refer to in A. */
void homes_make(const struct fact_pods *pods, const struct fact_networks *networks, struct arena *a,
		struct homes *out);

/* The pod that has ADDRESS; NULL: none, it is the host. */
const struct home *homes_find(const struct homes *homes, const struct address *address);

/* Whether who lives at HOME (NULL: the host) may be told of ADDRESS. */
bool homes_share(const struct homes *homes, const struct home *home, const struct address *address);
