/* Names without a network: facts to zones, questions to answers, messages, the cache, the limit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/memory.h"
#include "dns/answer.h"
#include "dns/cache.h"
#include "dns/limit.h"

static const char pod_json[] =
	"{\"kind\":\"Pod\",\"metadata\":{\"name\":\"db-0\",\"namespace\":\"default\",\"labels\":{\"app\":"
	"\"db\"}},"
	"\"spec\":{\"hostname\":\"first\",\"subdomain\":\"db\",\"restartPolicy\":\"Always\",\"containers\":["
	"{\"name\":\"pg\",\"image\":\"x\",\"ports\":[{\"name\":\"psql\",\"containerPort\":15432,\"protocol\":"
	"\"TCP\"}]}]}}";
static const char status_json[] = "{\"phase\":\"Running\",\"podIP\":\"10.1.0.2\",\"podIPs\":[{\"ip\":\"10.1."
				  "0.2\"},{\"ip\":\"fd00::2\"}],"
				  "\"conditions\":[{\"type\":\"Ready\",\"status\":\"True\"}]}";
static const char headless_json[] =
	"{\"kind\":\"Service\",\"metadata\":{\"name\":\"db\",\"namespace\":\"default\"},\"spec\":{"
	"\"clusterIP\":\"None\",\"selector\":{\"app\":\"db\"},\"ports\":[{\"name\":\"sql\",\"port\":5432,"
	"\"targetPort\":\"psql\"}]}}";
static const char alias_json[] =
	"{\"kind\":\"Service\",\"metadata\":{\"name\":\"ext\",\"namespace\":\"default\"},\"spec\":{"
	"\"type\":\"ExternalName\",\"externalName\":\"db.default.svc.cluster.local\"}}";
static const char circle_json[] =
	"{\"kind\":\"Service\",\"metadata\":{\"name\":\"circle\",\"namespace\":\"default\"},\"spec\":{"
	"\"type\":\"ExternalName\",\"externalName\":\"circle.default.svc.cluster.local\"}}";
static const char outside_json[] =
	"{\"kind\":\"Service\",\"metadata\":{\"name\":\"out\",\"namespace\":\"default\"},\"spec\":{"
	"\"type\":\"ExternalName\",\"externalName\":\"www.example.org\"}}";

struct world {
	struct arena *arena;
	struct cluster cluster;
	struct homes homes;
	struct view view;
	knot_pkt_t *out;
	uint8_t wire[MESSAGE_MAX];
	knot_dname_storage_t next;
};

static void add_service(struct world *w, const char *json)
{
	struct fact_service *s = arena_one(w->arena, struct fact_service);

	assert_true(fact_service_read(json, strlen(json), w->arena, s));
	*list_add(w->arena, &w->cluster.services) = s;
}

static void make_view(struct world *w)
{
	knot_dname_storage_t apex;

	assert_true(name_parse("Cluster.Local", apex));
	zone_free((struct zone *)w->view.zone);
	zone_free((struct zone *)w->view.words);
	w->view = (struct view){ cluster_zone(&w->cluster, apex), cluster_words(&w->cluster), &w->homes };
}

static int set_up(void **state)
{
	struct world *w = memory_one(struct world);

	w->arena = arena_new();
	struct fact_pod *pod = arena_one(w->arena, struct fact_pod);
	assert_true(fact_pod_read(pod_json, sizeof(pod_json) - 1, status_json, sizeof(status_json) - 1,
				  w->arena, pod));
	*list_add(w->arena, &w->cluster.pods) = pod;
	add_service(w, headless_json);
	add_service(w, alias_json);
	add_service(w, circle_json);
	add_service(w, outside_json);
	homes_make(&w->cluster.pods, &w->cluster.networks, w->arena, &w->homes);
	make_view(w);
	w->out = knot_pkt_new(w->wire, sizeof(w->wire), NULL);
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	zone_free((struct zone *)w->view.zone);
	zone_free((struct zone *)w->view.words);
	knot_pkt_free(w->out);
	arena_free(w->arena);
	free(w);
	return 0;
}

static int ask(struct world *w, const char *text, uint16_t type)
{
	knot_dname_storage_t name;
	struct address from;

	assert_true(name_parse(text, name));
	address_parse("10.1.0.2", 0, &from, NULL);
	knot_pkt_clear(w->out);
	knot_pkt_put_question(w->out, name, KNOT_CLASS_IN, type);
	knot_pkt_begin(w->out, KNOT_ANSWER);
	return answer_make(&w->view, &(struct question){ name, type, &from, 0, w->arena }, NULL, w->out,
			   w->next);
}

static unsigned answers(const struct world *w)
{
	return knot_wire_get_ancount(w->out->wire);
}

static void every_record_of_the_specification(void **state)
{
	static const struct {
		const char *name;
		uint16_t type;
		int code;
		unsigned answers;
	} cases[] = {
		{ "dns-version.cluster.local", KNOT_RRTYPE_TXT, KNOT_RCODE_NOERROR, 1 },
		{ "cluster.local", KNOT_RRTYPE_SOA, KNOT_RCODE_NOERROR, 1 },
		{ "cluster.local", KNOT_RRTYPE_NS, KNOT_RCODE_NOERROR, 1 },
		{ "db.default.svc.cluster.local", KNOT_RRTYPE_A, KNOT_RCODE_NOERROR, 1 },
		{ "db.default.svc.cluster.local", KNOT_RRTYPE_AAAA, KNOT_RCODE_NOERROR, 1 },
		{ "first.db.default.svc.cluster.local", KNOT_RRTYPE_A, KNOT_RCODE_NOERROR, 1 },
		{ "_sql._tcp.db.default.svc.cluster.local", KNOT_RRTYPE_SRV, KNOT_RCODE_NOERROR, 1 },
		{ "_sql._udp.db.default.svc.cluster.local", KNOT_RRTYPE_SRV, KNOT_RCODE_NXDOMAIN, 0 },
		{ "_tcp.db.default.svc.cluster.local", KNOT_RRTYPE_A, KNOT_RCODE_NOERROR, 0 },
		{ "default.svc.cluster.local", KNOT_RRTYPE_A, KNOT_RCODE_NOERROR, 0 },
		{ "10-1-0-2.default.pod.cluster.local", KNOT_RRTYPE_A, KNOT_RCODE_NOERROR, 1 },
		{ "fd00--2.default.pod.cluster.local", KNOT_RRTYPE_AAAA, KNOT_RCODE_NOERROR, 1 },
		{ "db-0.default.pod.cluster.local", KNOT_RRTYPE_MX, KNOT_RCODE_NOERROR, 0 },
		{ "2.0.1.10.in-addr.arpa", KNOT_RRTYPE_PTR, KNOT_RCODE_NOERROR, 2 },
		{ "ext.default.svc.cluster.local", KNOT_RRTYPE_A, KNOT_RCODE_NOERROR, 2 },
		{ "ext.default.svc.cluster.local", KNOT_RRTYPE_CNAME, KNOT_RCODE_NOERROR, 1 },
		{ "circle.default.svc.cluster.local", KNOT_RRTYPE_A, KNOT_RCODE_SERVFAIL, ALIASES_MAX + 1 },
		{ "out.default.svc.cluster.local", KNOT_RRTYPE_A, ANSWER_FORWARD, 1 },
		{ "www.example.org", KNOT_RRTYPE_A, ANSWER_FORWARD, 0 },
		{ "db-0", KNOT_RRTYPE_A, KNOT_RCODE_NOERROR, 1 },
		{ "first", KNOT_RRTYPE_A, KNOT_RCODE_NOERROR, 1 },
		{ "pg", KNOT_RRTYPE_AAAA, KNOT_RCODE_NOERROR, 1 },
		{ "pg", KNOT_RRTYPE_MX, ANSWER_FORWARD, 0 },
		{ "nobody", KNOT_RRTYPE_A, KNOT_RCODE_NXDOMAIN, 0 },
		{ "nosuch.cluster.local", KNOT_RRTYPE_A, KNOT_RCODE_NXDOMAIN, 0 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		int code = ask(*state, cases[i].name, cases[i].type);
		if (code != cases[i].code || answers(*state) != cases[i].answers)
			fail_msg("%s %u: code %d with %u answers", cases[i].name, cases[i].type, code,
				 answers(*state));
	}
}

static void take(struct arena *a, struct address *at, const char *text)
{
	(void)a;
	assert_int_equal(address_parse(text, 0, at, NULL), 0);
}

static void who_may_hear_of_whom(void **state)
{
	_cleanup_arena_ struct arena *a = arena_new();
	struct fact_network front = {}, back = {};
	struct fact_pod one = { .namespace = "default" }, two = { .namespace = "default" },
			both = { .namespace = "prod" }, elsewhere = { .namespace = "default" };
	struct fact_pod *pods[] = { &one, &two, &both, &elsewhere };
	struct fact_network *networks[] = { &front, &back };
	struct homes homes = {};
	struct address at;
	(void)state;

	prefix_parse("10.1.0.0/24", &front.subnet, NULL);
	prefix_parse("fd01::/64", &front.subnet6, NULL);
	prefix_parse("10.2.0.0/24", &back.subnet, NULL);
	take(a, list_add(a, &one.addresses), "10.1.0.2");
	take(a, list_add(a, &two.addresses), "10.2.0.2");
	take(a, list_add(a, &both.addresses), "10.1.0.3");
	take(a, list_add(a, &both.addresses), "10.2.0.3");
	take(a, list_add(a, &both.addresses), "fd01::3");
	take(a, list_add(a, &elsewhere.addresses), "192.0.2.9");
	homes_make(&(struct fact_pods){ pods, 4 }, &(struct fact_networks){ networks, 2 }, a, &homes);
	static const struct {
		const char *asker, *of;
		bool share;
	} cases[] = {
		{ "10.1.0.2", "10.1.0.3", true },  { "10.1.0.2", "fd01::3", true },
		{ "10.1.0.2", "10.2.0.3", false }, { "10.1.0.2", "10.2.0.2", false },
		{ "10.2.0.3", "10.1.0.2", true },  { "fd01::3", "10.2.0.2", true },
		{ "10.1.0.2", "192.0.2.9", true }, { "192.0.2.9", "10.1.0.2", true },
		{ "127.0.0.1", "10.2.0.2", true }, { "10.1.0.2", "192.0.2.77", true },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		take(a, &at, cases[i].asker);
		const struct home *home = homes_find(&homes, &at);
		take(a, &at, cases[i].of);
		if (homes_share(&homes, home, &at) != cases[i].share)
			fail_msg("%s of %s", cases[i].asker, cases[i].of);
	}
}

static void what_an_endpoint_serves(void **state)
{
	struct world *w = *state;
	char target[KNOT_DNAME_TXT_MAXLEN + 1];

	ask(w, "_sql._tcp.db.default.svc.cluster.local", KNOT_RRTYPE_SRV);
	const knot_rdata_t *srv = knot_pkt_rr(knot_pkt_section(w->out, KNOT_ANSWER), 0)->rrs.rdata;
	assert_int_equal(knot_wire_read_u16(srv->data + 4), 15432);
	assert_string_equal(knot_dname_to_str(target, srv->data + 6, sizeof(target)),
			    "first.db.default.svc.cluster.local.");
	assert_int_equal(knot_wire_get_arcount(w->out->wire), 2);
}

static void a_pod_that_is_not_ready_serves_nobody(void **state)
{
	struct world *w = *state;
	struct fact_pod pod;
	static const char waiting[] = "{\"phase\":\"Running\",\"podIP\":\"10.1.0.2\",\"conditions\":[{"
				      "\"type\":\"Ready\",\"status\":\"False\"}]}";

	assert_true(
		fact_pod_read(pod_json, sizeof(pod_json) - 1, waiting, sizeof(waiting) - 1, w->arena, &pod));
	w->cluster.pods.at[0] = &pod;
	make_view(w);
	assert_int_equal(ask(w, "db.default.svc.cluster.local", KNOT_RRTYPE_A), KNOT_RCODE_NXDOMAIN);
	assert_int_equal(ask(w, "db-0.default.pod.cluster.local", KNOT_RRTYPE_A), KNOT_RCODE_NOERROR);
}

static void a_pod_that_is_being_deleted_serves_nobody(void **state)
{
	struct world *w = *state;
	struct fact_pod pod;
	_cleanup_free_ char *deleted =
		memory_printf("{\"metadata\":{\"deletionTimestamp\":\"2026-01-01T00:00:00Z\",%s",
			      strstr(pod_json, "\"metadata\":{") + strlen("\"metadata\":{"));

	assert_true(fact_pod_read(deleted, strlen(deleted), status_json, sizeof(status_json) - 1, w->arena,
				  &pod));
	assert_false(pod.ready);
	w->cluster.pods.at[0] = &pod;
	make_view(w);
	assert_int_equal(ask(w, "db.default.svc.cluster.local", KNOT_RRTYPE_A), KNOT_RCODE_NXDOMAIN);
}

static void addresses_and_networks(void **state)
{
	static const struct {
		const char *text;
		bool right;
		uint16_t port;
	} cases[] = {
		{ "10.0.0.1", true, 53 },  { "10.0.0.1:5353", true, 5353 }, { "[fd00::1]:54", true, 54 },
		{ "fd00::1", true, 53 },   { "[fd00::1]", true, 53 },       { "10.0.0", false, 0 },
		{ "10.0.0.1:", false, 0 }, { "10.0.0.1:70000", false, 0 },  { "", false, 0 },
		{ "x:y:z", false, 0 }
	};
	struct address a;
	struct prefix p;
	(void)state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		bool right = address_parse(cases[i].text, 53, &a, NULL) == 0;
		if (right != cases[i].right || (right && a.port != cases[i].port))
			fail_msg("'%s'", cases[i].text);
	}
	assert_int_equal(prefix_parse("10.128.0.0/9", &p, NULL), 0);
	address_parse("10.200.1.1", 0, &a, NULL);
	assert_true(prefix_holds(&p, &a));
	address_parse("10.127.1.1", 0, &a, NULL);
	assert_false(prefix_holds(&p, &a));
	assert_true(prefix_parse("10.0.0.0/33", &p, NULL) < 0);
}

/* --- messages ----------------------------------------------------------------------------------------------------------- */

static uint16_t judge(uint8_t *wire, size_t n, bool *answered)
{
	static const struct message_secret secret;
	struct address from;
	struct query q;

	address_parse("127.0.0.1", 0, &from, NULL);
	*answered = query_read(&q, wire, n, &from, false, &secret, 1);
	uint16_t code = q.code;
	query_free(&q);
	return code;
}

static void what_is_no_query(void **state)
{
	uint8_t good[512], wire[512];
	knot_dname_storage_t name;
	bool answered;
	(void)state;

	name_parse("web.example", name);
	size_t n = question_write(good, 7, name, KNOT_RRTYPE_A, false, true);
	assert_int_equal(judge(memcpy(wire, good, n), n, &answered), KNOT_RCODE_NOERROR);
	assert_true(answered);
	for (size_t cut = 0; cut < n; cut++) {
		uint16_t code = judge(memcpy(wire, good, n), cut, &answered);
		assert_true(cut < KNOT_WIRE_HEADER_SIZE ? !answered : code == KNOT_RCODE_FORMERR);
	}
	memcpy(wire, good, n);
	knot_wire_set_qr(wire);
	judge(wire, n, &answered);
	assert_false(answered);
	memcpy(wire, good, n);
	wire[12] = 0xc0; /* a name that points to itself */
	wire[13] = 12;
	assert_int_equal(judge(wire, n, &answered), KNOT_RCODE_FORMERR);
	memcpy(wire, good, n);
	wire[2] |= 5 << 3; /* UPDATE */
	assert_int_equal(judge(wire, n, &answered), KNOT_RCODE_NOTIMPL);
}

static void an_answer_to_another_question_is_none(void **state)
{
	uint8_t wire[512];
	knot_dname_storage_t name, other;
	(void)state;

	name_parse("web.example", name);
	name_parse("bad.example", other);
	size_t n = question_write(wire, 7, name, KNOT_RRTYPE_A, false, true);
	assert_null(response_read(wire, n, 7, name, KNOT_RRTYPE_A)); /* a query */
	knot_wire_set_qr(wire);
	assert_null(response_read(wire, n, 8, name, KNOT_RRTYPE_A));
	assert_null(response_read(wire, n, 7, other, KNOT_RRTYPE_A));
	assert_null(response_read(wire, n, 7, name, KNOT_RRTYPE_AAAA));
	knot_pkt_t *p = response_read(wire, n, 7, name, KNOT_RRTYPE_A);
	assert_non_null(p);
	knot_pkt_free(p);
}

/* --- time --------------------------------------------------------------------------------------------------------------- */

static void what_was_heard_is_kept_for_its_time(void **state)
{
	static struct cache cache;
	struct world *w = *state;
	knot_dname_storage_t name;
	bool stale;

	ask(w, "db.default.svc.cluster.local", KNOT_RRTYPE_A);
	name_parse("db.default.svc.cluster.local", name);
	assert_int_equal(cache_seconds(w->out), CLUSTER_TTL);
	cache_put(&cache, name, KNOT_RRTYPE_A, false, w->out, 100);
	assert_non_null(cache_find(&cache, name, KNOT_RRTYPE_A, false, 104, &stale));
	assert_false(stale);
	assert_null(cache_find(&cache, name, KNOT_RRTYPE_A, true, 104, &stale));
	assert_null(cache_find(&cache, name, KNOT_RRTYPE_AAAA, false, 104, &stale));
	assert_non_null(cache_find(&cache, name, KNOT_RRTYPE_A, false, 105, &stale));
	assert_true(stale);
	assert_null(cache_find(&cache, name, KNOT_RRTYPE_A, false, 106 + STALE_MAX_S, &stale));
	cache_free(&cache);
}

static void nobody_takes_it_all(void **state)
{
	struct limit *l = memory_one(struct limit);
	struct address a, b;
	unsigned allowed = 0;
	(void)state;

	l->rate = 100;
	address_parse("10.0.0.1", 0, &a, NULL);
	address_parse("10.0.0.2", 0, &b, NULL);
	for (int i = 0; i < 1000; i++)
		allowed += limit_allows(l, &a, 1000000 + (uint64_t)i);
	assert_int_equal(allowed, 100);
	assert_true(limit_allows(l, &b, 1001000));
	assert_true(limit_allows(l, &a, 1000000 + US_PER_SECOND / 10));
	limit_charge(l, &b, 1000000, 1001000); /* a debt is a second's worth, and paid off in that time */
	assert_true(limit_owes(l, &b, 1001000 + US_PER_SECOND / 2) && !limit_owes(l, &a, 1001000));
	assert_false(limit_allows(l, &b, 1001000 + US_PER_SECOND / 2));
	assert_false(limit_owes(l, &b, 1001000 + US_PER_SECOND));
	free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_record_of_the_specification, set_up, tear_down),
		cmocka_unit_test(who_may_hear_of_whom),
		cmocka_unit_test_setup_teardown(what_an_endpoint_serves, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_pod_that_is_not_ready_serves_nobody, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_pod_that_is_being_deleted_serves_nobody, set_up, tear_down),
		cmocka_unit_test(addresses_and_networks),
		cmocka_unit_test(what_is_no_query),
		cmocka_unit_test(an_answer_to_another_question_is_none),
		cmocka_unit_test_setup_teardown(what_was_heard_is_kept_for_its_time, set_up, tear_down),
		cmocka_unit_test(nobody_takes_it_all),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
