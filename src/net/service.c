/* service.c — see service.h. */
#include "net/service.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <unistd.h>

#include "api/store.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include "net/hostport.h"
#include "net/network.h"
#include "net/service_claim.h"
#include "net/subnet.h"

#define KIND   "services"
#define RANGE  "objects/services/.range"
#define RANGE6 "objects/services/.range6"

enum { RANGE6_BYTES = 14 }; /* a /112 */

/* --- the range ------------------------------------------------------------------------------------ */

struct range {
	uint32_t first, count; /* host byte order */
};

static bool parse_range(const char *text, struct range *out)
{
	struct in_addr address;
	char part[INET_ADDRSTRLEN];
	unsigned prefix;

	if (sscanf(text, "%15[0-9.]/%u", part, &prefix) != 2 || inet_pton(AF_INET, part, &address) != 1 ||
	    prefix < 8 || prefix > 30)
		return false;
	*out = (struct range){ ntohl(address.s_addr), UINT32_C(1) << (32 - prefix) };
	return true;
}

const char *services_range(const struct instance *in, struct arena *a)
{
	_cleanup_free_ char *text = NULL;

	if (file_read(in->rootfd, RANGE, 64, &text, NULL, NULL) < 0 || !*text)
		return NULL;
	return arena_strndup(a, text, strcspn(text, "\n"));
}

const char *services_range6(const struct instance *in, struct arena *a)
{
	_cleanup_free_ char *text = NULL;

	if (file_read(in->rootfd, RANGE6, 64, &text, NULL, NULL) < 0 || !*text)
		return NULL;
	return arena_strndup(a, text, strcspn(text, "\n"));
}

static struct in6_addr range6_first(const char *range)
{
	struct in6_addr first = {};
	char text[INET6_ADDRSTRLEN] = "";

	sscanf(range, "%45[0-9a-f:]", text);
	inet_pton(AF_INET6, text, &first);
	memset(first.s6_addr + RANGE6_BYTES, 0, sizeof(first) - RANGE6_BYTES);
	return first;
}

/* A random ULA (RFC 4193), as networks have it. */
static int choose_range6(const struct instance *in, struct error *err)
{
	struct in6_addr first = {};
	char text[INET6_ADDRSTRLEN];

	while (getrandom(first.s6_addr + 1, 5, 0) != 5)
		;
	first.s6_addr[0] = 0xfd;
	first.s6_addr[RANGE6_BYTES - 1] = 0x53; /* apart from what networks may have of the same prefix */
	_cleanup_free_ char *range =
		memory_printf("%s/112\n", inet_ntop(AF_INET6, &first, text, sizeof(text)));
	return file_write_atomic(in->rootfd, RANGE6, range, strlen(range), 0600, err);
}

static int choose_range(const struct instance *in, int fd, char *text, size_t size, struct error *err)
{
	struct subnet s;
	char part[INET_ADDRSTRLEN];
	int r = network_free_subnet(in, &subnets_of_services, &s, err);

	if (r < 0)
		return r;
	struct in_addr address = { htonl(s.address) };
	int n = snprintf(text, size, "%s/%u\n", inet_ntop(AF_INET, &address, part, sizeof(part)), s.prefix);
	return pwrite(fd, text, (size_t)n, 0) == n
		       ? 0
		       : error_errno(err, "cannot write '%s/" RANGE "'", in->root);
}

/* Locks it (a descriptor), choosing it first if there is none. */
static int open_range(const struct instance *in, struct range *out, struct error *err)
{
	char text[64] = "";
	int r = file_make_dirs(in->rootfd, "objects/" KIND, 0700, err);

	if (r < 0)
		return r;
	_cleanup_close_ int fd = openat(in->rootfd, RANGE, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || flock(fd, LOCK_EX) < 0)
		return error_errno(err, "cannot lock the addresses of services");
	if (pread(fd, text, sizeof(text) - 1, 0) == 0 &&
	    (r = choose_range(in, fd, text, sizeof(text), err)) < 0)
		return r;
	if (!file_exists(in->rootfd, RANGE6) && (r = choose_range6(in, err)) < 0)
		return r;
	if (!parse_range(text, out))
		return error_set(err, EINVAL,
				 "the file '%s/" RANGE "' has no right subnet: it is like \"10.222.0.0/16\"",
				 in->root);
	return take_fd(&fd);
}

/* --- choosing ------------------------------------------------------------------------------------- */

struct choosing {
	const struct instance *in;
	struct service *service;
	const struct service *old; /* the object of the same name; NULL: there is none */
	struct range range;
	const char *range6;
	struct arena *arena;
};

static bool is_same(const struct service *a, const struct service *b)
{
	return text_is(a->metadata.name, b->metadata.name) &&
	       text_is(a->metadata.namespace, b->metadata.namespace);
}

/* Where to begin: a service that is deleted and applied again gets the address that it had, if it is free still. */
static uint32_t begin(const struct service *s)
{
	uint32_t hash = hash_add(HASH_BEGIN, s->metadata.namespace, strlen(s->metadata.namespace));
	return hash_add(hash, s->metadata.name, strlen(s->metadata.name));
}

/* Another Service that has the address IP. */
static bool find_address(const struct choosing *c, const char *ip, struct service *other)
{
	return service_has_address(c->in, ip, c->arena, other) && !is_same(other, c->service);
}

static int check_range(const struct choosing *c, const char *ip, struct error *err)
{
	struct in6_addr address6, first6;
	struct in_addr address, first = { htonl(c->range.first) };
	char text[INET_ADDRSTRLEN];

	if (strchr(ip, ':')) {
		inet_pton(AF_INET6, ip, &address6);
		first6 = range6_first(c->range6);
		return memcmp(&address6, &first6, RANGE6_BYTES) == 0
			       ? 0
			       : error_set(err, ERANGE,
					   "the clusterIP %s is outside of the services' addresses %s (leave "
					   "it out: one is chosen)",
					   ip, c->range6);
	}
	inet_pton(AF_INET, ip, &address);
	if (ntohl(address.s_addr) - c->range.first < c->range.count)
		return 0;
	return error_set(err, ERANGE,
			 "the clusterIP %s is outside of the services' addresses %s/%d (leave it "
			 "out: one is chosen)",
			 ip, inet_ntop(AF_INET, &first, text, sizeof(text)),
			 __builtin_clz(c->range.count) + 1);
}

static int check_address(const struct choosing *c, const char *ip, struct error *err)
{
	struct service other;
	int r = check_range(c, ip, err);

	if (r == 0 && find_address(c, ip, &other))
		return error_set(err, EADDRINUSE, "the clusterIP %s is in use by the service '%s/%s'", ip,
				 other.metadata.namespace, other.metadata.name);
	return r;
}

/* Number N of the range, as text. */
static const char *address_at(const struct choosing *c, uint32_t n, bool six, char text[INET6_ADDRSTRLEN])
{
	struct in_addr address = { htonl(c->range.first + n) };
	struct in6_addr address6;

	if (!six)
		return inet_ntop(AF_INET, &address, text, INET6_ADDRSTRLEN);
	address6 = range6_first(c->range6);
	address6.s6_addr[14] = (uint8_t)(n >> 8);
	address6.s6_addr[15] = (uint8_t)n;
	return inet_ntop(AF_INET6, &address6, text, INET6_ADDRSTRLEN);
}

/* The first and the last of the range stay free, as those of a network. */
static const char *choose_address(const struct choosing *c, bool six, struct error *err)
{
	const uint32_t usable = (six ? UINT32_C(1) << 16 : c->range.count) - 2,
		       start = begin(c->service) % usable;
	char text[INET6_ADDRSTRLEN];
	struct service other;

	for (uint32_t i = 0; i < usable; i++)
		if (!find_address(c, address_at(c, 1 + (start + i) % usable, six, text), &other))
			return arena_strdup(c->arena, text);
	error_set(err, EADDRNOTAVAIL, "all %u addresses of services are in use", usable);
	return NULL;
}

/* --- node ports ----------------------------------------------------------------------------------- */

static bool is_mine(const struct service *s, int32_t port, const char *protocol)
{
	list_each(p, &s->spec.ports)
		if (p->nodePort == port && text_is(p->protocol, protocol))
			return true;
	return false;
}

/* Another Service has it, or a pod has published it, or a program of the host listens there. */
static int check_node_port(const struct choosing *c, int32_t port, const char *protocol, struct error *err)
{
	struct port_wish wish = { .protocol = protocol_number(protocol), .host_port = (uint16_t)port };
	struct service other;

	if (service_has_node_port(c->in, port, protocol, c->arena, &other) && !is_same(&other, c->service))
		return error_set(err, EADDRINUSE, "the node port %d/%s is in use by the service '%s/%s'",
				 port, protocol, other.metadata.namespace, other.metadata.name);
	if (c->old && is_mine(c->old, port, protocol))
		return 0;
	_cleanup_close_ int fd = hostport_claim(&wish, c->in, err);
	return fd < 0 ? fd : 0;
}

static int settle_node_port(const struct choosing *c, struct service_port *port, struct error *err)
{
	enum { COUNT = NODE_PORT_LAST - NODE_PORT_FIRST + 1 };
	const uint32_t start = begin(c->service) + (uint32_t)port->port;

	if (port->nodePort)
		return check_node_port(c, port->nodePort, port->protocol, err);
	for (uint32_t i = 0; !port->nodePort && i < COUNT; i++) {
		int32_t candidate = NODE_PORT_FIRST + (int32_t)((start + i) % COUNT);
		if (!is_mine(c->service, candidate, port->protocol) &&
		    check_node_port(c, candidate, port->protocol, NULL) == 0)
			port->nodePort = candidate;
	}
	return port->nodePort ? 0 : error_set(err, EADDRNOTAVAIL, "all %d node ports are in use", COUNT);
}

/* --- the whole ------------------------------------------------------------------------------------ */

/* What OLD has and the new one leaves open stays as it is. */
static int keep(const struct service *old, struct service *s, struct error *err)
{
	if (text_empty(s->spec.clusterIP) && !service_is_headless(old))
		s->spec.clusterIP = old->spec.clusterIP;
	else if (!text_empty(old->spec.clusterIP) && !text_is(s->spec.clusterIP, old->spec.clusterIP))
		return error_set(
			err, EPERM,
			"the clusterIP of the service '%s' would change from %s to %s (delete it first)",
			s->metadata.name, old->spec.clusterIP, s->spec.clusterIP);
	list_each(port, &s->spec.ports)
		list_each(before, &old->spec.ports)
			if (!port->nodePort && port->port == before->port &&
			    text_is(port->protocol, before->protocol))
				port->nodePort = before->nodePort;
	return 0;
}

/* PreferDualStack is to be had: a network has IPv6. */
static bool is_dual(const struct choosing *c)
{
	struct networks networks = {};

	if (!text_is(c->service->spec.ipFamilyPolicy, "PreferDualStack") ||
	    networks_list(c->in, c->arena, &networks, NULL) < 0)
		return false;
	list_each(n, &networks)
		if (n->ipv6)
			return true;
	return false;
}

/* The address of each family, the first one's first: those that are given, those that it had, else chosen ones. */
static int settle_addresses(const struct choosing *c, struct error *err)
{
	struct service_spec *spec = &c->service->spec;
	struct strings given = spec->clusterIPs, families = {};

	if (!text_empty(spec->clusterIP) && given.n == 0)
		*list_add(c->arena, &given) = spec->clusterIP;
	service_families(spec, is_dual(c), c->arena, &families);
	spec->clusterIPs = (struct strings){};
	list_each(family, &families) {
		bool six = text_is(*family, "IPv6");
		const char *ip = service_address_of(&given, six);
		if (!ip && c->old)
			ip = service_address_of(&c->old->spec.clusterIPs, six);
		int r = ip ? check_address(c, ip, err) : 0;
		if (r == 0 && !ip && !(ip = choose_address(c, six, err)))
			r = -err->code;
		if (r < 0)
			return r;
		*list_add(c->arena, &spec->clusterIPs) = ip;
	}
	spec->clusterIP = spec->clusterIPs.at[0];
	spec->ipFamilies = families;
	if (text_empty(spec->ipFamilyPolicy))
		spec->ipFamilyPolicy = families.n > 1 ? "RequireDualStack" : "SingleStack";
	return 0;
}

static int settle(const struct choosing *c, struct error *err)
{
	struct service *s = c->service;
	bool node = text_is(s->spec.type, "NodePort") || text_is(s->spec.type, "LoadBalancer");
	char now[CLOCK_TEXT_SIZE];
	int r = 0;

	s->metadata.creationTimestamp = c->old ? c->old->metadata.creationTimestamp
					       : arena_strdup(c->arena, clock_rfc3339(clock_wall(), now));
	list_each(port, &s->spec.ports)
		if (!port->targetPort.set)
			port->targetPort = (struct int_or_string){ .set = true, .number = port->port };
	if (service_is_external(s) || service_is_headless(s))
		return 0;
	if (c->old && (r = keep(c->old, s, err)) < 0)
		return r;
	r = settle_addresses(c, err);
	list_each(port, &s->spec.ports) {
		if (!node)
			port->nodePort = 0;
		else if (r == 0)
			r = settle_node_port(c, port, err);
	}
	return r;
}

int service_put(const struct instance *in, struct service *s, struct arena *a, struct error *err)
{
	struct choosing c = { .in = in, .service = s, .arena = a };
	struct service old;
	_cleanup_close_ int lock = open_range(in, &c.range, err);

	if (lock < 0 || !(c.range6 = services_range6(in, a)))
		return lock < 0 ? lock : error_set(err, EINVAL, "the addresses of services are not known");
	const struct node *object = store_get(in, KIND, s->metadata.namespace, s->metadata.name, a, NULL);
	if (object && service_read(object, &old, a))
		c.old = &old;
	int r = settle(&c, err);
	if (r == 0)
		r = service_claim(in, s, err);
	if (r < 0)
		return r;
	return store_put(in, KIND, s->metadata.namespace, s->metadata.name,
			 object_encode(&service_table, s, a), err);
}

int service_remove(const struct instance *in, const char *namespace, const char *name, struct error *err)
{
	return store_remove(in, KIND, namespace, name, err);
}

int services_list(const struct instance *in, struct arena *a, struct services *out, struct error *err)
{
	struct store_objects objects = {};
	int r = store_list(in, KIND, NULL, a, &objects, err);

	list_each(object, &objects) {
		struct service s;
		if (service_read(*object, &s, a))
			*list_add(a, out) = s;
	}
	return r;
}
