/* announce.c — see announce.h. */
#include "etcd/announce.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/hash.h"

enum { PLACES = 1024, DELAY_US = 1000 * 1000, DELAY_MOST_US = 15 * 1000 * 1000, STEP_MS = 20 };

/* --- what is wanted ----------------------------------------------------------------------------------------------------- */

static struct wanted **place_of(struct announcer *a, const char *key, size_t n)
{
	struct wanted **at = &a->wanted[hash_add(HASH_BEGIN, key, n) % PLACES];

	while (*at && (strlen((*at)->key) != n || memcmp((*at)->key, key, n) != 0))
		at = &(*at)->next;
	return at;
}

static void free_one(struct wanted *w)
{
	free(w->key);
	free(w->value);
	free(w);
}

static char *copy(const char *bytes, size_t n)
{
	char *text = memory_new(1, n + 1);

	memcpy(text, bytes, n);
	return text;
}

void announce_want(struct announcer *a, const struct frame *f)
{
	struct wanted **at = place_of(a, f->key, f->n_key), *w = *at;

	if (!w) {
		w = *at = memory_one(struct wanted);
		w->key = copy(f->key, f->n_key);
	}
	free(w->value);
	w->value = copy(f->value, f->n_value);
	w->there = w->sent = false;
	a->changed = true;
}

void announce_drop(struct announcer *a, const struct frame *f)
{
	struct wanted *w = *place_of(a, f->key, f->n_key);

	if (!w)
		return;
	free(w->value);
	w->value = NULL;
	w->there = w->sent = false;
	a->changed = true;
}

void announce_seen(struct announcer *a, const struct etcd_item *item)
{
	struct wanted *w = *place_of(a, item->key.at, item->key.n);

	if (!w || !w->value || !w->there || (!item->deleted && item->lease == a->lease))
		return;
	w->there = false;
	a->changed = true;
	if (item->deleted)
		return;
	session_say(a->session, "announced", false,
		    "somebody else has written %s: is another machine called the same?", w->key);
	a->due_us = clock_boot_us() + DELAY_US; /* or two would overwrite each other as fast as they can */
}

void announce_clear(struct announcer *a)
{
	for (int i = 0; i < PLACES; i++)
		while (a->wanted[i]) {
			struct wanted *w = a->wanted[i];
			a->wanted[i] = w->next;
			free_one(w);
		}
}

static void forget_all_there(struct announcer *a)
{
	for (int i = 0; i < PLACES; i++)
		for (struct wanted *w = a->wanted[i]; w; w = w->next)
			w->there = w->sent = false;
	a->changed = true;
}

/* --- etcd --------------------------------------------------------------------------------------------------------------- */

static void fail(struct announcer *a, const char *why)
{
	session_say(a->session, "announced", false, "%s", why);
	a->delay_us = a->delay_us ? 2 * a->delay_us : DELAY_US;
	if (a->delay_us > DELAY_MOST_US)
		a->delay_us = DELAY_MOST_US;
	a->due_us = clock_boot_us() + a->delay_us;
	a->changed = true;
}

/* True: the call went well. A token that is over is the session's to renew. */
static bool went_well(struct announcer *a, struct etcd_answer *answer, struct arena *arena)
{
	const char *why = call_trouble(&a->call, arena, answer);

	text_free(&a->call.answer);
	if (!why) {
		a->delay_us = a->due_us = 0;
		return true;
	}
	if (answer->code == GRPC_UNAUTHENTICATED)
		session_fail(a->session, "%s", why);
	fail(a, why);
	return false;
}

#define OWNER(c) ((struct announcer *)((char *)(c)-offsetof(struct announcer, call)))

static void on_granted(struct call *c)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	struct announcer *a = OWNER(c);
	struct etcd_answer answer;

	if (!went_well(a, &answer, arena))
		return;
	a->lease = answer.id;
	a->keep_us = clock_boot_us() + (uint64_t)a->ttl_s * US_PER_SECOND / 3;
	forget_all_there(a);
}

static void on_kept(struct call *c)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	struct announcer *a = OWNER(c);
	struct etcd_answer answer;

	if (!went_well(a, &answer, arena))
		return;
	if (answer.ttl <= 0) { /* it is over, and with it all that was put */
		a->lease = 0;
		forget_all_there(a);
	}
}

static void say_how_many(struct announcer *a)
{
	session_say(a->session, "announced", true, "%lu, with a lease of %" PRId64 " s", a->n, a->ttl_s);
}

static void on_put(struct call *c)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	struct announcer *a = OWNER(c);
	struct etcd_answer answer;
	bool well = went_well(a, &answer, arena);

	if (!well) {
		if (answer.code == 5) /* NOT_FOUND: the lease */
			a->lease = 0;
		return;
	}
	a->n = 0;
	for (int i = 0; i < PLACES; i++)
		for (struct wanted **at = &a->wanted[i]; *at;) {
			struct wanted *w = *at;
			if (w->sent && !w->value) {
				*at = w->next;
				free_one(w);
				continue;
			}
			w->there = w->there || w->sent;
			w->sent = false;
			a->n += w->there;
			at = &w->next;
		}
	say_how_many(a);
}

static void send_call(struct announcer *a, const char *path, void (*done)(struct call *c), struct text *body)
{
	a->call = (struct call){ .path = path, .done = done, .body = *body };
	*body = (struct text){};
	call_send(&a->session->http, &a->call);
}

/* The next transaction; false: there is nothing to be done. */
static bool put_some(struct announcer *a)
{
	struct text body = {};
	unsigned n = 0;

	request_txn_begin(&body);
	for (int i = 0; i < PLACES; i++)
		for (struct wanted *w = a->wanted[i]; w && n < TXN_MOST; w = w->next) {
			w->sent = !w->there;
			if (w->there)
				continue;
			n++;
			if (w->value)
				request_txn_put(&body, w->key, w->value, a->lease);
			else
				request_txn_delete(&body, w->key);
		}
	request_txn_end(&body);
	if (n)
		send_call(a, ETCD_TXN, on_put, &body);
	text_free(&body);
	return n > 0;
}

static void do_next(struct announcer *a, uint64_t now_us)
{
	struct text body = {};

	if (a->lease == 0) {
		request_grant(&body, a->ttl_s);
		send_call(a, ETCD_GRANT, on_granted, &body);
	} else if (a->fresh || now_us >= a->keep_us) {
		a->fresh = false;
		a->keep_us = now_us + (uint64_t)a->ttl_s * US_PER_SECOND / 3;
		request_lease(&body, a->lease);
		send_call(a, ETCD_KEEPALIVE, on_kept, &body);
	} else if (a->changed && !put_some(a)) {
		a->changed = false;
	}
}

uint64_t announce_tick(struct announcer *a, uint64_t now_us)
{
	if (a->session->state != SESSION_WATCHING) {
		call_drop(&a->call);
		a->fresh = true;
		a->due_us = 0;
		return US_PER_SECOND;
	}
	if (a->ttl_s == 0 || call_runs(&a->call))
		return US_PER_SECOND;
	if (now_us < a->due_us)
		return a->due_us - now_us;
	do_next(a, now_us);
	return a->changed || a->keep_us <= now_us ? STEP_MS * 1000 : a->keep_us - now_us;
}

static void on_revoked(struct call *c)
{
	text_free(&c->answer);
}

void announce_end(struct announcer *a, int ms)
{
	struct text body = {};
	uint64_t until = clock_boot_us() + (uint64_t)ms * 1000;

	call_drop(&a->call);
	if (a->lease && a->session->state == SESSION_WATCHING) {
		request_lease(&body, a->lease);
		send_call(a, ETCD_REVOKE, on_revoked, &body);
		while (call_runs(&a->call) && clock_boot_us() < until)
			http_step(&a->session->http, -1, false, STEP_MS);
	}
	call_drop(&a->call);
	announce_clear(a);
}
