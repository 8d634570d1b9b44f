/* test_keeper_protocol.c — requests and replies over a real socket: round trips, large ones, strangers (src/keeper/protocol.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "keeper/protocol.h"

static struct arena *arena;
static int pair[2];

static unsigned open_descriptors(void)
{
	unsigned n = 0;
	_cleanup_closedir_ DIR *d = opendir("/proc/self/fd");
	while (readdir(d))
		n++;
	return n;
}

static int setup(void **state)
{
	arena = arena_new();
	*state = (void *)(uintptr_t)open_descriptors();
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair);
}

/* Whatever was sent, no descriptor is left. */
static int teardown(void **state)
{
	arena_free(arena);
	close(pair[0]);
	close(pair[1]);
	assert_int_equal(open_descriptors(), (uintptr_t)*state);
	return 0;
}

static void a_request_arrives_as_it_was_sent(void **state)
{
	(void)state;
	const char *argv[] = { "sh", "-c", "echo \"quoted\" \n\t \\ é \001" }, *env[] = { "A=1", "B=" };
	const struct request sent = { .verb = "exec",
				      .container = "main",
				      .argv = { argv, 3 },
				      .env = { env, 2 },
				      .cwd = "/tmp",
				      .tty = true,
				      .rows = 24,
				      .cols = 80,
				      .grace = { true, 0 },
				      .force = true,
				      .signal = 15 };
	struct message_fds fds = { .fd = { 0, 1, 2 }, .n = 3 };
	_cleanup_message_fds_ struct message_fds got_fds = {};
	struct request got = {};
	struct error err = {};

	assert_int_equal(request_send(pair[0], &sent, &fds), 0);
	assert_int_equal(request_receive(pair[1], arena, &got, &got_fds, &err), 1);
	assert_string_equal(got.verb, "exec");
	assert_string_equal(got.container, "main");
	assert_int_equal(got.argv.n, 3);
	assert_string_equal(got.argv.at[2], argv[2]);
	assert_string_equal(got.env.at[1], "B=");
	assert_string_equal(got.cwd, "/tmp");
	assert_true(got.tty && got.force && got.grace.set && got.grace.value == 0);
	assert_true(got.rows == 24 && got.cols == 80 && got.signal == 15);
	assert_null(got.user);
	assert_int_equal(got_fds.n, 3);
	struct stat a, b;
	assert_true(fstat(0, &a) == 0 && fstat(got_fds.fd[0], &b) == 0 && a.st_ino == b.st_ino);
	assert_true(fcntl(got_fds.fd[2], F_GETFD) & FD_CLOEXEC);
}

static void a_reply_arrives_as_it_was_sent(void **state)
{
	(void)state;
	const struct reply sent = {
		.event = "status", .phase = "Running", .settled = true, .error = "it's \"so\"", .code = -3
	};
	_cleanup_message_fds_ struct message_fds fds = {};
	struct reply got = {};
	struct error err = {};

	assert_int_equal(reply_send(pair[1], &sent, NULL), 0);
	assert_int_equal(reply_receive(pair[0], arena, &got, &fds, &err), 1);
	assert_string_equal(got.error, sent.error);
	assert_true(got.settled && !got.ready && got.code == -3);
}

static void a_large_one_travels_as_memory(void **state)
{
	(void)state;
	enum { WORDS = 3000, SIZE = 500 };
	const char *argv[WORDS];
	char word[SIZE + 1];
	struct message_fds fds = { .fd = { 0, 1, 2 }, .n = 3 };
	_cleanup_message_fds_ struct message_fds got_fds = {};
	struct request got = {};
	struct error err = {};

	memset(word, 'w', SIZE);
	word[SIZE] = '\0';
	for (int i = 0; i < WORDS; i++)
		argv[i] = word;
	assert_int_equal(
		request_send(pair[0], &(struct request){ .verb = "exec", .argv = { argv, WORDS } }, &fds), 0);
	assert_int_equal(request_receive(pair[1], arena, &got, &got_fds, &err), 1);
	assert_int_equal(got.argv.n, WORDS);
	assert_string_equal(got.argv.at[WORDS - 1], word);
	assert_int_equal(got_fds.n, 3); /* the memory is not one of them */
}

static void too_large_is_refused(void **state)
{
	(void)state;
	_cleanup_message_fds_ struct message_fds fds = {};
	_cleanup_close_ int memory = memfd_create("large", MFD_CLOEXEC);
	struct message_fds send = { .fd = { memory }, .n = 1 };
	struct request got = {};
	struct error err = {};

	assert_int_equal(ftruncate(memory, 64 << 20), 0);
	assert_int_equal(socket_send(pair[0], "@", 1, &send), 0);
	assert_true(request_receive(pair[1], arena, &got, &fds, &err) < 0);
	assert_non_null(strstr(err.text, "bytes"));
}

static void what_is_no_memory_is_refused(void **state)
{
	(void)state;
	static const char *const paths[] = { "/dev/null", "/dev/zero", "/proc/self/mem", "/" };

	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		_cleanup_message_fds_ struct message_fds fds = {};
		_cleanup_close_ int fd = open(paths[i], O_RDONLY | O_CLOEXEC);
		struct message_fds send = { .fd = { fd }, .n = 1 };
		struct request got = {};
		struct error err = {};
		assert_int_equal(socket_send(pair[0], "@", 1, &send), 0);
		assert_true(request_receive(pair[1], arena, &got, &fds, &err) < 0);
		assert_true(*err.text);
	}
}

static void wrong_messages_are_one_sentence(void **state)
{
	(void)state;
	static const char *const wrong[] = {
		"",
		"{",
		"[]",
		"null",
		"\"verb\"",
		"{}",
		"{\"verb\":1}",
		"{\"verb\":\"exec\",\"argv\":\"sh\"}",
		"{\"verb\":\"kill\",\"signal\":65}",
		"{\"verb\":\"kill\",\"signal\":-1}",
		"{\"verb\":\"stop\",\"grace\":-1}",
		"{\"verb\":\"stop\",\"grace\":99999999999}",
		"{\"verb\":\"exec\",\"rows\":70000}",
		"{\"verb\":\"ping\",\"nosuch\":1}",
		"{\"verb\":\"ping\"}{\"verb\":\"ping\"}",
		"{\"verb\":\"exec\",\"argv\":[\"a\\u0000b\"]}",
	};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		struct request got = {};
		struct error err = {};
		if (request_parse(arena, wrong[i], strlen(wrong[i]), &got, &err) == 0)
			fail_msg("accepted: %s", wrong[i]);
		assert_true(*err.text && !strchr(err.text, '\n'));
	}
}

static void at_without_memory_is_no_message(void **state)
{
	(void)state;
	_cleanup_message_fds_ struct message_fds fds = {};
	struct request got = {};
	struct error err = {};

	assert_int_equal(socket_send(pair[0], "@", 1, NULL), 0);
	assert_true(request_receive(pair[1], arena, &got, &fds, &err) < 0);
}

static void the_end_and_nothing_yet_are_told_apart(void **state)
{
	(void)state;
	_cleanup_message_fds_ struct message_fds fds = {};
	struct request got = {};
	struct error err = {};

	fcntl(pair[1], F_SETFL, O_NONBLOCK);
	assert_int_equal(request_receive(pair[1], arena, &got, &fds, &err), -EAGAIN);
	shutdown(pair[0], SHUT_RDWR);
	assert_int_equal(request_receive(pair[1], arena, &got, &fds, &err), 0);
}

static void who_does_not_read_is_not_waited_for(void **state)
{
	(void)state;
	int r = 0;

	fcntl(pair[1], F_SETFL, O_NONBLOCK);
	for (int i = 0; i < 100000 && r == 0; i++)
		r = reply_send(pair[1], &(struct reply){ .event = "status" }, NULL);
	assert_int_equal(r, -EAGAIN);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_request_arrives_as_it_was_sent),    TEST(a_reply_arrives_as_it_was_sent),
		TEST(a_large_one_travels_as_memory),       TEST(too_large_is_refused),
		TEST(what_is_no_memory_is_refused),        TEST(wrong_messages_are_one_sentence),
		TEST(at_without_memory_is_no_message),     TEST(the_end_and_nothing_yet_are_told_apart),
		TEST(who_does_not_read_is_not_waited_for),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
