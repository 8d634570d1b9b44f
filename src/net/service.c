/* service.c — see service.h. */
#include "net/service.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "api/store.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include "net/network.h"
#include "net/subnet.h"

#define KIND  "services"
#define RANGE "objects/services/.range"

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
	if (!parse_range(text, out))
		return error_set(err, EINVAL,
				 "the file '%s/" RANGE "' has no right subnet: it is like \"10.222.0.0/16\"",
				 in->root);
	return take_fd(&fd);
}

/* --- choosing ------------------------------------------------------------------------------------- */

struct choosing {
	struct service *service;
	const struct services *others;
	struct range range;
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

static const struct service *find_address(const struct choosing *c, const char *ip)
{
	list_each(other, c->others)
		if (!is_same(other, c->service) && text_is(other->spec.clusterIP, ip))
			return other;
	return NULL;
}

static const struct service *find_node_port(const struct choosing *c, int32_t port, const char *protocol)
{
	list_each(other, c->others) {
		if (is_same(other, c->service))
			continue;
		list_each(p, &other->spec.ports)
			if (p->nodePort == port && text_is(p->protocol, protocol))
				return other;
	}
	return NULL;
}

static int check_address(const struct choosing *c, const char *ip, struct error *err)
{
	const struct service *other = find_address(c, ip);
	struct in_addr address, first = { htonl(c->range.first) };
	char text[INET_ADDRSTRLEN];

	inet_pton(AF_INET, ip, &address);
	if (ntohl(address.s_addr) - c->range.first >= c->range.count)
		return error_set(err, ERANGE,
				 "the clusterIP %s is outside of the services' addresses %s/%d (leave it "
				 "out: one is chosen)",
				 ip, inet_ntop(AF_INET, &first, text, sizeof(text)),
				 __builtin_clz(c->range.count) + 1);
	if (other)
		return error_set(err, EADDRINUSE, "the clusterIP %s is in use by the service '%s/%s'", ip,
				 other->metadata.namespace, other->metadata.name);
	return 0;
}

/* The first and the last of the range stay free, as those of a network. */
static int choose_address(const struct choosing *c, struct error *err)
{
	const uint32_t usable = c->range.count - 2, start = begin(c->service) % usable;
	char text[INET_ADDRSTRLEN];

	for (uint32_t i = 0; i < usable; i++) {
		struct in_addr address = { htonl(c->range.first + 1 + (start + i) % usable) };
		inet_ntop(AF_INET, &address, text, sizeof(text));
		if (find_address(c, text))
			continue;
		c->service->spec.clusterIP = arena_strdup(c->arena, text);
		return 0;
	}
	return error_set(err, EADDRNOTAVAIL, "all %u addresses of services are in use", usable);
}

static bool is_mine(const struct service *s, int32_t port, const char *protocol)
{
	list_each(p, &s->spec.ports)
		if (p->nodePort == port && text_is(p->protocol, protocol))
			return true;
	return false;
}

static int settle_node_port(const struct choosing *c, struct service_port *port, struct error *err)
{
	enum { COUNT = NODE_PORT_LAST - NODE_PORT_FIRST + 1 };
	const uint32_t start = begin(c->service) + (uint32_t)port->port;
	const struct service *other;

	if (port->nodePort && (other = find_node_port(c, port->nodePort, port->protocol)))
		return error_set(err, EADDRINUSE, "the node port %d/%s is in use by the service '%s/%s'",
				 port->nodePort, port->protocol, other->metadata.namespace,
				 other->metadata.name);
	for (uint32_t i = 0; !port->nodePort && i < COUNT; i++) {
		int32_t candidate = NODE_PORT_FIRST + (int32_t)((start + i) % COUNT);
		if (!is_mine(c->service, candidate, port->protocol) &&
		    !find_node_port(c, candidate, port->protocol))
			port->nodePort = candidate;
	}
	return port->nodePort ? 0 : error_set(err, EADDRNOTAVAIL, "all %d node ports are in use", COUNT);
}

/* What OLD, the object of the same name, has and the new one leaves open stays as it is. */
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

static const struct service *find_old(const struct choosing *c)
{
	list_each(other, c->others)
		if (is_same(other, c->service))
			return other;
	return NULL;
}

static int settle(const struct choosing *c, struct error *err)
{
	struct service *s = c->service;
	const struct service *old = find_old(c);
	bool node = text_is(s->spec.type, "NodePort") || text_is(s->spec.type, "LoadBalancer");
	char now[CLOCK_TEXT_SIZE];
	int r = 0;

	s->metadata.creationTimestamp = old ? old->metadata.creationTimestamp
					    : arena_strdup(c->arena, clock_rfc3339(clock_wall(), now));
	list_each(port, &s->spec.ports)
		if (!port->targetPort.set)
			port->targetPort = (struct int_or_string){ .set = true, .number = port->port };
	if (service_is_external(s) || service_is_headless(s))
		return 0;
	if (old && (r = keep(old, s, err)) < 0)
		return r;
	r = text_empty(s->spec.clusterIP) ? choose_address(c, err) : check_address(c, s->spec.clusterIP, err);
	list_each(port, &s->spec.ports) {
		if (!node)
			port->nodePort = 0;
		else if (r == 0)
			r = settle_node_port(c, port, err);
	}
	s->spec.clusterIPs = (struct strings){};
	*list_add(c->arena, &s->spec.clusterIPs) = s->spec.clusterIP;
	return r;
}

int service_put(const struct instance *in, struct service *s, struct arena *a, struct error *err)
{
	struct services others = {};
	struct choosing c = { .service = s, .others = &others, .arena = a };
	_cleanup_close_ int lock = open_range(in, &c.range, err);
	int r = lock < 0 ? lock : services_list(in, a, &others, err);

	if (r == 0)
		r = settle(&c, err);
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
