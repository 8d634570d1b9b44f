/* check.c — see check.h. */
#include "keeper/check.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "keeper/check_parts.h"

static int sleep_begin(struct check *c, struct error *err)
{
	(void)c;
	(void)err;
	return 0;
}

static void sleep_end(struct check *c)
{
	(void)c;
}

static const struct check_kind check_sleep = { sleep_begin, sleep_end, false };

static void give_up(struct check *c)
{
	ev_io_stop(c->member->keeper->loop, &c->ended);
	container_process_close(&c->process);
	free(c->early_message);
	free(c);
}

static void on_process_ended(struct ev_loop *loop, ev_io *w, int events)
{
	struct check *c = w->data;
	struct exit_status status = {};
	(void)events;

	if (process_reap(c->process.pidfd, &status) == 0)
		return;
	ev_io_stop(loop, w);
	close_fd(&c->process.pidfd);
	if (c->done)
		c->on_exit(c, status);
	else
		give_up(c);
}

void check_watch_process(struct check *c, void (*on_exit)(struct check *c, struct exit_status status))
{
	c->on_exit = on_exit;
	ev_io_init(&c->ended, on_process_ended, c->process.pidfd, EV_READ);
	c->ended.data = c;
	ev_io_start(c->member->keeper->loop, &c->ended);
}

void check_rewatch(struct check *c)
{
	struct ev_loop *loop = c->member->keeper->loop;

	ev_io_stop(loop, &c->ended);
	ev_io_set(&c->ended, c->process.pidfd, EV_READ);
	ev_io_start(loop, &c->ended);
}

/* A process that still runs is killed with all of its group, and reaped when it has ended: until then the check is a watcher and no more. */
static void let_go(struct check *c)
{
	ev_timer_stop(c->member->keeper->loop, &c->timer);
	c->kind->end(c);
	c->done = NULL;
	if (c->process.pidfd < 0) {
		give_up(c);
		return;
	}
	process_signal(c->process.pidfd, SIGKILL);
	kill(-c->process.pid, SIGKILL);
}

void check_finish(struct check *c, enum check_result result, const char *format, ...)
{
	check_done *done = c->done;
	void *data = c->data;
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	let_go(c);
	done(data, result, text);
}

void check_cancel(struct check *c)
{
	if (c)
		let_go(c);
}

static void on_timer(struct ev_loop *loop, ev_timer *w, int events)
{
	struct check *c = w->data;
	(void)loop;
	(void)events;

	if (c->early_message) {
		_cleanup_free_ char *message = take_ptr(&c->early_message);
		check_finish(c, c->early, "%s", message);
	} else if (c->kind == &check_sleep) {
		check_finish(c, CHECK_SUCCESS, "%s", "");
	} else {
		check_finish(c, CHECK_FAILURE, "no result within %gs", c->wish.seconds);
	}
}

static const struct check_kind *kind_of(const struct check_wish *wish)
{
	return wish->exec         ? &check_exec
	       : wish->http_get   ? &check_http
	       : wish->tcp_socket ? &check_tcp
	       : wish->grpc       ? &check_grpc
				  : &check_sleep;
}

/* How long until the timer: for a sleep, how long it sleeps. */
static double seconds_of(const struct check_wish *wish)
{
	double sleep = wish->sleep ? (double)wish->sleep->seconds : 0;
	return wish->sleep && (wish->seconds <= 0 || sleep < wish->seconds) ? sleep : wish->seconds;
}

struct check *check_begin(struct member *m, const struct check_wish *wish, check_done *done, void *data)
{
	struct check *c = memory_one(struct check);
	struct error err = {};

	*c = (struct check){ .member = m,
			     .wish = *wish,
			     .kind = kind_of(wish),
			     .done = done,
			     .data = data,
			     .process = CONTAINER_PROCESS_NONE,
			     .fd = -1,
			     .complaint = -1 };
	ev_timer_init(&c->timer, on_timer, seconds_of(wish), 0);
	c->timer.data = c;
	int r = c->kind->begin(c, &err);
	if (r < 0) {
		c->early = c->kind->fails_early && r != -ENOENT ? CHECK_FAILURE : CHECK_ERROR;
		c->early_message = memory_strdup(err.text);
	}
	if (c->early_message)
		ev_timer_set(&c->timer, 0, 0);
	if (c->early_message || wish->sleep || wish->seconds > 0)
		ev_timer_start(m->keeper->loop, &c->timer);
	return c;
}

int check_port(const struct check *c, const struct int_or_string *port, struct error *err)
{
	long long number;

	if (!port->text)
		return port->number;
	list_each(p, &c->member->sc.spec->ports)
		if (text_is(p->name, port->text))
			return p->containerPort;
	if (text_to_int(port->text, 1, 65535, &number) == 0)
		return (int)number;
	return error_set(err, ENOENT, "the container has no port called '%s'", port->text);
}

const char *check_host(const struct check *c, const char *host)
{
	const char *ip = c->member->keeper->sandbox.ip;
	return !text_empty(host) ? host : *ip ? ip : "127.0.0.1";
}
