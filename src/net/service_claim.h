/* service_claim.h — whose an address or a node port of Services is: ROOT/services/claims/<address> or <port>-<protocol>, a link whose text is
 * "<namespace>/<name>".
 *
 * A claim is as good as the stored Service that it names: if that is gone or has something else now, it is nobody's. So nothing can leak, and who looks for one
 * port reads one Service, however many there are. Who makes claims holds the lock of the range (service.h).
 */
#pragma once

#include "api/service.h"
#include "base/instance.h"

enum { SERVICE_CLAIM_SIZE = 64 };

/* Keys. */
char *service_claim_address(const char *ip, char key[static SERVICE_CLAIM_SIZE]);
char *service_claim_port(int port, const char *protocol, char key[static SERVICE_CLAIM_SIZE]);

/* Reads the Service that has the address IP, or the node port, into S; its memory is in A. False: nobody has it. */
bool service_has_address(const struct instance *in, const char *ip, struct arena *a, struct service *s);
bool service_has_node_port(const struct instance *in, int port, const char *protocol, struct arena *a,
			   struct service *s);

/* S has the address and node ports that it says. */
int service_claim(const struct instance *in, const struct service *s, struct error *err);
