/* homes.c — see homes.h. */
#include "dns/homes.h"

#include <stdlib.h>

static int network_of(const struct fact_networks *networks, const struct address *a)
{
	for (size_t i = 0; i < networks->n; i++) {
		const struct fact_network *n = networks->at[i];
		if (prefix_holds(&n->subnet, a) ||
		    (n->subnet6.address.family && prefix_holds(&n->subnet6, a)))
			return (int)i;
	}
	return -1;
}

static int compare(const void *a, const void *b)
{
	return address_compare(&((const struct home *)a)->address, &((const struct home *)b)->address);
}

static void add_pod(const struct fact_pod *p, const struct fact_networks *networks, struct arena *a,
		    struct homes *out)
{
	const char *namespace = arena_strdup(a, p->namespace);
	size_t first = out->n;
	struct ints all = {};

	list_each(address, &p->addresses) {
		int network = network_of(networks, address);
		if (network >= 0)
			*list_add(a, &all) = network;
		*list_add(a, out) = (struct home){ *address, namespace, network, {} };
	}
	for (size_t i = first; i < out->n; i++)
		out->at[i].networks = all;
}

void homes_make(const struct fact_pods *pods, const struct fact_networks *networks, struct arena *a,
		struct homes *out)
{
	list_each(p, pods)
		if (!(*p)->over && !(*p)->host_network)
			add_pod(*p, networks, a, out);
	if (out->n)
		qsort(out->at, out->n, sizeof(*out->at), compare);
}

const struct home *homes_find(const struct homes *homes, const struct address *address)
{
	const struct home key = { .address = *address };

	return homes->n ? bsearch(&key, homes->at, homes->n, sizeof(key), compare) : NULL;
}

bool homes_share(const struct homes *homes, const struct home *home, const struct address *address)
{
	const struct home *its = homes_find(homes, address);

	if (!home || home->networks.n == 0 || !its || its->network < 0)
		return true;
	list_each(network, &home->networks)
		if (*network == its->network)
			return true;
	return false;
}
