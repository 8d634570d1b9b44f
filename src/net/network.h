/* network.h — a network: what it is.
 *
 * A network is a few facts in ROOT/networks/<name>.json: from them, and from the records of its endpoints (record.h),
 * links and rules can be made at any time, by whoever first needs them. The network 'bridge' is there by itself: its
 * subnet is the first of a list that nothing the host knows overlaps, and it is chosen anew when the host has got such a
 * route by the time the bridge is made again (unless the file says "fixed": true). Others are made by network_create.
 *
 *	bridge    pods are ports of a bridge, the gateway is its address
 *	routed    no bridge: each pod is at the end of a link of its own, with host routes; no limit of 1,023 ports
 *	macvlan   pods are hosts of the parent's own Ethernet, beside this one
 *	ipvlan    the same under the parent's hardware address
 */
#pragma once

#include <net/if.h>
#include <netinet/in.h>

#include "base/instance.h"
#include "base/text.h"
#include "net/subnet.h"
#include "object/field.h"

#define NETWORK_DEFAULT "bridge"

enum { MAC_SIZE = 6, NETWORK_NAME_SIZE = 64, NETWORK_NUMBER_MAX = 899, NETWORKS_OF_POD_MAX = 8 };

enum network_driver { DRIVER_BRIDGE, DRIVER_ROUTED, DRIVER_MACVLAN, DRIVER_IPVLAN };

struct network {
	char name[NETWORK_NAME_SIZE];
	enum network_driver driver;
	unsigned number;                 /* of its links' names; 0: the default network */
	char bridge[IFNAMSIZ];           /* the host's link that has the gateway's address */
	char parent[IFNAMSIZ], mode[12]; /* of macvlan and ipvlan */
	struct in_addr subnet, gateway;  /* network byte order */
	unsigned prefix;
	uint32_t first, last; /* addresses are given from here to here; host byte order */
	bool ipv6;
	struct in6_addr subnet6, gateway6;
	unsigned prefix6;
	uint32_t mtu;
	bool fixed;                /* a person has written the subnet: it is not chosen anew */
	bool internal;             /* nobody comes in or goes out */
	struct in_addr publish_at; /* where ports are published that say nothing; INADDR_ANY: everywhere */
};

struct networks LIST(struct network);

/* The file's fields, as they are written. */
struct network_file {
	const char *name, *driver, *subnet, *gateway, *ipRange, *subnet6, *gateway6, *parent, *mode,
		*publishAt;
	int32_t number, mtu;
	bool fixed, ipv6, internal;
};
extern const struct table network_file_table;

/* Reads the file of the network NAME; the default one is chosen and written at first use. -ENOENT: there is none. */
int network_open(struct network *n, const struct instance *in, const char *name, struct error *err);

/* All of them, sorted by name; the default one only if it has been used. */
int networks_list(const struct instance *in, struct arena *a, struct networks *out, struct error *err);

/* Makes a network of what is known of it, the rest chosen; each mistake has its sentence. */
int network_create(const struct instance *in, struct network_file *file, struct error *err);

/* With the lock of the networks held: chooses the subnet again if a route of the host overlaps it. */
int network_choose_again(struct network *n, const struct instance *in, struct error *err);

/* Held while a network is chosen or made. A descriptor. */
int network_lock(const struct instance *in, struct error *err);

/* A subnet of SERIES that overlaps no network and no route of the host, and hides no name server. */
int network_free_subnet(const struct instance *in, const struct subnet_series *series, struct subnet *out,
			struct error *err);

void network_forget(const struct instance *in, const char *name);

const char *network_driver_name(enum network_driver driver);

/* True if ADDRESS is of its subnet. */
bool network_holds(const struct network *n, struct in_addr address);

/* True of bridge and routed: packets of its pods pass this host's filter. */
bool network_is_ours(const struct network *n);

/* Locally administered, then the address: what the bridge plugin of CNI does, too. So nobody needs to ask for it, and a pod that gets an
 * address again has the hardware address that its neighbours remember. */
void network_mac(struct in_addr address, unsigned char mac[static MAC_SIZE]);

/* The IPv6 address that belongs to the IPv4 ADDRESS: the same number in the other subnet. */
struct in6_addr network_address6(const struct network *n, struct in_addr address);

/* How the names of the host's halves of pods' links begin in this instance. */
void network_link_prefix(const struct instance *in, char prefix[static IFNAMSIZ]);

/* The name of the host's half of the link of the pod that has ADDRESS. */
void network_link_name(const struct instance *in, const struct network *n, struct in_addr address,
		       char name[static IFNAMSIZ]);

/* "10.139.0.0/16" */
enum { SUBNET_TEXT_SIZE = INET6_ADDRSTRLEN + 4 };
char *network_subnet(const struct network *n, char text[static SUBNET_TEXT_SIZE]);
char *network_subnet6(const struct network *n, char text[static SUBNET_TEXT_SIZE]);
