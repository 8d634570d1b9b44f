/* test_object.c — trees, their text forms, field tables and quantities (src/object). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "object/field.h"
#include "object/json.h"
#include "object/yaml.h"

static struct arena *arena;

static int setup(void **state)
{
	arena = arena_new();
	return state ? 0 : 0;
}

static int teardown(void **state)
{
	arena_free(arena);
	return state ? 0 : 0;
}

/* The single document of TEXT; on an error the first message is in *WHY. */
static struct node *yaml(const char *text, const char **why)
{
	struct problems p = { .arena = arena };
	struct yaml_documents documents = {};
	int r = yaml_read(arena, "f", text, strlen(text), &documents, &p);

	*why = p.errors.n ? p.errors.at[0].text : NULL;
	assert_int_equal(r<0, p.errors.n> 0);
	return r == 0 && documents.n ? documents.at[0] : NULL;
}

static const char *json_text(const struct node *n)
{
	struct text t = {};
	node_to_json(n, false, &t);
	const char *copy = arena_strdup(arena, text_str(&t));
	text_free(&t);
	return copy;
}

static void yaml_scalars_mean_what_kubectl_users_expect(void **state)
{
	static const struct {
		const char *yaml, *json;
	} cases[] = {
		{ "a: 1", "{\"a\":1}" },
		{ "%YAML 1.2\n---\na: 1", "{\"a\":1}" },
		{ "a: '1'", "{\"a\":\"1\"}" },
		{ "a: 0644", "{\"a\":420}" },
		{ "a: 0o644", "{\"a\":420}" },
		{ "a: 0x1F", "{\"a\":31}" },
		{ "a: -5", "{\"a\":-5}" },
		{ "a: 08", "{\"a\":8}" },
		{ "a: 1.5", "{\"a\":1.5}" },
		{ "a: 0.1", "{\"a\":0.1}" },
		{ "a: 1e3", "{\"a\":1000.0}" },
		{ "a: true", "{\"a\":true}" },
		{ "a: yes", "{\"a\":\"yes\"}" },
		{ "a: on", "{\"a\":\"on\"}" },
		{ "a: ~", "{\"a\":null}" },
		{ "a:", "{\"a\":null}" },
		{ "a: -", NULL },
		{ "a: 1.2.3", "{\"a\":\"1.2.3\"}" },
		{ "a: 12:30", "{\"a\":\"12:30\"}" },
		{ "a: .", "{\"a\":\".\"}" },
		{ "a: !!str 1", "{\"a\":\"1\"}" },
		{ "a: |\n  x\n  y\n", "{\"a\":\"x\\ny\\n\"}" },
		{ "a: >-\n  x\n  y\n", "{\"a\":\"x y\"}" },
		{ "{\"a\": [1, \"b\", null]}", "{\"a\":[1,\"b\",null]}" },
		{ "a: &x {b: 1}\nc: *x", "{\"a\":{\"b\":1},\"c\":{\"b\":1}}" },
		{ "a: &x {b: 1, c: 2}\nd: {<<: *x, c: 3}",
		  "{\"a\":{\"b\":1,\"c\":2},\"d\":{\"c\":3,\"b\":1}}" },
		{ "a: \"\\u00e9\\t\\\"\"", "{\"a\":\"é\\t\\\"\"}" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const char *why;
		struct node *n = yaml(cases[i].yaml, &why);
		if (!cases[i].json)
			assert_null(n);
		else
			assert_string_equal(json_text(n), cases[i].json);
	}
	(void)state;
}

static void yaml_errors_have_a_position(void **state)
{
	static const struct {
		const char *yaml, *error;
	} cases[] = {
		{ "a: 1\na: 2", "f:2:1: the key 'a' stands twice in one map" },
		{ "a: *nobody", "f:1:4: an alias (*name) stands before its anchor (&name)" },
		{ "a: &x [*x]", "f:1:8: an alias (*name) stands before its anchor (&name)" },
		{ "[a]: 1", "f:1:1: a key must be a plain word" },
		{ "a: b\n%TAG x\n", "f:2:1: not YAML: a line may begin with '%' only as %YAML 1.2" },
		{ "% &a [x, \xa2\xf5\xd2]",
		  "f:1:1: not YAML: a line may begin with '%' only as %YAML 1.2" }, /* libfyaml hung */
		{ "a: b\nc: x\xff", "f:2:5: not YAML: this is not UTF-8" },
		{ "a: \x1b[2J", "f:1:4: not YAML: there is a control character" },
		{ "\"a\\0b\": 1", "f:1:1: a key must be a plain word" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const char *why;
		assert_null(yaml(cases[i].yaml, &why));
		assert_string_equal(why, cases[i].error);
	}
	const char *why;
	assert_null(yaml("a: [1\nb: }", &why));
	assert_memory_equal(why, "f:2:4: not YAML: ", 17);
	(void)state;
}

static void several_documents_and_empty_ones(void **state)
{
	static const char text[] = "---\na: 1\n---\n# nothing\n---\nb: 2\n...\n";
	struct problems p = { .arena = arena };
	struct yaml_documents documents = {};

	assert_int_equal(yaml_read(arena, "f", text, strlen(text), &documents, &p), 0);
	assert_int_equal(documents.n, 2);
	assert_int_equal(node_get(documents.at[1], "b")->line, 6);
	assert_int_equal(node_get(documents.at[1], "b")->column, 4);
	(void)state;
}

/* Ten lines that stand for 10^10 strings; a chain of aliases as deep as a stack; one string nine hundred times. */
static void small_texts_that_stand_for_large_trees_are_refused(void **state)
{
	struct text laughs = {}, chain = {}, fat = {}, deep = {}, merged = {};
	const char *why;

	text_add(&laughs, "a: &a [x,x,x,x,x,x,x,x,x,x]\n");
	for (char c = 'b'; c < 'k'; c++) {
		text_printf(&laughs, "%c: &%c [", c, c);
		for (int i = 0; i < 10; i++)
			text_printf(&laughs, "%s*%c", i ? "," : "", c - 1);
		text_add(&laughs, "]\n");
	}
	text_add(&chain, "- &a0 []\n");
	for (int i = 1; i < 5000; i++)
		text_printf(&chain, "- &a%d [*a%d]\n", i, i - 1);
	text_add(&fat, "- &s '");
	for (int i = 0; i < 100000; i++)
		text_add(&fat, "0123456789");
	text_add(&fat, "'\n");
	for (int i = 0; i < 900; i++)
		text_add(&fat, "- *s\n");
	for (int i = 0; i < 65; i++)
		text_add(&deep, "[");
	text_add(&merged, "a: &m {");
	for (int i = 0; i < 2000; i++)
		text_printf(&merged, "k%d: 1, ", i);
	text_add(&merged, "}\nb: {<<: *m}\n");

	assert_null(yaml(laughs.at, &why));
	assert_non_null(strstr(why, "too large or too deep"));
	assert_null(yaml(chain.at, &why));
	assert_non_null(strstr(why, "too large or too deep"));
	assert_null(yaml(fat.at, &why));
	assert_non_null(strstr(why, "too large or too deep"));
	assert_null(yaml(deep.at, &why));
	assert_string_equal(why, "f:1:65: lists and maps are nested more than 64 deep");
	assert_null(yaml(merged.at, &why));
	assert_non_null(strstr(why, "too many keys are merged"));
	struct text *all[] = { &laughs, &chain, &fat, &deep, &merged };
	for (size_t i = 0; i < 5; i++)
		text_free(all[i]);
	(void)state;
}

static void json_is_read_strictly(void **state)
{
	static const char *const wrong[] = { "",      "{",   "{\"a\":1} x", "{\"a\":1,}",
					     "[1 2]", "nul", "\"\\ud800\"x" };
	struct error err = {};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		if (node_from_json(arena, wrong[i], strlen(wrong[i]), &err))
			fail_msg("%s was taken for JSON", wrong[i]);
	const char *right = "{\"a\":[1,-2,1.5,true,null,\"x\\u0000y\"],\"b\":{}}";
	struct node *n = node_from_json(arena, right, strlen(right), &err);
	assert_non_null(n);
	assert_string_equal(json_text(n), right);
	assert_non_null(node_from_json(arena, "12", 2, &err));
	(void)state;
}

/* What YAML could take for something else than a string. */
static const char *const odd_strings[] = {
	/* clang-format off */
	"", "yes", "No", "null", "~", "1", "0x10", "1e3", "-", "- a", "a: b", "a:", ":a", " a", "a ",
	"a #b", "#a", "a#b", "a: #b", "line\n", "a\nb", "\ttab", "\"q\"", "'q'", "é", "\x01", "\x7f",
	"{a}", "[a]", "*a", "&a", "!a", "%a", "@a", "`a`", "|", ">", "?", "? a", "---", "...", "=", "<<",
	"a,b", "a\\b", "12:30", "0644", "y", "n", "NaN", ".inf", "/a b:c", "\xc2\x85", "\xe2\x80\xa8",
	"\xef\xbb\xbf", "\xf0\x9f\x98\x80", "2026-11-23", "a:b", "a  b", "\r\n", "\xc2\xa0",
	/* clang-format on */
};

/* Whatever a string holds, YAML and JSON text give it back. */
static void text_reads_back_as_the_same_tree(void **state)
{
	struct node *list = node_new(arena, NODE_LIST), *map = node_new(arena, NODE_MAP),
		    *root = node_new(arena, NODE_MAP);

	for (size_t i = 0; i < sizeof(odd_strings) / sizeof(*odd_strings); i++) {
		node_append(arena, list, node_string(arena, odd_strings[i]));
		node_put(arena, map, odd_strings[i], node_int(arena, (int64_t)i));
	}
	node_append(arena, list, node_new(arena, NODE_LIST));
	node_append(arena, list, node_new(arena, NODE_MAP));
	node_append(arena, list, map);
	struct node *nested = node_new(arena, NODE_LIST);
	node_append(arena, nested, list);
	node_append(arena, nested, node_int(arena, INT64_MIN));
	node_put(arena, root, "list", nested);
	node_put(arena, root, "none", node_new(arena, NODE_NULL));

	struct text t = {};
	struct error err = {};
	const char *why = NULL;
	node_to_yaml(root, &t);
	struct node *from_yaml = yaml(t.at, &why);
	assert_null(why);
	assert_true(node_equal(root, from_yaml));
	text_free(&t);
	node_to_json(root, true, &t);
	assert_true(node_equal(root, node_from_json(arena, t.at, t.n, &err)));
	assert_true(node_equal(root, yaml(t.at, &why)));
	text_free(&t);
	(void)state;
}

static void bytes_that_are_not_utf8_become_the_replacement(void **state)
{
	struct node *n = node_string(arena, "a\xff"
					    "b\xc3");
	assert_string_equal(json_text(n), "\"a\xef\xbf\xbd"
					  "b\xef\xbf\xbd\"");
	(void)state;
}

static void equal_does_not_mind_the_order_of_keys(void **state)
{
	const char *why;
	assert_true(node_equal(yaml("{a: 1, b: [x]}", &why), yaml("{b: [x], a: 1}", &why)));
	assert_false(node_equal(yaml("{a: 1, b: 2}", &why), yaml("{a: 1, c: 2}", &why)));
	assert_false(node_equal(yaml("{a: 1}", &why), yaml("{a: '1'}", &why)));
	assert_false(node_equal(yaml("[1, 2]", &why), yaml("[2, 1]", &why)));
	(void)state;
}

/* --- field tables ------------------------------------------------------------------------------------------------- */

struct wheel {
	const char *name;
	int32_t size;
};

struct car {
	const char *name, *colour, *hidden;
	bool fast, kept;
	int32_t doors;
	int64_t weight;
	struct optional_bool electric;
	struct optional_int year;
	struct int_or_string plate;
	struct quantity load;
	struct bytes key;
	struct strings owners;
	struct ints gears;
	struct string_map notes;
	struct quantity_map tanks;
	struct bytes_map papers;
	struct node *extra;
	struct wheel spare;
	struct wheel *trailer;
	struct LIST(struct wheel) wheels;
};

static const char *not_empty(const char *text)
{
	return *text ? NULL : "is empty";
}

static const struct field wheel_fields[] = {
	VALUE(wheel, name, .required = true),
	VALUE(wheel, size, .fallback = "15", .min = 10, .max = 20),
};
static const struct table wheel_table = TABLE(wheel, wheel_fields, "A wheel.");
static const struct field extra_fields[] = { CHECKED("radio", FIELD_BOOL) };
static const struct table extra_table = CHECKED_TABLE("Extra", extra_fields, "More.");

static const struct field car_fields[] = {
	VALUE(car, name, .required = true, .check = not_empty, .doc = "Its name."),
	VALUE(car, colour, .values = "red|blue", .fallback = "red"),
	VALUE(car, hidden, .effect = NO_EFFECT, .why = "nobody sees it"),
	CHECKED("wings", FIELD_STRING, .effect = REJECTED, .why = "is for planes"),
	VALUE(car, fast),
	VALUE(car, kept, .keep = true),
	VALUE(car, doors, .fallback = "4", .min = 1, .max = 5),
	VALUE(car, weight),
	VALUE(car, electric),
	VALUE(car, year),
	VALUE(car, plate),
	VALUE(car, load),
	VALUE(car, key),
	VALUE(car, owners, .check = not_empty),
	VALUE(car, gears),
	VALUE(car, notes, .check_value = not_empty),
	VALUE(car, tanks),
	VALUE(car, papers),
	VALUE(car, extra, .table = &extra_table),
	OBJECT(car, spare, wheel_table),
	OPTIONAL(car, trailer, wheel_table),
	OBJECTS(car, wheels, wheel_table),
};
static const struct table car_table = TABLE(car, car_fields, "A car.");

static struct problems decode(const char *text, struct car *car)
{
	struct problems p = { .arena = arena, .file = "f" };
	const char *why;
	struct node *n = yaml(text, &why);

	assert_non_null(n);
	*car = (struct car){};
	bool right = object_decode(&car_table, n, car, arena, NULL, &p);
	assert_int_equal(right, p.errors.n == 0);
	return p;
}

static const char full[] = "{name: a, colour: blue, fast: true, kept: true, doors: 2, weight: "
			   "9007199254740993, electric: false, year: 0, plate: abc,"
			   " load: 1.5Gi, key: aGk=, owners: [x, y], gears: [1, 2], notes: {k: v}, tanks: "
			   "{main: 0.5}, papers: {p: AAEC},"
			   " extra: {radio: true}, spare: {name: s}, trailer: {name: t, size: 12}, wheels: "
			   "[{name: w}, {name: v, size: 20}]}";

static void every_type_is_decoded(void **state)
{
	struct car c;
	struct problems p = decode(full, &c);

	assert_int_equal(p.errors.n + p.warnings.n, 0);
	assert_string_equal(c.colour, "blue");
	assert_true(c.fast && c.electric.set && !c.electric.value && c.year.set && c.year.value == 0);
	assert_int_equal(c.weight, INT64_C(9007199254740993));
	assert_string_equal(c.plate.text, "abc");
	assert_int_equal(quantity_value(&c.load), INT64_C(1610612736));
	assert_int_equal(c.key.n, 2);
	assert_memory_equal(c.key.at, "hi", 3);
	assert_string_equal(c.owners.at[1], "y");
	assert_int_equal(c.gears.at[1], 2);
	assert_string_equal(c.notes.at[0].value, "v");
	assert_int_equal(quantity_milli(&c.tanks.at[0].value), 500);
	assert_memory_equal(c.papers.at[0].value.at, "\0\1\2", 3);
	assert_non_null(node_get(c.extra, "radio"));
	assert_int_equal(c.spare.size, 15);
	assert_int_equal(c.trailer->size, 12);
	assert_int_equal(c.wheels.at[0].size, 15);
	(void)state;
}

static void what_is_encoded_decodes_to_the_same(void **state)
{
	struct car c, again;
	decode(full, &c);
	struct node *n = object_encode(&car_table, &c, arena);
	struct problems p = decode(json_text(n), &again);

	assert_int_equal(p.errors.n, 0);
	assert_true(node_equal(n, object_encode(&car_table, &again, arena)));
	decode("{name: a}", &c);
	assert_string_equal(
		json_text(object_encode(&car_table, &c, arena)),
		"{\"name\":\"a\",\"colour\":\"red\",\"kept\":false,\"doors\":4,\"spare\":{\"size\":15}}");
	(void)state;
}

static void each_mistake_says_where_and_what_would_be_right(void **state)
{
	static const struct {
		const char *yaml, *error;
	} cases[] = {
		{ "{doors: 2}", "f:1:1: the field 'name' is missing" },
		{ "{name: ~}", "f:1:1: the field 'name' is missing" },
		{ "{name: ''}", "f:1:8: name: '' is empty" },
		{ "{name: 5}", "f:1:8: name: found 5 (a whole number), wanted a string (write \"5\")" },
		{ "{name: [a]}", "f:1:8: name: found a list, wanted a string" },
		{ "{name: \"a\\0b\"}", "f:1:8: name: a string may not hold a NUL character" },
		{ "{name: a, colour: green}",
		  "f:1:19: colour: found the string \"green\", wanted one of red, blue" },
		{ "{name: a, colour: re}",
		  "f:1:19: colour: found the string \"re\", wanted one of red, blue" },
		{ "{name: a, color: red}", "f:1:11: color: there is no such field (did you mean 'colour'?)" },
		{ "{name: a, Fast: true}", "f:1:11: Fast: there is no such field (did you mean 'fast'?)" },
		{ "{name: a, quux: 1}", "f:1:11: quux: there is no such field" },
		{ "{name: a, wings: x}", "f:1:11: wings: this field is for planes" },
		{ "{name: a, fast: yes}", "f:1:17: fast: found the string \"yes\", wanted true or false (in "
					  "YAML 1.2 yes, no, on and off are strings)" },
		{ "{name: a, doors: 6}", "f:1:18: doors: 6 is not between 1 and 5" },
		{ "{name: a, doors: '2'}", "f:1:18: doors: found the string \"2\", wanted a whole number" },
		{ "{name: a, doors: 2.5}", "f:1:18: doors: found 2.5 (a number), wanted a whole number" },
		{ "{name: a, weight: 9223372036854775808}",
		  "f:1:19: weight: found 9223372036854775808 (a number), wanted a whole number" },
		{ "{name: a, load: 1GB}", "f:1:17: load: found the string \"1GB\", wanted a quantity such as "
					  "500m, 1.5, 64Mi or 1Gi" },
		{ "{name: a, key: 'a*c='}", "f:1:16: key: this is not base64 (stringData takes plain text)" },
		{ "{name: a, key: abc}", "f:1:16: key: this is not base64: its length is wrong" },
		{ "{name: a, owners: x}", "f:1:19: owners: found the string \"x\", wanted a list" },
		{ "{name: a, owners: [x, '']}", "f:1:23: owners[1]: '' is empty" },
		{ "{name: a, notes: [x]}", "f:1:18: notes: found a list, wanted a map" },
		{ "{name: a, notes: {k: 1}}",
		  "f:1:22: notes.k: found 1 (a whole number), wanted a string (write \"1\")" },
		{ "{name: a, notes: {k: ''}}", "f:1:22: notes.k: '' is empty" },
		{ "{name: a, extra: {radyo: true}}",
		  "f:1:19: extra.radyo: there is no such field (did you mean 'radio'?)" },
		{ "{name: a, wheels: [{name: a}, {name: b, size: 99}]}",
		  "f:1:47: wheels[1].size: 99 is not between 10 and 20" },
		{ "{name: a, trailer: []}", "f:1:20: trailer: found a list, wanted a map" },
		{ "{name: a, \"fa\\nst\": 1}",
		  "f:1:11: fa?st: there is no such field (did you mean 'fast'?)" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct car c;
		struct problems p = decode(cases[i].yaml, &c);
		assert_int_equal(p.errors.n, 1);
		assert_string_equal(p.errors.at[0].text, cases[i].error);
	}
	(void)state;
}

static void all_mistakes_are_said_up_to_a_number(void **state)
{
	struct text t = {};
	struct car c;

	text_add(&t, "name: a\n");
	for (int i = 0; i < 60; i++)
		text_printf(&t, "nothing_like_it_%d: 1\n", i);
	struct problems p = decode(t.at, &c);
	assert_int_equal(p.errors.n, PROBLEMS_MAX);
	assert_int_equal(p.more, 60 - PROBLEMS_MAX);
	text_free(&t);
	(void)state;
}

static void null_is_absent_and_no_effect_warns(void **state)
{
	struct car c;
	struct problems p =
		decode("{name: a, hidden: x, colour: ~, extra: ~, trailer: ~, wings: ~, notes: {k: ~}}", &c);

	assert_int_equal(p.errors.n, 0);
	assert_int_equal(p.warnings.n, 1);
	assert_string_equal(p.warnings.at[0].text, "f:1:11: hidden: has no effect: nobody sees it");
	assert_string_equal(c.colour, "red");
	assert_null(c.extra);
	assert_null(c.trailer);
	assert_string_equal(c.notes.at[0].value, "");
	(void)state;
}

static void a_problem_without_a_line_gets_that_of_its_path(void **state)
{
	const char *why;
	struct node *n = yaml("spec:\n  list:\n  - a: 1\n  - b:\n      c: 2\n", &why);
	struct problems p = { .arena = arena, .file = "f", .root = n };

	problem_error(&p, 0, 0, "spec.list[1].b.c", "x");
	problem_error(&p, 0, 0, "spec.list[1].nothing", "x");
	problem_error(&p, 0, 0, "spec.list[9]", "x");
	assert_string_equal(p.errors.at[0].text, "f:5:10: spec.list[1].b.c: x");
	assert_string_equal(p.errors.at[1].text, "f:4:5: spec.list[1].nothing: x");
	assert_string_equal(p.errors.at[2].text, "f:3:3: spec.list[9]: x");
	(void)state;
}

static void explain_names_what_is_near(void **state)
{
	struct text t = {};
	struct error err = {};

	assert_int_equal(table_explain(&car_table, "Car", "", false, &t, &err), 0);
	assert_non_null(strstr(t.at, "KIND:    Car"));
	assert_non_null(strstr(t.at, "colour\t<string>"));
	assert_non_null(strstr(t.at, "Rejected: this field is for planes."));
	text_free(&t);
	assert_int_equal(table_explain(&car_table, "Car", "wheels.size", false, &t, &err), 0);
	assert_non_null(strstr(t.at, "FIELD: size <integer>"));
	text_free(&t);
	assert_int_equal(table_explain(&car_table, "Car", "wheels.sice", false, &t, &err), -ENOENT);
	assert_string_equal(err.text, "Car has no field 'wheels.sice' (did you mean 'size'?)");
	(void)state;
}

/* --- quantities ------------------------------------------------------------------------------------------------------ */

static void quantities_are_exact(void **state)
{
	static const struct {
		const char *text, *canonical;
		int64_t value, milli;
	} cases[] = {
		{ "0", "0", 0, 0 },
		{ "1", "1", 1, 1000 },
		{ "100m", "100m", 1, 100 },
		{ "0.5", "500m", 1, 500 },
		{ ".5", "500m", 1, 500 },
		{ "5.", "5", 5, 5000 },
		{ "1.5", "1500m", 2, 1500 },
		{ "1000m", "1", 1, 1000 },
		{ "1500", "1500", 1500, 1500000 },
		{ "2000", "2k", 2000, 2000000 },
		{ "64Mi", "64Mi", 67108864, INT64_C(67108864000) },
		{ "1024Mi", "1Gi", 1073741824, INT64_C(1073741824000) },
		{ "1.5Gi", "1536Mi", 1610612736, INT64_C(1610612736000) },
		{ "0.5Ki", "512", 512, 512000 },
		{ "1e3", "1e3", 1000, 1000000 },
		{ "1E3", "1e3", 1000, 1000000 },
		{ "12e-1", "1200e-3", 2, 1200 },
		{ "1E", "1E", INT64_C(1000000000000000000), INT64_MAX },
		{ "7Ei", "7Ei", INT64_C(8070450532247928832), INT64_MAX },
		{ "-1.5", "-1500m", -1, -1500 },
		{ "+5", "5", 5, 5000 },
		{ "100n", "100n", 1, 1 },
		{ "0.0000000001", "1n", 1, 1 },
		{ "9223372036854775807", "9223372036854775807", INT64_MAX, INT64_MAX },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct quantity q, again;
		char text[QUANTITY_TEXT_SIZE];
		assert_int_equal(quantity_parse(cases[i].text, &q), 0);
		assert_int_equal(quantity_value(&q), cases[i].value);
		assert_int_equal(quantity_milli(&q), cases[i].milli);
		assert_string_equal(quantity_text(&q, text), cases[i].canonical);
		assert_int_equal(quantity_parse(text, &again), 0);
		assert_int_equal(quantity_compare(&q, &again), 0);
	}
	(void)state;
}

static void what_is_no_quantity_is_refused(void **state)
{
	static const char *const wrong[] = { "",   ".",     "-",    "1 Gi",  "1GB", "1gi", "1K",
					     "1e", "1e+-3", "0x10", "1.2.3", "Mi",  "1mm", "é" };
	static const char *const large[] = { "9223372036854775808", "8Ei", "10E", "1e30",
					     "99999999999999999999999999999999999999999" };
	struct quantity q;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		assert_int_equal(quantity_parse(wrong[i], &q), -EINVAL);
	for (size_t i = 0; i < sizeof(large) / sizeof(*large); i++)
		assert_int_equal(quantity_parse(large[i], &q), -ERANGE);
	(void)state;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(yaml_scalars_mean_what_kubectl_users_expect),
		TEST(yaml_errors_have_a_position),
		TEST(several_documents_and_empty_ones),
		TEST(small_texts_that_stand_for_large_trees_are_refused),
		TEST(json_is_read_strictly),
		TEST(text_reads_back_as_the_same_tree),
		TEST(bytes_that_are_not_utf8_become_the_replacement),
		TEST(equal_does_not_mind_the_order_of_keys),
		TEST(every_type_is_decoded),
		TEST(what_is_encoded_decodes_to_the_same),
		TEST(each_mistake_says_where_and_what_would_be_right),
		TEST(all_mistakes_are_said_up_to_a_number),
		TEST(null_is_absent_and_no_effect_warns),
		TEST(a_problem_without_a_line_gets_that_of_its_path),
		TEST(explain_names_what_is_near),
		TEST(quantities_are_exact),
		TEST(what_is_no_quantity_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
