/* network.h — the bridge network that pods are on by default: what it is.
 *
 * A network is a few facts in ROOT/networks/<name>.json: from them, and from the records of its endpoints (record.h), bridge and rules can be
 * made at any time, by whoever first needs them. The subnet is the first of a list that nothing the host knows overlaps; it is chosen
 * anew when the host has got such a route by the time the bridge is made again (unless the file says "fixed": true).
 */
#pragma once

#include <netinet/in.h>

#include "base/instance.h"
#include "base/text.h"
#include "net/subnet.h"

#define NETWORK_DEFAULT "bridge"

enum { MAC_SIZE = 6 };

struct network {
	char bridge[INSTANCE_NAME_SIZE];
	struct in_addr subnet, gateway; /* network byte order */
	unsigned prefix;
	uint32_t mtu;
	bool fixed; /* a person has written the subnet: it is not chosen anew */
};

/* Reads the default network's file; at first use chooses and writes it. */
int network_open(struct network *n, const struct instance *in, struct error *err);

/* With the lock of the networks held: chooses the subnet again if a route of the host overlaps it. */
int network_choose_again(struct network *n, const struct instance *in, struct error *err);

/* Held while a network is chosen or made. A descriptor. */
int network_lock(const struct instance *in, struct error *err);

/* A subnet of SERIES that overlaps no route of the host and hides no name server. */
int network_free_subnet(const struct instance *in, const struct subnet_series *series, struct subnet *out,
			struct error *err);

void network_forget(const struct instance *in);

/* Locally administered, then the address: what the bridge plugin of CNI does, too. So nobody needs to ask for it, and a pod that gets an
 * address again has the hardware address that its neighbours remember. */
void network_mac(struct in_addr address, unsigned char mac[static MAC_SIZE]);

/* "10.139.0.0/16" */
enum { SUBNET_TEXT_SIZE = INET_ADDRSTRLEN + 3 };
char *network_subnet(const struct network *n, char text[static SUBNET_TEXT_SIZE]);
