/* transaction.h — elements of the sets of an nftables table that come and go together: all or none, and no packet sees a part of it.
 *
 *	struct transaction t;
 *	transaction_begin(&t, NFPROTO_INET, "seapod_services");
 *	transaction_element(&t, ELEMENT_GOES, "ids", &key, sizeof(key), NULL, 0);
 *	transaction_element(&t, ELEMENT_COMES, "ids", &key, sizeof(key), &data, sizeof(data));
 *	r = transaction_commit(&t, &socket);
 *	transaction_free(&t);
 *
 * What goes is sent before what comes, in whatever order it was said, so an element can be given other data. Nothing of the size of a set is read or
 * sent: a change costs what it changes (linux/netfilter/nf_tables.h).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "linux/netlink.h"

enum element_change { ELEMENT_GOES, ELEMENT_COMES };

/* Messages of one kind, each with elements of one set. */
struct transaction_part {
	char *at; /* on the heap */
	size_t used, space;
	size_t message, list; /* where the last message and its list of elements begin */
	const char *set;      /* of the last message; NULL: it is closed */
	uint8_t family;       /* of that set */
	unsigned n;           /* elements in it */
};

struct transaction {
	const char *table;
	uint8_t family; /* NFPROTO_*: of the table whose sets are named next; another may be set in between */
	struct transaction_part flushed, parts[2];
	unsigned changes;
};

void transaction_begin(struct transaction *t, uint8_t family, const char *table);
void transaction_free(struct transaction *t);

/* SET is kept by pointer. DATA: of a map, and what comes only. */
void transaction_element(struct transaction *t, enum element_change change, const char *set, const void *key,
			 size_t key_size, const void *data, size_t data_size);

/* The same of a set of intervals: all keys from KEY to END. */
void transaction_range(struct transaction *t, enum element_change change, const char *set, const void *key,
		       const void *end, size_t key_size, const void *data, size_t data_size);

/* The same of a map of verdicts: "goto CHAIN". */
void transaction_goto(struct transaction *t, enum element_change change, const char *set, const void *key,
		      size_t key_size, const char *chain);

/* All elements of SET go, before everything else. */
void transaction_flush(struct transaction *t, const char *set);

/* 0 (nothing to do is fine), or -errno: -ENOENT where the table, a set or an element that goes is not there. T can only be freed after it. */
int transaction_commit(struct transaction *t, struct netlink *nf);
