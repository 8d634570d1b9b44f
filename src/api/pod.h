/* pod.h — the Pod: everything that core/v1 types.go has in PodSpec and PodStatus, in Kubernetes' own names.
 *
 * The tables (pod.c, pod_container.c, pod_volume.c, pod_security.c, pod_status.c) say of each field what it means and what
 * Seapod does with it. What has no effect on one machine is kept as a tree (struct node *) and checked all the same.
 */
#pragma once

#include "api/claim.h"
#include "api/meta.h"

/* --- security --------------------------------------------------------------------------------------------------- */

struct capabilities {
	struct strings add, drop;
};

struct seccomp_profile {
	const char *type; /* RuntimeDefault, Localhost, Unconfined */
	const char *localhostProfile;
};

struct app_armor_profile {
	const char *type;
	const char *localhostProfile;
};

struct sysctl {
	const char *name, *value;
};

struct pod_security_context {
	struct optional_int runAsUser, runAsGroup, fsGroup;
	struct optional_bool runAsNonRoot;
	struct ints supplementalGroups;
	const char *supplementalGroupsPolicy; /* Merge, Strict */
	const char *fsGroupChangePolicy;      /* Always, OnRootMismatch */
	struct LIST(struct sysctl) sysctls;
	struct seccomp_profile *seccompProfile;
	struct app_armor_profile *appArmorProfile;
	struct node *seLinuxOptions;
	const char *seLinuxChangePolicy;
	struct node *windowsOptions;
};

struct security_context {
	struct optional_int runAsUser, runAsGroup;
	struct optional_bool runAsNonRoot, privileged, allowPrivilegeEscalation, readOnlyRootFilesystem;
	struct capabilities *capabilities;
	const char *procMount;
	struct seccomp_profile *seccompProfile;
	struct app_armor_profile *appArmorProfile;
	struct node *seLinuxOptions;
	struct node *windowsOptions;
};

/* --- where values come from --------------------------------------------------------------------------------------- */

struct object_field_selector {
	const char *apiVersion, *fieldPath;
};

struct resource_field_selector {
	const char *containerName, *resource;
	struct quantity divisor;
};

struct key_selector { /* ConfigMapKeySelector, SecretKeySelector */
	const char *name, *key;
	struct optional_bool optional;
};

struct file_key_selector {
	const char *volumeName, *path, *key;
	struct optional_bool optional;
};

struct env_var_source {
	struct object_field_selector *fieldRef;
	struct resource_field_selector *resourceFieldRef;
	struct key_selector *configMapKeyRef, *secretKeyRef;
	struct file_key_selector *fileKeyRef;
};

struct env_var {
	const char *name, *value;
	struct env_var_source *valueFrom;
};

struct env_source { /* ConfigMapEnvSource, SecretEnvSource */
	const char *name;
	struct optional_bool optional;
};

struct env_from_source {
	const char *prefix;
	struct env_source *configMapRef, *secretRef;
};

/* --- volumes ------------------------------------------------------------------------------------------------------ */

struct key_to_path {
	const char *key, *path;
	struct optional_int mode, user;
};

struct empty_dir_volume {
	const char *medium; /* "", Memory, HugePages… */
	struct optional_int mode;
	struct quantity sizeLimit;
};

struct host_path_volume {
	const char *path, *type;
};

struct config_map_volume {
	const char *name;
	struct LIST(struct key_to_path) items;
	struct optional_int defaultMode, defaultUser;
	struct optional_bool optional;
};

struct secret_volume {
	const char *secretName;
	struct LIST(struct key_to_path) items;
	struct optional_int defaultMode, defaultUser;
	struct optional_bool optional;
};

struct downward_api_file {
	const char *path;
	struct object_field_selector *fieldRef;
	struct resource_field_selector *resourceFieldRef;
	struct optional_int mode, user;
};

struct downward_api_volume {
	struct LIST(struct downward_api_file) items;
	struct optional_int defaultMode, defaultUser;
};

struct named_projection { /* ConfigMapProjection, SecretProjection */
	const char *name;
	struct LIST(struct key_to_path) items;
	struct optional_bool optional;
};

struct downward_api_projection {
	struct LIST(struct downward_api_file) items;
};

struct volume_projection {
	struct named_projection *configMap, *secret;
	struct downward_api_projection *downwardAPI;
	struct node *serviceAccountToken, *clusterTrustBundle, *podCertificate;
};

struct projected_volume {
	struct LIST(struct volume_projection) sources;
	struct optional_int defaultMode, defaultUser;
};

struct claim_volume { /* PersistentVolumeClaimVolumeSource */
	const char *claimName;
	bool readOnly;
};

struct image_volume {
	const char *reference, *pullPolicy;
};

struct claim_template {
	struct object_meta metadata;
	struct claim_spec spec;
};

struct ephemeral_volume {
	struct claim_template *volumeClaimTemplate;
};

struct volume {
	const char *name;
	struct empty_dir_volume *emptyDir;
	struct host_path_volume *hostPath;
	struct config_map_volume *configMap;
	struct secret_volume *secret;
	struct downward_api_volume *downwardAPI;
	struct projected_volume *projected;
	struct claim_volume *persistentVolumeClaim;
	struct image_volume *image;
	struct ephemeral_volume *ephemeral;
	struct node *csi, *nfs, *iscsi, *fc, *gitRepo;
	struct node *gcePersistentDisk, *awsElasticBlockStore, *azureDisk, *azureFile, *cinder,
		*vsphereVolume, *portworxVolume;
	struct node *glusterfs, *rbd, *cephfs, *flocker, *quobyte, *photonPersistentDisk, *scaleIO,
		*storageos, *flexVolume;
};

struct volume_mount {
	const char *name, *mountPath, *subPath, *subPathExpr, *mountPropagation, *recursiveReadOnly;
	bool readOnly;
	struct strings bindMountOptions;
};

/* --- containers --------------------------------------------------------------------------------------------------- */

struct container_port {
	const char *name;
	int32_t containerPort, hostPort;
	const char *hostIP, *protocol;
};

struct resource_requirements {
	struct quantity_map limits, requests;
	struct node *claims;
};

struct resize_policy {
	const char *resourceName, *restartPolicy;
};

struct http_header {
	const char *name, *value;
};

struct exec_action {
	struct strings command;
};

struct http_get_action {
	const char *path, *host, *scheme;
	struct int_or_string port;
	struct LIST(struct http_header) httpHeaders;
};

struct tcp_socket_action {
	struct int_or_string port;
	const char *host;
};

struct grpc_action {
	int32_t port;
	const char *service;
};

struct sleep_action {
	int64_t seconds;
};

struct probe {
	struct exec_action *exec;
	struct http_get_action *httpGet;
	struct tcp_socket_action *tcpSocket;
	struct grpc_action *grpc;
	int32_t initialDelaySeconds, periodSeconds, timeoutSeconds, successThreshold, failureThreshold;
	struct optional_int terminationGracePeriodSeconds;
};

struct lifecycle_handler {
	struct exec_action *exec;
	struct http_get_action *httpGet;
	struct tcp_socket_action *tcpSocket;
	struct sleep_action *sleep;
};

struct lifecycle {
	struct lifecycle_handler *postStart, *preStop;
	const char *stopSignal;
};

struct restart_rule_exit_codes {
	const char *operator;
	struct ints values;
};

struct restart_rule {
	const char *action; /* Restart, RestartAllContainers */
	struct restart_rule_exit_codes *exitCodes;
};

struct container {
	const char *name, *image, *imagePullPolicy;
	bool pull_policy_defaulted; /* no field: nobody has written imagePullPolicy down */
	struct strings command, args;
	const char *workingDir;
	struct LIST(struct container_port) ports;
	struct LIST(struct env_from_source) envFrom;
	struct LIST(struct env_var) env;
	struct resource_requirements resources;
	struct LIST(struct resize_policy) resizePolicy;
	const char *restartPolicy;
	struct LIST(struct restart_rule) restartPolicyRules;
	struct LIST(struct volume_mount) volumeMounts;
	struct node *volumeDevices;
	struct probe *livenessProbe, *readinessProbe, *startupProbe;
	struct lifecycle *lifecycle;
	const char *terminationMessagePath, *terminationMessagePolicy;
	struct security_context *securityContext;
	bool stdin, stdinOnce, tty;
	const char *targetContainerName; /* of an ephemeral container only */
};

/* --- the pod -------------------------------------------------------------------------------------------------------- */

struct host_alias {
	const char *ip;
	struct strings hostnames;
};

struct dns_option {
	const char *name, *value;
};

struct dns_config {
	struct strings nameservers, searches;
	struct LIST(struct dns_option) options;
};

struct readiness_gate {
	const char *conditionType;
};

struct local_reference {
	const char *name;
};

struct pod_os {
	const char *name;
};

struct containers LIST(struct container);
struct volumes LIST(struct volume);

struct pod_spec {
	struct volumes volumes;
	struct containers initContainers, containers, ephemeralContainers;
	const char *restartPolicy;
	struct optional_int terminationGracePeriodSeconds, activeDeadlineSeconds;
	const char *dnsPolicy;
	struct dns_config *dnsConfig;
	bool hostNetwork, hostPID, hostIPC;
	struct optional_bool hostUsers, shareProcessNamespace;
	struct pod_security_context *securityContext;
	struct LIST(struct local_reference) imagePullSecrets;
	const char *hostname, *subdomain, *hostnameOverride;
	struct optional_bool setHostnameAsFQDN;
	struct LIST(struct host_alias) hostAliases;
	struct LIST(struct readiness_gate) readinessGates;
	struct resource_requirements *resources;
	struct pod_os *os;
	struct optional_bool enableServiceLinks;
	/* no effect on one machine */
	struct string_map nodeSelector;
	struct node *affinity, *topologySpreadConstraints, *tolerations, *schedulingGates, *schedulingGroup;
	const char *nodeName, *schedulerName, *priorityClassName, *preemptionPolicy, *runtimeClassName;
	struct optional_int priority;
	struct quantity_map overhead;
	const char *serviceAccountName, *serviceAccount;
	struct optional_bool automountServiceAccountToken;
	struct node *resourceClaims, *evictionResponders;
};

/* --- status --------------------------------------------------------------------------------------------------------- */

struct pod_condition {
	const char *type, *status, *reason, *message, *lastTransitionTime, *lastProbeTime;
	int64_t observedGeneration;
};

struct state_waiting {
	const char *reason, *message;
};

struct state_running {
	const char *startedAt;
};

struct state_terminated {
	int32_t exitCode, signal;
	const char *reason, *message, *startedAt, *finishedAt, *containerID;
};

struct container_state_status { /* ContainerState: one of them */
	struct state_waiting *waiting;
	struct state_running *running;
	struct state_terminated *terminated;
};

struct linux_user {
	int64_t uid, gid;
	struct ints supplementalGroups;
};

struct container_user {
	struct linux_user *linux_;
};

struct container_status {
	const char *name;
	struct container_state_status state, lastState;
	bool ready;
	int32_t restartCount;
	const char *image, *imageID, *containerID;
	struct optional_bool started;
	struct quantity_map allocatedResources;
	struct resource_requirements *resources;
	struct node *volumeMounts;
	struct container_user *user;
	const char *stopSignal;
	struct node *allocatedResourcesStatus;
};

struct ip_status {
	const char *ip;
};

struct container_statuses LIST(struct container_status);

struct pod_status {
	const char *phase, *reason, *message, *nominatedNodeName;
	struct LIST(struct pod_condition) conditions;
	const char *hostIP, *podIP;
	struct LIST(struct ip_status) hostIPs, podIPs;
	const char *startTime, *qosClass;
	int64_t observedGeneration;
	struct container_statuses initContainerStatuses, containerStatuses, ephemeralContainerStatuses;
	struct quantity_map allocatedResources;
	struct resource_requirements *resources;
	const char *resize;
	struct node *resourceClaimStatuses, *extendedResourceClaimStatus;
};

struct pod {
	const char *apiVersion, *kind;
	struct object_meta metadata;
	struct pod_spec spec;
	struct pod_status status;
};

extern const struct table pod_table, pod_spec_table, pod_status_table, container_table,
	ephemeral_container_table, volume_table;
extern const struct table security_context_table, pod_security_context_table, resource_requirements_table;
extern const struct table affinity_table, toleration_table, topology_spread_table, scheduling_gate_table;

/* What defaults need more than one field: imagePullPolicy by tag, requests from limits … Call after decoding. */
void pod_defaults(struct pod *pod, struct arena *a);

/* The rules between fields, as the API server has them; PREFIX as in problems. True if no error was added. */
bool pod_validate(const struct pod *pod, struct problems *problems);

/* The container called NAME among all of the pod; NULL if there is none. */
const struct container *pod_find_container(const struct pod *pod, const char *name);

/* How many sources V has; one, if it is right. */
int volume_sources(const struct volume *v);

/* True for an init container with restartPolicy Always (KEP-753). */
bool container_is_sidecar(const struct container *c);

/* "Guaranteed", "Burstable" or "BestEffort" (Kubernetes docs "Pod Quality of Service Classes"). */
const char *pod_qos_class(const struct pod_spec *spec);

/* A resource of a container; unset when absent. NAME: "cpu", "memory" … */
struct quantity resource_get(const struct quantity_map *map, const char *name);

/* How many processes the pod may have, by the annotation seapod.io/pids-limit: Kubernetes leaves that to the kubelet (podPidsLimit).
 * *LIMIT: a number; -1 (also written "max"): any; 0: there is no such annotation. -EINVAL: it is none of these. */
int pod_pids_limit(const struct pod *pod, int64_t *limit);

/* Huge pages are a resource of a name for each size: hugepages-2Mi. */
#define HUGE_PAGES "hugepages-"

/* The size of page that NAME is for, in bytes; 0: NAME is no such resource. */
uint64_t huge_page_resource(const char *name);

/* The page size of an emptyDir with MEDIUM HugePages-SIZE, or HugePages: the one size that the pod's containers ask for. -ENOENT: they ask for none;
 * -EMLINK: for several; -EINVAL: SIZE is none. */
int pod_huge_page_size(const struct pod_spec *spec, const char *medium, uint64_t *bytes);

/* Whether memory is reserved and throttled, by annotations (annotations.h). -EINVAL: one of them is wrong. */
struct memory_qos {
	bool reserves;
	uint32_t factor_nano; /* of the way from request to limit, in billionths; 0: nothing is throttled */
};
int pod_memory_qos(const struct pod *pod, struct memory_qos *qos);

/* How long the pod's containers wait before they are started again, by an annotation seapod.io/backoff-WHICH (initial, max, reset) that has a
 * duration: Kubernetes leaves that to the kubelet (KEP-5593). 1: *MS is set; 0: there is none; -EINVAL: it is no duration. */
int pod_backoff(const struct pod *pod, const char *which, int *ms);

/* Whether a running pod can go from the resources of OLD to those of NEW (KEP-1287): only cpu and memory, limits are changed or added and not taken
 * away, and the QoS class stays. -EINVAL, and err says what cannot be. */
int pod_resize_check(const struct pod *old, const struct pod *new, struct error *err);

/* True if a change from OLD to NEW needs C to be started again (resizePolicy). */
bool container_resize_restarts(const struct container *old, const struct container *new);

/* What the whole pod may use or asks for: the pod's own `resources` when given, else the sum over app containers and
 * sidecars or the largest init container, whichever is more (KEP-753). For LIMITS, unset when a container that counts has none. */
struct quantity pod_resource(const struct pod_spec *spec, const char *name, bool limits, struct arena *a);
