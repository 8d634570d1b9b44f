/* test_keeper_probe.c — what results of probes mean (src/keeper/probe.c), and what is read of an HTTP answer (http_message.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "keeper/http_message.h"
#include "keeper/probe.h"

/* RESULTS are s, f or u (unknown); the answer has the value after each: S, F, U, and k once the container is to be killed. */
static const char *values(enum probe_kind kind, int success, int failure, const char *results)
{
	static char text[64];
	const struct probe probe = { .successThreshold = success,
				     .failureThreshold = failure,
				     .periodSeconds = 10 };
	struct probe_state s;
	size_t n = 0;

	probe_begin(&s, kind);
	for (; *results; results++) {
		probe_take(&s, kind, &probe,
			   *results == 's'   ? PROBE_SUCCESS
			   : *results == 'f' ? PROBE_FAILURE
					     : PROBE_UNKNOWN);
		text[n++] = probe_is_fatal(&s, kind) ? 'k' : "USF"[s.value];
	}
	text[n] = '\0';
	return text;
}

static void readiness(void **state)
{
	(void)state;
	assert_string_equal(values(PROBE_READINESS, 1, 3, "usffsfffs"), "FSSSSSSFS");
	assert_string_equal(values(PROBE_READINESS, 3, 1, "ssfsssf"), "FFFFFSF");
	assert_string_equal(values(PROBE_READINESS, 1, 2, "sfuf"),
			    "SSSF"); /* what says nothing does not begin a row anew */
}

static void liveness(void **state)
{
	(void)state;
	assert_string_equal(values(PROBE_LIVENESS, 1, 3, "ffsfff"), "SSSSSk");
	assert_string_equal(values(PROBE_LIVENESS, 1, 1, "uf"), "Sk");
	assert_string_equal(values(PROBE_LIVENESS, 1, 1, "fs"), "kk"); /* it rests until the next run */
}

static void startup(void **state)
{
	(void)state;
	assert_string_equal(values(PROBE_STARTUP, 1, 3, "ffs"), "UUS");
	assert_string_equal(values(PROBE_STARTUP, 1, 3, "fff"), "UUk");
	assert_string_equal(values(PROBE_STARTUP, 1, 1, "sf"), "SS"); /* started once is started */
}

static void the_first_try(void **state)
{
	const struct probe plain = { .periodSeconds = 10 },
			   late = { .periodSeconds = 10, .initialDelaySeconds = 15 };
	(void)state;

	assert_true(probe_first(PROBE_READINESS, &plain, 0) == 0 &&
		    probe_first(PROBE_STARTUP, &plain, 0) == 0);
	assert_true(probe_first(PROBE_LIVENESS, &plain, 0) == 10);
	assert_true(probe_first(PROBE_READINESS, &late, 3) == 12 &&
		    probe_first(PROBE_READINESS, &late, 20) == 0);
	assert_true(probe_first(PROBE_LIVENESS, &late, 0) == 15);
	assert_true(probe_first(PROBE_LIVENESS, &late, 12) == 10); /* a startup probe held it */
}

static void an_answer(void **state)
{
	struct http_answer a = {};
	const char *text = "HTTP/1.1 201 Created\r\nContent-Length: 12\r\nX: y\r\n\r\nbody";
	(void)state;

	assert_int_equal(http_answer_read(text, strlen(text), &a), strlen(text) - 4);
	assert_int_equal(a.status, 201);
	assert_int_equal(a.length, 12);
	assert_false(a.chunked);
	for (size_t n = 0; n < strlen(text) - 4; n++) /* every part of it is only a beginning */
		assert_int_equal(http_answer_read(text, n, &a), 0);
	text = "HTTP/1.0 302 x\nlocation:  /there \ntransfer-encoding: gzip, Chunked\n\n";
	assert_int_equal(http_answer_read(text, strlen(text), &a), strlen(text));
	assert_int_equal(a.status, 302);
	assert_int_equal(a.location_size, 6);
	assert_memory_equal(a.location, "/there", 6);
	assert_true(a.chunked && a.length < 0);
	text = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 204 None\r\n\r\n"; /* 1xx is not the answer (RFC 9110 15.2) */
	assert_int_equal(http_answer_read(text, strlen(text), &a), strlen(text));
	assert_int_equal(a.status, 204);
	assert_int_equal(a.length, 0);
}

static void what_is_no_answer(void **state)
{
	static const char *const wrong[] = { "SSH-2.0-OpenSSH_9.2\r\n",
					     "HTTP/1.1 20 OK\r\n\r\n",
					     "HTTP/1.1 2000\r\n\r\n",
					     "HTTP/9\r\n\r\n",
					     "HTTP/1.1 099 x\r\n\r\n",
					     "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
					     "HTTP/1.1 200 OK\r\nContent-Length: 1 2\r\n\r\n",
					     "HTTP/1.1 200 OK\r\nno colon\r\n\r\n" };
	struct http_answer a;
	(void)state;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		assert_int_equal(http_answer_read(wrong[i], strlen(wrong[i]), &a), -EINVAL);
}

static void a_request(void **state)
{
	struct http_header headers[] = { { "X-Token", "a b" },
					 { "Host", "example.org" },
					 { "user-agent", "me" } };
	struct http_get_action get = { .path = "/a b?x=1&y=ü" };
	_cleanup_text_ struct text plain = {}, own = {};
	struct http_place place = {};
	(void)state;

	http_place_set(&place, false, "10.0.0.1", 8080, get.path);
	http_request_write(&place, &get, "kube-probe/1", &plain);
	assert_string_equal(
		text_str(&plain),
		"GET /a%20b?x=1&y=%C3%BC HTTP/1.1\r\nHost: 10.0.0.1:8080\r\nUser-Agent: kube-probe/1\r\n"
		"Accept: */*\r\nConnection: close\r\n\r\n");
	get.httpHeaders.at = headers;
	get.httpHeaders.n = 3;
	http_place_set(&place, true, "::1", 443, "healthz");
	http_request_write(&place, &get, "kube-probe/1", &own);
	assert_string_equal(
		text_str(&own),
		"GET /healthz HTTP/1.1\r\nHost: example.org\r\nAccept: */*\r\nConnection: close\r\n"
		"X-Token: a b\r\nuser-agent: me\r\n\r\n");
}

static void redirects(void **state)
{
	static const struct {
		const char *location;
		int r;
		bool tls;
		const char *host;
		int port;
		const char *path;
	} cases[] = {
		{ "/there?x", 1, false, "10.0.0.1", 8080, "/there?x" },
		{ "there", 1, false, "10.0.0.1", 8080, "/a/there" },
		{ "?q", 1, false, "10.0.0.1", 8080, "/a/b?q" },
		{ "http://10.0.0.1/x", 1, false, "10.0.0.1", 80, "/x" },
		{ "https://10.0.0.1", 1, true, "10.0.0.1", 443, "/" },
		{ "//10.0.0.1:81/y", 1, false, "10.0.0.1", 81, "/y" },
		{ "http://10.0.0.1:99#part", 1, false, "10.0.0.1", 99, "/" },
		{ "http://elsewhere/", 0, false, "10.0.0.1", 8080, "/a/b" },
		{ "http://10.0.0.1:99999/", -EINVAL, false, "10.0.0.1", 8080, "/a/b" },
		{ "http://[::1", -EINVAL, false, "10.0.0.1", 8080, "/a/b" },
		{ "ftp://10.0.0.1/", -EINVAL, false, "10.0.0.1", 8080, "/a/b" },
		{ "/a\r\nb", -EINVAL, false, "10.0.0.1", 8080, "/a/b" },
	};
	(void)state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct http_place p;
		http_place_set(&p, false, "10.0.0.1", 8080, cases[i].r == 1 ? "/a/b?z/y" : "/a/b");
		assert_int_equal(http_place_follow(&p, cases[i].location, strlen(cases[i].location)),
				 cases[i].r);
		assert_int_equal(p.tls, cases[i].tls);
		assert_string_equal(p.host, cases[i].host);
		assert_int_equal(p.port, cases[i].port);
		assert_string_equal(p.path, cases[i].path);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(readiness), cmocka_unit_test(liveness),
		cmocka_unit_test(startup),   cmocka_unit_test(the_first_try),
		cmocka_unit_test(an_answer), cmocka_unit_test(what_is_no_answer),
		cmocka_unit_test(a_request), cmocka_unit_test(redirects),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
