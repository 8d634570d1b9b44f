/* pod_scheduling.c — what places a pod on a cluster's nodes: checked for typing errors, kept, without effect here; see pod.h.
 */
#include "api/names.h"
#include "api/pod.h"

static const struct field expression_fields[] = {
	CHECKED("key", FIELD_STRING, .required = true),
	CHECKED("operator", FIELD_STRING, .required = true, .values = "In|NotIn|Exists|DoesNotExist|Gt|Lt"),
	CHECKED("values", FIELD_STRINGS),
};
static const struct table expression_table = CHECKED_TABLE("Requirement", expression_fields, "A condition.");

#define EXPRESSIONS(name) CHECKED(name, FIELD_OBJECTS, .table = &expression_table)

static const struct field selector_fields[] = { CHECKED("matchLabels", FIELD_STRING_MAP),
						EXPRESSIONS("matchExpressions") };
static const struct table selector_table =
	CHECKED_TABLE("LabelSelector", selector_fields, "Selects by labels.");

static const struct field node_term_fields[] = { EXPRESSIONS("matchExpressions"),
						 EXPRESSIONS("matchFields") };
static const struct table node_term_table =
	CHECKED_TABLE("NodeSelectorTerm", node_term_fields, "Selects nodes.");

static const struct field node_selector_fields[] = {
	CHECKED("nodeSelectorTerms", FIELD_OBJECTS, .table = &node_term_table, .required = true),
};
static const struct table node_selector_table =
	CHECKED_TABLE("NodeSelector", node_selector_fields, "Selects nodes.");

static const struct field preferred_node_fields[] = {
	CHECKED("weight", FIELD_INT32, .required = true, .min = 1, .max = 100),
	CHECKED("preference", FIELD_OBJECT, .table = &node_term_table, .required = true),
};
static const struct table preferred_node_table =
	CHECKED_TABLE("PreferredSchedulingTerm", preferred_node_fields, "A wish.");

static const struct field node_affinity_fields[] = {
	CHECKED("requiredDuringSchedulingIgnoredDuringExecution", FIELD_OBJECT,
		.table = &node_selector_table),
	CHECKED("preferredDuringSchedulingIgnoredDuringExecution", FIELD_OBJECTS,
		.table = &preferred_node_table),
};
static const struct table node_affinity_table =
	CHECKED_TABLE("NodeAffinity", node_affinity_fields, "Affinity to nodes.");

static const struct field pod_term_fields[] = {
	CHECKED("labelSelector", FIELD_OBJECT, .table = &selector_table),
	CHECKED("namespaceSelector", FIELD_OBJECT, .table = &selector_table),
	CHECKED("namespaces", FIELD_STRINGS),
	CHECKED("topologyKey", FIELD_STRING, .required = true),
	CHECKED("matchLabelKeys", FIELD_STRINGS),
	CHECKED("mismatchLabelKeys", FIELD_STRINGS),
};
static const struct table pod_term_table = CHECKED_TABLE("PodAffinityTerm", pod_term_fields, "Selects pods.");

static const struct field weighted_pod_fields[] = {
	CHECKED("weight", FIELD_INT32, .required = true, .min = 1, .max = 100),
	CHECKED("podAffinityTerm", FIELD_OBJECT, .table = &pod_term_table, .required = true),
};
static const struct table weighted_pod_table =
	CHECKED_TABLE("WeightedPodAffinityTerm", weighted_pod_fields, "A wish.");

static const struct field pod_affinity_fields[] = {
	CHECKED("requiredDuringSchedulingIgnoredDuringExecution", FIELD_OBJECTS, .table = &pod_term_table),
	CHECKED("preferredDuringSchedulingIgnoredDuringExecution", FIELD_OBJECTS,
		.table = &weighted_pod_table),
};
static const struct table pod_affinity_table =
	CHECKED_TABLE("PodAffinity", pod_affinity_fields, "Affinity to pods.");

static const struct field affinity_fields[] = {
	CHECKED("nodeAffinity", FIELD_OBJECT, .table = &node_affinity_table),
	CHECKED("podAffinity", FIELD_OBJECT, .table = &pod_affinity_table),
	CHECKED("podAntiAffinity", FIELD_OBJECT, .table = &pod_affinity_table),
};
const struct table affinity_table =
	CHECKED_TABLE("Affinity", affinity_fields, "Where a scheduler would like the pod.");

static const struct field toleration_fields[] = {
	CHECKED("key", FIELD_STRING),
	CHECKED("operator", FIELD_STRING, .values = "Exists|Equal|Lt|Gt"),
	CHECKED("value", FIELD_STRING),
	CHECKED("effect", FIELD_STRING, .values = "|NoSchedule|PreferNoSchedule|NoExecute"),
	CHECKED("tolerationSeconds", FIELD_INT64),
};
const struct table toleration_table =
	CHECKED_TABLE("Toleration", toleration_fields, "A taint that is tolerated.");

static const struct field spread_fields[] = {
	CHECKED("maxSkew", FIELD_INT32, .required = true, .min = 1, .max = INT32_MAX),
	CHECKED("topologyKey", FIELD_STRING, .required = true),
	CHECKED("whenUnsatisfiable", FIELD_STRING, .required = true,
		.values = "DoNotSchedule|ScheduleAnyway"),
	CHECKED("labelSelector", FIELD_OBJECT, .table = &selector_table),
	CHECKED("minDomains", FIELD_INT32),
	CHECKED("nodeAffinityPolicy", FIELD_STRING, .values = "Honor|Ignore"),
	CHECKED("nodeTaintsPolicy", FIELD_STRING, .values = "Honor|Ignore"),
	CHECKED("matchLabelKeys", FIELD_STRINGS),
};
const struct table topology_spread_table =
	CHECKED_TABLE("TopologySpreadConstraint", spread_fields, "Spreading over nodes.");

static const struct field gate_fields[] = { CHECKED("name", FIELD_STRING, .required = true,
						    .check = name_qualified) };
const struct table scheduling_gate_table = CHECKED_TABLE("PodSchedulingGate", gate_fields, "A gate.");
