/* meta.h — ObjectMeta: what every Kubernetes object has (apimachinery meta/v1 types.go).
 */
#pragma once

#include "object/field.h"

struct object_meta {
	const char *name;
	const char *generateName;
	const char *namespace;
	const char *uid;
	const char *resourceVersion;
	int64_t generation;
	const char *creationTimestamp;
	const char *deletionTimestamp;
	struct optional_int deletionGracePeriodSeconds;
	struct string_map labels;
	struct string_map annotations;
	struct node *ownerReferences;
	struct strings finalizers;
	struct node *managedFields;
	const char *selfLink;
};

extern const struct table object_meta_table;

/* The value of KEY or NULL. */
const char *string_map_get(const struct string_map *map, const char *key);
