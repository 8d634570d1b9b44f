/* session.h — what is in etcd below a prefix, kept current: all of it at one revision, then every change after it.
 *
 *	AWAY ──time──> LOGIN ──token──> LISTING ──last page──> WATCHING
 *	  ^             (only with a user)                        │
 *	  └──────────── whatever fails, at any step ──────────────┘
 *
 * After each interruption all is listed again: what was missed may have been compacted, and the etcd that comes back may be another one, restored
 * from a copy, with revisions that mean something else. seapod-dns goes on with what it had until the new list is complete. The servers are
 * tried in turn, with a pause that doubles up to DELAY_MOST_US. A server that is there but answers nothing, or has lost its
 * majority, is found out by a question every PING_US.
 */
#pragma once

#include "etcd/gateway.h"
#include "etcd/http.h"
#include "etcd/link.h"
#include "object/field.h"

enum { SESSION_AWAY, SESSION_LOGIN, SESSION_LISTING, SESSION_WATCHING };

struct session {
	/* What the command line says. */
	struct strings urls;
	const char *prefix;
	const char *user, *password;

	struct http http;
	struct http_trust trust;
	struct link *link;
	void (*seen)(struct session *s, const struct etcd_item *item); /* a change, before it is passed on */

	int state;
	unsigned turn;             /* of the servers */
	uint64_t due_us, delay_us; /* AWAY: when to try; WATCHING: when to ask whether it is still there */
	struct call call, ping;
	struct text token, next; /* next: the first key of the next page */
	int64_t revision;
	unsigned limit; /* keys of a page */
	unsigned long n;
};

void session_begin(struct session *s);
void session_end(struct session *s);

/* What time it has become; returns how many microseconds it may be left alone. */
uint64_t session_tick(struct session *s, uint64_t now_us);

/* The token is no longer good, or the server: begins anew. */
void session_fail(struct session *s, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Says to seapod-dns how SUBJECT stands. */
void session_say(struct session *s, const char *subject, bool well, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* What went wrong with a call that is done, in words: NULL, nothing did, and ANSWER was read. Memory is in A. */
const char *call_trouble(struct call *c, struct arena *a, struct etcd_answer *answer);
