/* meta.c — the table of ObjectMeta; see meta.h. */
#include "api/meta.h"

#include "api/names.h"
#include "base/text.h"

static const struct field fields[] = {
	VALUE(object_meta, name, .check = name_dns_subdomain,
	      .doc = "The object's name, unique in its namespace."),
	VALUE(object_meta, generateName, .effect = REJECTED, .why = "needs an API server; give 'name'",
	      .doc = "A prefix for a generated name."),
	VALUE(object_meta, namespace, .check = name_dns_label, .fallback = "default",
	      .doc = "The scope of the name."),
	VALUE(object_meta, uid, .doc = "Set by Seapod: names this object for ever."),
	VALUE(object_meta, resourceVersion, .doc = "Kept; not used."),
	VALUE(object_meta, generation, .doc = "Kept; changes are not counted."),
	VALUE(object_meta, creationTimestamp, .doc = "Set by Seapod."),
	VALUE(object_meta, deletionTimestamp, .doc = "Set by Seapod when the object is being deleted."),
	VALUE(object_meta, deletionGracePeriodSeconds, .doc = "Set by Seapod with deletionTimestamp."),
	VALUE(object_meta, labels, .check = name_qualified, .check_value = name_label_value,
	      .doc = "Words to select objects by."),
	VALUE(object_meta, annotations, .check = name_qualified, .doc = "Free notes."),
	VALUE(object_meta, ownerReferences, .effect = NO_EFFECT, .why = "nothing owns a pod here",
	      .doc = "Owners."),
	VALUE(object_meta, finalizers, .effect = NO_EFFECT, .why = "there are no controllers here",
	      .doc = "Finalizers."),
	VALUE(object_meta, managedFields, .doc = "Kept; not used."),
	VALUE(object_meta, selfLink, .doc = "Kept; not used."),
};

const struct table object_meta_table = TABLE(object_meta, fields, "What every object has.");

const char *string_map_get(const struct string_map *map, const char *key)
{
	list_each(pair, map)
		if (text_is(pair->key, key))
			return pair->value;
	return NULL;
}
