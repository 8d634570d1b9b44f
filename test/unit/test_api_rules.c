/* test_api_rules.c — what a running pod may change of its resources, which kernel parameters it may set, where claims are (src/api). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/sysctl.h"
#include "arena_test.h"

/* A pod with MORE in its spec and RESOURCES (flow style) of its only container. */
static struct pod *pod(const char *more, const char *resources)
{
	return pod_of(arena_printf(
		arena,
		"{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {%s containers: [{name: c, image: "
		"'i:1', resizePolicy: [{resourceName: memory, restartPolicy: RestartContainer}], resources: "
		"{%s}}]}}",
		more, resources));
}

static void what_a_running_pod_may_change(void **state)
{
	static const struct {
		const char *more, *before, *more_after, *after, *says; /* NULL: it may */
	} cases[] = {
		{ "", "limits: {cpu: 1}", "", "limits: {cpu: 2}", NULL },
		{ "", "limits: {cpu: 1, memory: 1Mi}", "", "limits: {cpu: '1.5', memory: 2Mi}", NULL },
		{ "", "requests: {cpu: 1}", "", "requests: {cpu: 1}, limits: {cpu: 2}", NULL },
		{ "", "limits: {cpu: 1}", "", "requests: {cpu: 1}",
		  "limit of cpu can be changed, but not taken away" },
		{ "", "limits: {ephemeral-storage: 1Gi}", "", "limits: {ephemeral-storage: 2Gi}",
		  "ephemeral-storage cannot be changed" },
		{ "", "limits: {cpu: 1, memory: 1Mi}", "",
		  "limits: {cpu: 1, memory: 1Mi}, requests: {cpu: 100m}",
		  "QoS class would change from Guaranteed to Burstable" },
		{ "", "", "", "limits: {cpu: 1}", "QoS class" },
		{ "resources: {limits: {cpu: 1}},", "", "resources: {limits: {cpu: 2}},", "", NULL },
		{ "resources: {limits: {cpu: 1}},", "", "", "", "not added or taken away" },
		{ "initContainers: [{name: i, image: i, resources: {limits: {cpu: 1}}}],", "limits: {cpu: 1}",
		  "initContainers: [{name: i, image: i, resources: {limits: {cpu: 2}}}],", "limits: {cpu: 1}",
		  "init container's resources" },
		{ "initContainers: [{name: i, image: i, restartPolicy: Always, resources: {limits: {cpu: "
		  "1}}}],",
		  "limits: {cpu: 1}",
		  "initContainers: [{name: i, image: i, restartPolicy: Always, resources: {limits: {cpu: "
		  "2}}}],",
		  "limits: {cpu: 1}", NULL },
	};
	(void)state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct error err = {};
		const struct pod *old = pod(cases[i].more, cases[i].before),
				 *new = pod(cases[i].more_after, cases[i].after);
		int r = pod_resize_check(old, new, &err);
		if (cases[i].says ? r == 0 || !strstr(err.text, cases[i].says) : r != 0)
			fail_msg("%zu: %d '%s'", i, r, err.text);
	}
}

static void a_policy_decides_about_a_restart(void **state)
{
	const struct pod *old = pod("", "limits: {cpu: 1, memory: 1Mi}");
	(void)state;

	assert_false(
		container_resize_restarts(&old->spec.containers.at[0],
					  &pod("", "limits: {cpu: 2, memory: 1Mi}")->spec.containers.at[0]));
	assert_true(
		container_resize_restarts(&old->spec.containers.at[0],
					  &pod("", "limits: {cpu: 1, memory: 2Mi}")->spec.containers.at[0]));
}

static void kernel_parameters_by_their_names(void **state)
{
	char name[SYSCTL_SIZE], path[300];
	(void)state;

	assert_true(sysctl_normalize("net/ipv4/conf/eth0.1/forwarding", name));
	assert_string_equal(name, "net.ipv4.conf.eth0/1.forwarding");
	sysctl_path(name, path, sizeof(path));
	assert_string_equal(path, "/proc/sys/net/ipv4/conf/eth0.1/forwarding");
	assert_true(sysctl_normalize("kernel.msgmax", name) && sysctl_is_ipc(name) &&
		    !sysctl_is_network(name));
	static const char *const wrong[] = { "",       "..",      "net..x", "net/../x",
					     "/net/x", "net/./x", "net.",   "net./.x" };
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		if (sysctl_normalize(wrong[i], name))
			fail_msg("'%s' is taken for '%s'", wrong[i], name);
	assert_true(sysctl_is_safe("net.ipv4.tcp_rmem") && !sysctl_is_safe("net.core.somaxconn"));
	assert_true(sysctl_is_listed("kernel.msgmax", "net.core.somaxconn, kernel.msg*"));
	assert_false(sysctl_is_listed("kernel.ms", "kernel.msg*,kernel.m"));
	assert_false(sysctl_is_listed("kernel.msgmax", NULL));
}

static void claims_of_two_namespaces_are_apart(void **state)
{
	char path[CLAIM_DIRECTORY_SIZE];
	(void)state;

	assert_string_equal(claim_directory("default", "data", path), "volumes/data");
	assert_string_equal(claim_directory("red", "data", path), "volumes/red_data");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_a_running_pod_may_change),
		TEST(a_policy_decides_about_a_restart),
		TEST(kernel_parameters_by_their_names),
		TEST(claims_of_two_namespaces_are_apart),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
