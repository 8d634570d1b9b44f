/* cluster.h — names of pods and Services: Kubernetes DNS-Based Service Discovery 1.1.0, and Docker's short names. Pure: facts in, zones out.
 *
 *	<service>.<namespace>.svc.<zone>                    A, AAAA: its address, or of a headless one those of its ready pods; CNAME: ExternalName
 *	_<port>._<protocol>.<service>.<namespace>.svc.…     SRV of each port with a name
 *	<hostname>.<service>.<namespace>.svc.<zone>         A, AAAA: a pod of a headless Service; without hostname and subdomain it is 10-1-2-3
 *	10-1-2-3.<namespace>.pod.<zone>                     A, AAAA: a pod by its address
 *	<pod>.<namespace>.pod.<zone>                        A, AAAA: by its name (an extension, as the specification allows)
 *	dns-version.<zone>                                  TXT "1.1.0"
 *	1.0.96.10.in-addr.arpa                              PTR of Services' addresses and of pods
 *
 * A single word is what Docker's embedded DNS knows: the name of a pod, its host name, that of one of its containers or an alias, for who asks
 * from the same namespace and network (homes.h). Words lie in a zone of their own as <word>.<namespace>.
 *
 * Source: github.com/kubernetes/dns docs/specification.md; records beyond it as CoreDNS' plugin kubernetes has them.
 */
#pragma once

#include "dns/homes.h"
#include "dns/zone.h"

enum { CLUSTER_TTL = 5 }; /* seconds, CoreDNS' default: pods come and go */

struct fact_services LIST(struct fact_service *);

struct cluster {
	struct fact_pods pods;
	struct fact_services services;
	struct fact_networks networks;
	struct addresses servers;   /* where this server answers: ns.dns.<zone> */
	struct addresses announced; /* those of them that others may be told (register.h) */
	uint32_t serial;
	const char *local; /* the name that local.dns.<domain> is an alias of; NULL: none */
};

/* All records below APEX, and reverse names. The caller's; refers to nothing of C. */
struct zone *cluster_zone(const struct cluster *c, const knot_dname_t *apex);

/* What is known of the sky's domain without etcd: SOA, and this server as its name server. The caller's. */
struct zone *cluster_domain(const struct cluster *c, const knot_dname_t *apex);

/* The words. The caller's. */
struct zone *cluster_words(const struct cluster *c);
