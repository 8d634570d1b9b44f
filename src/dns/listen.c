/* listen.c — where questions come in: sockets at the networks' gateways and at the addresses of the settings, and datagrams in batches.
 *
 * Datagrams are received and sent up to BATCH at a time (recvmmsg(2), sendmmsg(2)): under load one call is paid for many queries. A socket is bound to
 * its address even while no link has it (IP_FREEBIND): the bridge may come after the server.
 */
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "dns/server.h"

enum { BATCH = 32, ROUNDS = 8, QUERY_MAX = 4096, BACKLOG = 128, BUFFER_BYTES = 1024 * 1024 };

/* --- datagrams ---------------------------------------------------------------------------------------------------------- */

/* One batch at a time, for the whole process. */
static struct {
	struct mmsghdr in[BATCH], out[BATCH];
	struct iovec in_parts[BATCH], out_parts[BATCH];
	struct sockaddr_storage from[BATCH];
	uint8_t queries[BATCH][QUERY_MAX], answers[BATCH][MESSAGE_UDP_MAX];
} batch;

static void prepare_batch(void)
{
	for (int i = 0; i < BATCH; i++) {
		batch.in_parts[i] = (struct iovec){ batch.queries[i], QUERY_MAX };
		batch.in[i].msg_hdr = (struct msghdr){ .msg_name = &batch.from[i],
						       .msg_namelen = sizeof(batch.from[i]),
						       .msg_iov = &batch.in_parts[i],
						       .msg_iovlen = 1 };
	}
}

/* Answers what came; how many answers are ready to be sent. */
static unsigned answer_batch(struct listener *l, int n)
{
	struct server *s = l->server;
	unsigned ready = 0;

	for (int i = 0; i < n; i++) {
		struct asker asker = { .serial = l->serial };
		address_from_socket(&batch.from[i], &asker.from);
		size_t size = batch.in[i].msg_hdr.msg_flags & MSG_TRUNC
				      ? 0
				      : resolve(s, &asker, batch.queries[i], batch.in[i].msg_len);
		if (size == 0 || size > MESSAGE_UDP_MAX)
			continue;
		memcpy(batch.answers[ready], s->out->wire, size);
		batch.out_parts[ready] = (struct iovec){ batch.answers[ready], size };
		batch.out[ready].msg_hdr = (struct msghdr){ .msg_name = &batch.from[i],
							    .msg_namelen = batch.in[i].msg_hdr.msg_namelen,
							    .msg_iov = &batch.out_parts[ready],
							    .msg_iovlen = 1 };
		ready++;
	}
	return ready;
}

static void on_datagrams(struct ev_loop *loop, ev_io *w, int events)
{
	struct listener *l = w->data;
	(void)loop;
	(void)events;

	for (int round = 0; round < ROUNDS; round++) {
		prepare_batch();
		int n = recvmmsg(l->udp, batch.in, BATCH, MSG_DONTWAIT, NULL);
		if (n <= 0)
			return;
		unsigned ready = answer_batch(l, n);
		for (unsigned sent = 0;
		     sent < ready;) { /* an asker that cannot be reached does not hold up the others */
			int r = sendmmsg(l->udp, batch.out + sent, ready - sent, MSG_DONTWAIT);
			sent += r > 0 ? (unsigned)r : 1;
		}
		if (n < BATCH)
			return;
	}
}

void asker_send(struct server *s, const struct asker *to, const uint8_t *wire, size_t n)
{
	struct sockaddr_storage at;

	if (to->by_tcp) {
		stream_send(s, to->serial, wire, n);
		return;
	}
	for (struct listener *l = s->listeners; l; l = l->next)
		if (l->serial == to->serial)
			(void)!sendto(l->udp, wire, n, MSG_DONTWAIT, (struct sockaddr *)&at,
				      address_to_socket(&to->from, &at));
}

/* --- sockets ------------------------------------------------------------------------------------------------------------ */

static void on_connection(struct ev_loop *loop, ev_io *w, int events)
{
	struct listener *l = w->data;
	(void)loop;
	(void)events;

	int fd = accept4(l->tcp, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd >= 0)
		stream_accept(l->server, fd);
}

static int bind_to(const struct address *at, int type, struct error *err)
{
	struct sockaddr_storage where;
	char text[ADDRESS_TEXT_SIZE];
	const int yes = 1, bytes = BUFFER_BYTES;
	socklen_t size = address_to_socket(at, &where);
	_cleanup_close_ int fd = socket(where.ss_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd >= 0) {
		setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &yes, sizeof(yes));
		if (at->family == AF_INET6)
			setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof(yes));
		if (type == SOCK_STREAM)
			setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
		else if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) < 0)
			setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	}
	if (fd < 0 || bind(fd, (struct sockaddr *)&where, size) < 0 ||
	    (type == SOCK_STREAM && listen(fd, BACKLOG) < 0)) {
		int r = error_errno(err, "cannot listen on port %u of %s", at->port, address_text(at, text));
		return err && err->code == EADDRINUSE ? error_hint(err, "another name server is there") : r;
	}
	return take_fd(&fd);
}

static int open_listener(struct server *s, const struct address *at, bool of_network, struct error *err)
{
	_cleanup_close_ int udp = bind_to(at, SOCK_DGRAM, err);
	_cleanup_close_ int tcp = udp < 0 ? -1 : bind_to(at, SOCK_STREAM, err);

	if (tcp < 0)
		return err ? -err->code : -EIO;
	struct listener *l = memory_one(struct listener);
	*l = (struct listener){
		.next = s->listeners, .server = s, .serial = ++s->serials, .at = *at, .of_network = of_network
	};
	l->udp = take_fd(&udp);
	l->tcp = take_fd(&tcp);
	ev_io_init(&l->udp_io, on_datagrams, l->udp, EV_READ);
	ev_io_init(&l->tcp_io, on_connection, l->tcp, EV_READ);
	l->udp_io.data = l->tcp_io.data = l;
	ev_io_start(s->loop, &l->udp_io);
	ev_io_start(s->loop, &l->tcp_io);
	s->listeners = l;
	return 0;
}

static void close_listener(struct server *s, struct listener *l)
{
	ev_io_stop(s->loop, &l->udp_io);
	ev_io_stop(s->loop, &l->tcp_io);
	close(l->udp);
	close(l->tcp);
	free(l);
}

static bool is_wanted(const struct server *s, const struct listener *l)
{
	list_each(a, &s->own)
		if (address_equal(a, &l->at))
			return true;
	return false;
}

static bool listens(const struct server *s, const struct address *a)
{
	for (const struct listener *l = s->listeners; l; l = l->next)
		if (address_equal(&l->at, a))
			return true;
	return false;
}

static bool is_setting(const struct server *s, const struct address *a)
{
	list_each(setting, &s->settings.listen)
		if (address_equal(setting, a))
			return true;
	return false;
}

int listen_update(struct server *s, struct error *err)
{
	for (struct listener **at = &s->listeners; *at;) {
		struct listener *l = *at;
		if (is_wanted(s, l)) {
			at = &l->next;
			continue;
		}
		*at = l->next;
		close_listener(s, l);
	}
	list_each(a, &s->own) {
		bool setting = is_setting(s, a);
		struct error trouble = {};
		if (listens(s, a) || open_listener(s, a, !setting, &trouble) == 0)
			continue;
		if (setting && err)
			return error_set(err, trouble.code, "%s", trouble.text);
		log_warning("%s", trouble.text);
	}
	return 0;
}

void listen_close(struct server *s)
{
	while (s->listeners) {
		struct listener *l = s->listeners;
		s->listeners = l->next;
		close_listener(s, l);
	}
}
