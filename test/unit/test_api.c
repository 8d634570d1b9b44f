/* test_api.c — Kubernetes objects: names, defaults, rules between fields, budgets and reading (src/api). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "api/expand.h"
#include "api/names.h"
#include "api/store.h"
#include "api/support.h"
#include "arena_test.h"
#include "base/file.h"
#include "object/json.h"

static struct problems parse(const char *text, struct objects *out)
{
	struct problems p = { .arena = arena };

	*out = (struct objects){};
	int r = objects_parse("f", text, strlen(text), NULL, arena, out, &p);
	assert_int_equal(r<0, p.errors.n> 0);
	return p;
}

/* A pod of one container, A and B in their places: "spec" fields and fields of the container, in flow style. */
static const char *pod_text(const char *spec, const char *container)
{
	return arena_printf(arena,
			    "{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {%s containers: [{name: "
			    "c, image: 'i:1', %s}]}}",
			    spec, container);
}

static struct pod *pod(const char *spec, const char *container)
{
	return pod_of(pod_text(spec, container));
}

static void names_are_those_of_kubernetes(void **state)
{
	static char a63[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
	static char a64[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
	static const struct {
		const char *(*check)(const char *);
		const char *text;
		bool right;
	} cases[] = {
		{ name_dns_label, "web-1", true },
		{ name_dns_label, a63, true },
		{ name_dns_label, a64, false },
		{ name_dns_label, "", false },
		{ name_dns_label, "-a", false },
		{ name_dns_label, "a-", false },
		{ name_dns_label, "A", false },
		{ name_dns_label, "a.b", false },
		{ name_dns_label, "1", true },
		{ name_dns_subdomain, "a.b-c.1", true },
		{ name_dns_subdomain, "a..b", false },
		{ name_dns_subdomain, ".a", false },
		{ name_dns_subdomain, "a/b", false },
		{ name_dns_subdomain, "..", false },
		{ name_port, "http", true },
		{ name_port, "8080", false },
		{ name_port, "a--b", false },
		{ name_port, "abcdefghijklmnop", false },
		{ name_env, "a.b c", true },
		{ name_env, "a=b", false },
		{ name_env, "", false },
		{ name_qualified, "example.com/role", true },
		{ name_qualified, "/role", false },
		{ name_qualified, "Role_1.x", true },
		{ name_qualified, "a/b/c", false },
		{ name_label_value, "", true },
		{ name_label_value, "a b", false },
		{ name_config_key, "app.conf", true },
		{ name_config_key, "..", false },
		{ name_config_key, "..a", false },
		{ name_config_key, "a/b", false },
		{ path_relative, "a/b", true },
		{ path_relative, "a/../b", false },
		{ path_relative, "..", false },
		{ path_relative, "a..b/...", true },
		{ path_relative, "/a", false },
		{ path_mount, "/a:b", false },
		{ path_mount, "a", false },
		{ ip_address, "10.0.0.1", true },
		{ ip_address, "::1", true },
		{ ip_address, "10.0.0.256", false },
		{ name_resource, "hugepages-2Mi", true },
		{ name_resource, "cpus", false },
		{ name_resource, "nvidia.com/gpu", true },
		{ name_signal, "SIGTERM", true },
		{ name_signal, "SIGRTMIN+3", true },
		{ name_signal, "SIGRTMAX-14", true },
		{ name_signal, "TERM", false },
		{ name_signal, "SIGRTMIN-1", false },
		{ name_signal, "SIGNOPE", false },
		{ name_http_header, "X-Y", true },
		{ name_http_header, "X:Y", false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		if (!cases[i].check(cases[i].text) != cases[i].right)
			fail_msg("'%s' %s", cases[i].text,
				 cases[i].right ? cases[i].check(cases[i].text) : "was accepted");
	(void)state;
}

static const char *lookup(const void *context, const char *name)
{
	(void)context;
	return text_is(name, "A") ? "1" : text_is(name, "EMPTY") ? "" : NULL;
}

static void references_are_expanded(void **state)
{
	static const struct {
		const char *text, *expanded, *unknown;
	} cases[] = {
		{ "x$(A)y", "x1y", NULL }, { "$$(A)", "$(A)", NULL }, { "$(B)", "$(B)", "B" },
		{ "$(A", "$(A", NULL },    { "$A", "$A", NULL },      { "$$$(A)", "$1", NULL },
		{ "$(EMPTY)", "", NULL },  { "$", "$", NULL },        { "$(A)$(B)", "1$(B)", "B" },
		{ "", "", NULL },          { "$()", "$()", "" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const char *unknown;
		assert_string_equal(expand(cases[i].text, lookup, NULL, arena, &unknown), cases[i].expanded);
		assert_true(text_is(unknown, cases[i].unknown));
	}
	(void)state;
}

static void defaults_are_those_of_the_api_server(void **state)
{
	struct pod *p = pod("volumes: [{name: v}, {name: w, secret: {secretName: s}}],",
			    "ports: [{containerPort: 80}], resources: {limits: {cpu: 1, memory: 1Gi}, "
			    "requests: {cpu: 500m}},"
			    "readinessProbe: {httpGet: {port: 80}}");
	const struct container *c = &p->spec.containers.at[0];

	assert_string_equal(p->metadata.namespace, "default");
	assert_string_equal(p->spec.restartPolicy, "Always");
	assert_string_equal(p->spec.dnsPolicy, "ClusterFirst");
	assert_int_equal(p->spec.terminationGracePeriodSeconds.value, 30);
	assert_non_null(p->spec.volumes.at[0].emptyDir);
	assert_int_equal(p->spec.volumes.at[1].secret->defaultMode.value, 0644);
	assert_string_equal(c->ports.at[0].protocol, "TCP");
	assert_string_equal(c->terminationMessagePath, "/dev/termination-log");
	assert_string_equal(c->terminationMessagePolicy, "File");
	assert_string_equal(resource_get(&c->resources.requests, "cpu").text, "500m");
	assert_string_equal(resource_get(&c->resources.requests, "memory").text, "1Gi");
	assert_int_equal(c->readinessProbe->periodSeconds, 10);
	assert_string_equal(c->readinessProbe->httpGet->path, "/");
	assert_int_equal(pod("hostNetwork: true,", "ports: [{containerPort: 80}]")
				 ->spec.containers.at[0]
				 .ports.at[0]
				 .hostPort,
			 80);
	(void)state;
}

static void the_pull_policy_follows_the_tag(void **state)
{
	static const struct {
		const char *image, *policy;
	} cases[] = {
		{ "nginx", "Always" },
		{ "nginx:latest", "Always" },
		{ "nginx:1.25", "IfNotPresent" },
		{ "localhost:5000/nginx", "Always" },
		{ "localhost:5000/a/b:1", "IfNotPresent" },
		{ "nginx@sha256:00", "IfNotPresent" },
		{ "nginx:latest@sha256:00", "IfNotPresent" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct container c = { .image = cases[i].image };
		struct pod p = { .spec.containers = { &c, 1 } };
		pod_defaults(&p, arena);
		assert_string_equal(c.imagePullPolicy, cases[i].policy);
	}
	(void)state;
}

static const struct {
	const char *spec, *container, *error;
} rules[] = {
	{ "", "volumeMounts: [{name: v, mountPath: /v}]",
	  "spec.containers[0].volumeMounts[0].name: there is no volume called 'v'" },
	{ "volumes: [{name: v}],", "volumeMounts: [{name: v, mountPath: /v}, {name: v, mountPath: /v}]",
	  "two mounts at '/v'" },
	{ "volumes: [{name: v}, {name: v}],", "", "spec.volumes[1]: there are two volumes called 'v'" },
	{ "volumes: [{name: v, emptyDir: {}, hostPath: {path: /}}],", "", "more than one source" },
	{ "volumes: [{name: v, hostPath: {path: /a/../b}}],", "",
	  "spec.volumes[0].hostPath.path: '/a/../b' may not have '..'" },
	{ "volumes: [{name: v, downwardAPI: {items: [{path: a}]}}],", "",
	  "exactly one of fieldRef and resourceFieldRef" },
	{ "volumes: [{name: v, projected: {sources: [{}]}}],", "",
	  "exactly one of configMap, secret and downwardAPI" },
	{ "volumes: [{name: v, downwardAPI: {items: [{path: a, resourceFieldRef: {resource: "
	  "limits.cpu}}]}}],",
	  "", "needs containerName" },
	{ "volumes: [{name: v}],", "volumeMounts: [{name: v, mountPath: /v, recursiveReadOnly: Enabled}]",
	  "recursiveReadOnly needs readOnly" },
	{ "volumes: [{name: v}],",
	  "volumeMounts: [{name: v, mountPath: /v, mountPropagation: Bidirectional}]", "privileged" },
	{ "volumes: [{name: v}],", "volumeMounts: [{name: v, mountPath: /v, subPath: a, subPathExpr: b}]",
	  "exclude each other" },
	{ "", "resources: {limits: {cpu: 1}, requests: {cpu: 2}}",
	  "the request of cpu (2) is more than its limit (1)" },
	{ "", "resources: {limits: {memory: -1}}", "memory is negative: -1" },
	{ "resources: {limits: {cpu: 1}},", "resources: {limits: {cpu: 2}, requests: {cpu: 1}}",
	  "cpu (1) is less than the limit of the container 'c' (2)" },
	{ "resources: {requests: {memory: 1Gi}},", "resources: {requests: {memory: 2Gi}}",
	  "memory (1Gi) is less than what the containers request" },
	{ "", "resources: {limits: {nvidia.com/gpu: 1}}", "has no resource 'nvidia.com/gpu'" },
	{ "", "ports: [{containerPort: 1, name: a}, {containerPort: 2, name: a}]", "two ports called 'a'" },
	{ "", "ports: [{containerPort: 1, hostPort: 8}, {containerPort: 2, hostPort: 8}]",
	  "the host port 8/TCP is published twice" },
	{ "",
	  "ports: [{containerPort: 1, hostPort: 8}, {containerPort: 2, hostPort: 8, hostIP: "
	  "127.0.0.1}]",
	  "published twice" },
	{ "hostNetwork: true,", "ports: [{containerPort: 1, hostPort: 8}]",
	  "hostPort (8) must be the containerPort (1)" },
	{ "", "livenessProbe: {}", "exactly one of exec, httpGet, tcpSocket and grpc" },
	{ "", "livenessProbe: {exec: {command: [a]}, tcpSocket: {port: 1}}", "exactly one" },
	{ "", "livenessProbe: {exec: {command: [a]}, successThreshold: 2}", "successThreshold must be 1" },
	{ "", "livenessProbe: {exec: {}}", "exec needs a command" },
	{ "", "readinessProbe: {exec: {command: [a]}, terminationGracePeriodSeconds: 1}", "ends nothing" },
	{ "", "lifecycle: {preStop: {}}", "spec.containers[0].lifecycle.preStop: needs exactly one" },
	{ "", "lifecycle: {stopSignal: SIGQUIT}", "needs spec.os.name" },
	{ "", "env: [{name: A, value: x, valueFrom: {fieldRef: {fieldPath: metadata.name}}}]",
	  "both value and valueFrom" },
	{ "", "env: [{name: A, valueFrom: {}}]", "exactly one source" },
	{ "", "env: [{name: A, valueFrom: {fieldRef: {fieldPath: metadata.nam}}}]",
	  "'metadata.nam' is no field" },
	{ "", "env: [{name: A, valueFrom: {fieldRef: {fieldPath: metadata.labels}}}]",
	  "is no field that a variable can show" },
	{ "", "envFrom: [{}]", "exactly one of configMapRef and secretRef" },
	{ "securityContext: {runAsUser: 0, runAsNonRoot: true},", "",
	  "runAsNonRoot is true but runAsUser is 0" },
	{ "", "securityContext: {privileged: true, allowPrivilegeEscalation: false}", "exclude each other" },
	{ "", "securityContext: {capabilities: {add: [SYS_ADMIN]}, allowPrivilegeEscalation: false}",
	  "SYS_ADMIN exclude" },
	{ "", "securityContext: {seccompProfile: {type: Localhost}}", "needs localhostProfile" },
	{ "", "restartPolicyRules: [{action: Restart, exitCodes: {operator: In, values: [1]}}]",
	  "needs restartPolicy" },
	{ "", "restartPolicy: Never, restartPolicyRules: [{action: Restart}]", "needs exitCodes" },
	{ "initContainers: [{name: c, image: i}],", "", "two containers called 'c'" },
	{ "initContainers: [{name: d, image: i, livenessProbe: {tcpSocket: {port: 1}}}],", "",
	  "no lifecycle and no probes" },
	{ "hostUsers: false, hostPID: true,", "", "exclude each other" },
	{ "hostUsers: false, securityContext: {runAsUser: 70000},", "", "from 0 to 65535" },
	{ "hostUsers: false,", "securityContext: {runAsGroup: 65536}", "from 0 to 65535" },
	{ "", "securityContext: {procMount: Unmasked}", "needs spec.hostUsers: false" },
	{ "hostPID: true, shareProcessNamespace: true,", "", "exclude each other" },
	{ "dnsPolicy: None,", "", "needs a name server" },
	{ "dnsConfig: {nameservers: [1.1.1.1, 1.1.1.2, 1.1.1.3, 1.1.1.4]},", "", "3 name servers at most" },
	{ "hostNetwork: true, securityContext: {sysctls: [{name: net.core.somaxconn, value: '1'}]},", "",
	  "is the host's" },
	{ "securityContext: {sysctls: [{name: kernel.shm_rmid_forced, value: '1'}, "
	  "{name: kernel/shm_rmid_forced, value: '2'}]},",
	  "", "stands here twice" },
	{ "securityContext: {sysctls: [{name: vm.swappiness, value: '1'}]},", "", "of the whole machine" },
	{ "securityContext: {sysctls: [{name: net.core.somaxconn, value: '1'}]},", "",
	  "not on the list of safe ones" },
	{ "securityContext: {sysctls: [{name: net/ipv4/../../vm, value: '1'}]},", "",
	  "no name of a kernel parameter" },
	{ "securityContext: {appArmorProfile: {type: Localhost}},", "", "needs localhostProfile" },
};

/* What is wrong between fields: one error each, at its line and path. */
static void rules_between_fields(void **state)
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++) {
		struct objects objects;
		struct problems p = parse(pod_text(rules[i].spec, rules[i].container), &objects);
		if (p.errors.n != 1 || !strstr(p.errors.at[0].text, rules[i].error))
			fail_msg("wanted '%s', got %zu errors: %s", rules[i].error, p.errors.n,
				 p.errors.n ? p.errors.at[0].text : "none");
		assert_memory_equal(p.errors.at[0].text, "f:1:", 4);
		assert_int_equal(objects.n, 0);
	}
	(void)state;
}

static void what_kubernetes_accepts_is_accepted(void **state)
{
	pod("", "ports: [{containerPort: 1, hostPort: 8}, {containerPort: 1, hostPort: 8, protocol: UDP}]");
	pod("", "ports: [{containerPort: 1, hostPort: 8, hostIP: 127.0.0.1}, {containerPort: 1, hostPort: 8, "
		"hostIP: 127.0.0.2}]");
	pod("initContainers: [{name: d, image: i, restartPolicy: Always, livenessProbe: {tcpSocket: {port: "
	    "http}}}],",
	    "");
	pod("os: {name: linux},", "lifecycle: {stopSignal: SIGQUIT}");
	pod("volumes: [{name: v, hostPath: {path: //etc}}],",
	    "volumeMounts: [{name: v, mountPath: /v, subPath: a..b}]");
	pod("securityContext: {runAsUser: 0, runAsNonRoot: true},", "securityContext: {runAsUser: 1}");
	pod("", "env: [{name: A, valueFrom: {fieldRef: {fieldPath: \"metadata.labels['a/b']\"}}}]");
	(void)state;
}

/* The text that kubectl users' jq lines meet; fields that Kubernetes always writes are there also when empty. */
static void status_goes_out_and_in(void **state)
{
	struct state_terminated ended = { .exitCode = 0,
					  .reason = "Completed",
					  .finishedAt = "2026-11-23T18:31:32Z" };
	struct state_running running = { .startedAt = "2026-11-23T18:31:33Z" };
	struct container_status c = { .name = "c",
				      .state.running = &running,
				      .lastState.terminated = &ended,
				      .ready = true,
				      .restartCount = 1,
				      .started = { true, true } };
	struct pod_condition ready = { .type = "Ready", .status = "True" };
	struct pod_status status = { .phase = "Running",
				     .podIP = "10.0.0.1",
				     .qosClass = "BestEffort",
				     .conditions = { &ready, 1 },
				     .containerStatuses = { &c, 1 } },
			  again = {};
	struct problems p = { .arena = arena };
	struct error err = {};
	struct text t = {};

	node_to_json(object_encode(&pod_status_table, &status, arena), false, &t);
	assert_string_equal(
		t.at, "{\"phase\":\"Running\",\"conditions\":[{\"type\":\"Ready\",\"status\":\"True\"}],"
		      "\"podIP\":\"10.0.0.1\","
		      "\"containerStatuses\":[{\"name\":\"c\",\"state\":{\"running\":{\"startedAt\":\"2026-"
		      "11-23T18:31:33Z\"}},"
		      "\"lastState\":{\"terminated\":{\"exitCode\":0,\"reason\":\"Completed\",\"finishedAt\":"
		      "\"2026-11-23T18:31:32Z\"}},\"ready\":true,\"restartCount\":1,\"imageID\":\"\","
		      "\"started\":true}],"
		      "\"qosClass\":\"BestEffort\"}");
	struct node *n = node_from_json(arena, t.at, t.n, &err);
	bool read = object_decode(&pod_status_table, n, &again, arena, "status", &p);
	text_free(&t);
	assert_true(read);
	assert_true(node_equal(n, object_encode(&pod_status_table, &again, arena)));
	assert_string_equal(again.containerStatuses.at[0].lastState.terminated->reason, "Completed");
	(void)state;
}

static void qos_classes(void **state)
{
	static const struct {
		const char *spec, *container, *class;
	} cases[] = {
		{ "", "", "BestEffort" },
		{ "", "resources: {requests: {cpu: 1}}", "Burstable" },
		{ "", "resources: {limits: {cpu: 1}}", "Burstable" },
		{ "", "resources: {limits: {cpu: 1, memory: 1Gi}}", "Guaranteed" },
		{ "", "resources: {limits: {cpu: 1, memory: 1Gi}, requests: {cpu: 500m}}", "Burstable" },
		{ "initContainers: [{name: d, image: i}],", "resources: {limits: {cpu: 1, memory: 1Gi}}",
		  "Burstable" },
		{ "resources: {limits: {cpu: 1, memory: 1Gi}},", "", "Guaranteed" },
		{ "resources: {limits: {cpu: 1, memory: 1Gi}},", "resources: {requests: {cpu: 100m}}",
		  "Burstable" },
		{ "", "resources: {limits: {cpu: 0}}", "BestEffort" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_string_equal(pod_qos_class(&pod(cases[i].spec, cases[i].container)->spec),
				    cases[i].class);
	(void)state;
}

/* KEP-753: sidecars count with the app containers, and with each init container that starts after them. */
static void budgets_of_the_whole_pod(void **state)
{
	struct pod_spec *spec =
		&pod("initContainers: ["
		     "{name: x, image: i, resources: {limits: {cpu: 1500m}}},"
		     "{name: s, image: i, restartPolicy: Always, resources: {limits: {cpu: 300m}}},"
		     "{name: y, image: i, resources: {limits: {cpu: 1500m, memory: 1Gi}}}],",
		     "resources: {limits: {cpu: 1}, requests: {cpu: 100m}}")
			 ->spec;

	assert_string_equal(pod_resource(spec, "cpu", true, arena).text, "1800m");
	assert_false(pod_resource(spec, "memory", true, arena).set);
	assert_int_equal(
		quantity_value(&(struct quantity){ .nano = pod_resource(spec, "memory", false, arena).nano }),
		1073741824);
	spec = &pod("resources: {limits: {cpu: 2}},", "resources: {limits: {cpu: 1}}")->spec;
	assert_string_equal(pod_resource(spec, "cpu", true, arena).text, "2");
	assert_false(pod_resource(&pod("", "")->spec, "cpu", false, arena).set);
	(void)state;
}

static void kinds_by_every_name(void **state)
{
	struct error err = {};

	assert_string_equal(kind_of_word("po", &err)->name, "Pod");
	assert_string_equal(kind_of_word("ConfigMap", &err)->plural, "configmaps");
	assert_string_equal(kind_of_word("secrets", &err)->singular, "secret");
	assert_string_equal(kind_of_word("svc", &err)->name, "Service");
	assert_null(kind_of_word("pood", &err));
	assert_string_equal(err.text, "there is no kind 'pood' (did you mean 'Pod'?)");
	assert_null(kind_of_manifest("apps/v1", "Deployment", &err));
	assert_string_equal(err.text, "Deployment is not supported yet (Pod, ConfigMap, Secret, "
				      "PersistentVolumeClaim and Service are)");
	assert_null(kind_of_manifest("v2", "Pod", &err));
	assert_string_equal(err.text, "Pod has the apiVersion v1, not 'v2'");
	(void)state;
}

static void streams_lists_and_what_stands_twice(void **state)
{
	static const char list[] =
		"kind: List\napiVersion: v1\nitems:\n"
		"- {apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {k: v, n: }}\n"
		"- {apiVersion: v1, kind: Secret, metadata: {name: a}, data: {k: aGk=}, stringData: {k: new, "
		"l: x}}\n";
	static const char twice[] =
		"{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}\n---\n"
		"{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: b}}\n---\n"
		"{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}\n";
	struct objects objects;

	assert_int_equal(parse(list, &objects).errors.n, 0);
	assert_int_equal(objects.n, 2);
	assert_string_equal(string_map_get(&objects.at[0].config_map->data, "n"), "");
	struct secret *secret = objects.at[1].secret;
	assert_int_equal(secret->data.n, 2);
	assert_string_equal(secret->data.at[0].value.at, "new");
	assert_string_equal(secret->type, "Opaque");
	struct problems p = parse(twice, &objects);
	assert_int_equal(p.errors.n, 1);
	assert_string_equal(p.errors.at[0].text,
			    "f:5:52: metadata.name: 'a' stands here twice (first at f:1)");
	(void)state;
}

static void data_of_more_than_a_mebibyte_is_refused(void **state)
{
	struct text t = {};
	struct objects objects;

	text_add(&t, "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {k: '");
	for (int i = 0; i < 1024 * 1024 / 8 + 1; i++)
		text_add(&t, "12345678");
	text_add(&t, "'}}");
	struct problems p = parse(t.at, &objects);
	assert_int_equal(p.errors.n, 1);
	assert_non_null(strstr(p.errors.at[0].text, "more than one object may hold (1 MiB)"));
	text_free(&t);
	(void)state;
}

/* What a macro cannot check: a nested table describes the struct that is there, and no field stands twice. */
static void check_table(const struct table *table, int depth)
{
	assert_true(depth < 20);
	for (size_t i = 0; i < table->n; i++) {
		const struct field *f = &table->fields[i];
		bool nested =
			f->type == FIELD_OBJECT || f->type == FIELD_OPTIONAL || f->type == FIELD_OBJECTS;
		if (nested && table->size && f->size != f->table->size)
			fail_msg("%s.%s has the table of another struct", table->name, f->name);
		if (f->effect != HONOURED && !f->why)
			fail_msg("%s.%s does not say why", table->name, f->name);
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(table->fields[j].name, f->name);
		if (f->table)
			check_table(f->table, depth + 1);
	}
}

static void tables_fit_their_structs(void **state)
{
	for (size_t i = 0; kind_at(i); i++)
		check_table(kind_at(i)->table, 0);
	check_table(&pod_status_table, 0);
	(void)state;
}

/* `build/src/api/support-table > docs/support.md` mends this. */
static void the_support_page_is_current(void **state)
{
	_cleanup_text_ struct text now = {};
	_cleanup_free_ char *page = NULL;
	struct error err = {};

	support_write(&now);
	assert_int_equal(file_read(AT_FDCWD, SUPPORT_PAGE, 1024 * 1024, &page, NULL, &err), 0);
	assert_string_equal(page, now.at);
	(void)state;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(names_are_those_of_kubernetes),
		TEST(references_are_expanded),
		TEST(defaults_are_those_of_the_api_server),
		TEST(the_pull_policy_follows_the_tag),
		TEST(rules_between_fields),
		TEST(what_kubernetes_accepts_is_accepted),
		TEST(status_goes_out_and_in),
		TEST(qos_classes),
		TEST(budgets_of_the_whole_pod),
		TEST(kinds_by_every_name),
		TEST(streams_lists_and_what_stands_twice),
		TEST(data_of_more_than_a_mebibyte_is_refused),
		TEST(tables_fit_their_structs),
		TEST(the_support_page_is_current),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
