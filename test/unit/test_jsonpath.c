/* test_jsonpath.c — kubectl's JSONPath (src/object/jsonpath.h): the examples of its documentation, and what is wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "object/json.h"
#include "object/jsonpath.h"

static const char list[] =
	"{\"kind\":\"List\",\"items\":["
	"{\"metadata\":{\"name\":\"a\",\"labels\":{\"app.io/name\":\"x\"}},\"n\":1,\"on\":true,"
	"\"c\":[{\"type\":\"Ready\",\"status\":\"True\"},{\"type\":\"Init\",\"status\":\"False\"}]},"
	"{\"metadata\":{\"name\":\"b\"},\"n\":20,\"on\":false,\"c\":[{\"type\":\"Ready\",\"status\":"
	"\"False\"}]},"
	"{\"metadata\":{\"name\":\"c\"},\"n\":3.5}]}";

/* What TEMPLATE says of the list, or in brackets what is wrong with it. */
static const char *said(const char *template, struct arena *a)
{
	_cleanup_text_ struct text out = {};
	struct error err = {};
	const struct node *n = node_from_json(a, list, strlen(list), &err);
	const struct jsonpath *p = jsonpath_template(template, a, &err);

	assert_non_null(n);
	if (!p || jsonpath_print(p, n, &out, &err) < 0)
		return arena_printf(a, "[%s]", err.text);
	return arena_strdup(a, text_str(&out));
}

static void templates_say_what_kubectl_says(void **state)
{
	static const char *const cases[][2] = {
		{ "{.kind}", "List" },
		{ "{@.kind}{$.kind}{ .kind }", "ListListList" },
		{ ".kind", "List" },
		{ "kind", "kind" },
		{ "{kind}", "List" },
		{ "{['kind']}", "List" },
		{ "{.items[0].metadata.name}", "a" },
		{ "{.items[-1].metadata.name}", "c" },
		{ "{.items[*].metadata.name}", "a b c" },
		{ "{.items[1:3].metadata.name}", "b c" },
		{ "{.items[:2].metadata.name}", "a b" },
		{ "{.items[-2:].metadata.name}", "b c" },
		{ "{.items[::2].metadata.name}", "a c" },
		{ "{.items[0,2].metadata.name}", "a c" },
		{ "{.items[9].metadata.name}{.items[-9].x}", "" },
		{ "{.items[0].metadata['name','labels']}", "a {\"app.io/name\":\"x\"}" },
		{ "{.items[0].metadata.labels.app\\.io/name}", "x" },
		{ "{.items[0].metadata.labels['app.io/name']}", "x" },
		{ "{.items[0].metadata.*}", "a {\"app.io/name\":\"x\"}" },
		{ "{..name}", "a b c" },
		{ "{..c[0].type}", "Ready Ready" },
		{ "{.items[0].n} {.items[0].on}", "1 true" },
		{ "{.items[?(@.metadata.name=='b')].n}", "20" },
		{ "{.items[?(@.n>3)].metadata.name}", "b c" },
		{ "{.items[?(@.n <= 3.5)].metadata.name}", "a c" },
		{ "{.items[?(@.n!=1)].metadata.name}", "b c" },
		{ "{.items[?(@.on==true)].metadata.name}", "a" },
		{ "{.items[?(@.metadata.labels)].metadata.name}", "a" },
		{ "{.items[?(@.c[?(@.type==\"Ready\")].status=='True')].metadata.name}", "a" },
		{ "{.items[0].c[?(@.type==\"Ready\")].status}", "True" },
		{ "{range .items[*]}{.metadata.name}{\"\\t\"}{.n}{\"\\n\"}{end}", "a\t1\nb\t20\nc\t3.5\n" },
		{ "{range .items[*]}{.metadata.name}:{range .c[*]} {.type}{end};{end}",
		  "a: Ready Init;b: Ready;c:;" },
		{ "{range .items[*]}{$.kind}{end}", "ListListList" },
		{ "name={.items[0].metadata.name}, that is all", "name=a, that is all" },
		{ "{.nosuch.at.all}", "" },
		{ "{.kind.deeper}{.kind[0]}", "" },
		{ "{'it''}", "[at ''}': '}' is missing]" },
		{ "{.items[0]", "[at 'the end': this does not belong to a path]" },
		{ "{.items[x]}", "[at 'x]}': a number, a name in quotes, * or ?( is missing]" },
		{ "{.items[0}", "[at '}': ']' is missing]" },
		{ "{.items[?(@.n==)]}", "[at ')]}': a value is missing]" },
		{ "{.items[?(@.n==1]}", "[at ']}': the filter does not end with ')']" },
		{ "{.items[::0]}", "[at ']}': the step of a slice is 1 or more]" },
		{ "{..}", "[at '}': a name is missing]" },
		{ "{.a...b}", "[at '.b}': a name is missing]" },
		{ "{end}", "[at 'the end': {end} has no {range}]" },
		{ "{range .items[*]}{.n}", "[at 'the end': {range} has no {end}]" },
		{ "{.a b}", "[at 'b}': this does not belong to a path]" },
		{ "{'x}", "[at 'the end': a string does not end]" },
		{ "", "[it is empty]" },
	};
	_cleanup_arena_ struct arena *a = arena_new();

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_string_equal(said(cases[i][0], a), cases[i][1]);
}

static void paths_may_leave_out_braces_and_the_first_dot(void **state)
{
	_cleanup_arena_ struct arena *a = arena_new();
	struct error err = {};
	const struct node *n = node_from_json(a, list, strlen(list), &err);
	static const char *const same[] = { "{.items[0].metadata.name}", ".items[0].metadata.name",
					    "items[0].metadata.name", "$.items[0].metadata.name" };

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct found_nodes found = {};
		assert_int_equal(jsonpath_find(jsonpath_path(same[i], a, &err), n, a, &found, &err), 0);
		assert_int_equal(found.n, 1);
		assert_string_equal(found.at[0]->text, "a");
	}
	assert_null(jsonpath_path("", a, &err));
	assert_null(jsonpath_path("{}", a, &err));
	assert_null(jsonpath_path("{.a}{.b}", a, &err));
}

/* Each index that is asked for again multiplies: it ends at the limit, not when memory does. */
static void what_explodes_is_refused(void **state)
{
	_cleanup_arena_ struct arena *a = arena_new();
	_cleanup_text_ struct text deep = {}, ranges = {};

	(void)state;
	for (int step = 0; step < 2; step++) {
		text_add(&deep, step ? "0].c[" : "{.items[");
		for (int i = 0; i < 1000; i++)
			text_add(&deep, "0,");
	}
	text_add(&deep, "0]}");
	assert_non_null(strstr(said(text_str(&deep), a), "leads to more than 100000"));
	for (int i = 0; i < 9; i++)
		text_add(&ranges, "{range .x}");
	assert_non_null(strstr(said(text_str(&ranges), a), "too many ranges"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(templates_say_what_kubectl_says),
		cmocka_unit_test(paths_may_leave_out_braces_and_the_first_dot),
		cmocka_unit_test(what_explodes_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
