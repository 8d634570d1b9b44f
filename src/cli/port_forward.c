/* port_forward.c — seapod port-forward: a port of this machine's loopback that leads to a port of the pod's loopback, as long as the command runs.
 *
 * A socket belongs to the network namespace in which it was made. So the keeper, which lives in the pod's, makes one and hands it over (protocol.h
 * "socket"), and connecting and moving bytes is this command's work: a process for each connection, which ends with it. Every user of the machine reaches
 * the port, so there are at most CONNECTIONS of them; beyond, a new connection is closed at once.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/commands.h"
#include "cli/container.h"
#include "cli/pods.h"
#include "keeper/client.h"
#include "net/hostport.h"

const struct option_spec port_forward_options[] = {
	{ "address", 0, "ADDRESS", "listen there (127.0.0.1 by default)" },
	{ "namespace", 'n', "NAME", "the namespace" },
	{},
};

enum { CHUNK = 65536, MOST = 32, CONNECTIONS = 256 };

struct forward {
	int local, remote; /* local 0: any free port */
	int listener;
};

struct forwards LIST(struct forward);

/* --- one connection --------------------------------------------------------------------------------------------------- */

/* A socket in the pod's network. */
static int pod_socket(struct context *x, const char *uid, struct error *err)
{
	_cleanup_message_fds_ struct message_fds fds = {};
	struct reply reply = {};
	_cleanup_close_ int keeper = keeper_connect(&x->in, uid, err);
	int r = keeper < 0 ? keeper
			   : keeper_ask(keeper, x->arena, &(struct request){ .verb = "socket" }, NULL, &reply,
					&fds, err);

	if (r < 0)
		return r;
	return fds.n == 1 ? take_fd(&fds.fd[0]) : error_set(err, EPROTO, "the pod's keeper sent no socket");
}

/* Moves bytes both ways, and each way's end, until both have ended. */
static void move(int a, int b)
{
	struct pollfd p[] = { { .fd = a, .events = POLLIN }, { .fd = b, .events = POLLIN } };
	static char data[CHUNK];

	while (p[0].fd >= 0 || p[1].fd >= 0) {
		if (poll(p, 2, -1) < 0)
			return;
		for (int i = 0; i < 2; i++) {
			if (p[i].fd < 0 || !p[i].revents)
				continue;
			int to = i == 0 ? b : a;
			ssize_t n = read(p[i].fd, data, sizeof(data));
			if (n > 0 && write_all(to, data, (size_t)n) == 0)
				continue;
			if (n != 0)
				return;
			shutdown(to, SHUT_WR);
			p[i].fd = -1;
		}
	}
}

static int serve(struct context *x, const char *uid, int port, int client)
{
	const struct sockaddr_in to = { .sin_family = AF_INET,
					.sin_port = htons((uint16_t)port),
					.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct error err = {};
	_cleanup_close_ int fd = pod_socket(x, uid, &err);

	if (fd >= 0 && connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0)
		error_errno(&err, "cannot connect to port %d of the pod", port);
	if (err.code) {
		fprintf(stderr, "seapod: %s\n", err.text);
		return 1;
	}
	move(client, fd);
	return 0;
}

static void take_connection(struct context *x, const char *uid, const struct forward *f)
{
	static unsigned connections;
	_cleanup_close_ int client = accept4(f->listener, NULL, NULL, SOCK_CLOEXEC);
	pid_t parent = getpid(), child;

	while (connections > 0 && waitpid(-1, NULL, WNOHANG) > 0)
		connections--;
	if (client < 0 || connections >= CONNECTIONS)
		return;
	printf("Handling connection for %d\n", f->local);
	fflush(stdout);
	if ((child = fork()) != 0) {
		connections += child > 0;
		return;
	}
	prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
	_exit(getppid() == parent ? serve(x, uid, f->remote, client) : 1);
}

/* --- the command ------------------------------------------------------------------------------------------------------ */

static int port_of(const struct pod *pod, const char *text)
{
	long long number;

	list_each(c, &pod->spec.containers)
		list_each(port, &c->ports)
			if (text_is(port->name, text))
				return port->containerPort;
	return text_to_int(text, 1, 65535, &number) == 0 ? (int)number : -EINVAL;
}

/* "8080", "8080:80", ":80", "8080:http". */
static int parse(struct context *x, const struct pod *pod, const char *text, struct forward *f,
		 struct error *err)
{
	const char *colon = strchr(text, ':');
	long long local = 0;

	f->remote = port_of(pod, colon ? colon + 1 : text);
	bool given = colon && colon != text;
	if (f->remote < 0 || (given && text_to_int(arena_strndup(x->arena, text, (size_t)(colon - text)), 0,
						   65535, &local) < 0))
		return usage_error(
			err, "'%s' is not [LOCAL:]PORT, with a number or the name of one of the pod's ports",
			text);
	f->local = given ? (int)local : colon ? 0 : f->remote;
	return 0;
}

/* Why bind(2) has failed: who has the port, when that can be found out. */
static int cannot_listen(struct context *x, const char *address, const struct sockaddr_in *at,
			 struct error *err)
{
	int code = errno;
	struct port_wish wish = { .protocol = IPPROTO_TCP,
				  .host = { .family = AF_INET, .v4 = at->sin_addr },
				  .host_port = ntohs(at->sin_port) };
	_cleanup_close_ int claim = code == EADDRINUSE ? hostport_claim(&wish, &x->in, err) : -1;

	if (code == EADDRINUSE && claim < 0)
		return -err->code;
	return error_code(err, -code, "cannot listen at %s:%d", address, ntohs(at->sin_port));
}

static int listen_at(struct context *x, const char *address, struct forward *f, struct error *err)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)f->local) };
	socklen_t size = sizeof(at);
	const int yes = 1;

	if (inet_pton(AF_INET, address, &at.sin_addr) != 1)
		return usage_error(err, "'%s' is not an IPv4 address", address);
	_cleanup_close_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 || listen(fd, SOMAXCONN) < 0 ||
	    getsockname(fd, (struct sockaddr *)&at, &size) < 0)
		return cannot_listen(x, address, &at, err);
	f->local = ntohs(at.sin_port);
	f->listener = take_fd(&fd);
	printf("Forwarding from %s:%d -> %d\n", address, f->local, f->remote);
	fflush(stdout);
	return 0;
}

/* Until somebody has enough, or the pod's keeper ends. */
static int forward_all(struct context *x, const char *uid, const struct forwards *all, struct error *err)
{
	struct pollfd p[MOST + 1] = {};
	struct reply reply = {};
	_cleanup_close_ int watch = keeper_connect(&x->in, uid, err);
	int r = watch < 0 ? watch
			  : keeper_ask(watch, x->arena, &(struct request){ .verb = "ping" }, NULL, &reply,
				       NULL, err);

	for (size_t i = 0; i < all->n; i++)
		p[i] = (struct pollfd){ .fd = all->at[i].listener, .events = POLLIN };
	p[all->n] =
		(struct pollfd){ .fd = watch, .events = POLLIN }; /* it says no more: only its end is heard */
	while (r == 0) {
		if (poll(p, all->n + 1, -1) < 0)
			return error_errno(err, "cannot wait for connections");
		for (size_t i = 0; i < all->n; i++)
			if (p[i].revents)
				take_connection(x, uid, &all->at[i]);
		if (p[all->n].revents)
			return error_set(err, ESRCH, "the pod has ended");
	}
	return r;
}

int run_port_forward(struct context *x, int argc, char **argv, struct error *err)
{
	const char *address = "127.0.0.1";
	struct forwards all = {};
	struct found_pod found;
	struct options o;
	int r;

	options_begin(&o, x->command, argc, argv);
	if (options_of_pod(x, &o, &address, err) < 0 || !need(&o, 0, "a pod's name", err) ||
	    !need(&o, 1, "[LOCAL:]PORT", err))
		return -EXIT_USAGE;
	if (o.count > MOST)
		return usage_error(err, "port-forward takes %d ports at most", MOST - 1);
	if ((r = pods_find(&x->in, x->namespace, o.positional[0], x->arena, &found, err)) < 0)
		return r;
	if ((r = need_alive(found.alive, o.positional[0], err)) < 0)
		return r;
	signal(SIGCHLD, SIG_DFL); /* they are counted; whoever started us may have it ignored */
	for (int i = 1; r == 0 && i < o.count; i++) {
		struct forward *f = list_add(x->arena, &all);
		if ((r = parse(x, found.pod, o.positional[i], f, err)) == 0)
			r = listen_at(x, address, f, err);
	}
	return r < 0 ? r : forward_all(x, found.pod->metadata.uid, &all, err);
}
