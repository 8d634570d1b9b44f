/* SkyDNS' records without an etcd: messages, keys, the tree, and what a machine announces. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "dns/register.h"
#include "dns/sky.h"

#define DOMAIN "/skydns/local/skydns"

static struct sky *new_sky(void)
{
	knot_dname_storage_t domain;

	assert_true(name_parse("skydns.local", domain));
	return sky_new(domain);
}

static int put(struct sky *s, const char *key, const char *value)
{
	return sky_put(s, key, strlen(key), value, strlen(value), false, NULL);
}

static unsigned count(struct sky *s, const char *text)
{
	struct sky_found found;
	knot_dname_storage_t name;

	assert_true(name_parse(text, name));
	sky_find(s, name, &found);
	return found.n;
}

static void messages_and_what_is_none(void **state)
{
	static const struct {
		const char *json, *why; /* NULL: it is one */
	} cases[] = {
		{ "{}", NULL },
		{ "{\"host\":\"10.0.0.1\",\"port\":8080,\"priority\":0,\"weight\":7,\"ttl\":60,\"mail\":"
		  "true}",
		  NULL },
		{ "{\"host\":\"web.example.org.\",\"key\":\"/skydns/x\",\"more\":[1,{}],\"group\":null}",
		  NULL },
		{ "", "empty" },
		{ "[]", "no JSON object" },
		{ "{\"host\":", "not JSON" },
		{ "{\"host\":7}", "\"host\" is no text" },
		{ "{\"host\":\"a..b\"}", "neither an address nor a name" },
		{ "{\"host\":\"a\\u0000b\"}", "zero byte" },
		{ "{\"port\":65536}", "\"port\" is no number from 0 to 65535" },
		{ "{\"port\":\"80\"}", "\"port\" is no number" },
		{ "{\"priority\":-1}", "\"priority\" is no number" },
		{ "{\"ttl\":1.5}", "\"ttl\" is no number" },
		{ "{\"targetstrip\":128}", "\"targetstrip\" is no number" },
		{ "{\"mail\":1}", "\"mail\" is neither" },
	};
	(void)state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct error why = {};
		struct sky_record *r = sky_record_read(cases[i].json, strlen(cases[i].json), false, &why);
		if (!cases[i].why)
			assert_non_null(r);
		else if (r || !strstr(why.text, cases[i].why))
			fail_msg("%s: %s", cases[i].json, why.text);
		free(r);
	}
}

static void zero_means_the_default_and_a_lease_shortens_the_ttl(void **state)
{
	(void)state;

	for (int leased = 0; leased < 2; leased++) {
		struct sky_record *r = sky_record_read("{\"ttl\":0,\"priority\":0}", 22, leased, NULL);
		assert_int_equal(r->ttl, leased ? SKY_LEASED_TTL : SKY_TTL);
		assert_int_equal(r->priority, SKY_PRIORITY);
		free(r);
	}
}

static void the_tree_is_empty_again_when_all_is_deleted(void **state)
{
	struct sky *s = new_sky();
	static const char *const keys[] = { DOMAIN "/a", DOMAIN "/a/b/c", DOMAIN "/A/b/d", DOMAIN "/e",
					    "/skydns/arpa/x" };
	(void)state;

	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 5; i++)
			assert_int_equal(put(s, keys[i], "{\"host\":\"10.0.0.1\"}"), 0);
		assert_int_equal(put(s, keys[0], "{\"host\":\"10.0.0.2\"}"), 0);
		assert_int_equal(s->records, 5);
		assert_int_equal(count(s, "a.skydns.local"), 3);
		assert_int_equal(count(s, "skydns.local"), 4);
		assert_int_equal(count(s, "*.b.a.skydns.local"), 2);
		for (int i = 0; i < 5; i++)
			sky_delete(s, keys[i], strlen(keys[i]));
		assert_int_equal(s->records, 0);
		assert_int_equal(s->bytes, 0);
		assert_int_equal(s->root->n, 0);
	}
	sky_free(s);
}

static void a_record_that_becomes_none_is_gone(void **state)
{
	struct sky *s = new_sky();
	(void)state;

	put(s, DOMAIN "/a", "{\"host\":\"10.0.0.1\"}");
	assert_int_equal(put(s, DOMAIN "/a", "nonsense"), -EINVAL);
	assert_int_equal(count(s, "a.skydns.local"), 0);
	assert_int_equal(s->refused, 1);
	assert_non_null(strstr(s->why.text, DOMAIN "/a: "));
	assert_int_equal(s->bytes, 0);
	sky_free(s);
}

static void a_question_has_a_ceiling(void **state)
{
	struct sky *s = new_sky();
	char key[100];
	(void)state;

	for (int i = 0; i < 3 * SKY_HITS_MAX; i++) {
		snprintf(key, sizeof(key), DOMAIN "/m/%d/x", i);
		put(s, key, "{\"host\":\"10.0.0.1\"}");
	}
	assert_int_equal(count(s, "m.skydns.local"), SKY_HITS_MAX);
	assert_int_equal(count(s, "2999.m.skydns.local"), 1);
	sky_free(s);
}

static const struct {
	const char *name, *address;
	uint16_t port;
} stub = { "example.org", "10.0.0.8", 5353 };

static void see_stub(void *data, const knot_dname_t *zone, const struct address *server)
{
	knot_dname_storage_t name;
	char text[ADDRESS_TEXT_SIZE];

	assert_true(name_parse(stub.name, name));
	assert_true(knot_dname_is_equal(zone, name));
	assert_string_equal(address_text(server, text), stub.address);
	assert_int_equal(server->port, stub.port);
	++*(int *)data;
}

static void stub_zones(void **state)
{
	struct sky *s = new_sky();
	int n = 0;
	(void)state;

	put(s, DOMAIN "/dns/stub/org/example/ns1", "{\"host\":\"10.0.0.8\",\"port\":5353}");
	put(s, DOMAIN "/dns/stub/org/example/ns2", "{\"host\":\"a.name\"}");
	put(s, DOMAIN "/dns/stub/lonely", "{\"host\":\"10.0.0.8\"}");
	sky_stubs(s, see_stub, &n);
	assert_int_equal(n, 1);
	sky_free(s);
}

/* --- announcing --------------------------------------------------------------------------------------------------------- */

static const char pod_json[] =
	"{\"metadata\":{\"name\":\"web.a\",\"namespace\":\"default\",\"labels\":{\"app\":\"web\"}},\"spec\":{"
	"\"containers\":[{\"name\":\"c\",\"ports\":[{\"name\":\"http\",\"containerPort\":8080,"
	"\"hostPort\":18080}]}]}}";
static const char status_json[] = "{\"phase\":\"Running\",\"podIP\":\"10.1.0.2\",\"podIPs\":[{\"ip\":\"10.1."
				  "0.2\"},{\"ip\":\"fd00::2\"}],"
				  "\"conditions\":[{\"type\":\"Ready\",\"status\":\"True\"}]}";
static const char service_json[] =
	"{\"metadata\":{\"name\":\"web\",\"namespace\":\"default\"},\"spec\":{\"clusterIP\":\"10.96.0.1\","
	"\"selector\":{\"app\":\"web\"},\"ports\":[{\"name\":\"http\",\"port\":80,\"targetPort\":\"http\"}]}"
	"}";

static bool has(const struct announcements *all, const char *key, const char *value)
{
	list_each(one, all)
		if (strcmp(one->key, key) == 0)
			return strstr(one->value, value) != NULL;
	return false;
}

static void what_a_machine_announces(void **state)
{
	_cleanup_arena_ struct arena *a = arena_new();
	struct registration r = { .on = true, .domain = "skydns.local", .machine = "one" };
	struct fact_pod *pod = arena_one(a, struct fact_pod);
	struct fact_service *service = arena_one(a, struct fact_service);
	struct cluster c = {};
	struct announcements all;
	(void)state;

	assert_true(
		fact_pod_read(pod_json, sizeof(pod_json) - 1, status_json, sizeof(status_json) - 1, a, pod));
	assert_true(fact_service_read(service_json, sizeof(service_json) - 1, a, service));
	*list_add(a, &c.pods) = pod;
	*list_add(a, &c.services) = service;
	announcements_make(&r, &c, a, &all);
	assert_int_equal(all.n, 6);
	assert_true(has(&all, DOMAIN "/pod/default/a/web/one/0", "\"host\":\"10.1.0.2\""));
	assert_true(has(&all, DOMAIN "/pod/default/a/web/one/1", "\"host\":\"fd00::2\""));
	assert_true(has(&all, "/skydns/arpa/in-addr/10/1/0/2/one", "web.a.default.pod.skydns.local"));
	address_parse("192.0.2.1", 0, &r.advertise, NULL);
	announcements_make(&r, &c, a, &all);
	assert_int_equal(all.n, 2);
	assert_true(has(&all, DOMAIN "/pod/default/a/web/one/0", "192.0.2.1"));
	assert_non_null(strstr(all.at[1].value, "\"port\":18080"));
	pod->ready = false;
	announcements_make(&r, &c, a, &all);
	assert_int_equal(all.n, 1);
	r.on = false;
	announcements_make(&r, &c, a, &all);
	assert_int_equal(all.n, 0);
}

static void note(void *data, const struct announcement *one)
{
	char *at = (char *)data + strlen(data);
	sprintf(at, "%s%s ", one->value ? "+" : "-", one->key);
}

static void only_what_differs_is_said(void **state)
{
	struct announcement before[] = { { "a", "1" }, { "b", "1" }, { "d", "1" } },
			    after[] = { { "b", "2" }, { "c", "1" }, { "d", "1" }, { "e", "1" } };
	char said[100] = "";
	(void)state;

	announcements_compare(&(struct announcements){ before, 3 }, &(struct announcements){ after, 4 }, note,
			      said);
	assert_string_equal(said, "-a +b +c +e ");
}

static void names_of_machines(void **state)
{
	_cleanup_arena_ struct arena *a = arena_new();
	(void)state;

	assert_string_equal(machine_label(a, "Web1.example.org", "12345678"), "web1-12345678");
	assert_string_equal(machine_label(a, "-._/x", "12345678"), "machine-12345678");
	assert_true(strlen(machine_label(
			    a, "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffgggggggggg",
			    "12345678")) < 64);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_and_what_is_none),
		cmocka_unit_test(zero_means_the_default_and_a_lease_shortens_the_ttl),
		cmocka_unit_test(the_tree_is_empty_again_when_all_is_deleted),
		cmocka_unit_test(a_record_that_becomes_none_is_gone),
		cmocka_unit_test(a_question_has_a_ceiling),
		cmocka_unit_test(stub_zones),
		cmocka_unit_test(what_a_machine_announces),
		cmocka_unit_test(only_what_differs_is_said),
		cmocka_unit_test(names_of_machines),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
