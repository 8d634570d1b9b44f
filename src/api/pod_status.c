/* pod_status.c — the tables of a pod's status; see pod.h. They are written by Seapod, and ignored when a manifest has them. */
#include "api/pod.h"

static const struct field condition_fields[] = {
	VALUE(pod_condition, type),
	VALUE(pod_condition, status),
	VALUE(pod_condition, reason),
	VALUE(pod_condition, message),
	VALUE(pod_condition, lastProbeTime),
	VALUE(pod_condition, lastTransitionTime),
	VALUE(pod_condition, observedGeneration),
};
static const struct table condition_table = TABLE(pod_condition, condition_fields, "A condition.");

static const struct field waiting_fields[] = { VALUE(state_waiting, reason), VALUE(state_waiting, message) };
static const struct table waiting_table = TABLE(state_waiting, waiting_fields, "It waits.");

static const struct field running_fields[] = { VALUE(state_running, startedAt) };
static const struct table running_table = TABLE(state_running, running_fields, "It runs.");

static const struct field terminated_fields[] = {
	VALUE(state_terminated, exitCode, .keep = true),
	VALUE(state_terminated, signal),
	VALUE(state_terminated, reason),
	VALUE(state_terminated, message),
	VALUE(state_terminated, startedAt),
	VALUE(state_terminated, finishedAt),
	VALUE(state_terminated, containerID),
};
static const struct table terminated_table = TABLE(state_terminated, terminated_fields, "It has ended.");

static const struct field state_fields[] = {
	OPTIONAL(container_state_status, waiting, waiting_table),
	OPTIONAL(container_state_status, running, running_table),
	OPTIONAL(container_state_status, terminated, terminated_table),
};
static const struct table state_table = TABLE(container_state_status, state_fields, "One of three.");

static const struct field linux_user_fields[] = {
	VALUE(linux_user, uid, .keep = true),
	VALUE(linux_user, gid, .keep = true),
	VALUE(linux_user, supplementalGroups),
};
static const struct table linux_user_table = TABLE(linux_user, linux_user_fields, "Ids.");

static const struct field user_fields[] = {
	{ .name = "linux",
	  .type = FIELD_OPTIONAL,
	  .offset = offsetof(struct container_user, linux_),
	  .size = sizeof(struct linux_user),
	  .table = &linux_user_table },
};
static const struct table user_table = TABLE(container_user, user_fields, "Who its first process is.");

static const struct field container_fields[] = {
	VALUE(container_status, name),
	OBJECT(container_status, state, state_table),
	OBJECT(container_status, lastState, state_table, .keep = true),
	VALUE(container_status, ready, .keep = true),
	VALUE(container_status, restartCount, .keep = true),
	VALUE(container_status, image),
	VALUE(container_status, imageID, .keep = true),
	VALUE(container_status, containerID),
	VALUE(container_status, started),
	VALUE(container_status, allocatedResources),
	OPTIONAL(container_status, resources, resource_requirements_table),
	VALUE(container_status, volumeMounts),
	OPTIONAL(container_status, user, user_table),
	VALUE(container_status, stopSignal),
	VALUE(container_status, allocatedResourcesStatus),
};
static const struct table container_status_table = TABLE(container_status, container_fields, "A container.");

static const struct field ip_fields[] = { VALUE(ip_status, ip) };
static const struct table ip_table = TABLE(ip_status, ip_fields, "An address.");

static const struct field status_fields[] = {
	VALUE(pod_status, observedGeneration),
	VALUE(pod_status, phase, .doc = "Pending, Running, Succeeded, Failed."),
	OBJECTS(pod_status, conditions, condition_table),
	VALUE(pod_status, message),
	VALUE(pod_status, reason),
	VALUE(pod_status, nominatedNodeName),
	VALUE(pod_status, hostIP),
	OBJECTS(pod_status, hostIPs, ip_table),
	VALUE(pod_status, podIP),
	OBJECTS(pod_status, podIPs, ip_table),
	VALUE(pod_status, startTime),
	OBJECTS(pod_status, initContainerStatuses, container_status_table),
	OBJECTS(pod_status, containerStatuses, container_status_table),
	VALUE(pod_status, qosClass),
	OBJECTS(pod_status, ephemeralContainerStatuses, container_status_table),
	VALUE(pod_status, resize),
	VALUE(pod_status, resourceClaimStatuses),
	VALUE(pod_status, extendedResourceClaimStatus),
	VALUE(pod_status, allocatedResources),
	OPTIONAL(pod_status, resources, resource_requirements_table),
};
const struct table pod_status_table = TABLE(pod_status, status_fields, "What the pod is now.");
