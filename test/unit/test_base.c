/* The ground floor: errors that grow on their way up, text, lists in arenas, times, whole files. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/instance.h"
#include "base/memory.h"
#include "base/text.h"

static void an_error_grows_on_its_way_up(void **state)
{
	(void)state;
	struct error err = {};

	errno = ENOENT;
	assert_int_equal(error_errno(&err, "cannot open '%s'", "x"), -ENOENT);
	assert_string_equal(err.text, "cannot open 'x': it does not exist");
	assert_int_equal(error_prefix(&err, "pod '%s'", "web"), -ENOENT);
	assert_int_equal(error_hint(&err, "make it first"), -ENOENT);
	assert_string_equal(err.text, "pod 'web': cannot open 'x': it does not exist (make it first)");
	assert_int_equal(error_set(NULL, EPERM, "nobody reads this"), -EPERM);
}

static void an_error_is_one_harmless_line(void **state)
{
	(void)state;
	struct error err = {};

	error_set(&err, EINVAL, "the name '%s'",
		  "a\nseapod: all is well\033[2J\xc2\x9b"
		  "1m\177 \xc3\xa9");
	assert_string_equal(err.text, "the name 'a seapod: all is well?[2J??1m? \xc3\xa9'");
}

static void an_error_is_cut_not_overrun(void **state)
{
	(void)state;
	struct error err = {};
	char name[3000];

	memset(name, 'a', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	error_set(&err, EINVAL, "%s", name);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
	error_prefix(&err, "%s", name);
	error_hint(&err, "%s", name);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
}

static void lists_keep_their_items_while_they_grow(void **state)
{
	(void)state;
	_cleanup_arena_ struct arena *arena = arena_new();
	struct LIST(int) numbers = {};

	for (int i = 0; i < 1000; i++)
		*list_add(arena, &numbers) = i;
	assert_int_equal(numbers.n, 1000);
	int expected = 0;
	list_each(number, &numbers)
		assert_int_equal(*number, expected++);
	assert_string_equal(arena_printf(arena, "%s-%d", "a", 7), "a-7");
	char *large = arena_alloc(arena, 1 << 20);
	assert_int_equal(large[0] | large[(1 << 20) - 1], 0);
}

static void near_misses_are_near(void **state)
{
	(void)state;
	assert_int_equal(text_distance("image", "image"), 0);
	assert_int_equal(text_distance("imgae", "image"), 1);
	assert_int_equal(text_distance("containres", "containers"), 1);
	assert_int_equal(text_distance("", "abc"), 3);
	assert_int_equal(text_distance("hostport", "hostPort"), 1);
}

static void whole_numbers_and_nothing_else(void **state)
{
	(void)state;
	long long n;

	assert_int_equal(text_to_int("80", 1, 65535, &n), 0);
	assert_int_equal(n, 80);
	assert_int_equal(text_to_int("-3", -5, 5, &n), 0);
	assert_int_equal(text_to_int("0x10", 0, 99, &n), -EINVAL);
	assert_int_equal(text_to_int(" 1", 0, 99, &n), -EINVAL);
	assert_int_equal(text_to_int("1 ", 0, 99, &n), -EINVAL);
	assert_int_equal(text_to_int("", 0, 99, &n), -EINVAL);
	assert_int_equal(text_to_int("65536", 1, 65535, &n), -ERANGE);
	assert_int_equal(text_to_int("99999999999999999999999", 0, INT64_MAX, &n), -ERANGE);
}

static void times_are_read_as_they_are_written(void **state)
{
	(void)state;
	char text[CLOCK_TEXT_SIZE];
	struct timespec t;

	assert_int_equal(clock_parse_rfc3339("2026-11-23T18:31:32.25Z", &t), 0);
	assert_int_equal(t.tv_nsec, 250000000);
	assert_string_equal(clock_rfc3339(t, text), "2026-11-23T18:31:32Z");
	assert_string_equal(clock_rfc3339_nano(t, text), "2026-11-23T18:31:32.250000000Z");
	assert_int_equal(clock_parse_rfc3339("2026-11-23T20:31:32+02:00", &t), 0);
	assert_string_equal(clock_rfc3339(t, text), "2026-11-23T18:31:32Z");
	assert_int_equal(clock_parse_rfc3339("yesterday", &t), -EINVAL);
	assert_int_equal(clock_parse_rfc3339("2026-11-23T20:31:32", &t), -EINVAL);
}

static char *work_dir(void)
{
	char template[] = "/tmp/seapod-test.XXXXXX";
	return memory_strdup(mkdtemp(template));
}

static void a_tree_is_removed_but_not_what_links_lead_to(void **state)
{
	(void)state;
	struct error err = {};
	_cleanup_free_ char *path = work_dir();
	_cleanup_close_ int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_int_equal(file_make_dirs(dir, "tree/a/b", 0755, &err), 0);
	assert_int_equal(file_make_dirs(dir, "kept", 0755, &err), 0);
	assert_int_equal(file_write_atomic(dir, "kept/file", "x", 1, 0644, &err), 0);
	assert_int_equal(file_write_atomic(dir, "tree/a/file", "x", 1, 0644, &err), 0);
	assert_int_equal(symlinkat("../kept", dir, "tree/link"), 0);
	assert_int_equal(file_remove_tree(dir, "tree", &err), 0);
	assert_false(file_exists(dir, "tree"));
	assert_true(file_exists(dir, "kept/file"));
	assert_int_equal(file_remove_tree(dir, "tree", &err), 0);
	assert_int_equal(file_remove_tree(AT_FDCWD, path, &err), 0);
}

/* A container may nest directories as it likes: neither descriptors nor the stack may run out, nor names that are there be lost. */
static void a_tree_of_any_depth_is_removed(void **state)
{
	(void)state;
	enum { DEPTH = 3000 };
	struct error err = {};
	_cleanup_free_ char *path = work_dir();
	_cleanup_close_ int top = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int at = fcntl(top, F_DUPFD_CLOEXEC, 3);

	for (int i = 0; i < DEPTH; i++) {
		assert_int_equal(mkdirat(at, ".deep-0", 0700), 0);
		assert_int_equal(mkdirat(at, i % 2 ? "b" : ".deep-1", 0000), 0);
		int below = openat(at, ".deep-0", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		close(at);
		at = below;
		assert_true(at >= 0);
	}
	close(at);
	assert_int_equal(file_remove_tree(AT_FDCWD, path, &err), 0);
	assert_false(file_exists(AT_FDCWD, path));
}

static void a_file_has_a_ceiling(void **state)
{
	(void)state;
	struct error err = {};
	_cleanup_free_ char *path = work_dir(), *data = NULL;
	_cleanup_close_ int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	size_t size;

	assert_int_equal(file_write_atomic(dir, "f", "12345", 5, 0600, &err), 0);
	assert_int_equal(file_read(dir, "f", 5, &data, &size, &err), 0);
	assert_int_equal(size, 5);
	assert_string_equal(data, "12345");
	assert_int_equal(file_read(dir, "f", 4, &data, &size, &err), -EFBIG);
	assert_int_equal(file_read(AT_FDCWD, "/dev/zero", 4096, &data, &size, &err), -EFBIG);
	file_remove_tree(AT_FDCWD, path, &err);
}

static void instances_do_not_share_names(void **state)
{
	(void)state;
	struct error err = {};
	_cleanup_free_ char *path = work_dir();
	_cleanup_free_ char *one = memory_printf("%s/one", path), *two = memory_printf("%s/two", path);
	struct instance a, b;

	assert_int_equal(instance_open(&a, one, one, &err), 0);
	assert_int_equal(instance_open(&b, one, two, &err), 0);
	assert_string_not_equal(a.bridge, b.bridge);
	assert_string_not_equal(a.table, b.table);
	assert_string_not_equal(a.cgroup, b.cgroup);
	assert_true(strlen(a.bridge) < 16); /* IFNAMSIZ */
	instance_close(&a);
	instance_close(&b);
	file_remove_tree(AT_FDCWD, path, &err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_error_grows_on_its_way_up),
		cmocka_unit_test(an_error_is_one_harmless_line),
		cmocka_unit_test(an_error_is_cut_not_overrun),
		cmocka_unit_test(lists_keep_their_items_while_they_grow),
		cmocka_unit_test(near_misses_are_near),
		cmocka_unit_test(whole_numbers_and_nothing_else),
		cmocka_unit_test(times_are_read_as_they_are_written),
		cmocka_unit_test(a_tree_is_removed_but_not_what_links_lead_to),
		cmocka_unit_test(a_tree_of_any_depth_is_removed),
		cmocka_unit_test(a_file_has_a_ceiling),
		cmocka_unit_test(instances_do_not_share_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
