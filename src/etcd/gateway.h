/* gateway.h — etcd's API version 3 as JSON: what is asked, what is answered. Pure: bytes in, bytes out.
 *
 * etcd-server speaks gRPC; the same port takes the same messages as JSON by HTTP (its gRPC gateway): a POST to a path for each call, keys and
 * values in base64, 64-bit numbers as strings. A watch answers with a line for each message, as long as the connection lasts.
 *
 * Source: etcd's documentation "Why gRPC gateway" and rpc.proto, as of 3.4 and later (paths below /v3).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "object/field.h"

#define ETCD_LOGIN     "/v3/auth/authenticate"
#define ETCD_RANGE     "/v3/kv/range"
#define ETCD_TXN       "/v3/kv/txn"
#define ETCD_WATCH     "/v3/watch"
#define ETCD_GRANT     "/v3/lease/grant"
#define ETCD_KEEPALIVE "/v3/lease/keepalive"
#define ETCD_REVOKE    "/v3/lease/revoke"

/* --- requests: each writes the body */

/* At most LIMIT keys of those that begin with PREFIX, from the key FROM on (NULL: the first), as they were at REVISION (0: now). */
void request_range(struct text *out, const char *prefix, const struct bytes *from, int64_t revision,
		   unsigned limit);
/* Only whether it answers. */
void request_ping(struct text *out, const char *prefix);
void request_watch(struct text *out, const char *prefix, int64_t revision);
void request_login(struct text *out, const char *user, const char *password);
void request_grant(struct text *out, int64_t ttl_s);
void request_lease(struct text *out, int64_t lease); /* of keepalive and revoke */

/* Puts (with a lease) and deletions in one transaction, at most TXN_MOST: begun, filled, ended. */
enum { TXN_MOST = 100 };
void request_txn_begin(struct text *out);
void request_txn_put(struct text *out, const char *key, const char *value, int64_t lease);
void request_txn_delete(struct text *out, const char *key);
void request_txn_end(struct text *out);

/* --- answers: the fields of all of them, those that were there */

struct etcd_item {
	struct bytes key, value;
	int64_t lease; /* 0: none */
	bool deleted;
};

struct etcd_answer {
	int64_t revision, id, ttl, compacted; /* compacted: a watch cannot begin before */
	bool more;                            /* of a range: not all fit */
	bool created, canceled;               /* of a watch */
	struct bytes last; /* the last key, also one that is longer than LINK_KEY_MAX and not among ITEMS */
	const char *token; /* of a login */
	const char *why;   /* what etcd complains of; NULL: nothing */
	int code;          /* gRPC's, with WHY */
	struct LIST(struct etcd_item) items;
};

enum { GRPC_PERMISSION_DENIED = 7, GRPC_UNAUTHENTICATED = 16 };

/* Reads one answer, or one line of a watch; memory is in A. -EBADMSG: it is none (err). */
int etcd_answer_read(const char *text, size_t size, struct arena *a, struct etcd_answer *out,
		     struct error *err);
