/* rules_watch.h — notices that somebody has flushed Seapod's tables, and makes them anew.
 *
 * The kernel tells every change of nftables to who listens (NFNLGRP_NFTABLES), machine-wide: each message wakes the listener. So one keeper of an
 * instance listens, and no other one wakes for it: the one that has the lock of RUN/networks/.watch. The rest form a chain. Each waits for the end of the
 * one that came before it (a pidfd, which costs nothing while nothing ends), and then asks for the lock: it has it, or waits for who has. So
 * when pods are deleted in the order in which they were made, each end wakes one keeper, and in the other order none.
 *
 * What is noticed is the end of a whole table: `nft flush ruleset`, nftables.service's reload, `nft delete table`. Rules taken out of our own table by
 * hand are not; `seapod network reload` mends those.
 */
#pragma once

#include <sys/types.h>

#include "linux/netlink.h"
#include "net/network.h"

struct rules_watch {
	const struct instance *in;
	int host;            /* the host's network namespace */
	struct netlink news; /* a socket there */
	bool guard_gone;     /* the table of the bridge family, which not every kernel has, was there */
	int file, before;    /* RUN/networks/.watch, whose lock we have or not; a pidfd of whom we wait for */
};

#define RULES_WATCH_NONE ((struct rules_watch){ .host = -1, .news = NETLINK_NONE, .file = -1, .before = -1 })

/* In the host's network namespace, before the keeper leaves it. */
int rules_watch_open(struct rules_watch *w, const struct instance *in, struct error *err);

/* The next one may listen. The socket is left to the end of the process: closing it waits (netlink_close). */
void rules_watch_close(struct rules_watch *w);

/* 1: we listen, and w->news.socket is readable when there is something to hear. 0: somebody else does; ask again when w->before is
 * readable (it may be -1: ask again after a while). Negative: it cannot be done. */
int rules_watch_take(struct rules_watch *w, struct error *err);

/* Reads all that there is to hear. True: a table of ours has gone, or something was lost. */
bool rules_watch_hear(struct rules_watch *w);

/* Starts a child that makes all anew, if a table of ours is missing. Its pidfd, readable when it has ended; *CHILD is to be waited for. ALSO makes what
 * follows from it elsewhere. It logs what it has done, or why it could not. */
int rules_watch_heal(struct rules_watch *w, int (*also)(const struct instance *, struct error *),
		     pid_t *child, struct error *err);
