/* encode.c — from a struct to a tree by its table; see field.h. */
#include <inttypes.h>
#include <stdio.h>

#include "object/field.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static struct node *encode_bytes(struct arena *a, const struct bytes *b)
{
	struct node *n = node_new(a, NODE_STRING);
	char *text = arena_alloc(a, (b->n + 2) / 3 * 4 + 1);
	const unsigned char *s = (const unsigned char *)b->at;

	n->text = text;
	for (size_t i = 0; i < b->n; i += 3) {
		uint32_t bits = (uint32_t)s[i] << 16 | (i + 1 < b->n ? (uint32_t)s[i + 1] << 8 : 0) |
				(i + 2 < b->n ? s[i + 2] : 0);
		*text++ = digits[bits >> 18];
		*text++ = digits[bits >> 12 & 63];
		*text++ = i + 1 < b->n ? digits[bits >> 6 & 63] : '=';
		*text++ = i + 2 < b->n ? digits[bits & 63] : '=';
	}
	n->size = (size_t)(text - n->text);
	return n;
}

static struct node *encode_string(struct arena *a, const char *s, bool keep)
{
	return s || keep ? node_string(a, s ? s : "") : NULL;
}

static struct node *encode_list(const struct field *f, const struct list *list, struct arena *a)
{
	struct node *n = node_new(a, NODE_LIST);

	for (size_t i = 0; i < list->n; i++) {
		if (f->type == FIELD_OBJECTS)
			node_append(a, n, object_encode(f->table, (const char *)list->at + i * f->size, a));
		else if (f->type == FIELD_STRINGS)
			node_append(a, n, node_string(a, ((const char **)list->at)[i]));
		else
			node_append(a, n, node_int(a, ((const int64_t *)list->at)[i]));
	}
	return list->n || f->keep ? n : NULL;
}

static struct node *encode_map(const struct field *f, const struct list *list, struct arena *a)
{
	struct node *n = node_new(a, NODE_MAP);

	for (size_t i = 0; i < list->n; i++) {
		struct node_pair *pair = list_add(a, &n->pairs);
		if (f->type == FIELD_STRING_MAP) {
			const struct string_pair *from = &((const struct string_pair *)list->at)[i];
			*pair = (struct node_pair){ .key = from->key, .value = node_string(a, from->value) };
		} else if (f->type == FIELD_QUANTITY_MAP) {
			const struct quantity_pair *from = &((const struct quantity_pair *)list->at)[i];
			*pair = (struct node_pair){ .key = from->key,
						    .value = node_string(a, from->value.text) };
		} else {
			const struct bytes_pair *from = &((const struct bytes_pair *)list->at)[i];
			*pair = (struct node_pair){ .key = from->key,
						    .value = encode_bytes(a, &from->value) };
		}
	}
	return list->n || f->keep ? n : NULL;
}

static struct node *encode_int_or_string(struct arena *a, const struct int_or_string *value)
{
	if (!value->set)
		return NULL;
	return value->text ? node_string(a, value->text) : node_int(a, value->number);
}

/* The tree of the member at AT; NULL when it is absent. */
static struct node *encode_value(const struct field *f, const char *at, struct arena *a)
{
	switch (f->type) {
	case FIELD_STRING:
		return encode_string(a, *(const char *const *)at, f->keep);
	case FIELD_BOOL:
		return *(const bool *)at || f->keep ? node_bool(a, *(const bool *)at) : NULL;
	case FIELD_OPTIONAL_BOOL: {
		const struct optional_bool *value = (const void *)at;
		return value->set ? node_bool(a, value->value) : NULL;
	}
	case FIELD_INT32:
		return *(const int32_t *)at || f->keep ? node_int(a, *(const int32_t *)at) : NULL;
	case FIELD_INT64:
		return *(const int64_t *)at || f->keep ? node_int(a, *(const int64_t *)at) : NULL;
	case FIELD_UINT64: {
		uint64_t value = *(const uint64_t *)at;
		struct node *n =
			value || f->keep ? node_int(a, value > INT64_MAX ? INT64_MAX : (int64_t)value) : NULL;
		if (n && value > INT64_MAX)
			n->text = arena_printf(a, "%" PRIu64, value);
		return n;
	}
	case FIELD_OPTIONAL_INT: {
		const struct optional_int *value = (const void *)at;
		return value->set ? node_int(a, value->value) : NULL;
	}
	case FIELD_INT_OR_STRING:
		return encode_int_or_string(a, (const void *)at);
	case FIELD_QUANTITY: {
		const struct quantity *q = (const void *)at;
		return q->set ? node_string(a, q->text) : NULL;
	}
	case FIELD_BYTES:
		return ((const struct bytes *)at)->at ? encode_bytes(a, (const void *)at) : NULL;
	case FIELD_STRINGS:
	case FIELD_INTS:
	case FIELD_OBJECTS:
		return encode_list(f, (const void *)at, a);
	case FIELD_STRING_MAP:
	case FIELD_QUANTITY_MAP:
	case FIELD_BYTES_MAP:
		return encode_map(f, (const void *)at, a);
	case FIELD_RAW:
		return *(struct node *const *)at;
	case FIELD_OBJECT: {
		struct node *n = object_encode(f->table, at, a);
		return n->pairs.n || f->keep ? n : NULL;
	}
	case FIELD_OPTIONAL: {
		const void *object = *(const void *const *)at;
		return object ? object_encode(f->table, object, a) : NULL;
	}
	}
	return NULL;
}

struct node *object_encode(const struct table *table, const void *object, struct arena *a)
{
	struct node *n = node_new(a, NODE_MAP);

	for (size_t i = 0; i < table->n; i++) {
		const struct field *f = &table->fields[i];
		struct node *value =
			f->effect == REJECTED ? NULL : encode_value(f, (const char *)object + f->offset, a);
		if (value)
			*list_add(a, &n->pairs) = (struct node_pair){ .key = f->name, .value = value };
	}
	return n;
}
