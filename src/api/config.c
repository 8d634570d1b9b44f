/* config.c — the tables of ConfigMap and Secret; see config.h. */
#include "api/config.h"

#include "api/names.h"
#include "base/text.h"

static const struct field config_map_fields[] = {
	VALUE(config_map, apiVersion, .required = true, .values = "v1"),
	VALUE(config_map, kind, .required = true),
	OBJECT(config_map, metadata, object_meta_table, .required = true),
	VALUE(config_map, immutable, .doc = "true: the data may not be changed any more."),
	VALUE(config_map, data, .check = name_config_key, .doc = "Text by key."),
	VALUE(config_map, binaryData, .check = name_config_key, .doc = "Bytes (base64) by key."),
};

const struct table config_map_table = TABLE(config_map, config_map_fields, "Data for pods, not secret.");

static const struct field secret_fields[] = {
	VALUE(secret, apiVersion, .required = true, .values = "v1"),
	VALUE(secret, kind, .required = true),
	OBJECT(secret, metadata, object_meta_table, .required = true),
	VALUE(secret, immutable, .doc = "true: the data may not be changed any more."),
	VALUE(secret, data, .check = name_config_key, .doc = "Bytes (base64) by key."),
	VALUE(secret, stringData, .check = name_config_key, .doc = "Plain text by key; becomes data."),
	VALUE(secret, type, .fallback = "Opaque", .doc = "What the data is for."),
};

const struct table secret_table = TABLE(secret, secret_fields, "Data for pods that only they may see.");

enum { DATA_BYTES_MAX = 1024 * 1024 };

static bool check_common(const struct object_meta *meta, size_t bytes, struct problems *p)
{
	if (text_empty(meta->name))
		problem_error(p, 0, 0, "metadata", "the field 'name' is missing");
	if (bytes > DATA_BYTES_MAX)
		problem_error(p, 0, 0, "data", "%zu bytes are more than one object may hold (1 MiB)", bytes);
	return !text_empty(meta->name) && bytes <= DATA_BYTES_MAX;
}

bool config_map_validate(const struct config_map *c, struct problems *problems)
{
	size_t bytes = 0, before = problems->errors.n + problems->more;

	list_each(pair, &c->data)
		bytes += strlen(pair->key) + strlen(pair->value);
	list_each(pair, &c->binaryData)
		bytes += strlen(pair->key) + pair->value.n;
	if (!check_common(&c->metadata, bytes, problems))
		return false;
	list_each(pair, &c->binaryData)
		if (string_map_get(&c->data, pair->key))
			problem_error(problems, 0, 0, "binaryData", "the key '%s' is also in data",
				      pair->key);
	return problems->errors.n + problems->more == before;
}

bool secret_validate(const struct secret *s, struct problems *problems)
{
	size_t bytes = 0;

	list_each(pair, &s->data)
		bytes += strlen(pair->key) + pair->value.n;
	return check_common(&s->metadata, bytes, problems);
}

void secret_settle(struct secret *s, struct arena *a)
{
	list_each(from, &s->stringData) {
		struct bytes_pair *to = NULL;
		list_each(have, &s->data)
			if (text_is(have->key, from->key))
				to = have;
		if (!to)
			to = list_add(a, &s->data);
		*to = (struct bytes_pair){ from->key, { from->value, strlen(from->value) } };
	}
	s->stringData.n = 0;
}
