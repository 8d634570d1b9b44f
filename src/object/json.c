/* json.c — see json.h. */
#include "object/json.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <math.h>

static struct node *convert(struct arena *a, json_object *value)
{
	switch (json_object_get_type(value)) {
	case json_type_boolean:
		return node_bool(a, json_object_get_boolean(value));
	case json_type_int: {
		struct node *n = node_int(a, json_object_get_int64(value));
		uint64_t large = json_object_get_uint64(value);
		if (large > INT64_MAX) /* only FIELD_UINT64 can hold it */
			n->text = arena_printf(a, "%" PRIu64, large);
		return n;
	}
	case json_type_double: {
		if (!isfinite(json_object_get_double(value)))
			return node_new(a, NODE_NULL); /* NaN is not JSON, but json-c reads it */
		struct node *n = node_new(a, NODE_FLOAT);
		n->number = json_object_get_double(value);
		n->text = arena_strdup(a, json_object_to_json_string(value));
		return n;
	}
	case json_type_string: {
		struct node *n = node_new(a, NODE_STRING);
		n->size = (size_t)json_object_get_string_len(value);
		n->text = arena_strndup(a, json_object_get_string(value), n->size);
		return n;
	}
	case json_type_array: {
		struct node *n = node_new(a, NODE_LIST);
		for (size_t i = 0; i < json_object_array_length(value); i++)
			node_append(a, n, convert(a, json_object_array_get_idx(value, i)));
		return n;
	}
	case json_type_object: {
		struct node *n = node_new(a, NODE_MAP);
		json_object_object_foreach(value, key, child)
		{
			struct node_pair *pair = list_add(a, &n->pairs);
			pair->key = arena_strdup(a, key);
			pair->value = convert(a, child);
		}
		return n;
	}
	default:
		return node_new(a, NODE_NULL);
	}
}

struct node *node_from_json(struct arena *a, const char *text, size_t size, struct error *err)
{
	if (size > NODE_BYTES_MAX) {
		error_set(err, EFBIG, "the JSON text has %zu bytes; at most %d are read", size,
			  NODE_BYTES_MAX);
		return NULL;
	}
	json_tokener *tokener = json_tokener_new_ex(NODE_DEPTH_MAX);
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	json_object *value = json_tokener_parse_ex(tokener, text, (int)size);
	enum json_tokener_error why = json_tokener_get_error(tokener);
	size_t end = json_tokener_get_parse_end(tokener);
	if (why == json_tokener_continue) { /* a number at the very end is not known to be whole yet */
		value = json_tokener_parse_ex(tokener, "\n", 1);
		why = json_tokener_get_error(tokener);
	}
	while (why == json_tokener_success && end < size && strchr(" \t\r\n", text[end]) && text[end])
		end++;

	struct node *n = NULL;
	if (why != json_tokener_success)
		error_set(err, EINVAL, "not JSON: %s at byte %zu", json_tokener_error_desc(why), end);
	else if (end < size)
		error_set(err, EINVAL, "not JSON: more text after the end at byte %zu", end);
	else
		n = convert(a, value);
	json_object_put(value);
	json_tokener_free(tokener);
	return n;
}
