/* annotations.h — what a pod or a claim says to Seapod alone, by annotations; seapod-pod(5) explains them to users.
 *
 * Kubernetes leaves these things to the node or to other objects (a NetworkPolicy, a PersistentVolume, the kubelet's configuration), and ignores
 * annotations that it does not know, so a manifest with them is still one for any cluster.
 */
#pragma once

/* Networks, none, host, container:NAME, ns:PATH; where several: an address on each, whose route is the default one, further names. */
#define NETWORK_ANNOTATION         "seapod.io/network"
#define NETWORK_IP_ANNOTATION      "seapod.io/ip"
#define NETWORK_ROUTE_ANNOTATION   "seapod.io/default-route"
#define NETWORK_ALIASES_ANNOTATION "seapod.io/aliases"

/* The hardware address, on a CNI network. */
#define NETWORK_MAC_ANNOTATION "seapod.io/mac"

/* Kubernetes' own: bits a second into the pod and out of it ("10M"). */
#define INGRESS_ANNOTATION "kubernetes.io/ingress-bandwidth"
#define EGRESS_ANNOTATION  "kubernetes.io/egress-bandwidth"

/* How many processes the pod may have (the kubelet's podPidsLimit); -1 or "max": any number. */
#define PIDS_ANNOTATION "seapod.io/pids-limit"

/* Memory QoS (KEP-2570; the kubelet's memoryThrottlingFactor and memoryReservationPolicy): a number in (0, 1]; None or TieredReservation. */
#define MEMORY_FACTOR_ANNOTATION      "seapod.io/memory-throttling-factor"
#define MEMORY_RESERVATION_ANNOTATION "seapod.io/memory-reservation-policy"

/* "initial", "max" or "reset" follows: how long a container waits before it is started again. */
#define BACKOFF_ANNOTATION "seapod.io/backoff-"

/* Names of sysctls that are not safe (the kubelet's --allowed-unsafe-sysctls). */
#define UNSAFE_SYSCTLS_ANNOTATION "seapod.io/allowed-unsafe-sysctls"

/* Of a PersistentVolumeClaim: "Delete" (without it) or "Retain" (a PersistentVolume's
 * persistentVolumeReclaimPolicy): what happens to its files when it is deleted. */
#define RECLAIM_ANNOTATION "seapod.io/reclaim-policy"
