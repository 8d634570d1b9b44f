/* etcd without an etcd: requests and answers as JSON, and the frames between seapod-etcd and seapod-dns. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "etcd/gateway.h"
#include "etcd/link.h"

static void requests_as_etcd_reads_them(void **state)
{
	struct text t = {};
	struct bytes from = { "/skydns/a\0", 10 };
	(void)state;

	request_range(&t, "/skydns/", &from, 7, 500);
	assert_string_equal(t.at, "{\"key\":\"L3NreWRucy9hAA==\",\"range_end\":\"L3NreWRuczA=\",\"limit\":"
				  "\"500\",\"revision\":\"7\"}");
	text_free(&t);
	request_watch(&t, "/skydns/", 8);
	assert_string_equal(t.at, "{\"create_request\":{\"key\":\"L3NreWRucy8=\",\"range_end\":\"L3NreWRuczA="
				  "\",\"start_revision\":\"8\"}}");
	text_free(&t);
	request_login(&t, "a\"b", "x\ny");
	assert_string_equal(t.at, "{\"name\":\"a\\\"b\",\"password\":\"x\\ny\"}");
	text_free(&t);
	request_txn_begin(&t);
	request_txn_put(&t, "k", "v", 5);
	request_txn_delete(&t, "kk");
	request_txn_end(&t);
	assert_string_equal(
		t.at, "{\"success\":[{\"request_put\":{\"key\":\"aw==\",\"value\":\"dg==\",\"lease\":\"5\"}},"
		      "{\"request_delete_range\":{\"key\":\"a2s=\"}}]}");
	text_free(&t);
}

static int read_answer(const char *text, struct arena *a, struct etcd_answer *out, struct error *err)
{
	return etcd_answer_read(text, strlen(text), a, out, err);
}

static void answers(void **state)
{
	_cleanup_arena_ struct arena *a = arena_new();
	struct etcd_answer out;
	(void)state;

	assert_int_equal(read_answer("{\"header\":{\"revision\":\"9007199254740993\"},\"kvs\":[{\"key\":"
				     "\"L2E=\",\"value\":\"AP8=\",\"lease\":\"77\"}],"
				     "\"more\":true}",
				     a, &out, NULL),
			 0);
	assert_true(out.revision == 9007199254740993 && out.more && out.items.n == 1 &&
		    out.items.at[0].lease == 77);
	assert_int_equal(out.items.at[0].value.n, 2);
	assert_memory_equal(out.items.at[0].value.at, "\0\xff", 2);
	assert_int_equal(read_answer("{\"result\":{\"header\":{},\"events\":[{\"type\":\"DELETE\",\"kv\":{"
				     "\"key\":\"L2E=\"}},{\"kv\":{\"key\":\"L2I=\"}}]}}",
				     a, &out, NULL),
			 0);
	assert_true(out.items.n == 2 && out.items.at[0].deleted && !out.items.at[1].deleted);
	assert_int_equal(
		read_answer("{\"result\":{\"canceled\":true,\"compact_revision\":\"3\"}}", a, &out, NULL), 0);
	assert_true(out.canceled && out.compacted == 3);
	assert_int_equal(read_answer("{\"error\":\"etcdserver: invalid auth "
				     "token\",\"message\":\"etcdserver: invalid auth token\",\"code\":16}",
				     a, &out, NULL),
			 0);
	assert_true(out.code == GRPC_UNAUTHENTICATED &&
		    strcmp(out.why, "etcdserver: invalid auth token") == 0);
	assert_int_equal(
		read_answer("{\"error\":{\"grpc_code\":14,\"message\":\"no leader\"}}", a, &out, NULL), 0);
	assert_true(out.code == 14 && strcmp(out.why, "no leader") == 0);
}

static void what_is_no_answer(void **state)
{
	static const char *const none[] = { "",
					    "{",
					    "[]",
					    "7",
					    "{\"kvs\":[{\"key\":\"L2E\"}]}",
					    "{\"kvs\":[{\"key\":\"L2E=\",\"value\":\"a*==\"}]}",
					    "{\"kvs\":[{\"key\":7}]}" };
	(void)state;

	for (size_t i = 0; i < sizeof(none) / sizeof(*none); i++) {
		_cleanup_arena_ struct arena *a = arena_new();
		struct etcd_answer out;
		struct error err = {};
		assert_int_equal(read_answer(none[i], a, &out, &err), -EBADMSG);
		assert_non_null(strstr(err.text, "is not etcd's API version 3"));
	}
}

static void frames_arrive_as_they_were_sent(void **state)
{
	int pair[2];
	struct frame f;
	(void)state;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	struct link one = { .fd = pair[0] }, other = { .fd = pair[1] };
	char *value = memory_new(1, LINK_VALUE_MAX);
	unsigned got = 0;
	for (int i = 0; i < 5; i++) /* more than a socket holds */
		link_add(&one, &(struct frame){ LINK_PUT, true, "key", value, 3, LINK_VALUE_MAX });
	link_add(&one, &(struct frame){ .kind = LINK_END });
	for (int sent = 0; sent == 0 || got < 6;) {
		sent = link_send(&one);
		assert_true(sent >= 0 && link_receive(&other));
		for (int r; (r = link_next(&other, &f)) != 0; got++) {
			assert_int_equal(r, 1);
			assert_int_equal(f.kind, got < 5 ? LINK_PUT : LINK_END);
			assert_int_equal(f.n_value, got < 5 ? LINK_VALUE_MAX : 0);
		}
	}
	close(pair[0]);
	assert_false(link_receive(&other));
	close(pair[1]);
	link_free(&one);
	link_free(&other);
	free(value);
}

static void a_frame_that_breaks_the_rules(void **state)
{
	static const char *const broken[] = { "X\0\0\0\0\0\0\0", "\0\0\0\0\0\0\0\0", "P\0\xff\xff\0\0\0\0",
					      "P\0\0\0\x7f\0\0\0" };
	(void)state;

	for (size_t i = 0; i < sizeof(broken) / sizeof(*broken); i++) {
		struct link l = { .fd = -1 };
		struct frame f;
		text_add_n(&l.in, broken[i], 8);
		assert_int_equal(link_next(&l, &f), -EBADMSG);
		link_free(&l);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_as_etcd_reads_them),
		cmocka_unit_test(answers),
		cmocka_unit_test(what_is_no_answer),
		cmocka_unit_test(frames_arrive_as_they_were_sent),
		cmocka_unit_test(a_frame_that_breaks_the_rules),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
