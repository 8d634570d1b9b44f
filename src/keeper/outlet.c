/* outlet.c — see outlet.h. */
#include "keeper/outlet.h"

#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"

enum { CHUNK = 16 * 1024 };

struct tap {
	struct tap *next;
	struct outlet *outlet; /* NULL: the outlet has closed, go when nothing waits; it is one of ORPHANS */
	struct ev_loop *loop;
	ev_io ready; /* EV_READ: the reader is gone (a pipe's write end reports nothing else, poll(2)); EV_WRITE: while something waits */
	int fd;
	char *waiting;
	size_t n;
};

static struct tap *orphans;

static bool anybody_waits(const struct outlet *o)
{
	for (const struct tap *t = o->taps; t; t = t->next)
		if (t->n > 0)
			return true;
	return false;
}

static void tap_free(struct tap *t)
{
	ev_io_stop(t->loop, &t->ready);
	close_fd(&t->fd);
	free(t->waiting);
	free(t);
}

/* Takes the tap out of its outlet, which goes on if it was held. */
static void tap_remove(struct tap *gone)
{
	struct outlet *o = gone->outlet;

	for (struct tap **at = o ? &o->taps : &orphans; *at; at = &(*at)->next) {
		if (*at == gone) {
			*at = gone->next;
			break;
		}
	}
	tap_free(gone);
	if (o && o->fd >= 0 && !anybody_waits(o))
		ev_io_start(o->loop, &o->readable);
}

static void tap_watch(struct tap *t, int events)
{
	if (t->ready.events == events && ev_is_active(&t->ready))
		return;
	ev_io_stop(t->loop, &t->ready);
	ev_io_set(&t->ready, t->fd, events);
	ev_io_start(t->loop, &t->ready);
}

/* Writes what it can and keeps the rest. False: the reader is gone. */
static bool tap_write(struct tap *t, const char *data, size_t n)
{
	char *rest = NULL;

	while (n > 0) {
		ssize_t written = write(t->fd, data, n);
		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0 && errno != EAGAIN)
			return false;
		if (written < 0)
			break;
		data += written;
		n -= (size_t)written;
	}
	if (n > 0) {
		rest = memory_new(n, 1);
		memcpy(rest, data, n);
	}
	tap_watch(t, n > 0 ? EV_READ | EV_WRITE : EV_READ);
	free(t->waiting);
	t->waiting = rest;
	t->n = n;
	return true;
}

static void on_tap_ready(struct ev_loop *loop, ev_io *w, int events)
{
	struct tap *t = w->data;
	(void)loop;

	bool there = t->n > 0 ? tap_write(t, t->waiting, t->n) : !(events & EV_READ);
	if (!there || (t->n == 0 && !t->outlet))
		tap_remove(t);
	else if (t->n == 0 && t->outlet->fd >= 0 && !anybody_waits(t->outlet))
		ev_io_start(t->loop, &t->outlet->readable);
}

/* Gives a chunk to the log and to every tap that has nothing waiting (while one waits, nothing is read). */
static void pass_on(struct outlet *o, const char *data, size_t n)
{
	int r = logfile_write(o->log, &o->stream, data, n);
	if (r < 0 && !o->losing)
		log_warning("container output is lost: %s", error_meaning(-r));
	o->losing = r < 0;
	for (struct tap *t = o->taps, *next; t; t = next) {
		next = t->next;
		if (!tap_write(t, data, n))
			tap_remove(t);
	}
	if (anybody_waits(o))
		ev_io_stop(o->loop, &o->readable);
}

static void on_readable(struct ev_loop *loop, ev_io *w, int events)
{
	struct outlet *o = w->data;
	char chunk[CHUNK];
	(void)events;

	ssize_t n = read(o->fd, chunk, sizeof(chunk));
	if (n > 0)
		pass_on(o, chunk, (size_t)n);
	else if (n == 0 || (errno != EAGAIN && errno != EINTR)) /* EIO: the terminal's last user is gone */
		ev_io_stop(loop, w);
}

void outlet_open(struct outlet *o, struct ev_loop *loop, int fd, const char *name, struct logfile *log)
{
	*o = (struct outlet){ .loop = loop, .fd = fd, .log = log, .stream = { .name = name } };
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	ev_io_init(&o->readable, on_readable, fd, EV_READ);
	ev_set_priority(&o->readable, text_is(name, "stdout")
					      ? 1
					      : 0); /* which of two pipes was written first cannot be known */
	o->readable.data = o;
	ev_io_start(loop, &o->readable);
}

/* Output that came before the end is not lost, even when a tap holds: it gets what is left in one piece. */
static void drain(struct outlet *o)
{
	enum { MOST = 1024 * 1024 }; /* a pipe holds 64 KiB by default, 1 MiB at most: pipe(7) */
	char chunk[CHUNK];
	ssize_t n;

	for (size_t total = 0; total < MOST && (n = read(o->fd, chunk, sizeof(chunk))) > 0;
	     total += (size_t)n) {
		logfile_write(o->log, &o->stream, chunk, (size_t)n);
		for (struct tap *t = o->taps, *next; t; t = next) {
			next = t->next;
			if (t->n > 0) {
				t->waiting = memory_grow(t->waiting, t->n + (size_t)n, 1);
				memcpy(t->waiting + t->n, chunk, (size_t)n);
				t->n += (size_t)n;
			} else if (!tap_write(t, chunk, (size_t)n)) {
				tap_remove(t);
			}
		}
	}
}

void outlet_close(struct outlet *o)
{
	if (o->fd < 0)
		return;
	drain(o);
	logfile_flush(o->log, &o->stream);
	ev_io_stop(o->loop, &o->readable);
	close_fd(&o->fd);
	for (struct tap *t = o->taps, *next; t; t = next) {
		next = t->next;
		t->outlet = NULL;
		if (t->n == 0) {
			tap_free(t);
			continue;
		}
		t->next = orphans;
		orphans = t;
	}
	o->taps = NULL;
}

/* One after another: none of them keeps another from reading its pipe. */
void outlets_finish(int limit_ms)
{
	while (orphans) {
		struct pollfd p = { .fd = orphans->fd, .events = POLLOUT };
		int ready = poll(&p, 1, limit_ms);
		if (ready < 0 && errno == EINTR)
			continue;
		bool there = ready > 0 && tap_write(orphans, orphans->waiting, orphans->n);
		if (!there || orphans->n == 0)
			tap_remove(orphans);
	}
}

int outlet_tap(struct outlet *o)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	fcntl(ends[1], F_SETFL, O_NONBLOCK);
	struct tap *t = memory_one(struct tap);
	*t = (struct tap){ .next = o->taps, .outlet = o, .loop = o->loop, .fd = ends[1] };
	ev_io_init(&t->ready, on_tap_ready, t->fd, EV_READ);
	t->ready.data = t;
	ev_io_start(t->loop, &t->ready);
	o->taps = t;
	return ends[0];
}
