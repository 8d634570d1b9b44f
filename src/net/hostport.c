/* hostport.c — see hostport.h. */
#include "net/hostport.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "net/rules.h"
#include "net/service_claim.h"

enum { TIME_WAIT = 6 }; /* include/net/tcp_states.h, as /proc/net/tcp shows it */

const char *protocol_name(uint8_t protocol)
{
	return protocol == IPPROTO_UDP ? "UDP" : protocol == IPPROTO_SCTP ? "SCTP" : "TCP";
}

uint8_t protocol_number(const char *name)
{
	return text_is(name, "UDP") ? IPPROTO_UDP : text_is(name, "SCTP") ? IPPROTO_SCTP : IPPROTO_TCP;
}

/* --- who has it -------------------------------------------------------------------------------------------------------- */

/* Both may be taken where the one is at every address, or both are at the same. */
static bool is_same_port(const struct port_record *port, const struct port_wish *w)
{
	int count = port->count > 1 ? port->count : 1;
	struct in6_addr host = {};

	if (w->host_port < port->hostPort || w->host_port >= port->hostPort + count ||
	    protocol_number(port->protocol) != w->protocol)
		return false;
	return !port->hostIP || !w->host.family ||
	       (inet_pton(w->host.family, port->hostIP, &host) == 1 &&
		memcmp(&host, &w->host.v4,
		       w->host.family == AF_INET6 ? sizeof(host) : sizeof(struct in_addr)) == 0);
}

/* "the pod 'web'" that has published W's port. */
static const char *find_pod(const struct port_wish *w, const struct instance *in, struct arena *a)
{
	struct network_states states = {};

	network_states_read(in, false, a, &states, NULL);
	list_each(state, &states)
		list_each(r, &state->endpoints)
			list_each(port, &r->ports)
				if (is_same_port(port, w))
					return arena_printf(a, "the pod '%s'", record_pod_name(r, a));
	return NULL;
}

struct bound {
	unsigned long inode; /* of a socket that has the port; 0: none was found */
	bool only_time_wait; /* its last connections are not forgotten yet, and that is all */
};

/* Looks for W's port in /proc/net/{tcp,udp}{,6} (proc_pid_net(5)). */
static struct bound find_socket(const struct port_wish *w)
{
	const char *protocol = w->protocol == IPPROTO_UDP ? "udp" : "tcp";
	struct bound found = {};
	char path[40], line[512];
	unsigned port, state;
	unsigned long inode;
	bool others = false, time_wait = false;

	for (int six = 0; six < 2; six++) {
		snprintf(path, sizeof(path), "/proc/net/%s%s", protocol, six ? "6" : "");
		_cleanup_fclose_ FILE *f = fopen(path, "re");
		while (f && fgets(line, sizeof(line), f)) {
			if (sscanf(line, " %*d: %*[0-9A-F]:%x %*[0-9A-F]:%*x %x %*s %*s %*s %*d %*d %lu",
				   &port, &state, &inode) != 3 ||
			    port != w->host_port)
				continue;
			time_wait = time_wait || state == TIME_WAIT;
			others = others || state != TIME_WAIT;
			found.inode = inode ? inode : found.inode;
		}
	}
	found.only_time_wait = time_wait && !others && w->protocol == IPPROTO_TCP;
	return found;
}

/* "nginx (process 12)" that has the socket INODE open; NULL if nobody visible has. */
static const char *find_process(unsigned long inode, struct arena *a)
{
	char wanted[40], path[300], link[64], name[64] = "";
	_cleanup_closedir_ DIR *proc = opendir("/proc");

	snprintf(wanted, sizeof(wanted), "socket:[%lu]", inode);
	for (struct dirent *p; proc && inode && (p = readdir(proc));) {
		if (p->d_name[0] < '0' || p->d_name[0] > '9')
			continue;
		snprintf(path, sizeof(path), "/proc/%s/fd", p->d_name);
		_cleanup_closedir_ DIR *fds = opendir(path);
		for (struct dirent *fd; fds && (fd = readdir(fds));) {
			ssize_t n = readlinkat(dirfd(fds), fd->d_name, link, sizeof(link) - 1);
			if (n <= 0 || (link[n] = '\0', strcmp(link, wanted) != 0))
				continue;
			snprintf(path, sizeof(path), "/proc/%s/comm", p->d_name);
			_cleanup_fclose_ FILE *comm = fopen(path, "re");
			if (comm && fgets(name, sizeof(name), comm))
				name[strcspn(name, "\n")] = '\0';
			return arena_printf(a, "%s (process %s)", name, p->d_name);
		}
	}
	return NULL;
}

/* "127.0.0.1:", "[::1]:", or nothing. */
static const char *address_text(const struct port_wish *w, char text[static INET6_ADDRSTRLEN + 3])
{
	char address[INET6_ADDRSTRLEN];

	*text = '\0';
	if (w->host.family)
		snprintf(text, INET6_ADDRSTRLEN + 3, w->host.family == AF_INET6 ? "[%s]:" : "%s:",
			 inet_ntop(w->host.family, &w->host.v4, address, sizeof(address)));
	return text;
}

static int is_taken(const struct port_wish *w, const char *who, struct error *err)
{
	char at[INET6_ADDRSTRLEN + 3];

	return error_set(err, EADDRINUSE,
			 "the host port %s%u/%s is in use%s%s (choose another one, or end what has it)",
			 address_text(w, at), w->host_port, protocol_name(w->protocol), who ? " by " : "",
			 who ? who : "");
}

/* --- the claim --------------------------------------------------------------------------------------------------------- */

static int open_socket(const struct port_wish *w, struct error *err)
{
	bool udp = w->protocol == IPPROTO_UDP;
	int fd = socket(w->host.family ? w->host.family : AF_INET,
			(udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, w->protocol);

	if (fd >= 0)
		return fd;
	if (errno == EPROTONOSUPPORT || errno == ESOCKTNOSUPPORT)
		return error_set(
			err, EPROTONOSUPPORT,
			"the host port %u/%s cannot be published: this kernel has no %s (modprobe sctp)",
			w->host_port, protocol_name(w->protocol), protocol_name(w->protocol));
	if (errno == EMFILE)
		return error_set(
			err, EMFILE,
			"the pod publishes more ports than a process may have files open (ulimit -n)");
	return error_errno(err, "cannot make a socket for the host port %u/%s", w->host_port,
			   protocol_name(w->protocol));
}

static int bind_to(int fd, const struct port_wish *w)
{
	struct sockaddr_in four = { .sin_family = AF_INET,
				    .sin_port = htons(w->host_port),
				    .sin_addr = w->host.v4 };
	struct sockaddr_in6 six = { .sin6_family = AF_INET6,
				    .sin6_port = htons(w->host_port),
				    .sin6_addr = w->host.v6 };

	if (w->host.family == AF_INET6)
		return bind(fd, (struct sockaddr *)&six, sizeof(six));
	return bind(fd, (struct sockaddr *)&four, sizeof(four));
}

/* Whoever listened there has ended, but some of his connections wait for late packets: that keeps nobody from the port (tcp(7), SO_REUSEADDR). */
static int bind_over_time_wait(int fd, const struct port_wish *w)
{
	int yes = 1, no = 0;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	int r = bind_to(fd, w);
	int code = errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &no, sizeof(no)); /* and ours is not to be shared */
	errno = code;
	return r;
}

/* After bind(2) has said that the port is in use: what can be done, or who has it. */
static int claim_used(int fd, const struct port_wish *w, const struct instance *in, struct error *err)
{
	_cleanup_arena_ struct arena *a = arena_new();
	const char *who = find_pod(w, in, a);
	struct bound bound = {};

	if (!who) {
		bound = find_socket(w);
		if (bound.only_time_wait && bind_over_time_wait(fd, w) == 0)
			return 0;
		who = find_process(bound.inode, a);
	}
	return is_taken(w, who, err);
}

/* A node port has no socket: its claim is the stored Service (service_claim.h). */
static int check_services(const struct port_wish *w, const struct instance *in, struct error *err)
{
	_cleanup_arena_ struct arena *a = arena_new();
	struct service s;

	if (!service_has_node_port(in, w->host_port, protocol_name(w->protocol), a, &s))
		return 0;
	return is_taken(w, arena_printf(a, "the service '%s/%s'", s.metadata.namespace, s.metadata.name),
			err);
}

static uint16_t port_of(int fd)
{
	struct sockaddr_storage at = {};
	socklen_t size = sizeof(at);

	if (getsockname(fd, (struct sockaddr *)&at, &size) < 0)
		return 0;
	return ntohs(at.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&at)->sin6_port
					      : ((struct sockaddr_in *)&at)->sin_port);
}

static int claim_one(struct port_wish *w, const struct instance *in, struct error *err)
{
	char address[INET6_ADDRSTRLEN];
	_cleanup_close_ int fd = open_socket(w, err);

	if (fd < 0)
		return fd;
	int r = bind_to(fd, w);
	if (r < 0 && errno == EADDRINUSE && (r = claim_used(fd, w, in, err)) < 0)
		return r;
	if (r < 0 && errno == EADDRNOTAVAIL)
		return error_set(
			err, EADDRNOTAVAIL,
			"the host port %u/%s cannot be published: the host has no address %s (ip address)",
			w->host_port, protocol_name(w->protocol),
			inet_ntop(w->host.family, &w->host.v4, address, sizeof(address)));
	if (r < 0)
		return error_errno(err, "cannot take the host port %u/%s", w->host_port,
				   protocol_name(w->protocol));
	if (w->host_port == 0)
		w->host_port = port_of(fd);
	return check_services(w, in, err) < 0 ? -err->code : take_fd(&fd);
}

/* The first free one of a range; it is the last that says who has it. */
static int claim_any(struct port_wish *w, const struct instance *in, struct error *err)
{
	char at[INET6_ADDRSTRLEN + 3];
	const uint16_t first = w->host_port;

	for (unsigned port = first; port <= w->host_last; port++) {
		w->host_port = (uint16_t)port;
		int fd = claim_one(w, in, err);
		if (fd != -EADDRINUSE)
			return fd;
	}
	return error_set(err, EADDRINUSE,
			 "each of the host ports %s%u-%u/%s is in use (choose others, or end what has one)",
			 address_text(w, at), first, w->host_last, protocol_name(w->protocol));
}

int hostport_claim(struct port_wish *w, const struct instance *in, struct error *err)
{
	return w->host_last > w->host_port ? claim_any(w, in, err) : claim_one(w, in, err);
}
