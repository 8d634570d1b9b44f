/* test_cni.c — CNI's configuration lists, and what is said to plugins. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "net/cni_list.h"
#include "object/json.h"

static struct node *tree(const char *text, struct arena *a)
{
	struct node *n = node_from_json(a, text, strlen(text), NULL);
	assert_non_null(n);
	return n;
}

static const char *json(const struct node *n, struct arena *a)
{
	_cleanup_text_ struct text out = {};
	node_to_json(n, false, &out);
	return arena_strdup(a, text_str(&out));
}

static void lists_that_are_wrong(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{ "[]", "it is no map" },
		{ "{}", "it has no name" },
		{ "{\"name\":\"n\"}", "it has no plugins" },
		{ "{\"name\":\"n\",\"plugins\":{}}", "it has no plugins" },
		{ "{\"name\":\"n\",\"plugins\":[{\"type\":\"a\"},{\"type\":\"a/b\"}]}",
		  "plugins[1] has no type" },
		{ "{\"name\":\"n\",\"plugins\":[{\"type\":\"..\"}]}", "plugins[0] has no type" },
		{ "{\"name\":\"n\",\"plugins\":[7]}", "plugins[0] has no type" },
	};
	_cleanup_arena_ struct arena *a = arena_new();
	(void)state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct error err = {};
		struct cni_list list;
		assert_int_equal(cni_list_read(tree(cases[i].text, a), a, &list, &err), -EINVAL);
		if (!strstr(err.text, cases[i].says))
			fail_msg("%s: says '%s'", cases[i].text, err.text);
	}
}

static void versions(void **state)
{
	_cleanup_arena_ struct arena *a = arena_new();
	struct cni_list list;
	(void)state;

	assert_int_equal(cni_list_read(tree("{\"name\":\"n\",\"cniVersion\":\"1.0.0\",\"type\":\"one\"}", a),
				       a, &list, NULL),
			 0);
	assert_int_equal(list.plugins->items.n, 1); /* one plugin alone */
	assert_true(cni_list_is(&list, 0, 4) && cni_list_is(&list, 1, 0) && !cni_list_is(&list, 1, 1));
	assert_int_equal(cni_list_read(tree("{\"name\":\"n\",\"type\":\"one\"}", a), a, &list, NULL), 0);
	assert_false(cni_list_is(&list, 0, 4));
}

static void each_plugin_is_told_what_it_can_do(void **state)
{
	static const char text[] =
		"{\"name\":\"n\",\"cniVersion\":\"1.0.0\",\"plugins\":[{\"type\":\"a\",\"x\":1},"
		"{\"type\":\"b\",\"capabilities\":{\"portMappings\":true,\"mac\":false}}]}";
	_cleanup_arena_ struct arena *a = arena_new();
	struct port_wish ports[] = { { .protocol = IPPROTO_TCP, .host_port = 8080, .pod_port = 80 },
				     { .protocol = IPPROTO_UDP,
				       .host = { AF_INET, { .v4 = { htonl(0x7f000001) } } },
				       .host_port = 53,
				       .pod_port = 5353 } };
	struct cni_wish wish = { .ports = ports, .port_count = 2 };
	struct cni_list list;
	(void)state;

	assert_int_equal(cni_list_read(tree(text, a), a, &list, NULL), 0);
	struct node *runtime = cni_runtime(&wish, a);
	assert_null(cni_missing(&list, runtime));
	assert_string_equal(json(cni_request(&list, 0, runtime, NULL, a), a),
			    "{\"type\":\"a\",\"x\":1,\"name\":\"n\",\"cniVersion\":\"1.0.0\"}");
	const char *said = json(cni_request(&list, 1, runtime, tree("{\"ips\":[]}", a), a), a);
	assert_non_null(strstr(
		said,
		"\"runtimeConfig\":{\"portMappings\":[{\"hostPort\":8080,\"containerPort\":80,\"protocol\":"
		"\"tcp\"},"
		"{\"hostPort\":53,\"containerPort\":5353,\"protocol\":\"udp\",\"hostIP\":\"127.0.0.1\"}]}"));
	assert_non_null(strstr(said, "\"prevResult\":{\"ips\":[]}"));
	wish.mac = "0a:58:0a:00:00:01"; /* the capability is there, and off */
	assert_string_equal(cni_missing(&list, cni_runtime(&wish, a)), "mac");
	wish = (struct cni_wish){ .egress = 1000000 };
	assert_string_equal(json(cni_runtime(&wish, a), a),
			    "{\"bandwidth\":{\"egressRate\":8000000,\"egressBurst\":800000}}");
}

static void the_address_of_a_result(void **state)
{
	static const struct {
		const char *text, *ip;
	} cases[] = {
		{ "{\"ips\":[{\"address\":\"fd00::2/64\"},{\"address\":\"10.1.2.3/16\"}]}", "10.1.2.3" },
		{ "{\"ips\":[{\"address\":\"10.1.2.3\"}]}", "10.1.2.3" },
		{ "{\"ips\":[{\"address\":7},{}]}", "" },
		{ "{\"ips\":\"10.1.2.3\"}", "" },
		{ "{\"ips\":[{\"address\":\"99999999999999999999999999999999999999999999999999999999999/"
		  "8\"}]}",
		  "" },
		{ "{}", "" },
	};
	_cleanup_arena_ struct arena *a = arena_new();
	char ip[INET_ADDRSTRLEN];
	(void)state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		cni_result_ip(tree(cases[i].text, a), ip);
		assert_string_equal(ip, cases[i].ip);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_that_are_wrong),
		cmocka_unit_test(versions),
		cmocka_unit_test(each_plugin_is_told_what_it_can_do),
		cmocka_unit_test(the_address_of_a_result),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
