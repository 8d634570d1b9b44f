/* resolver.h — the three files that tell a pod its names: hosts, hostname, resolv.conf. Pure: strings in, text out.
 *
 * The kubelet's formats and rules (kubernetes pkg/kubelet/kubelet_pods.go, network/dns/dns.go): dnsPolicy ClusterFirst falls back to the
 * host's resolver where there is no cluster DNS. Name servers on the host's loopback cannot be reached from a pod's network and are left out.
 */
#pragma once

#include "api/pod.h"
#include "base/text.h"

/* The kernel's host name of POD: hostnameOverride, hostname or the pod's name, at most 63 characters. In A. */
const char *resolver_hostname(const struct pod *pod, struct arena *a);

/* IP may be NULL (no network of its own: then HOSTS is the host's /etc/hosts text to begin with). */
void resolver_hosts(const struct pod *pod, const char *ip, const char *host_file, struct text *out);

/* The DNS server of the instance, as a cluster's is to the kubelet. */
struct resolver_cluster {
	const char *server;
	const char *const *searches;
	size_t n;
};

/* HOST_FILE: the text of the host's resolv.conf. OWN_NETWORK: the pod cannot reach the host's loopback. CLUSTER: NULL where there is none. */
void resolver_conf(const struct pod *pod, const char *host_file, bool own_network,
		   const struct resolver_cluster *cluster, struct text *out);

/* All its name servers are on the host's loopback, as systemd-resolved has it: where they have theirs from is RESOLVER_UPSTREAM then. */
bool resolver_is_local(const char *host_file);
#define RESOLVER_UPSTREAM "/run/systemd/resolve/resolv.conf"
