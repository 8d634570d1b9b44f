/* test_name.c — a pod's name has one owner, and the kernel takes it back (src/sandbox/name.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "sandbox/name.h"

static struct instance in;
static char directory[64], first[UID_SIZE], second[UID_SIZE];

static int setup(void **state)
{
	(void)state;
	char root[80], run[80];
	struct error err = {};
	strcpy(directory, "/tmp/seapod-test.XXXXXX");
	snprintf(root, sizeof(root), "%s/root", mkdtemp(directory));
	snprintf(run, sizeof(run), "%s/run", directory);
	uid_make(first);
	uid_make(second);
	return instance_open(&in, root, run, &err);
}

static int teardown(void **state)
{
	(void)state;
	instance_close(&in);
	return file_remove_tree(AT_FDCWD, directory, NULL);
}

static int claim(const char *uid, char holder[static UID_SIZE], bool *alive)
{
	struct error err = {};
	return name_claim(&in, "default", "web", uid, holder, alive, &err);
}

/* What a keeper writes once the pod is more than a name. */
static void make_pod(const char *uid)
{
	struct error err = {};
	_cleanup_free_ char *path = memory_printf("pods/%s", uid),
			    *file = memory_printf("pods/%s/pod.json", uid);
	assert_int_equal(file_make_dirs(in.runfd, path, 0755, &err), 0);
	assert_int_equal(file_write_atomic(in.runfd, file, "{}", 2, 0600, &err), 0);
}

static void a_uid_is_a_random_one(void **state)
{
	(void)state;
	assert_int_equal(strlen(first), 36);
	assert_string_not_equal(first, second);
	assert_true(first[14] == '4' && strchr("89ab", first[19]) && first[8] == '-' && first[23] == '-');
}

static void one_of_two(void **state)
{
	(void)state;
	char holder[UID_SIZE];
	bool alive = false;
	_cleanup_close_ int fd = claim(first, holder, &alive);
	assert_true(fd >= 0);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(claim(second, holder, &alive), -EEXIST);
	assert_true(alive);
	assert_string_equal(holder, first);
	assert_int_equal(claim(first, holder, &alive), -EEXIST); /* the same pod started twice */
	assert_int_equal(name_holder(&in, "default", "web", holder, &alive), 0);
	assert_true(alive && text_is(holder, first));
	assert_int_equal(name_holder(&in, "other", "web", holder, &alive), -ENOENT);
}

static void a_finished_pod_keeps_its_name(void **state)
{
	(void)state;
	char holder[UID_SIZE];
	bool alive = true;
	int fd = claim(first, holder, &alive);
	make_pod(first);
	close(fd);
	assert_int_equal(name_holder(&in, "default", "web", holder, &alive), 0);
	assert_false(alive);
	assert_int_equal(claim(second, holder, &alive), -EEXIST);
	assert_false(alive);
	assert_string_equal(holder, first);
	_cleanup_close_ int again = claim(first, holder, &alive); /* it is started again */
	assert_true(again >= 0);
}

static void what_was_never_a_pod_has_no_name(void **state)
{
	(void)state;
	char holder[UID_SIZE];
	bool alive;
	close(claim(first, holder, &alive));
	_cleanup_close_ int fd = claim(second, holder, &alive);
	assert_true(fd >= 0);
	assert_int_equal(name_holder(&in, "default", "web", holder, &alive), 0);
	assert_string_equal(holder, second);
}

static void a_name_given_back_is_free(void **state)
{
	(void)state;
	char holder[UID_SIZE];
	bool alive;
	int fd = claim(first, holder, &alive);
	make_pod(first);
	name_release(&in, "default", "web");
	close(fd);
	assert_int_equal(name_holder(&in, "default", "web", holder, &alive), -ENOENT);
	_cleanup_close_ int again = claim(second, holder, &alive);
	assert_true(again >= 0);
}

static void a_death_by_any_means_gives_it_back(void **state)
{
	(void)state;
	char holder[UID_SIZE];
	bool alive;
	int ready[2];
	assert_int_equal(pipe(ready), 0);
	pid_t pid = fork();
	if (pid == 0) {
		int fd = claim(first, holder, &alive);
		(void)!write(ready[1], fd >= 0 ? "y" : "n", 1);
		pause();
		_exit(0);
	}
	char answer = 0;
	assert_int_equal(read(ready[0], &answer, 1), 1);
	assert_int_equal(answer, 'y');
	assert_int_equal(claim(second, holder, &alive), -EEXIST);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	_cleanup_close_ int fd = claim(second, holder, &alive);
	assert_true(fd >= 0);
	close(ready[0]);
	close(ready[1]);
}

/* Many take and give back one name at once: never two at a time have it. */
static void never_two_at_a_time(void **state)
{
	(void)state;
	enum { PROCESSES = 6, ROUNDS = 300 };
	for (int i = 0; i < PROCESSES; i++) {
		if (fork() != 0)
			continue;
		char uid[UID_SIZE], holder[UID_SIZE];
		bool alive;
		uid_make(uid);
		for (int round = 0; round < ROUNDS; round++) {
			_cleanup_close_ int fd = claim(uid, holder, &alive);
			if (fd < 0)
				continue;
			_cleanup_close_ int only =
				openat(in.runfd, "only", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
			if (only < 0)
				_exit(1);
			unlinkat(in.runfd, "only", 0);
			if (round % 2)
				name_release(&in, "default", "web");
		}
		_exit(0);
	}
	for (int i = 0, status = 0; i < PROCESSES; i++)
		assert_true(wait(&status) > 0 && status == 0);
}

static void a_link_in_its_place_is_not_followed(void **state)
{
	(void)state;
	char holder[UID_SIZE];
	bool alive;
	close(claim(first, holder, &alive));
	unlinkat(in.runfd, "names/default_web", 0);
	assert_int_equal(symlinkat("/etc/passwd", in.runfd, "names/default_web"), 0);
	assert_true(claim(first, holder, &alive) < 0);
	assert_true(name_holder(&in, "default", "web", holder, &alive) < 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_uid_is_a_random_one),         TEST(one_of_two),
		TEST(a_finished_pod_keeps_its_name), TEST(what_was_never_a_pod_has_no_name),
		TEST(a_name_given_back_is_free),     TEST(a_death_by_any_means_gives_it_back),
		TEST(never_two_at_a_time),           TEST(a_link_in_its_place_is_not_followed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
