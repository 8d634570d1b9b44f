/* announce.h — keys that are to be in etcd for as long as this machine lives: all under one lease, which is kept alive.
 *
 * What is wanted (announce_want, announce_drop) and what etcd has are compared; the difference goes there in transactions of at most TXN_MOST keys. When
 * the lease is gone (a machine that slept, an etcd that lost its data) there is a new one and all is put again; so is a key that
 * somebody else has deleted. At the end the lease is given back, and etcd deletes all of them at once; if there is no end, it does when the
 * lease is over.
 */
#pragma once

#include "etcd/session.h"

struct wanted {
	struct wanted *next;
	char *key, *value; /* value NULL: it is to go */
	bool there;        /* in etcd, with the lease that is in use */
	bool sent;         /* in the transaction that is on its way */
};

struct announcer {
	struct session *session;
	int64_t ttl_s; /* of the lease */

	int64_t lease; /* 0: none */
	uint64_t keep_us, due_us, delay_us;
	struct wanted *wanted[1024]; /* by key */
	unsigned long n;
	bool changed; /* something may not be there yet */
	bool fresh;   /* a new connection: does the lease still live? */
	struct call call;
};

void announce_want(struct announcer *a, const struct frame *f);
void announce_drop(struct announcer *a, const struct frame *f);

/* Something has changed in etcd: if it is one of those keys, and it was not us, it is put again. */
void announce_seen(struct announcer *a, const struct etcd_item *item);

/* All that was wanted by one who is gone is forgotten. */
void announce_clear(struct announcer *a);

/* What time it has become; returns how many microseconds it may be left alone. */
uint64_t announce_tick(struct announcer *a, uint64_t now_us);

/* Gives the lease back, if the server answers within MS. */
void announce_end(struct announcer *a, int ms);
