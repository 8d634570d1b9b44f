/* stream.c — questions by TCP (RFC 1035 4.2.2, RFC 7766): two bytes of length, then a message; many on one connection, answered as they get ready.
 *
 * A connection that says nothing for IDLE_S, that does not take its answers, or whose length lies, is closed. There are at most CONNECTIONS at a time;
 * beyond them a new one is closed at once, so that nobody can use up the process's descriptors. One address has CONNECTIONS_EACH of them at most: who says a
 * byte now and then holds what it has, and others still get through.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dns/server.h"

enum { CONNECTIONS = 256, CONNECTIONS_EACH = 64, IDLE_S = 10, IN_BYTES = 2 + 4096, OUT_MOST = 1024 * 1024 };

struct connection {
	struct connection *next;
	struct server *server;
	uint64_t serial;
	int fd;
	struct address from;
	ev_io io;
	ev_timer idle;
	size_t n;        /* bytes of IN */
	struct text out; /* what the peer has not taken yet */
	uint8_t in[IN_BYTES];
};

static void hang_up(struct connection *c)
{
	struct connection **at = &c->server->connections;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	c->server->n_connections--;
	ev_io_stop(c->server->loop, &c->io);
	ev_timer_stop(c->server->loop, &c->idle);
	close(c->fd);
	text_free(&c->out);
	free(c);
}

static void want(struct connection *c, int events)
{
	ev_io_stop(c->server->loop, &c->io);
	ev_io_set(&c->io, c->fd, events);
	ev_io_start(c->server->loop, &c->io);
}

/* False: the peer is gone. */
static bool flush(struct connection *c)
{
	ssize_t n = c->out.n ? send(c->fd, c->out.at, c->out.n, MSG_NOSIGNAL | MSG_DONTWAIT) : 0;

	if (n < 0 && errno != EAGAIN && errno != EINTR)
		return false;
	if (n > 0) {
		memmove(c->out.at, c->out.at + n, c->out.n - (size_t)n);
		c->out.n -= (size_t)n;
	}
	want(c, c->out.n ? EV_READ | EV_WRITE : EV_READ);
	return c->out.n < OUT_MOST;
}

static void add_answer(struct connection *c, const uint8_t *wire, size_t n)
{
	const char size[2] = { (char)(n >> 8), (char)n };

	text_add_n(&c->out, size, 2);
	text_add_n(&c->out, (const char *)wire, n);
}

/* Answers the whole messages of what has come; false: there is one that no query can be. */
static bool take_queries(struct connection *c)
{
	const struct asker asker = { .from = c->from, .serial = c->serial, .by_tcp = true };
	size_t at = 0;

	while (c->n - at >= 2) {
		size_t size = knot_wire_read_u16(c->in + at);
		if (size > IN_BYTES - 2 || size < KNOT_WIRE_HEADER_SIZE)
			return false;
		if (c->n - at < 2 + size)
			break;
		size_t n = resolve(c->server, &asker, c->in + at + 2, size);
		if (n)
			add_answer(c, c->server->out->wire, n);
		at += 2 + size;
	}
	memmove(c->in, c->in + at, c->n - at);
	c->n -= at;
	return true;
}

static void on_event(struct ev_loop *loop, ev_io *w, int events)
{
	struct connection *c = w->data;

	if (events & EV_READ) {
		ssize_t n = recv(c->fd, c->in + c->n, IN_BYTES - c->n, MSG_DONTWAIT);
		bool gone = n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
		c->n += n > 0 ? (size_t)n : 0;
		if (gone || !take_queries(c)) {
			hang_up(c);
			return;
		}
		ev_timer_again(loop, &c->idle);
	}
	if (!flush(c))
		hang_up(c);
}

static void on_idle(struct ev_loop *loop, ev_timer *w, int events)
{
	(void)loop;
	(void)events;

	hang_up(w->data);
}

static bool has_its_share(const struct server *s, const struct address *from)
{
	unsigned n = 0;

	for (const struct connection *c = s->connections; c; c = c->next)
		n += address_equal(&c->from, from);
	return n >= CONNECTIONS_EACH;
}

void stream_accept(struct server *s, int fd)
{
	struct sockaddr_storage peer;
	socklen_t size = sizeof(peer);
	struct address from;

	if (s->n_connections >= CONNECTIONS || getpeername(fd, (struct sockaddr *)&peer, &size) < 0) {
		close(fd);
		return;
	}
	address_from_socket(&peer, &from);
	if (has_its_share(s, &from)) {
		close(fd);
		return;
	}
	struct connection *c = memory_one(struct connection);
	c->next = s->connections;
	c->server = s;
	c->serial = ++s->serials;
	c->fd = fd;
	c->from = from;
	s->connections = c;
	s->n_connections++;
	ev_io_init(&c->io, on_event, fd, EV_READ);
	ev_timer_init(&c->idle, on_idle, IDLE_S, IDLE_S);
	c->io.data = c->idle.data = c;
	ev_io_start(s->loop, &c->io);
	ev_timer_start(s->loop, &c->idle);
}

void stream_send(struct server *s, uint64_t serial, const uint8_t *wire, size_t n)
{
	for (struct connection *c = s->connections; c; c = c->next) {
		if (c->serial != serial)
			continue;
		add_answer(c, wire, n);
		if (!flush(c))
			hang_up(c);
		return;
	}
}

void stream_close_all(struct server *s)
{
	while (s->connections)
		hang_up(s->connections);
}
