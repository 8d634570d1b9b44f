/* event.c — see event.h. */
#include "api/event.h"

static const struct field reference_fields[] = {
	VALUE(object_reference, kind),       VALUE(object_reference, namespace),
	VALUE(object_reference, name),       VALUE(object_reference, uid),
	VALUE(object_reference, apiVersion), VALUE(object_reference, fieldPath),
};
static const struct table reference_table =
	TABLE(object_reference, reference_fields, "What an event is about.");

static const struct field source_fields[] = { VALUE(event_source, component), VALUE(event_source, host) };
static const struct table source_table = TABLE(event_source, source_fields, "Who tells of it.");

static const struct field event_fields[] = {
	VALUE(event, apiVersion),
	VALUE(event, kind),
	OBJECT(event, metadata, object_meta_table),
	OBJECT(event, involvedObject, reference_table),
	VALUE(event, reason),
	VALUE(event, message),
	VALUE(event, type),
	OBJECT(event, source, source_table),
	VALUE(event, firstTimestamp),
	VALUE(event, lastTimestamp),
	VALUE(event, count),
	VALUE(event, reportingComponent),
	VALUE(event, reportingInstance, .keep = true),
};
const struct table event_table = TABLE(event, event_fields, "What happened.");

static const struct field list_fields[] = { VALUE(event_list, apiVersion), VALUE(event_list, kind),
					    OBJECTS(event_list, items, event_table) };
const struct table event_list_table = TABLE(event_list, list_fields, "What happened to a pod.");
