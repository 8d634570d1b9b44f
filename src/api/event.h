/* event.h — core/v1 Event: what happened to an object, how often, and when last.
 *
 * As Kubernetes keeps them: what happens again is counted, not repeated (client-go tools/record EventCorrelator).
 */
#pragma once

#include "api/meta.h"

struct object_reference {
	const char *kind, *namespace, *name, *uid, *apiVersion, *fieldPath;
};

struct event_source {
	const char *component, *host;
};

struct event {
	const char *apiVersion, *kind;
	struct object_meta metadata;
	struct object_reference involvedObject;
	const char *reason, *message, *type; /* type: Normal, Warning */
	struct event_source source;
	const char *firstTimestamp, *lastTimestamp;
	int32_t count;
	const char *reportingComponent, *reportingInstance;
};

/* What a pod's events.json has. */
struct event_list {
	const char *apiVersion, *kind;
	struct LIST(struct event) items;
};

extern const struct table event_table, event_list_table;
