/* elements.h — one endpoint's elements in the maps of rules.h, put there and taken away by netlink: microseconds, where nft(8) takes milliseconds.
 */
#pragma once

#include "linux/netlink.h"
#include "net/network.h"
#include "net/record.h"

/* Through NF, a socket of the bus NETLINK_NETFILTER in the host's namespace; one transaction, all or nothing. What is there already, and the same,
 * is fine. -errno when it does not fit (no table; the element of another that died): then rules_load makes all anew. */
int elements_add(struct netlink *nf, const struct instance *in, const struct network *n,
		 const struct endpoint_record *r);
int elements_remove(struct netlink *nf, const struct instance *in, const struct network *n,
		    const struct endpoint_record *r);

/* UDP has no connections, so the kernel goes on sending what belongs together for it (same ports and addresses) where it began to send it: to
 * an earlier pod, or to nobody. Makes it forget this for the ports of R. */
void elements_forget_flows(struct netlink *nf, const struct endpoint_record *r);
