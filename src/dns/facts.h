/* facts.h — what of this machine's objects concerns names: networks, pods, Services. Bytes in, structs out; no files here.
 *
 * The objects are those that lie in RUN and ROOT (ARCHITECTURE.md "On disk"); of their many fields these tables take what a name needs and pass
 * over the rest.
 */
#pragma once

#include "dns/address.h"
#include "object/field.h"

struct fact_port {
	const char *name, *protocol;
	int32_t port;                    /* of a Service */
	int32_t containerPort, hostPort; /* of a container; hostPort 0: it is not published */
	struct int_or_string targetPort; /* of a Service: where it leads; absent: the port itself */
};

struct fact_ports LIST(struct fact_port);
struct addresses LIST(struct address);

struct fact_container {
	const char *name;
	struct fact_ports ports;
};

struct fact_pod {
	const char *name, *namespace, *hostname, *subdomain;
	struct string_map labels;
	struct strings aliases; /* more words for it */
	struct LIST(struct fact_container) containers;
	struct addresses addresses;
	bool host_network;
	bool ready;
	bool over; /* it has ended and is only kept to be seen */
};

struct fact_service {
	const char *name, *namespace, *externalName; /* externalName: only of that type */
	bool headless, not_ready_too;
	struct string_map selector;
	struct fact_ports ports;
	struct addresses addresses;
};

struct fact_network {
	const char *name;
	struct prefix subnet, subnet6; /* subnet6: family 0, none */
	struct address gateway;        /* family 0: it is not this host's, so nobody asks there */
};

/* Each reads one or two JSON documents; memory is in A. False: there is nothing in it to go by. */
bool fact_pod_read(const char *object, size_t object_size, const char *status, size_t status_size,
		   struct arena *a, struct fact_pod *out);
bool fact_service_read(const char *object, size_t size, struct arena *a, struct fact_service *out);
bool fact_network_read(const char *object, size_t size, struct arena *a, struct fact_network *out);

/* True if the pod's labels have all of what the Service's selector asks for; a Service without selector chooses none. */
bool fact_selects(const struct fact_service *s, const struct fact_pod *p);
