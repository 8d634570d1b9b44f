/* network_cni.c — a pod on a network that CNI plugins make (net/cni.h): `seapod.io/network: cni:NAME`.
 *
 * The plugins run in the host's network namespace, which the keeper holds by a descriptor until the end. Host ports are claimed by sockets, as
 * on networks of our own, so that a taken one is told with its holder, and any free one can be chosen.
 */
#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include "api/annotations.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "net/cni.h"
#include "net/endpoint.h"
#include "sandbox/mapped.h"
#include "sandbox/network.h"
#include "sandbox/network_wish.h"

static int claim_ports(struct sandbox *s, struct port_wish *ports, unsigned n, struct error *err)
{
	s->cni_ports = arena_alloc(s->arena, n * sizeof(*s->cni_ports));
	for (s->cni_port_count = 0; s->cni_port_count < n; s->cni_port_count++) {
		int fd = hostport_claim(&ports[s->cni_port_count], s->in, err);
		if (fd < 0)
			return fd;
		s->cni_ports[s->cni_port_count] = fd;
	}
	return 0;
}

int sandbox_cni_enter(struct sandbox *s, const char *network, struct port_wish *ports, unsigned n,
		      struct error *err)
{
	const struct object_meta *m = &s->pod->metadata;
	struct cni_wish wish = { .network = network,
				 .uid = m->uid,
				 .pod = m->name,
				 .namespace = m->namespace,
				 .ports = ports,
				 .port_count = n,
				 .configurations = s->launch->cniConfigurations,
				 .plugins = s->launch->cniPlugins,
				 .timeout = s->launch->cniTimeout,
				 .ip = string_map_get(&m->annotations, NETWORK_IP_ANNOTATION),
				 .mac = string_map_get(&m->annotations, NETWORK_MAC_ANNOTATION) };
	int r = network_bandwidth_read(&m->annotations, &wish.ingress, &wish.egress, err);

	if (r == 0)
		r = claim_ports(s, ports, n, err);
	if (r < 0)
		return r;
	cni_sweep(s->in);
	s->cni_host = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (s->cni_host < 0)
		return error_errno(err, "cannot open the host's network namespace");
	r = mapped_unshare(s, CLONE_NEWNET | CLONE_NEWUTS, err);
	if (r == 0)
		r = loopback_up(err);
	return r < 0 ? r : cni_add(s->in, &wish, s->cni_host, getpid(), s->ip, err);
}

void sandbox_cni_leave(struct sandbox *s)
{
	struct error err = {};

	if (s->cni_host >= 0 && cni_delete(s->in, s->pod->metadata.uid, s->cni_host, getpid(), &err) < 0)
		log_warning("%s", err.text);
	close_fd(&s->cni_host);
	while (s->cni_port_count > 0)
		close_fd(&s->cni_ports[--s->cni_port_count]);
}
