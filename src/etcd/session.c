/* session.c — see session.h. */
#include "etcd/session.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"

enum {
	DELAY_FIRST_US = 200 * 1000,
	DELAY_MOST_US = 5 * 1000 * 1000,
	PING_US = 5 * 1000 * 1000,
	PAGE_KEYS = 500,
	BACKLOG_BYTES = 8 * 1024 * 1024,
};

/* --- words -------------------------------------------------------------------------------------------------------------- */

void session_say(struct session *s, const char *subject, bool well, const char *format, ...)
{
	char text[700];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	text_tame(text);
	link_add(s->link, &(struct frame){ LINK_STATE, well, subject, text, strlen(subject), strlen(text) });
}

const char *call_trouble(struct call *c, struct arena *a, struct etcd_answer *answer)
{
	struct error why = {};

	*answer = (struct etcd_answer){};
	if (c->status == 0)
		return arena_strdup(a, c->why.text);
	if (c->status == 404)
		return "it does not know etcd's API version 3 by JSON (/v3; etcd 3.4 or later has it)";
	if (etcd_answer_read(text_str(&c->answer), c->answer.n, a, answer, &why) < 0)
		return arena_strdup(a, why.text);
	if (answer->why)
		return answer->why;
	return c->status == 200 ? NULL : arena_printf(a, "it answers with HTTP status %ld", c->status);
}

/* --- the end of all that is under way ----------------------------------------------------------------------------------- */

static void drop(struct session *s)
{
	call_drop(&s->call);
	call_drop(&s->ping);
	text_free(&s->token);
	text_free(&s->next);
	s->http.token = NULL;
}

void session_fail(struct session *s, const char *format, ...)
{
	char why[500];
	va_list args;

	va_start(args, format);
	vsnprintf(why, sizeof(why), format, args);
	va_end(args);
	drop(s);
	session_say(s, "etcd", false, "%s: %s", s->http.url, why);
	s->delay_us = s->state == SESSION_WATCHING || !s->delay_us ? DELAY_FIRST_US : 2 * s->delay_us;
	if (s->delay_us > DELAY_MOST_US)
		s->delay_us = DELAY_MOST_US;
	s->state = SESSION_AWAY;
	s->turn++;
	/* not all machines at once, when etcd comes back */
	s->due_us = clock_boot_us() + s->delay_us / 2 + (uint64_t)random() % s->delay_us;
}

/* --- watching ----------------------------------------------------------------------------------------------------------- */

static void hand_on(struct session *s, const struct etcd_answer *a)
{
	list_each(item, &a->items) {
		if (s->state == SESSION_WATCHING && s->seen)
			s->seen(s, item);
		link_add(s->link,
			 &(struct frame){ item->deleted ? LINK_DELETE : LINK_PUT, item->lease != 0,
					  item->key.at, item->value.at, item->key.n, item->value.n });
	}
}

static bool on_watch_line(struct call *c, const char *text, size_t n)
{
	struct session *s = (struct session *)((char *)c - offsetof(struct session, call));
	_cleanup_arena_ struct arena *a = arena_new();
	struct error why = {};
	struct etcd_answer answer;

	if (etcd_answer_read(text, n, a, &answer, &why) == 0 && !answer.canceled && !answer.why) {
		hand_on(s, &answer);
		return true;
	}
	error_set(&c->why, EIO, "%s",
		  why.code           ? why.text
		  : answer.compacted ? "it has compacted what was to be watched"
		  : answer.why       ? answer.why
				     : "the watch was canceled");
	return false;
}

static void on_watch_done(struct call *c)
{
	struct session *s = (struct session *)((char *)c - offsetof(struct session, call));
	_cleanup_arena_ struct arena *a = arena_new();
	struct etcd_answer answer;
	const char *why = c->status >= 400 ? call_trouble(c, a, &answer) : NULL;

	session_fail(s, "%s", why ? why : c->why.code ? c->why.text : "the watch has ended");
}

static void watch(struct session *s)
{
	s->state = SESSION_WATCHING;
	s->delay_us = 0;
	s->due_us = clock_boot_us() + PING_US;
	s->call = (struct call){
		.path = ETCD_WATCH, .stream = true, .line = on_watch_line, .done = on_watch_done
	};
	request_watch(&s->call.body, s->prefix, s->revision + 1);
	call_send(&s->http, &s->call);
	session_say(s, "etcd", true, "%s", s->http.url);
}

static void on_ping_done(struct call *c)
{
	struct session *s = (struct session *)((char *)c - offsetof(struct session, ping));
	_cleanup_arena_ struct arena *a = arena_new();
	struct etcd_answer answer;
	const char *why = call_trouble(c, a, &answer);

	text_free(&c->answer);
	if (why)
		session_fail(s, "%s", why);
	else if (answer.revision < s->revision)
		session_fail(s, "it has gone back to an earlier revision");
}

/* --- listing ------------------------------------------------------------------------------------------------------------ */

static void ask_page(struct session *s);

/* The key after KEY is KEY and a zero byte. */
static void keep_next(struct session *s, const struct bytes *key)
{
	text_free(&s->next);
	text_add_n(&s->next, key->at, key->n);
	text_add_n(&s->next, "", 1);
}

static void on_page(struct call *c)
{
	struct session *s = (struct session *)((char *)c - offsetof(struct session, call));
	_cleanup_arena_ struct arena *a = arena_new();
	struct etcd_answer answer;

	if (c->too_long && s->limit > 1) { /* of many long values, fewer at a time */
		s->limit /= 2;
		ask_page(s);
		return;
	}
	const char *why = call_trouble(c, a, &answer);
	text_free(&c->answer);
	if (why) {
		session_fail(s, "%s", why);
		return;
	}
	if (s->revision == 0) {
		s->revision = answer.revision;
		link_add(s->link, &(struct frame){ .kind = LINK_BEGIN });
	}
	hand_on(s, &answer);
	if (answer.more && answer.last.n) {
		keep_next(s, &answer.last);
		if (s->link->out.n - s->link->sent < BACKLOG_BYTES)
			ask_page(s); /* else session_tick does, when seapod-dns has read what there is */
		return;
	}
	link_add(s->link, &(struct frame){ .kind = LINK_END });
	watch(s);
}

static void ask_page(struct session *s)
{
	const struct bytes from = { s->next.at, s->next.n };

	s->call = (struct call){ .path = ETCD_RANGE, .done = on_page };
	request_range(&s->call.body, s->prefix, from.n ? &from : NULL, s->revision, s->limit);
	call_send(&s->http, &s->call);
}

static void list(struct session *s)
{
	s->state = SESSION_LISTING;
	s->revision = 0;
	s->limit = PAGE_KEYS;
	text_free(&s->next);
	ask_page(s);
}

/* --- login -------------------------------------------------------------------------------------------------------------- */

static void on_login(struct call *c)
{
	struct session *s = (struct session *)((char *)c - offsetof(struct session, call));
	_cleanup_arena_ struct arena *a = arena_new();
	struct etcd_answer answer;
	const char *why = call_trouble(c, a, &answer);

	if (!why && !answer.token)
		why = "it gives no token for user and password";
	text_free(&c->answer);
	if (why) {
		session_fail(s, "%s", why);
		return;
	}
	text_add(&s->token, answer.token);
	s->http.token = strpbrk(s->token.at, "\r\n") ? NULL : s->token.at;
	list(s);
}

static void begin(struct session *s)
{
	s->http.url = s->urls.at[s->turn % s->urls.n];
	if (!s->user) {
		list(s);
		return;
	}
	s->state = SESSION_LOGIN;
	s->call = (struct call){ .path = ETCD_LOGIN, .done = on_login };
	request_login(&s->call.body, s->user, s->password);
	call_send(&s->http, &s->call);
}

/* --- life --------------------------------------------------------------------------------------------------------------- */

void session_begin(struct session *s)
{
	srandom((unsigned)clock_boot_us());
	s->state = SESSION_AWAY;
	begin(s);
}

void session_end(struct session *s)
{
	drop(s);
}

uint64_t session_tick(struct session *s, uint64_t now_us)
{
	if (s->state == SESSION_LISTING && !call_runs(&s->call) &&
	    s->link->out.n - s->link->sent < BACKLOG_BYTES)
		ask_page(s);
	if (s->state != SESSION_AWAY && s->state != SESSION_WATCHING)
		return PING_US;
	if (now_us < s->due_us)
		return s->due_us - now_us;
	if (s->state == SESSION_AWAY) {
		begin(s);
	} else {
		s->due_us = now_us + PING_US;
		if (call_runs(&s->ping))
			return PING_US; /* its own limit of time will tell */
		s->ping = (struct call){ .path = ETCD_RANGE, .done = on_ping_done };
		request_ping(&s->ping.body, s->prefix);
		call_send(&s->http, &s->ping);
	}
	return PING_US;
}
