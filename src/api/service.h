/* service.h — Service: one name and one address for the pods that a selector chooses (core/v1 types.go ServiceSpec).
 */
#pragma once

#include "api/meta.h"

struct service_port {
	const char *name, *protocol, *appProtocol;
	int32_t port, nodePort;
	struct int_or_string targetPort; /* a number, or the name of a port of the pod */
};

struct client_ip_config {
	struct optional_int timeoutSeconds;
};

struct session_affinity_config {
	struct client_ip_config *clientIP;
};

struct service_spec {
	const char *type; /* ClusterIP, NodePort, LoadBalancer, ExternalName */
	struct string_map selector;
	struct LIST(struct service_port) ports;
	const char *clusterIP; /* "None": headless */
	struct strings clusterIPs, ipFamilies, externalIPs;
	const char *ipFamilyPolicy;
	const char *externalName;
	const char *sessionAffinity; /* None, ClientIP */
	struct session_affinity_config *sessionAffinityConfig;
	struct optional_bool publishNotReadyAddresses;
	/* no effect on one machine */
	const char *externalTrafficPolicy, *internalTrafficPolicy, *trafficDistribution;
	struct optional_bool allocateLoadBalancerNodePorts;
	/* rejected */
	struct strings loadBalancerSourceRanges;
	const char *loadBalancerIP, *loadBalancerClass;
	struct optional_int healthCheckNodePort;
};

struct service {
	const char *apiVersion, *kind;
	struct object_meta metadata;
	struct service_spec spec;
	struct node *status;
};

extern const struct table service_table;

bool service_is_headless(const struct service *s); /* clusterIP: None */
bool service_is_external(const struct service *s); /* an ExternalName */

/* "IPv4", "IPv6" or both: the families that it has addresses of, the first one first. DUAL: PreferDualStack is to be had. */
void service_families(const struct service_spec *spec, bool dual, struct arena *a, struct strings *out);

/* The address of LIST that is of the family; NULL: none. */
const char *service_address_of(const struct strings *list, bool six);

/* The rules between fields. True if no error was added. */
bool service_validate(const struct service *s, struct problems *problems);

/* True for the labels of a pod (of its namespace) that it is for; an empty selector chooses none. */
bool service_selects(const struct service *s, const struct string_map *labels);

/* A stored Service into S; memory in A, and OBJECT's. False if it is none. */
bool service_read(const struct node *object, struct service *s, struct arena *a);
