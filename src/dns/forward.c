/* forward.c — see forward.h. */
#include "dns/forward.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"

enum { DOWN_US = 5 * 1000 * 1000, QUESTION_MAX = 512 };

struct waiter {
	forward_done *done;
	void *data;
};

struct errand {
	struct errand *next;
	struct forwarder *forwarder;
	struct forward_servers *servers;
	knot_dname_storage_t name;
	uint16_t type, id;
	bool dnssec, by_tcp;
	unsigned tried, server; /* how often; which one is being asked */
	int fd;
	ev_io io;
	ev_timer timer;
	uint8_t *bytes; /* by TCP: what was received, two bytes of length first */
	size_t n_bytes;
	uint8_t *
		failure; /* an answer that says no more than that the server failed, in case that no other does better */
	size_t n_failure;
	struct waiter waiters[FORWARD_WAITERS];
	unsigned n_waiters;
};

static void try_next(struct errand *e);
static void on_event(struct ev_loop *loop, ev_io *w, int events);
static void on_silence(struct ev_loop *loop, ev_timer *w, int events);

/* --- the end ------------------------------------------------------------------------------------------------------------ */

static void hang_up(struct errand *e)
{
	ev_io_stop(e->forwarder->loop, &e->io);
	ev_timer_stop(e->forwarder->loop, &e->timer);
	close_fd(&e->fd);
}

static void take_out(struct errand *e)
{
	struct errand **at = &e->forwarder->errands;

	while (*at != e)
		at = &(*at)->next;
	*at = e->next;
	e->forwarder->n--;
	hang_up(e);
}

static void errand_free(struct errand *e)
{
	free(e->bytes);
	free(e->failure);
	free(e);
}

static void finish(struct errand *e, const knot_pkt_t *packet)
{
	take_out(e); /* whoever is called back may ask again */
	for (unsigned i = 0; i < e->n_waiters; i++)
		e->waiters[i].done(e->waiters[i].data, packet);
	errand_free(e);
}

static void give_up(struct errand *e)
{
	knot_pkt_t *p = e->failure ? response_read(e->failure, e->n_failure, knot_wire_get_id(e->failure),
						   e->name, e->type)
				   : NULL;

	finish(e, p);
	knot_pkt_free(p);
}

void forward_close(struct forwarder *f, void (*forget)(void *data))
{
	while (f->errands) {
		struct errand *e = f->errands;
		take_out(e);
		for (unsigned i = 0; i < e->n_waiters; i++)
			forget(e->waiters[i].data);
		errand_free(e);
	}
}

/* --- answers ------------------------------------------------------------------------------------------------------------ */

static void speak(struct errand *e);

static void keep_failure(struct errand *e, const uint8_t *wire, size_t n)
{
	free(e->failure);
	e->failure = memory_new(1, n);
	memcpy(e->failure, wire, n);
	e->n_failure = n;
}

/* An answer, or what looks like one: false, it is none, and the right one may still come. */
static bool take_answer(struct errand *e, uint8_t *wire, size_t n)
{
	knot_pkt_t *p = response_read(wire, n, e->id, e->name, e->type);
	uint8_t code = p ? knot_wire_get_rcode(wire) : 0;

	if (!p && !(n >= KNOT_WIRE_HEADER_SIZE && knot_wire_get_id(wire) == e->id && knot_wire_get_qr(wire)))
		return false;
	if (p && knot_wire_get_tc(wire) && !e->by_tcp) {
		knot_pkt_free(p);
		e->by_tcp = true;
		hang_up(e);
		speak(e);
		return true;
	}
	if (!p || (code != KNOT_RCODE_NOERROR && code != KNOT_RCODE_NXDOMAIN)) {
		if (p)
			keep_failure(e, wire, n);
		knot_pkt_free(p);
		try_next(e);
		return true;
	}
	e->servers->at[e->server].down_until_us = 0;
	finish(e, p);
	knot_pkt_free(p);
	return true;
}

static void on_datagram(struct errand *e)
{
	uint8_t wire[4096];
	ssize_t n;

	while ((n = recv(e->fd, wire, sizeof(wire), MSG_DONTWAIT)) >= 0)
		if (take_answer(e, wire, (size_t)n))
			return;
	if (errno != EAGAIN && errno != EINTR) /* nobody listens there (ICMP) */
		try_next(e);
}

static void on_stream(struct errand *e)
{
	size_t most = 2 + MESSAGE_MAX;
	ssize_t n = recv(e->fd, e->bytes + e->n_bytes, most - e->n_bytes, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	e->n_bytes += n > 0 ? (size_t)n : 0;
	size_t size = e->n_bytes < 2 ? most : knot_wire_read_u16(e->bytes);
	if (e->n_bytes >= 2 + size) {
		if (!take_answer(e, e->bytes + 2, size))
			try_next(e);
	} else if (n <= 0) {
		try_next(e);
	}
}

/* --- questions ---------------------------------------------------------------------------------------------------------- */

static size_t write_question(struct errand *e, uint8_t *out)
{
	if (getrandom(&e->id, sizeof(e->id), 0) != sizeof(e->id))
		abort(); /* cannot be (getrandom(2): up to 256 bytes are never cut) */
	return question_write(out, e->id, e->name, e->type, e->dnssec, true);
}

static void send_by_stream(struct errand *e)
{
	uint8_t message[2 + QUESTION_MAX];
	size_t n = write_question(e, message + 2);

	knot_wire_write_u16(message, (uint16_t)n);
	free(e->bytes);
	e->bytes = memory_new(1, 2 + MESSAGE_MAX);
	e->n_bytes = 0;
	if (send(e->fd, message, n + 2, MSG_NOSIGNAL) != (ssize_t)n + 2) {
		try_next(e);
		return;
	}
	ev_io_stop(e->forwarder->loop, &e->io);
	ev_io_set(&e->io, e->fd, EV_READ);
	ev_io_start(e->forwarder->loop, &e->io);
}

static void on_event(struct ev_loop *loop, ev_io *w, int events)
{
	struct errand *e = w->data;
	(void)loop;

	if (events & EV_WRITE) /* connected, or not: then the send says so */
		send_by_stream(e);
	else if (e->by_tcp)
		on_stream(e);
	else
		on_datagram(e);
}

static void on_silence(struct ev_loop *loop, ev_timer *w, int events)
{
	struct errand *e = w->data;
	(void)loop;
	(void)events;

	e->servers->at[e->server].down_until_us = clock_boot_us() + DOWN_US;
	try_next(e);
}

/* One question to the server that is chosen. */
static void speak(struct errand *e)
{
	struct ev_loop *loop = e->forwarder->loop;
	struct sockaddr_storage to;
	uint8_t message[QUESTION_MAX];
	socklen_t size = address_to_socket(&e->servers->at[e->server].address, &to);

	ev_io_init(&e->io, on_event, -1, 0);
	ev_timer_init(&e->timer, on_silence, FORWARD_WAIT_MS / 1000., 0);
	e->io.data = e->timer.data = e;
	e->fd = socket(to.ss_family, (e->by_tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC | SOCK_NONBLOCK,
		       0);
	ev_timer_start(loop, &e->timer);
	if (e->fd < 0 || (connect(e->fd, (struct sockaddr *)&to, size) < 0 && errno != EINPROGRESS)) {
		ev_timer_set(&e->timer, 0, 0); /* not from here: the caller may still hold the errand */
		ev_timer_stop(loop, &e->timer);
		ev_timer_start(loop, &e->timer);
		return;
	}
	if (!e->by_tcp) {
		size_t n = write_question(e, message);
		(void)!send(e->fd, message, n, MSG_NOSIGNAL); /* a failure is like a lost packet */
	}
	ev_io_set(&e->io, e->fd, e->by_tcp ? EV_WRITE : EV_READ);
	ev_io_start(loop, &e->io);
}

/* The next server in turn that is not known to be silent; if all are, the next in turn. */
static unsigned choose(const struct forward_servers *servers, unsigned tried, unsigned last)
{
	uint64_t now = clock_boot_us();
	unsigned first = tried == 0 ? 0 : last + 1;

	for (unsigned i = 0; i < servers->n; i++)
		if (servers->at[(first + i) % servers->n].down_until_us <= now)
			return (first + i) % servers->n;
	return first % servers->n;
}

static void try_next(struct errand *e)
{
	hang_up(e);
	if (e->tried >= FORWARD_TRIES || e->tried >= 2 * e->servers->n || e->servers->n == 0) {
		give_up(e);
		return;
	}
	e->server = choose(e->servers, e->tried, e->server);
	e->tried++;
	e->by_tcp = false;
	speak(e);
}

static struct errand *find(const struct forwarder *f, const struct forward_servers *servers,
			   const knot_dname_t *name, uint16_t type, bool dnssec)
{
	for (struct errand *e = f->errands; e; e = e->next)
		if (e->type == type && e->dnssec == dnssec && e->servers == servers &&
		    e->n_waiters < FORWARD_WAITERS && knot_dname_is_equal(e->name, name))
			return e;
	return NULL;
}

int forward_ask(struct forwarder *f, struct forward_servers *servers, const knot_dname_t *name, uint16_t type,
		bool dnssec, forward_done *done, void *data)
{
	if (servers->n == 0)
		return -ENETUNREACH;
	struct errand *e = find(f, servers, name, type, dnssec);
	if (e) {
		e->waiters[e->n_waiters++] = (struct waiter){ done, data };
		return 0;
	}
	if (f->n >= FORWARD_MOST)
		return -EAGAIN;
	e = memory_one(struct errand);
	*e = (struct errand){ .next = f->errands,
			      .forwarder = f,
			      .servers = servers,
			      .type = type,
			      .dnssec = dnssec,
			      .fd = -1 };
	name_store(e->name, name);
	e->waiters[e->n_waiters++] = (struct waiter){ done, data };
	f->errands = e;
	f->n++;
	ev_init(&e->io, on_event);
	ev_init(&e->timer, on_silence);
	try_next(e);
	return 0;
}

void forward_servers_read(const char *resolv_conf, const struct addresses *own, struct forward_servers *out)
{
	_cleanup_free_ char *copy = memory_strdup(resolv_conf);
	char *line_state, *state;

	*out = (struct forward_servers){};
	for (char *line = strtok_r(copy, "\n", &line_state); line; line = strtok_r(NULL, "\n", &line_state)) {
		const char *keyword = strtok_r(line, " \t\r", &state),
			   *value = strtok_r(NULL, " \t\r", &state);
		struct address a;
		bool mine = false;
		if (!text_is(keyword, "nameserver") || !value || address_parse(value, DNS_PORT, &a, NULL) < 0)
			continue;
		list_each(address, own)
			mine = mine || address_equal(address, &a);
		if (!mine && out->n < FORWARD_SERVERS)
			out->at[out->n++] = (struct forward_server){ .address = a };
	}
}
