/* check_tcp.c — a connection that must be accepted, and what the worker alone decides: gRPC. A name instead of an address is the worker's business, too.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "keeper/check_parts.h"

int tcp_connect(const char *host, int port, struct error *err)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port) };
	const bool is_v4 = inet_pton(AF_INET, host, &v4.sin_addr) == 1;
	const struct linger at_once = { .l_onoff = 1, .l_linger = 0 };

	if (!is_v4 && inet_pton(AF_INET6, host, &v6.sin6_addr) != 1)
		return error_set(err, ENOTUNIQ, "'%s' is a name", host);
	_cleanup_close_ int fd =
		socket(is_v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return error_errno(err, "cannot make a socket");
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once,
		   sizeof(at_once)); /* no TIME_WAIT for each probe (kubernetes#89898) */
	int r = is_v4 ? connect(fd, (struct sockaddr *)&v4, sizeof(v4))
		      : connect(fd, (struct sockaddr *)&v6, sizeof(v6));
	if (r < 0 && errno != EINPROGRESS)
		return error_errno(err, "cannot connect to %s, port %d", host, port);
	return take_fd(&fd);
}

int tcp_error(int fd)
{
	int code = 0;
	socklen_t size = sizeof(code);

	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &size) < 0 ? errno : code;
}

static void on_connected(struct ev_loop *loop, ev_io *w, int events)
{
	struct check *c = w->data;
	int code = tcp_error(c->fd);
	(void)loop;
	(void)events;

	if (code == 0)
		check_finish(c, CHECK_SUCCESS, "%s", "");
	else
		check_finish(c, CHECK_FAILURE, "cannot connect to %s, port %d: %s",
			     check_host(c, c->wish.tcp_socket->host),
			     check_port(c, &c->wish.tcp_socket->port, NULL), error_meaning(code));
}

/* The worker's whole work is one answer. */
static void on_worker_exit(struct check *c, struct exit_status status)
{
	char text[512];

	if (status.code == 0)
		check_finish(c, CHECK_SUCCESS, "%s", "");
	else
		check_finish(c, CHECK_FAILURE, "%s",
			     *worker_complaint(c, text) ? text : "seapod-probe has failed");
}

static int ask_worker(struct check *c, const char *how, const char *host, int port, const char *service,
		      struct error *err)
{
	char text[12];

	snprintf(text, sizeof(text), "%d", port);
	const char *argv[] = { NULL, how, host, text, service, NULL };
	int r = worker_begin(c, argv, false, err);
	if (r == 0)
		check_watch_process(c, on_worker_exit);
	return r;
}

static int begin(struct check *c, struct error *err)
{
	const char *host = check_host(c, c->wish.tcp_socket->host);
	int port = check_port(c, &c->wish.tcp_socket->port, err);
	int fd = port < 0 ? port : tcp_connect(host, port, err);
	struct sockaddr_storage peer;
	socklen_t size = sizeof(peer);

	if (fd == -ENOTUNIQ)
		return ask_worker(c, "tcp", host, port, NULL, err);
	if (fd < 0)
		return fd;
	c->fd = fd;
	if (getpeername(fd, (struct sockaddr *)&peer, &size) == 0) { /* as a rule, on the same machine */
		c->early_message = memory_strdup("");
		return 0;
	}
	ev_io_init(&c->io, on_connected, c->fd, EV_WRITE);
	c->io.data = c;
	ev_io_start(c->member->keeper->loop, &c->io);
	return 0;
}

static int grpc_begin(struct check *c, struct error *err)
{
	const struct grpc_action *grpc = c->wish.grpc;
	return ask_worker(c, "grpc", check_host(c, NULL), grpc->port, grpc->service ? grpc->service : "",
			  err);
}

const struct check_kind check_tcp = { begin, worker_end, true };
const struct check_kind check_grpc = { grpc_begin, worker_end, false };
