/* hostport.h — a port of the host is claimed by a bound socket, and the kernel takes it back when its owner dies (bind(2)).
 *
 * Nobody listens on that socket: packets are sent on to the pod before they would come to it (rules.h). It is there so that the
 * kernel gives the port to nobody else, and so that two pods cannot have the same one.
 */
#pragma once

#include <netinet/in.h>
#include <stdint.h>

#include "base/instance.h"
#include "linux/netlink.h"

struct port_wish {
	uint8_t protocol;   /* IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP */
	struct ip host;     /* family 0: every address of the host */
	uint16_t host_port; /* 0: any free one; host byte order, as pod_port */
	uint16_t host_last; /* not 0: the first free one from host_port to here */
	uint16_t pod_port;
};

const char *protocol_name(uint8_t protocol); /* "TCP", "UDP", "SCTP" */
uint8_t protocol_number(const char *name);   /* of those names; TCP of every other */

/* Claims W's port; W->host_port is filled in with what it is. The descriptor that is the claim, or an error that names who has the port: another
 * pod by the records of all networks (record.h), another program by its sockets. */
int hostport_claim(struct port_wish *w, const struct instance *in, struct error *err);
