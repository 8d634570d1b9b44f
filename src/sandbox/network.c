/* network.c — see network.h. */
#include "sandbox/network.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "api/annotations.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "sandbox/mapped.h"
#include "sandbox/network_wish.h"
#include "service/forward.h"
#include "service/route.h"

struct published LIST(struct container_port *);

static void add_published(const struct sandbox *s, const struct container *c, struct published *out)
{
	list_each(port, &c->ports)
		if (port->hostPort || s->launch->publish)
			*list_add(s->arena, out) = port;
}

/* The ports of containers and sidecars. */
static struct published find_published(const struct sandbox *s)
{
	struct published ports = {};

	list_each(c, &s->pod->spec.initContainers)
		if (container_is_sidecar(c))
			add_published(s, c, &ports);
	list_each(c, &s->pod->spec.containers)
		add_published(s, c, &ports);
	return ports;
}

static struct port_wish port_wish(const struct container_port *port)
{
	struct port_wish w = { .protocol = protocol_number(port->protocol),
			       .host_port = (uint16_t)port->hostPort,
			       .pod_port = (uint16_t)port->containerPort };
	if (port->hostIP && !text_is(port->hostIP, "0.0.0.0") && !text_is(port->hostIP, "::")) {
		w.host.family = strchr(port->hostIP, ':') ? AF_INET6 : AF_INET;
		inet_pton(w.host.family, port->hostIP, &w.host.v4);
	}
	return w;
}

/* Which ones of the host's W may choose from; each range is for one port. */
static void put_range(const struct container_port *port, const struct launch *launch, bool *used,
		      struct port_wish *w)
{
	for (size_t i = 0; port->hostPort == 0 && i < launch->hostRanges.n; i++) {
		const struct host_range *range = &launch->hostRanges.at[i];
		if (used[i] || range->containerPort != port->containerPort ||
		    !text_is(range->protocol, port->protocol) || !text_is(range->hostIP, port->hostIP))
			continue;
		used[i] = true;
		w->host_port = (uint16_t)range->first;
		w->host_last = (uint16_t)range->last;
		return;
	}
}

/* What a pod publishes, as wishes. */
struct port_wishes_of_pod {
	struct published ports;
	struct port_wish *at;
};

static struct port_wishes_of_pod find_wishes(struct sandbox *s)
{
	struct port_wishes_of_pod w = { .ports = find_published(s) };
	bool *used = arena_alloc(s->arena, s->launch->hostRanges.n * sizeof(*used));

	w.at = arena_alloc(s->arena, w.ports.n * sizeof(*w.at));
	for (size_t i = 0; i < w.ports.n; i++) {
		w.at[i] = port_wish(w.ports.at[i]);
		put_range(w.ports.at[i], s->launch, used, &w.at[i]);
	}
	return w;
}

/* Where any free port was wanted, the object says from now on which it is. */
static void settle_ports(const struct port_wishes_of_pod *w)
{
	for (size_t i = 0; i < w->ports.n; i++)
		w->ports.at[i]->hostPort = w->at[i].host_port;
}

static int claim_endpoints(struct sandbox *s, const struct network_wishes *networks, struct error *err)
{
	const struct object_meta *m = &s->pod->metadata;
	const struct endpoint_owner owner = { m->name,           m->namespace,      m->uid,
					      networks->aliases, networks->ingress, networks->egress };
	struct port_wishes_of_pod w = find_wishes(s);
	int r = endpoints_claim(&s->endpoints, s->in, &owner, networks->at, (unsigned)networks->n, w.at,
				(unsigned)w.ports.n, err);

	if (r == 0)
		settle_ports(&w);
	return r;
}

static int enter_cni(struct sandbox *s, const char *network, struct error *err)
{
	struct port_wishes_of_pod w = find_wishes(s);
	int r = sandbox_cni_enter(s, network, w.at, (unsigned)w.ports.n, err);

	if (r == 0)
		settle_ports(&w);
	return r;
}

/* The address by which the host reaches the outside; the pod's own with hostNetwork. */
static void find_host_ip(struct sandbox *s)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(53) };
	socklen_t size = sizeof(at);
	_cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	inet_pton(AF_INET, "192.0.2.254",
		  &at.sin_addr); /* nothing is sent: connect(2) of UDP only chooses the route */
	if (fd < 0 || connect(fd, (struct sockaddr *)&at, sizeof(at)) < 0 ||
	    getsockname(fd, (struct sockaddr *)&at, &size) < 0)
		inet_pton(AF_INET, "127.0.0.1", &at.sin_addr);
	inet_ntop(AF_INET, &at.sin_addr, s->host_ip, sizeof(s->host_ip));
}

static int join_namespace(const char *path, const char *what, struct error *err)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return error_errno(err, "cannot open the network namespace of '%s'", what);
	if (setns(fd, CLONE_NEWNET) < 0 && errno == EINVAL)
		return error_set(
			err, EINVAL,
			"'%s' is not a network namespace ('ip netns add x' makes one at /run/netns/x)", what);
	if (setns(fd, CLONE_NEWNET) < 0)
		return error_errno(err, "cannot enter the network namespace of '%s'", what);
	return unshare(CLONE_NEWUTS) < 0 ? error_errno(err, "cannot make a UTS namespace") : 0;
}

/* The network of another pod: its namespace, which then lives as long as either of both. */
static int join_pod(struct sandbox *s, const char *name, struct error *err)
{
	char uid[UID_SIZE], path[PATH_MAX];
	bool alive = false;

	if (name_holder(s->in, s->pod->metadata.namespace, name, uid, &alive) < 0 || !alive)
		return error_set(err, ENOENT, "cannot join the network of '%s': there is no such pod running",
				 name);
	snprintf(path, sizeof(path), "%s/pods/%s/ns/net", s->in->run, uid);
	int r = join_namespace(path, name, err);
	if (r < 0)
		return r;
	snprintf(path, sizeof(path), "pods/%s/ip", uid);
	_cleanup_free_ char *ip = NULL;
	if (file_read(s->in->runfd, path, 64, &ip, NULL, NULL) == 0)
		snprintf(s->ip, sizeof(s->ip), "%.15s", ip);
	return 0;
}

static int open_watch(struct sandbox *s, struct error *err)
{
	for (unsigned i = 0; i < s->endpoints.n; i++)
		if (network_is_ours(&s->endpoints.at[i].network))
			return rules_watch_open(&s->watch, s->in, err);
	return 0;
}

static int enter_own_network(struct sandbox *s, const struct network_wishes *networks, struct error *err)
{
	int r = 0;

	if (networks->n) {
		if ((r = claim_endpoints(s, networks, err)) < 0)
			return r;
		s->has_endpoint = true;
		if ((r = open_watch(s, err)) < 0)
			return r;
		for (unsigned i = 0; i < s->endpoints.n; i++)
			if (s->endpoints.at[i].network.ipv6 && network_is_ours(&s->endpoints.at[i].network))
				service_route_make6(s->in, &s->endpoints.rt, s->endpoints.at[i].link);
		inet_ntop(AF_INET, &s->endpoints.at[0].address, s->ip, sizeof(s->ip));
	}
	s->owns_network = true;
	return mapped_unshare(s, CLONE_NEWNET | CLONE_NEWUTS, err);
}

int sandbox_network_connect(struct sandbox *s, struct error *err)
{
	if (!s->owns_network)
		return 0;
	return s->has_endpoint ? endpoints_attach(&s->endpoints, err) : loopback_up(err);
}

int sandbox_network_enter(struct sandbox *s, struct error *err)
{
	const char *mode = string_map_get(&s->pod->metadata.annotations, NETWORK_ANNOTATION);
	bool joins = mode && (text_starts(mode, "container:") || text_starts(mode, "ns:"));
	struct network_wishes networks = {};
	struct error trouble = {};
	int r;

	if (services_ensure(s->in, &trouble) < 0)
		log_warning("Services do not forward: %s", trouble.text);
	find_host_ip(s);
	if (s->pod->spec.hostNetwork) {
		strcpy(s->ip, s->host_ip);
		netlink_open(&s->endpoints.nf, NETLINK_NETFILTER,
			     NULL); /* for Services; a kernel without it has none */
		return 0;
	}
	if ((joins || text_is(mode, "none")) && find_published(s).n > 0)
		return error_set(err, EINVAL,
				 "ports are published on a network of the pod's own only, and this pod has "
				 "the network '%s'",
				 mode);
	if (s->user_namespace >= 0 && joins)
		return error_set(err, EINVAL,
				 "hostUsers: false needs a network of the pod's own, and this pod has the "
				 "network '%s'",
				 mode);
	if (joins) {
		netlink_open(&s->endpoints.nf, NETLINK_NETFILTER, NULL);
		return *mode == 'c' ? join_pod(s, mode + strlen("container:"), err)
				    : join_namespace(mode + 3, mode + 3, err);
	}
	if (mode && text_starts(mode, "cni:"))
		return enter_cni(s, mode + strlen("cni:"), err);
	r = text_is(mode, "none")
		    ? 0
		    : network_wishes_read(&s->pod->metadata.annotations, s->arena, &networks, err);
	return r < 0 ? r : enter_own_network(s, &networks, err);
}

bool sandbox_network_of_names(const struct sandbox *s, struct network *out)
{
	struct networks all = {};
	struct in_addr ip;

	for (unsigned i = 0; i < s->endpoints.n; i++) {
		*out = s->endpoints.at[i].network;
		if (network_is_ours(out))
			return true;
	}
	if (s->endpoints.n > 0 || inet_pton(AF_INET, s->ip, &ip) != 1 ||
	    networks_list(s->in, s->arena, &all, NULL) < 0)
		return false;
	list_each(n, &all) {
		*out = *n;
		if (network_is_ours(n) && network_holds(n, ip))
			return true;
	}
	return false;
}

int sandbox_network_write(const struct sandbox *s, struct error *err)
{
	_cleanup_text_ struct text text = {};
	const struct endpoints *e = &s->endpoints;

	if (e->n == 0 || (e->n == 1 && text_is(e->at[0].network.name, NETWORK_DEFAULT)))
		return 0;
	for (unsigned i = 0; i < e->n; i++)
		text_printf(&text, "%s %s\n", e->at[i].network.name, e->at[i].record.address);
	return file_write_atomic(s->dir, "networks", text.at, text.n, 0644, err);
}

static void sweep_services(const struct instance *in, const char *uid)
{
	struct netlink nf = NETLINK_NONE;

	if (netlink_open(&nf, NETLINK_NETFILTER, NULL) == 0)
		backends_sweep(in, &nf, uid);
	netlink_close(&nf);
}

void sandbox_network_sweep(const struct instance *in, const char *uid)
{
	_cleanup_free_ char *file = memory_printf("pods/%s/networks", uid), *text = NULL;
	char name[NETWORK_NAME_SIZE], address[INET_ADDRSTRLEN];

	sweep_services(in, uid);
	if (file_read(in->runfd, file, 4096, &text, NULL, NULL) < 0) {
		_cleanup_free_ char *ip_file = memory_printf("pods/%s/ip", uid), *ip = NULL;
		if (file_read(in->runfd, ip_file, 64, &ip, NULL, NULL) == 0)
			endpoint_sweep(in, uid, NETWORK_DEFAULT, ip);
		return;
	}
	for (const char *line = text; sscanf(line, "%63s %15s", name, address) == 2;
	     line = strchr(line, '\n') + 1) {
		endpoint_sweep(in, uid, name, address);
		if (!strchr(line, '\n'))
			break;
	}
}
