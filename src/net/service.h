/* service.h — a Service is stored with its address.
 *
 * ROOT/objects/services/<namespace>/<name>.json is the object; whose an address or a node port is, service_claim.h knows. Who chooses holds the lock of
 * ROOT/objects/services/.range, whose text is the subnet that addresses are from; .range6 beside it is the one of IPv6 addresses.
 */
#pragma once

#include "api/service.h"
#include "base/instance.h"

enum { NODE_PORT_FIRST = 30000, NODE_PORT_LAST = 32767 }; /* kube-apiserver --service-node-port-range */

/* Stores S: clusterIP and nodePorts that are missing are those that it has already, or chosen now (S gets them).
 * STORE_CREATED … (api/store.h), or negative: an address outside the range or of another service, a node port of
 * another, a full range, an address that would change; a port that a pod has published or a program of the host listens on. */
int service_put(const struct instance *in, struct service *s, struct arena *a, struct error *err);

int service_remove(const struct instance *in, const char *namespace, const char *name, struct error *err);

/* All services. */
struct services LIST(struct service);
int services_list(const struct instance *in, struct arena *a, struct services *out, struct error *err);

/* The range as text, "10.222.0.0/16"; NULL: there has never been a service with an address. In A. */
const char *services_range(const struct instance *in, struct arena *a);
const char *services_range6(const struct instance *in, struct arena *a);
