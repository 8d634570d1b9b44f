/* network.h — the sandbox's way into its network: networks of its own, none, the host's, another pod's, a namespace by its path.
 *
 * hostNetwork is a field; the others are annotations (network_wish.h), since a Pod has no field for them.
 */
#pragma once

#include "sandbox/sandbox.h"

/* Claims addresses and ports, and moves this process into the pod's network and UTS namespaces. A network of the pod's own has no links yet. */
int sandbox_network_enter(struct sandbox *s, struct error *err);

/* Makes the links of a network of the pod's own: its loopback device, and one to each network with address and routes. */
int sandbox_network_connect(struct sandbox *s, struct error *err);

/* network_cni.c: the same on the CNI network NETWORK; PORTS (as in net/endpoint.h) are published by its plugins. sandbox_cni_leave takes the pod off
 * it, if it is on one. */
int sandbox_cni_enter(struct sandbox *s, const char *network, struct port_wish *ports, unsigned n,
		      struct error *err);
void sandbox_cni_leave(struct sandbox *s);

/* The network by whose gateway the pod has the DNS server: its own first one with a gateway of this host's, or that of the pod it has joined. */
bool sandbox_network_of_names(const struct sandbox *s, struct network *out);

/* Where to sweep, if this keeper is killed: the file "networks", NETWORK ADDRESS, a line each. Without the file it is the address in "ip" on the
 * default network. */
int sandbox_network_write(const struct sandbox *s, struct error *err);

/* Takes away what the keeper of the pod UID left on networks, who was killed. */
void sandbox_network_sweep(const struct instance *in, const char *uid);
