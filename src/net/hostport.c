/* hostport.c — see hostport.h. */
#include "net/hostport.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "net/record.h"

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

/* "the pod 'web'" that has published W's port. */
static const char *find_pod(const struct port_wish *w, int pool, struct arena *a)
{
	struct endpoint_records records = {};

	records_list(pool, false, a, &records, NULL);
	list_each(r, &records)
		list_each(port, &r->ports) {
			struct in_addr host = {};
			if (port->hostIP)
				inet_pton(AF_INET, port->hostIP, &host);
			if (port->hostPort == w->host_port &&
			    protocol_number(port->protocol) == w->protocol &&
			    (!host.s_addr || !w->host.s_addr || host.s_addr == w->host.s_addr))
				return arena_printf(a, "the pod '%s'", record_pod_name(r, a));
		}
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

static int is_taken(const struct port_wish *w, const char *who, struct error *err)
{
	char at[INET_ADDRSTRLEN + 1] = "";

	if (w->host.s_addr != INADDR_ANY)
		strcat((char *)inet_ntop(AF_INET, &w->host, at, sizeof(at)), ":");
	return error_set(err, EADDRINUSE,
			 "the host port %s%u/%s is in use%s%s (choose another one, or end what has it)", at,
			 w->host_port, protocol_name(w->protocol), who ? " by " : "", who ? who : "");
}

/* --- the claim --------------------------------------------------------------------------------------------------------- */

static int open_socket(const struct port_wish *w, struct error *err)
{
	bool udp = w->protocol == IPPROTO_UDP;
	int fd = socket(AF_INET, (udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, w->protocol);

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
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_port = htons(w->host_port),
				  .sin_addr = w->host };
	return bind(fd, (struct sockaddr *)&at, sizeof(at));
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
static int claim_used(int fd, const struct port_wish *w, int pool, struct error *err)
{
	_cleanup_arena_ struct arena *a = arena_new();
	const char *who = find_pod(w, pool, a);
	struct bound bound = {};

	if (!who) {
		bound = find_socket(w);
		if (bound.only_time_wait && bind_over_time_wait(fd, w) == 0)
			return 0;
		who = find_process(bound.inode, a);
	}
	return is_taken(w, who, err);
}

int hostport_claim(struct port_wish *w, int pool, struct error *err)
{
	struct sockaddr_in at = {};
	socklen_t size = sizeof(at);
	char address[INET_ADDRSTRLEN];
	_cleanup_close_ int fd = open_socket(w, err);

	if (fd < 0)
		return fd;
	int r = bind_to(fd, w);
	if (r < 0 && errno == EADDRINUSE && (r = claim_used(fd, w, pool, err)) < 0)
		return r;
	if (r < 0 && errno == EADDRNOTAVAIL)
		return error_set(
			err, EADDRNOTAVAIL,
			"the host port %u/%s cannot be published: the host has no address %s (ip address)",
			w->host_port, protocol_name(w->protocol),
			inet_ntop(AF_INET, &w->host, address, sizeof(address)));
	if (r < 0 || (w->host_port == 0 && getsockname(fd, (struct sockaddr *)&at, &size) < 0))
		return error_errno(err, "cannot take the host port %u/%s", w->host_port,
				   protocol_name(w->protocol));
	if (w->host_port == 0)
		w->host_port = ntohs(at.sin_port);
	return take_fd(&fd);
}
