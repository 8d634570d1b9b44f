/* gateway.c — see gateway.h. */
#include "etcd/gateway.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "etcd/link.h"
#include "object/json.h"

/* --- base64 (RFC 4648 4) ------------------------------------------------------------------------------------------------ */

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void add_base64(struct text *out, const char *bytes, size_t n)
{
	const uint8_t *at = (const uint8_t *)bytes;

	for (; n; at += 3, n -= n < 3 ? n : 3) {
		uint32_t group =
			(uint32_t)at[0] << 16 | (n > 1 ? (uint32_t)at[1] << 8 : 0) | (n > 2 ? at[2] : 0);
		const char text[4] = { digits[group >> 18], digits[group >> 12 & 63],
				       n > 1 ? digits[group >> 6 & 63] : '=',
				       n > 2 ? digits[group & 63] : '=' };
		text_add_n(out, text, 4);
	}
}

/* False: it is not base64. */
static bool read_base64(const char *text, size_t n, struct arena *a, struct bytes *out)
{
	char *to = arena_alloc(a, n / 4 * 3 + 1);
	uint32_t group = 0;
	size_t size = 0, filled = 0;

	if (n % 4)
		return false;
	while (n && filled < 2 && text[n - 1] == '=') {
		n--;
		filled++;
	}
	for (size_t i = 0; i < n; i++) {
		const char *digit = text[i] ? strchr(digits, text[i]) : NULL;
		if (!digit)
			return false;
		group = group << 6 | (uint32_t)(digit - digits);
		if (i % 4 == 1)
			to[size++] = (char)(group >> 4);
		else if (i % 4 == 2)
			to[size++] = (char)(group >> 2);
		else if (i % 4 == 3)
			to[size++] = (char)group;
	}
	*out = (struct bytes){ to, size };
	return true;
}

/* --- requests ----------------------------------------------------------------------------------------------------------- */

static void add_bytes(struct text *out, const char *name, const char *bytes, size_t n)
{
	text_printf(out, "\"%s\":\"", name);
	add_base64(out, bytes, n);
	text_add(out, "\"");
}

/* The first key beyond all that begin with PREFIX, whose last byte is not 0xff. */
static void add_range_end(struct text *out, const char *prefix)
{
	char end[LINK_KEY_MAX];
	size_t n = strnlen(prefix, sizeof(end) - 1);

	memcpy(end, prefix, n);
	end[n - 1]++;
	text_add(out, ",");
	add_bytes(out, "range_end", end, n);
}

void request_range(struct text *out, const char *prefix, const struct bytes *from, int64_t revision,
		   unsigned limit)
{
	text_add(out, "{");
	add_bytes(out, "key", from ? from->at : prefix, from ? from->n : strlen(prefix));
	add_range_end(out, prefix);
	text_printf(out, ",\"limit\":\"%u\",\"revision\":\"%" PRId64 "\"}", limit, revision);
}

void request_ping(struct text *out, const char *prefix)
{
	text_add(out, "{");
	add_bytes(out, "key", prefix, strlen(prefix));
	text_add(out, ",\"count_only\":true}");
}

void request_watch(struct text *out, const char *prefix, int64_t revision)
{
	text_add(out, "{\"create_request\":{");
	add_bytes(out, "key", prefix, strlen(prefix));
	add_range_end(out, prefix);
	text_printf(out, ",\"start_revision\":\"%" PRId64 "\"}}", revision);
}

void request_login(struct text *out, const char *user, const char *password)
{
	struct arena *a = arena_new();
	struct node *n = node_new(a, NODE_MAP);

	node_put(a, n, "name", node_string(a, user));
	node_put(a, n, "password", node_string(a, password));
	node_to_json(n, false, out);
	arena_free(a);
}

void request_grant(struct text *out, int64_t ttl_s)
{
	text_printf(out, "{\"TTL\":\"%" PRId64 "\"}", ttl_s);
}

void request_lease(struct text *out, int64_t lease)
{
	text_printf(out, "{\"ID\":\"%" PRId64 "\"}", lease);
}

void request_txn_begin(struct text *out)
{
	text_add(out, "{\"success\":[");
}

static void add_operation(struct text *out, const char *name, const char *key)
{
	text_printf(out, "%s{\"%s\":{", out->at[out->n - 1] == '[' ? "" : ",", name);
	add_bytes(out, "key", key, strlen(key));
}

void request_txn_put(struct text *out, const char *key, const char *value, int64_t lease)
{
	add_operation(out, "request_put", key);
	text_add(out, ",");
	add_bytes(out, "value", value, strlen(value));
	text_printf(out, ",\"lease\":\"%" PRId64 "\"}}", lease);
}

void request_txn_delete(struct text *out, const char *key)
{
	add_operation(out, "request_delete_range", key);
	text_add(out, "}}");
}

void request_txn_end(struct text *out)
{
	text_add(out, "]}");
}

/* --- answers ------------------------------------------------------------------------------------------------------------ */

/* A 64-bit number is written as a string, one of 32 bits as a number. */
static int64_t get_number(const struct node *n, const char *key)
{
	const struct node *value = node_get(n, key);

	if (value && value->kind == NODE_INT)
		return value->integer;
	return value && value->kind == NODE_STRING ? strtoll(value->text, NULL, 10) : 0;
}

static bool get_bool(const struct node *n, const char *key)
{
	const struct node *value = node_get(n, key);
	return value && value->kind == NODE_BOOL && value->boolean;
}

static bool get_bytes(const struct node *n, const char *key, struct arena *a, struct bytes *out)
{
	const struct node *value = node_get(n, key);

	*out = (struct bytes){ "", 0 };
	return !value || (value->kind == NODE_STRING && read_base64(value->text, value->size, a, out));
}

static int add_item(const struct node *kv, bool deleted, struct arena *a, struct etcd_answer *out)
{
	struct etcd_item item = { .deleted = deleted, .lease = get_number(kv, "lease") };

	if (!get_bytes(kv, "key", a, &item.key) || !get_bytes(kv, "value", a, &item.value))
		return -EBADMSG;
	out->last = item.key;
	if (item.key.n == 0 || item.key.n > LINK_KEY_MAX)
		return 0;
	if (item.value.n > LINK_VALUE_MAX) /* as one that says nothing: who reads it complains */
		item.value = (struct bytes){ "", 0 };
	*list_add(a, &out->items) = item;
	return 0;
}

static int read_items(const struct node *n, struct arena *a, struct etcd_answer *out)
{
	const struct node *kvs = node_get(n, "kvs"), *events = node_get(n, "events");
	int r = 0;

	if (kvs && kvs->kind == NODE_LIST)
		for (size_t i = 0; r == 0 && i < kvs->items.n; i++)
			r = add_item(kvs->items.at[i], false, a, out);
	if (events && events->kind == NODE_LIST)
		for (size_t i = 0; r == 0 && i < events->items.n; i++)
			r = add_item(node_get(events->items.at[i], "kv"),
				     text_is(node_get_string(events->items.at[i], "type"), "DELETE"), a, out);
	return r;
}

/* {"error": "…", "code": 3}, and of a stream {"error": {"message": "…", "grpc_code": 3}}. */
static void read_error(const struct node *n, struct etcd_answer *out)
{
	const struct node *e = node_get(n, "error");

	if (!e)
		return;
	const struct node *from = e->kind == NODE_MAP ? e : n;
	out->why = node_get_string(from, "message");
	out->code = (int)(get_number(from, "grpc_code") ? get_number(from, "grpc_code")
							: get_number(from, "code"));
	if (!out->why)
		out->why = e->kind == NODE_STRING ? e->text : "an error without a message";
}

int etcd_answer_read(const char *text, size_t size, struct arena *a, struct etcd_answer *out,
		     struct error *err)
{
	const struct node *n = node_from_json(a, text, size, NULL);

	*out = (struct etcd_answer){};
	if (!n || n->kind != NODE_MAP)
		return error_set(
			err, EBADMSG,
			"what answers is not etcd's API version 3 (%zu bytes that are no JSON object)", size);
	read_error(n, out);
	const struct node *result = node_get(n, "result");
	if (result && result->kind == NODE_MAP)
		n = result;
	out->revision = get_number(node_get(n, "header"), "revision");
	out->id = get_number(n, "ID");
	out->ttl = get_number(n, "TTL");
	out->compacted = get_number(n, "compact_revision");
	out->more = get_bool(n, "more");
	out->created = get_bool(n, "created");
	out->canceled = get_bool(n, "canceled");
	out->token = node_get_string(n, "token");
	if (out->canceled && !out->why)
		out->why = node_get_string(n, "cancel_reason");
	return read_items(n, a, out) < 0
		       ? error_set(err, EBADMSG,
				   "what answers is not etcd's API version 3 (a key or value is no base64)")
		       : 0;
}
