/* pod_container.c — the table of a container and of what is in it; see pod.h. */
#include "api/pod.h"

#include "api/names.h"
#include "api/pod_tables.h"
#include "base/text.h"

#define NOT_YET .effect = REJECTED, .why = "is not supported yet"

static const struct field port_fields[] = {
	VALUE(container_port, name, .check = name_port, .doc = "A name for probes and services."),
	VALUE(container_port, containerPort, .required = true, .min = 1, .max = 65535,
	      .doc = "The port on the pod's address."),
	VALUE(container_port, hostPort, .min = 0, .max = 65535, .doc = "Published at this port of the host."),
	VALUE(container_port, hostIP, .check = ip_address,
	      .doc = "Published at this address of the host only."),
	VALUE(container_port, protocol, .values = "TCP|UDP|SCTP", .fallback = "TCP", .doc = "The protocol."),
};
static const struct table port_table = TABLE(container_port, port_fields, "A port.");

static const struct field env_source_fields[] = {
	VALUE(env_source, name, .required = true, .check = name_dns_subdomain, .doc = "The object's name."),
	VALUE(env_source, optional, .doc = "true: it may be missing."),
};
static const struct table env_source_table = TABLE(env_source, env_source_fields, "All keys of an object.");

static const struct field env_from_fields[] = {
	VALUE(env_from_source, prefix, .check = name_env_prefix, .doc = "Put before each name."),
	OPTIONAL(env_from_source, configMapRef, env_source_table, .doc = "All keys of a ConfigMap."),
	OPTIONAL(env_from_source, secretRef, env_source_table, .doc = "All keys of a Secret."),
};
static const struct table env_from_table =
	TABLE(env_from_source, env_from_fields, "Variables from an object.");

static const struct field key_selector_fields[] = {
	VALUE(key_selector, name, .required = true, .check = name_dns_subdomain, .doc = "The object's name."),
	VALUE(key_selector, key, .required = true, .doc = "The key."),
	VALUE(key_selector, optional, .doc = "true: object or key may be missing."),
};
static const struct table key_selector_table =
	TABLE(key_selector, key_selector_fields, "One key of an object.");

static const struct field file_key_fields[] = {
	VALUE(file_key_selector, volumeName, .required = true, .doc = "The volume's name."),
	VALUE(file_key_selector, path, .required = true, .check = path_relative,
	      .doc = "The file's path in the volume."),
	VALUE(file_key_selector, key, .required = true, .check = name_env, .doc = "The key in the file."),
	VALUE(file_key_selector, optional, .doc = "true: file or key may be missing."),
};
static const struct table file_key_table =
	TABLE(file_key_selector, file_key_fields, "A key in a file of a volume.");

static const struct field env_value_fields[] = {
	OPTIONAL(env_var_source, fieldRef, field_ref_table, .doc = "A field of the pod."),
	OPTIONAL(env_var_source, resourceFieldRef, resource_ref_table, .doc = "A resource of a container."),
	OPTIONAL(env_var_source, configMapKeyRef, key_selector_table, .doc = "A key of a ConfigMap."),
	OPTIONAL(env_var_source, secretKeyRef, key_selector_table, .doc = "A key of a Secret."),
	OPTIONAL(env_var_source, fileKeyRef, file_key_table, .since = "1.37",
		 .doc = "A key of a file in a volume: lines of NAME='value'."),
};
static const struct table env_value_table =
	TABLE(env_var_source, env_value_fields, "Where the value comes from.");

static const struct field env_fields[] = {
	VALUE(env_var, name, .required = true, .check = name_env, .doc = "The variable's name."),
	VALUE(env_var, value, .doc = "Its value; $(NAME) stands for an earlier variable, $$ for $."),
	OPTIONAL(env_var, valueFrom, env_value_table, .doc = "Where the value comes from."),
};
static const struct table env_table = TABLE(env_var, env_fields, "A variable.");

static const struct field resources_fields[] = {
	VALUE(resource_requirements, limits, .check = name_resource,
	      .doc = "The most it may use: cpu, memory, ephemeral-storage …"),
	VALUE(resource_requirements, requests, .check = name_resource,
	      .doc = "Its share when there is not enough for all."),
	VALUE(resource_requirements, claims, .effect = REJECTED,
	      .why = "needs dynamic resource allocation, which Seapod has not", .doc = "Claims."),
};
const struct table resource_requirements_table =
	TABLE(resource_requirements, resources_fields, "Requests and limits.");

static const struct field resize_fields[] = {
	VALUE(resize_policy, resourceName, .required = true, .values = "cpu|memory", .doc = "cpu or memory."),
	VALUE(resize_policy, restartPolicy, .required = true, .values = "NotRequired|RestartContainer",
	      .doc = "RestartContainer: it is started again with the new amount."),
};
static const struct table resize_table = TABLE(resize_policy, resize_fields, "Whether a resize restarts it.");

static const struct field exit_codes_fields[] = {
	VALUE(restart_rule_exit_codes, operator, .required = true, .values = "In|NotIn",
	      .doc = "In or NotIn."),
	VALUE(restart_rule_exit_codes, values, .min = 0, .max = 255, .doc = "The exit codes."),
};
static const struct table exit_codes_table =
	TABLE(restart_rule_exit_codes, exit_codes_fields, "A set of exit codes.");

static const struct field rule_fields[] = {
	VALUE(restart_rule, action, .required = true, .values = "Restart|RestartAllContainers",
	      .doc = "Start it again, or everything from the init containers on in the same sandbox."),
	OPTIONAL(restart_rule, exitCodes, exit_codes_table, .doc = "For which exit codes."),
};
static const struct table rule_table = TABLE(restart_rule, rule_fields, "A rule by exit code.");

static const struct field mount_fields[] = {
	VALUE(volume_mount, name, .required = true, .doc = "The volume's name."),
	VALUE(volume_mount, mountPath, .required = true, .check = path_mount,
	      .doc = "Where in the container."),
	VALUE(volume_mount, readOnly, .doc = "It cannot be written here."),
	VALUE(volume_mount, recursiveReadOnly, .values = "Disabled|IfPossible|Enabled", .since = "1.33",
	      .doc = "Also what is mounted below it."),
	VALUE(volume_mount, subPath, .check = path_relative, .doc = "Only this path of the volume."),
	VALUE(volume_mount, subPathExpr, .doc = "The same with $(NAME) of the container's variables."),
	VALUE(volume_mount, mountPropagation, .values = "None|HostToContainer|Bidirectional",
	      .doc = "Whether later mounts of host and container are seen by the other."),
	VALUE(volume_mount, bindMountOptions, .values = "noexec|nodev|nosuid", .since = "1.37 (alpha)",
	      .doc = "More mount options."),
};
static const struct table mount_table = TABLE(volume_mount, mount_fields, "A volume in the container.");

static const struct field exec_fields[] = { VALUE(exec_action, command,
						  .doc = "The command; not in a shell.") };
static const struct table exec_table = TABLE(exec_action, exec_fields, "Runs a command in the container.");

static const struct field header_fields[] = {
	VALUE(http_header, name, .required = true, .check = name_http_header, .doc = "Its name."),
	VALUE(http_header, value, .check = text_http_header, .doc = "Its value."),
};
static const struct table header_table = TABLE(http_header, header_fields, "A header.");

static const struct field http_fields[] = {
	VALUE(http_get_action, path, .fallback = "/", .doc = "The path."),
	VALUE(http_get_action, port, .required = true, .check = name_port, .min = 1, .max = 65535,
	      .doc = "The port, by number or name."),
	VALUE(http_get_action, host, .doc = "The host; the pod's address by default."),
	VALUE(http_get_action, scheme, .values = "HTTP|HTTPS", .fallback = "HTTP",
	      .doc = "HTTP or HTTPS (not verified)."),
	OBJECTS(http_get_action, httpHeaders, header_table, .doc = "Headers to send."),
	CHECKED("protocol", FIELD_STRING, NOT_YET, .since = "1.37 (alpha)", .doc = "HTTP/2 without TLS."),
};
static const struct table http_table =
	TABLE(http_get_action, http_fields, "An HTTP GET; 200 to 399 is success.");

static const struct field tcp_fields[] = {
	VALUE(tcp_socket_action, port, .required = true, .check = name_port, .min = 1, .max = 65535,
	      .doc = "The port, by number or name."),
	VALUE(tcp_socket_action, host, .doc = "The host; the pod's address by default."),
};
static const struct table tcp_table = TABLE(tcp_socket_action, tcp_fields, "A TCP connection.");

static const struct field grpc_fields[] = {
	VALUE(grpc_action, port, .required = true, .min = 1, .max = 65535, .doc = "The port; no name."),
	VALUE(grpc_action, service, .doc = "The service to ask for; without it the server as a whole."),
	CHECKED("mode", FIELD_STRING, NOT_YET, .since = "1.37 (alpha)", .doc = "TLS without verification."),
};
static const struct table grpc_table = TABLE(grpc_action, grpc_fields, "A gRPC health check.");

static const struct field sleep_fields[] = { VALUE(sleep_action, seconds, .keep = true, .min = 0,
						   .max = INT32_MAX, .doc = "How long; 0: no time.") };
static const struct table sleep_table = TABLE(sleep_action, sleep_fields, "Waits.");

static const struct field probe_fields[] = {
	OPTIONAL(probe, exec, exec_table, .doc = "A command that must exit with 0."),
	OPTIONAL(probe, httpGet, http_table, .doc = "A request that must be answered with 200 to 399."),
	OPTIONAL(probe, tcpSocket, tcp_table, .doc = "A port that must accept."),
	OPTIONAL(probe, grpc, grpc_table, .doc = "The gRPC health protocol."),
	VALUE(probe, initialDelaySeconds, .min = 0, .max = INT32_MAX, .doc = "Wait after the start."),
	VALUE(probe, periodSeconds, .fallback = "10", .min = 0, .max = INT32_MAX, .doc = "How often."),
	VALUE(probe, timeoutSeconds, .fallback = "1", .min = 0, .max = INT32_MAX,
	      .doc = "How long one try may take."),
	VALUE(probe, successThreshold, .fallback = "1", .min = 0, .max = INT32_MAX,
	      .doc = "Successes in a row that count."),
	VALUE(probe, failureThreshold, .fallback = "3", .min = 0, .max = INT32_MAX,
	      .doc = "Failures in a row that count."),
	VALUE(probe, terminationGracePeriodSeconds, .min = 1, .max = INT32_MAX,
	      .doc = "Grace when this probe ends the container."),
};
static const struct table probe_table = TABLE(probe, probe_fields, "A periodic check.");

static const struct field handler_fields[] = {
	OPTIONAL(lifecycle_handler, exec, exec_table, .doc = "A command."),
	OPTIONAL(lifecycle_handler, httpGet, http_table, .doc = "A request."),
	OPTIONAL(lifecycle_handler, tcpSocket, tcp_table, .effect = REJECTED,
		 .why = "never worked in Kubernetes", .doc = "Deprecated."),
	OPTIONAL(lifecycle_handler, sleep, sleep_table, .since = "1.34", .doc = "Waits."),
};
static const struct table handler_table = TABLE(lifecycle_handler, handler_fields, "What a hook does.");

static const struct field lifecycle_fields[] = {
	OPTIONAL(lifecycle, postStart, handler_table, .doc = "Right after the start."),
	OPTIONAL(lifecycle, preStop, handler_table, .doc = "Before the container is told to end."),
	VALUE(lifecycle, stopSignal, .check = name_signal, .since = "1.37 (beta)",
	      .doc = "The signal that tells it to end, as SIGTERM."),
};
static const struct table lifecycle_table = TABLE(lifecycle, lifecycle_fields, "Hooks.");

static const struct field container_fields[] = {
	VALUE(container, name, .required = true, .check = name_dns_label,
	      .doc = "The container's name, unique in the pod."),
	VALUE(container, image, .required = true, .doc = "The image's reference."),
	VALUE(container, imagePullPolicy, .values = "Always|IfNotPresent|Never",
	      .doc = "When the image is fetched."),
	VALUE(container, command, .doc = "Instead of the image's ENTRYPOINT; $(NAME) is expanded."),
	VALUE(container, args, .doc = "Instead of the image's CMD; $(NAME) is expanded."),
	VALUE(container, workingDir, .doc = "The working directory; made if missing."),
	OBJECTS(container, ports, port_table, .doc = "Its ports."),
	OBJECTS(container, envFrom, env_from_table, .doc = "Variables from whole objects."),
	OBJECTS(container, env, env_table, .doc = "Variables."),
	OBJECT(container, resources, resource_requirements_table, .doc = "Requests and limits."),
	OBJECTS(container, resizePolicy, resize_table, .since = "1.35",
		.doc = "Whether a change of cpu or memory starts the container again."),
	VALUE(container, restartPolicy, .values = "Always|OnFailure|Never",
	      .since = "1.33; on any container 1.35",
	      .doc = "Always on an init container makes it a sidecar."),
	OBJECTS(container, restartPolicyRules, rule_table, .since = "1.35 (beta)",
		.doc = "Restart by exit code."),
	OBJECTS(container, volumeMounts, mount_table, .doc = "Volumes."),
	VALUE(container, volumeDevices, .effect = REJECTED, .why = "needs block claims, which Seapod has not",
	      .doc = "Raw devices."),
	OPTIONAL(container, livenessProbe, probe_table, .doc = "Restarts the container when it fails."),
	OPTIONAL(container, readinessProbe, probe_table, .doc = "Says whether it may be sent work."),
	OPTIONAL(container, startupProbe, probe_table, .doc = "Holds the other probes until it has started."),
	OPTIONAL(container, lifecycle, lifecycle_table, .doc = "Hooks."),
	VALUE(container, terminationMessagePath, .check = path_absolute, .fallback = "/dev/termination-log",
	      .doc = "The file whose text becomes the exit message."),
	VALUE(container, terminationMessagePolicy, .values = "File|FallbackToLogsOnError", .fallback = "File",
	      .doc = "Where the exit message comes from."),
	OPTIONAL(container, securityContext, security_context_table, .doc = "Security."),
	VALUE(container, stdin, .doc = "Keep its standard input open for attach."),
	VALUE(container, stdinOnce, .doc = "Close it when the first attach ends."),
	VALUE(container, tty, .doc = "Give it a terminal."),
};
const struct table container_table = TABLE(container, container_fields, "A container.");

/* core/v1 EphemeralContainerCommon: a container that is not started again has no ports, probes, hooks and resources. Only what seapod debug sets is
 * here, since nothing else brings one. */
static const struct field ephemeral_fields[] = {
	VALUE(container, name, .required = true, .check = name_dns_label,
	      .doc = "The container's name, unique in the pod."),
	VALUE(container, image, .required = true, .doc = "The image's reference."),
	VALUE(container, imagePullPolicy, .values = "Always|IfNotPresent|Never",
	      .doc = "When the image is fetched."),
	VALUE(container, command, .doc = "Instead of the image's ENTRYPOINT; $(NAME) is expanded."),
	VALUE(container, args, .doc = "Instead of the image's CMD; $(NAME) is expanded."),
	OBJECTS(container, env, env_table, .doc = "Variables."),
	VALUE(container, terminationMessagePath, .check = path_absolute, .fallback = "/dev/termination-log",
	      .doc = "The file whose text becomes the exit message."),
	VALUE(container, terminationMessagePolicy, .values = "File|FallbackToLogsOnError", .fallback = "File",
	      .doc = "Where the exit message comes from."),
	VALUE(container, stdin, .doc = "Keep its standard input open for attach."),
	VALUE(container, stdinOnce, .doc = "Close it when the first attach ends."),
	VALUE(container, tty, .doc = "Give it a terminal."),
	VALUE(container, workingDir, .doc = "The working directory; made if missing."),
	OBJECTS(container, envFrom, env_from_table, .doc = "Variables from whole objects."),
	OBJECTS(container, volumeMounts, mount_table, .doc = "Volumes."),
	OPTIONAL(container, securityContext, security_context_table, .doc = "Security."),
	VALUE(container, targetContainerName, .doc = "The container whose processes it sees."),
};
const struct table ephemeral_container_table =
	TABLE(container, ephemeral_fields, "A container to look at a running pod.");
