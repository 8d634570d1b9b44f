/* endpoint.c — claims and their end; see endpoint.h. The links are in endpoint_link.c. */
#include "net/endpoint.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "linux/proc.h"
#include "net/elements.h"
#include "net/reload.h"
#include "net/rules.h"

static const char *address_text(struct arena *a, int family, const void *address)
{
	char text[INET6_ADDRSTRLEN];
	return arena_strdup(a, inet_ntop(family, address, text, sizeof(text)));
}

/* --- claim ----------------------------------------------------------------------------------------------------------- */

static void describe(struct endpoints *set, struct endpoint *e, const struct endpoint_owner *owner,
		     bool gateway)
{
	char link[IFNAMSIZ];

	network_link_name(set->in, &e->network, e->address, link);
	e->record = (struct endpoint_record){
		.pod = owner->pod,
		.namespace = owner->namespace,
		.uid = owner->uid,
		.keeper = getpid(),
		.address = address_text(set->arena, AF_INET, &e->address),
		.link = arena_strdup(set->arena, link),
		.interface = arena_printf(set->arena, "eth%u", (unsigned)(e - set->at)),
		.gateway = gateway,
		.aliases = owner->aliases,
		.ingress = network_is_ours(&e->network) ? owner->ingress : 0,
		.egress = owner->egress,
	};
	if (e->network.ipv6) {
		struct in6_addr six = network_address6(&e->network, e->address);
		e->record.address6 = address_text(set->arena, AF_INET6, &six);
	}
}

static bool follows(const struct port_record *before, const struct port_wish *w, const char *host)
{
	int count = before->count > 1 ? before->count : 1;

	return text_is(before->protocol, protocol_name(w->protocol)) && text_is(before->hostIP, host) &&
	       before->hostPort == before->containerPort && w->host_port == w->pod_port &&
	       w->host_port == before->hostPort + count;
}

/* Ports in a row that have the same numbers in the pod become one range. */
static void describe_port(struct endpoints *set, struct endpoint_record *r, const struct port_wish *w)
{
	const char *host = w->host.family ? address_text(set->arena, w->host.family, &w->host.v4) : NULL;

	if (r->ports.n && follows(&r->ports.at[r->ports.n - 1], w, host)) {
		struct port_record *last = &r->ports.at[r->ports.n - 1];
		last->count = last->count > 1 ? last->count + 1 : 2;
		return;
	}
	*list_add(set->arena, &r->ports) = (struct port_record){ .protocol = protocol_name(w->protocol),
								 .hostIP = host,
								 .hostPort = w->host_port,
								 .containerPort = w->pod_port };
}

static int claim_address(struct endpoints *set, struct endpoint *e, const struct endpoint_wish *wish,
			 struct error *err)
{
	struct network *n = &e->network;
	int r = network_open(n, set->in, wish->network, err);

	if (r == 0)
		r = network_ensure(n, set->in, &e->link, err);
	if (r < 0)
		return r;
	const struct pool_range range = { n->first, n->last, ntohl(n->gateway.s_addr) };
	e->address = wish->address;
	if ((e->address.s_addr && (e->address.s_addr == n->gateway.s_addr || !network_holds(n, e->address))))
		return error_set(
			err, EADDRNOTAVAIL,
			"the address asked for cannot be had: the network '%s' has not got it for pods",
			n->name);
	_cleanup_close_ int pool = pool_open(set->in, n->name, err);
	e->claim = pool < 0 ? pool : pool_claim(pool, &range, &e->address, &e->stale, err);
	return e->claim < 0 ? error_prefix(err, "the network '%s'", n->name) : 0;
}

/* The one that publishes ports: the first whose packets pass this host's filter. */
static struct endpoint *find_publisher(struct endpoints *set)
{
	for (unsigned i = 0; i < set->n; i++)
		if (network_is_ours(&set->at[i].network) && !set->at[i].network.internal)
			return &set->at[i];
	return NULL;
}

/* Claims are many and used for nothing: they go above the descriptors that the keeper and its children count on. */
enum { CLAIMS_FROM = 1024 };

static int put_away(int fd)
{
	int high = fcntl(fd, F_DUPFD_CLOEXEC, CLAIMS_FROM);

	if (high < 0)
		return fd;
	close(fd);
	return high;
}

static int claim_port(struct endpoints *set, const struct network *n, struct port_wish *w, struct error *err)
{
	if (!w->host.family && n->publish_at.s_addr)
		w->host = (struct ip){ AF_INET, { n->publish_at } };
	if (w->host.family == AF_INET6 && !n->ipv6)
		return error_set(
			err, EAFNOSUPPORT,
			"a port on an IPv6 address cannot be published: the network '%s' has IPv4 only",
			n->name);
	int fd = hostport_claim(w, set->in, err);
	if (fd >= 0)
		set->port_claims[set->port_count++] = put_away(fd);
	return fd < 0 ? fd : 0;
}

/* A process may have more files open than its containers' programs expect to (getrlimit(2)): meanwhile as many as it can get. */
static int claim_each(struct endpoints *set, struct endpoint *e, struct port_wish *ports, unsigned n,
		      struct error *err)
{
	struct rlimit before, most;
	int r = 0;

	if (getrlimit(RLIMIT_NOFILE, &before) < 0)
		return error_errno(err, "cannot ask how many files may be open");
	most = before;
	most.rlim_cur = most.rlim_max;
	setrlimit(RLIMIT_NOFILE, &most);
	for (unsigned i = 0; r == 0 && i < n; i++) {
		r = claim_port(set, &e->network, &ports[i], err);
		if (r == 0)
			describe_port(set, &e->record, &ports[i]);
	}
	setrlimit(RLIMIT_NOFILE, &before);
	return r;
}

static int claim_ports(struct endpoints *set, struct port_wish *ports, unsigned n, struct error *err)
{
	struct endpoint *e = find_publisher(set);

	if (n == 0)
		return 0;
	if (!e)
		return error_set(err, EINVAL, "no port can be published: the network '%s' is %s",
				 set->at[0].network.name,
				 set->at[0].network.internal ? "internal" : "none of this host's own");
	set->port_claims = memory_new(n, sizeof(*set->port_claims));
	return claim_each(set, e, ports, n, err);
}

static int publish(struct endpoints *set, struct endpoint *e, struct error *err)
{
	int r = record_write(e->claim, &e->record, err);

	if (r < 0 || !network_is_ours(&e->network))
		return r;
	_cleanup_close_ int lock = pool_lock(set->in, LOCK_SH, err);
	if (lock < 0)
		return lock;
	r = e->stale ? -ESTALE : elements_add(&set->nf, set->in, &e->network, &e->record);
	if (r < 0) { /* something is not as it should be: all is made as it should */
		close_fd(&lock);
		r = network_reload_rules(set->in, err);
	}
	if (r == 0)
		elements_forget_flows(&set->nf, &e->record);
	return r;
}

static int claim_all(struct endpoints *set, const struct endpoint_owner *owner,
		     const struct endpoint_wish *wishes, unsigned wish_count, struct port_wish *ports,
		     unsigned n, struct error *err)
{
	int r = netlink_open(&set->rt, NETLINK_ROUTE, err);

	if (r == 0)
		r = netlink_open(&set->nf, NETLINK_NETFILTER, err);
	for (unsigned i = 0; r == 0 && i < wish_count; i++) {
		struct endpoint *e = &set->at[set->n];
		e->claim = -1;
		set->n++;
		r = claim_address(set, e, &wishes[i], err);
		if (r == 0)
			describe(set, e, owner, wishes[i].gateway);
	}
	if (r == 0)
		r = claim_ports(set, ports, n, err);
	for (unsigned i = 0; r == 0 && i < set->n; i++)
		r = publish(set, &set->at[i], err);
	return r;
}

int endpoints_claim(struct endpoints *set, const struct instance *in, const struct endpoint_owner *owner,
		    const struct endpoint_wish *wishes, unsigned wish_count, struct port_wish *ports,
		    unsigned n, struct error *err)
{
	*set = ENDPOINTS_NONE;
	set->in = in;
	set->arena = arena_new();
	set->at = arena_alloc(set->arena, wish_count * sizeof(*set->at));
	int r = claim_all(set, owner, wishes, wish_count, ports, n, err);
	if (r < 0)
		endpoints_release(set);
	return r;
}

/* --- attach ---------------------------------------------------------------------------------------------------------- */

/* Of links that come. Without IPv6 on any network another pod could announce itself as a router to all; with it addresses
 * are given, and nobody else's word is taken. */
static void set_ipv6(bool wanted)
{
	if (!wanted) {
		proc_write("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
		return;
	}
	proc_write("/proc/sys/net/ipv6/conf/default/accept_ra", "0");
	proc_write("/proc/sys/net/ipv6/conf/default/addr_gen_mode", "1");
}

int endpoints_attach(struct endpoints *set, struct error *err)
{
	struct netlink pod = NETLINK_NONE;
	bool six = false;
	int r = netlink_open(&pod, NETLINK_ROUTE, err);

	for (unsigned i = 0; i < set->n; i++)
		six = six || set->at[i].network.ipv6;
	if (r < 0)
		return r;
	set_ipv6(six);
	for (unsigned i = 0; r == 0 && i < set->n; i++)
		r = endpoint_connect(&set->at[i].network, &set->at[i].record, set->at[i].link, &set->rt, &pod,
				     err);
	netlink_close(&pod);
	return r;
}

/* --- the end --------------------------------------------------------------------------------------------------------- */

static void forget_neighbours(struct endpoints *set, const struct endpoint *e)
{
	struct ip address = { AF_INET, { e->address } };
	struct netlink_batch b;

	batch_begin(&b, &set->rt);
	neighbour_remove(&b, e->link, &address);
	if (e->network.ipv6) {
		address = (struct ip){ AF_INET6, { .v6 = network_address6(&e->network, e->address) } };
		neighbour_remove(&b, e->link, &address);
	}
	batch_send(&b);
}

/* The record first: who makes the rules anew from now on leaves this one out, and who has just done so is waited for. */
static void withdraw(struct endpoints *set, struct endpoint *e)
{
	_cleanup_close_ int pool = pool_open(set->in, e->network.name, NULL);

	if (pool < 0)
		return;
	pool_release(pool, e->address);
	if (!e->record.address || !network_is_ours(&e->network))
		return;
	_cleanup_close_ int lock = pool_lock(set->in, LOCK_SH, NULL);
	elements_remove(&set->nf, set->in, &e->network, &e->record);
	elements_forget_flows(&set->nf, &e->record);
	if (e->network.driver == DRIVER_BRIDGE)
		forget_neighbours(set, e);
}

void endpoints_release(struct endpoints *set)
{
	for (unsigned i = 0; i < set->n; i++) {
		if (set->at[i].claim >= 0)
			withdraw(set, &set->at[i]);
		close_fd(&set->at[i].claim);
	}
	for (unsigned i = 0; i < set->port_count; i++)
		close_fd(&set->port_claims[i]);
	free(set->port_claims);
	netlink_close(
		&set->rt); /* the other one is left to the end of the process: closing it waits (netlink_close) */
	arena_free(set->arena);
	*set = ENDPOINTS_NONE;
}

void endpoint_sweep(const struct instance *in, const char *uid, const char *network, const char *address)
{
	_cleanup_arena_ struct arena *a = arena_new();
	_cleanup_close_ int pool = pool_open(in, network, NULL), fd = -1;
	struct endpoint_record r = {};

	if (pool < 0 || pool_look(pool, address, &fd) != 0 || !record_read(fd, &r, a) || !text_is(r.uid, uid))
		return;
	unlinkat(pool, address, 0);
	close_fd(&fd);
	if (rules_exist(in))
		network_reload_rules(in, NULL);
}
