/* sky_record.c — see sky_record.h. */
#include "dns/sky_record.h"

#include <arpa/inet.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "object/json.h"

enum { GROUP_MAX = 255, TTL_MAX = 7 * 86400, STRIP_MAX = 127 };

/* What was read, before it gets its block. */
struct reading {
	struct sky_record record;
	knot_dname_storage_t target;
	const struct node *host, *text, *group;
};

static const struct {
	const char *name;
	long most;
} numbers[] = {
	{ "port", 65535 },  { "priority", 65535 },        { "weight", 65535 },
	{ "ttl", TTL_MAX }, { "targetstrip", STRIP_MAX },
};
enum { PORT, PRIORITY, WEIGHT, TTL, STRIP, NUMBERS };

static int read_numbers(const struct node *n, long out[static NUMBERS], struct error *err)
{
	for (int i = 0; i < NUMBERS; i++) {
		const struct node *value = node_get(n, numbers[i].name);
		out[i] = 0;
		if (!value || value->kind == NODE_NULL)
			continue;
		if (value->kind != NODE_INT || value->integer < 0 || value->integer > numbers[i].most)
			return error_set(err, EINVAL, "\"%s\" is no number from 0 to %ld", numbers[i].name,
					 numbers[i].most);
		out[i] = (long)value->integer;
	}
	return 0;
}

/* A string without NUL of at most MOST bytes; *OUT NULL: there is none, or an empty one. */
static int read_string(const struct node *n, const char *name, size_t most, const struct node **out,
		       struct error *err)
{
	const struct node *value = node_get(n, name);

	*out = NULL;
	if (!value || value->kind == NODE_NULL)
		return 0;
	if (value->kind != NODE_STRING)
		return error_set(err, EINVAL, "\"%s\" is no text", name);
	if (value->size > most)
		return error_set(err, EINVAL, "\"%s\" has %zu bytes, more than %zu", name, value->size, most);
	if (strlen(value->text) != value->size)
		return error_set(err, EINVAL, "\"%s\" has a zero byte", name);
	if (value->size)
		*out = value;
	return 0;
}

static int read_host(struct reading *r, struct error *err)
{
	struct address *a = &r->record.address;

	if (!r->host)
		return 0;
	if (inet_pton(AF_INET, r->host->text, a->bytes) == 1)
		a->family = AF_INET;
	else if (inet_pton(AF_INET6, r->host->text, a->bytes) == 1)
		a->family = AF_INET6;
	else if (!name_parse(r->host->text, r->target))
		return error_set(err, EINVAL, "\"host\" is neither an address nor a name");
	return 0;
}

static int read_fields(struct reading *r, const struct node *n, bool leased, struct error *err)
{
	const struct node *mail = node_get(n, "mail");
	long number[NUMBERS];
	int result;

	if ((result = read_numbers(n, number, err)) < 0 ||
	    (result = read_string(n, "host", KNOT_DNAME_TXT_MAXLEN, &r->host, err)) < 0 ||
	    (result = read_string(n, "text", SKY_TEXT_MAX, &r->text, err)) < 0 ||
	    (result = read_string(n, "group", GROUP_MAX, &r->group, err)) < 0 ||
	    (result = read_host(r, err)) < 0)
		return result;
	if (mail && mail->kind != NODE_BOOL && mail->kind != NODE_NULL)
		return error_set(err, EINVAL, "\"mail\" is neither true nor false");
	struct sky_record *record = &r->record;
	record->mail = mail && mail->kind == NODE_BOOL && mail->boolean;
	record->port = (uint16_t)number[PORT];
	record->priority = (uint16_t)(number[PRIORITY] ? number[PRIORITY] : SKY_PRIORITY);
	record->weight = (uint16_t)number[WEIGHT];
	record->ttl = (uint32_t)(number[TTL] ? number[TTL] : SKY_TTL);
	record->targetstrip = (uint8_t)number[STRIP];
	if (leased && record->ttl > SKY_LEASED_TTL)
		record->ttl = SKY_LEASED_TTL;
	return 0;
}

static struct sky_record *keep(const struct reading *r)
{
	size_t n_target = r->host && !r->record.address.family ? knot_dname_size(r->target) : 0,
	       n_text = r->text ? r->text->size : 0, n_group = r->group ? r->group->size + 1 : 0;
	size_t size = sizeof(struct sky_record) + n_target + n_text + n_group;
	struct sky_record *record = memory_new(1, size);
	char *at = (char *)(record + 1);

	*record = r->record;
	record->n_bytes = size;
	record->n_text = n_text;
	if (n_target)
		record->target = memcpy(at, r->target, n_target);
	if (n_text)
		record->text = memcpy(at + n_target, r->text->text, n_text);
	if (n_group)
		record->group = memcpy(at + n_target + n_text, r->group->text, n_group);
	return record;
}

struct sky_record *sky_record_read(const char *json, size_t n, bool leased, struct error *err)
{
	_cleanup_arena_ struct arena *a = arena_new();
	struct reading r = {};
	const struct node *root = n ? node_from_json(a, json, n, err) : NULL;

	if (!n)
		error_set(err, EINVAL, "it is empty, or far too long");
	else if (root && root->kind != NODE_MAP)
		error_set(err, EINVAL, "it is no JSON object");
	if (!root || root->kind != NODE_MAP || read_fields(&r, root, leased, err) < 0)
		return NULL;
	return keep(&r);
}

char *sky_record_write(struct arena *a, const struct address *host, uint16_t port, uint32_t ttl)
{
	char text[ADDRESS_TEXT_SIZE];

	address_text(host, text);
	return port ? arena_printf(a, "{\"host\":\"%s\",\"port\":%u,\"ttl\":%u}", text, port, ttl)
		    : arena_printf(a, "{\"host\":\"%s\",\"ttl\":%u}", text, ttl);
}
