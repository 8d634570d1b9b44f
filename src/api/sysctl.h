/* sysctl.h — which kernel parameters a pod may set (Kubernetes docs "Using sysctls in a Kubernetes Cluster").
 *
 * Only such as belong to a namespace of the pod. Those of the safe list cannot harm other pods or the machine; the others, a cluster allows by
 * the kubelet's --allowed-unsafe-sysctls, and here the pod's annotation seapod.io/allowed-unsafe-sysctls does: "net.core.somaxconn,kernel.msg*".
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* "net.core.somaxconn" of "net/core/somaxconn": when the first of both is a slash, slashes separate and dots are part of a name
 * (sysctl.d(5)). Into BUFFER; false: it is no name, or too long. */
enum { SYSCTL_SIZE = 256 };
bool sysctl_normalize(const char *name, char buffer[static SYSCTL_SIZE]);

/* The rest take a normalized NAME. */
bool sysctl_is_network(const char *name); /* of the network namespace */
bool sysctl_is_ipc(const char *name);     /* of the IPC namespace */
bool sysctl_is_safe(const char *name);

/* True if LIST, comma-separated, has NAME, or a beginning of it with '*' after it. */
bool sysctl_is_listed(const char *name, const char *list);

/* Its file: "/proc/sys/net/core/somaxconn". */
void sysctl_path(const char *name, char *path, size_t size);
