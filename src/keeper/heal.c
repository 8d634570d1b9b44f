/* heal.c — makes the networks' rules anew when somebody has flushed them (net/rules_watch.h), if this keeper is the one that listens.
 *
 * A reload of a firewall deletes and loads much at once, so what is heard is answered a little later, and once. The work is a child's: it goes by
 * the program nft, in the host's network namespace, and the pod's probes do not wait for it.
 */
#include <stdlib.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "keeper/keeper.h"
#include "service/forward.h"

enum { ASK_AGAIN_S = 5 };
static const double settle_s = 0.02;

struct healer {
	ev_io news, before, ended;
	ev_timer settled, again;
	pid_t child; /* 0: none */
	bool more;   /* something was heard while it worked */
};

static void take(struct keeper *k);

static void settle(struct keeper *k)
{
	if (ev_is_active(&k->healer->settled))
		return;
	ev_timer_set(&k->healer->settled, settle_s, 0);
	ev_timer_start(k->loop, &k->healer->settled);
}

static void on_ended(struct ev_loop *loop, ev_io *w, int events)
{
	struct keeper *k = w->data;
	struct healer *h = k->healer;
	(void)events;

	ev_io_stop(loop, w);
	close(w->fd);
	waitpid(h->child, NULL, 0);
	h->child = 0;
	if (h->more)
		settle(k);
	h->more = false;
}

static void on_settled(struct ev_loop *loop, ev_timer *w, int events)
{
	struct keeper *k = w->data;
	struct healer *h = k->healer;
	struct error err = {};
	(void)events;

	ev_timer_stop(loop, w);
	if (h->child) {
		h->more = true;
		return;
	}
	int fd = rules_watch_heal(&k->sandbox.watch, services_ensure, &h->child, &err);
	if (fd < 0) {
		log_warning("%s", err.text);
		h->child = 0;
		return;
	}
	ev_io_init(&h->ended, on_ended, fd, EV_READ);
	h->ended.data = k;
	ev_io_start(loop, &h->ended);
}

static void on_news(struct ev_loop *loop, ev_io *w, int events)
{
	struct keeper *k = w->data;
	(void)loop;
	(void)events;

	if (rules_watch_hear(&k->sandbox.watch))
		settle(k);
}

static void on_before_ended(struct ev_loop *loop, ev_io *w, int events)
{
	(void)events;

	ev_io_stop(loop, w);
	take(w->data);
}

static void on_again(struct ev_loop *loop, ev_timer *w, int events)
{
	(void)events;

	ev_timer_stop(loop, w);
	take(w->data);
}

/* Who begins to listen looks whether something was missed. */
static void take(struct keeper *k)
{
	struct rules_watch *watch = &k->sandbox.watch;
	struct healer *h = k->healer;
	struct error err = {};
	int r = rules_watch_take(watch, &err);

	if (r < 0) {
		log_warning("%s", err.text);
	} else if (r == 0 && watch->before >= 0) {
		ev_io_set(&h->before, watch->before, EV_READ);
		ev_io_start(k->loop, &h->before);
	} else if (r == 0) {
		ev_timer_set(&h->again, ASK_AGAIN_S, 0);
		ev_timer_start(k->loop, &h->again);
	} else {
		ev_io_set(&h->news, watch->news.socket, EV_READ);
		ev_io_start(k->loop, &h->news);
		forwarding_watch(k);
		settle(k);
	}
}

void heal_begin(struct keeper *k)
{
	if (k->sandbox.watch.host < 0 || k->healer)
		return;
	struct healer *h = k->healer = memory_one(struct healer);
	ev_init(&h->news, on_news);
	ev_init(&h->before, on_before_ended);
	ev_init(&h->settled, on_settled);
	ev_init(&h->again, on_again);
	h->news.data = h->before.data = h->settled.data = h->again.data = k;
	take(k);
}
