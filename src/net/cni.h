/* cni.h — networks that other programs make: the Container Network Interface (CNI specification 1.1, containernetworking/cni SPEC.md).
 *
 *	/etc/cni/net.d/10-lan.conflist     a configuration list: "name", "cniVersion", "plugins"
 *	/usr/lib/cni/bridge                a plugin: asked by environment and standard input, answers on standard output
 *
 * $SEAPOD_CNI_CONFIG and $SEAPOD_CNI_PLUGINS name other directories, with colons between them; $SEAPOD_CNI_TIMEOUT the seconds that a plugin has (30).
 *
 * A pod's attachment is written down in ROOT/cni/<uid>.json before the first plugin runs, with all that DEL needs: the list, what was asked for, and
 * at last the result. So whoever finds the pod dead can take it away, after a boot, too: a host-local address is a file that outlives it.
 */
#pragma once

#include "base/instance.h"
#include "net/hostport.h"
#include "object/field.h"

#define CNI_CONFIG_DIRS "/etc/cni/net.d"
#define CNI_PLUGIN_DIRS "/usr/lib/cni:/opt/cni/bin"

/* What a pod asks of its network beside being on it: a plugin that has the capability is told (runtimeConfig). */
struct cni_wish {
	const char *network, *uid, *pod, *namespace;
	const struct port_wish *ports;
	unsigned port_count;
	const char *ip, *mac;                           /* NULL: any */
	int64_t ingress, egress;                        /* bytes a second; 0: no limit */
	const char *configurations, *plugins, *timeout; /* of the environment; NULL: as usual */
};

/* ADD, of the pod whose network namespace is that of the process KEEPER. HOST: the network namespace in which plugins run. The answer's first
 * IPv4 address goes to IP ("" when it has none). When a plugin fails, what the ones before it did is taken away again. */
int cni_add(const struct instance *in, const struct cni_wish *wish, int host, pid_t keeper,
	    char ip[static INET_ADDRSTRLEN], struct error *err);

/* DEL, of the attachment of the pod UID, if there is one. KEEPER: 0 when it has gone, and its namespace with it. When a plugin fails, the others are
 * asked all the same, and the attachment stays written down, for another time. */
int cni_delete(const struct instance *in, const char *uid, int host, pid_t keeper, struct error *err);

/* DEL of all attachments whose pods are not there any more (after a boot). This and the next ones: in the network namespace of the caller. */
void cni_sweep(const struct instance *in);

/* GC: tells the plugins of each list of version 1.1 or newer which attachments there are, so that they can forget others. */
int cni_collect(const struct instance *in, struct error *err);

/* CHECK of all attachments of pods that live. What is not as it should be is a warning: nobody but the plugin knows how to mend it. */
void cni_check(const struct instance *in);
