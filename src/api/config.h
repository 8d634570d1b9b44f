/* config.h — ConfigMap and Secret: data that pods refer to (core/v1 types.go).
 */
#pragma once

#include "api/meta.h"

struct config_map {
	const char *apiVersion, *kind;
	struct object_meta metadata;
	struct optional_bool immutable;
	struct string_map data;
	struct bytes_map binaryData;
};

struct secret {
	const char *apiVersion, *kind;
	struct object_meta metadata;
	struct optional_bool immutable;
	struct bytes_map data;
	struct string_map stringData; /* only read: moved into data */
	const char *type;
};

extern const struct table config_map_table;
extern const struct table secret_table;

/* The rules between fields: the name is there; at most 1 MiB of data (core/v1 MaxSecretSize); no key in both data and binaryData.
 * True if no error was added. */
bool config_map_validate(const struct config_map *c, struct problems *problems);
bool secret_validate(const struct secret *s, struct problems *problems);

/* Moves stringData into data, as the API server does. */
void secret_settle(struct secret *s, struct arena *a);
