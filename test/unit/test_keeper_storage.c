/* test_keeper_storage.c — what a tree takes on disk (src/linux/disk_usage.c), and whether that is too much (src/keeper/storage_rules.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "arena_test.h"
#include "base/file.h"
#include "keeper/storage.h"
#include "linux/disk_usage.h"

/* Two volumes (disk, memory), an init container, two containers. */
static const struct pod_spec *spec(const char *size, const char *init, const char *a, const char *b)
{
	return &pod_of(arena_printf(
			       arena,
			       "{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {"
			       "volumes: [{name: disk, emptyDir: {%s}}, {name: memory, emptyDir: {medium: "
			       "Memory, sizeLimit: 1}}], "
			       "initContainers: [{name: i, image: 'i:1', resources: {limits: {%s}}}], "
			       "containers: [{name: a, image: 'i:1', resources: {limits: {%s}}}, {name: b, "
			       "image: 'i:1', resources: "
			       "{limits: {%s}}}]}}",
			       size, init, a, b))
			->spec;
}

static void only_limits_are_watched(void **state)
{
	(void)state;
	assert_false(storage_is_limited(spec("", "", "memory: 1Gi", "")));
	assert_true(storage_is_limited(spec("sizeLimit: 1Gi", "", "", "")));
	assert_true(storage_is_limited(spec("", "ephemeral-storage: 1Gi", "", "")));
	assert_true(storage_is_limited(spec("", "", "", "ephemeral-storage: 1Gi")));
}

static void the_first_limit_that_is_exceeded_is_told(void **state)
{
	enum { KI = 1024 };
	static const struct {
		const char *size, *init, *a, *b;
		int64_t bytes[5]; /* disk, memory, i, a, b */
		const char *says;
	} cases[] = {
		{ "sizeLimit: 4Ki", "", "", "", { 4 * KI }, NULL },
		{ "sizeLimit: 4Ki",
		  "",
		  "",
		  "",
		  { 4 * KI + 1 },
		  "Usage of EmptyDir volume \"disk\" exceeds the limit \"4Ki\". " },
		{ "", "", "", "", { 1 << 30, 0, 1 << 30, 1 << 30, 1 << 30 }, NULL },
		{ "",
		  "",
		  "ephemeral-storage: 4Ki",
		  "ephemeral-storage: 8Ki",
		  { 0, 0, 0, 5 * KI, KI },
		  "Container a exceeded its local ephemeral storage limit \"4Ki\". " },
		{ "",
		  "",
		  "ephemeral-storage: 4Ki",
		  "ephemeral-storage: 8Ki",
		  { 5 * KI, 0, KI, 4 * KI, 3 * KI },
		  "Pod ephemeral local storage usage exceeds the total limit of containers 12Ki. " },
		{ "", "", "ephemeral-storage: 1Ki", "", { KI }, NULL },
		{ "",
		  "",
		  "ephemeral-storage: 1Ki",
		  "",
		  { KI, 0, 0, 0, 1 },
		  "Pod ephemeral local storage usage exceeds the total limit of containers 1Ki. " },
		{ "", "ephemeral-storage: 8Ki", "ephemeral-storage: 1Ki", "", { 2 * KI }, NULL },
	};
	(void)state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct pod_spec *s = spec(cases[i].size, cases[i].init, cases[i].a, cases[i].b);
		const char *says = storage_excess(s, cases[i].bytes, arena);
		if (!cases[i].says)
			assert_null(says);
		else
			assert_string_equal(says, cases[i].says);
	}
}

static int64_t usage(int dir, const char *name)
{
	bool whole;
	int64_t bytes = disk_usage(file_open_dir(dir, name, 0, NULL), &whole);

	assert_true(whole);
	return bytes;
}

static void write_bytes(int dir, const char *name, size_t n)
{
	_cleanup_free_ char *data = memory_new(n, 1);
	memset(data, 'x', n);
	assert_int_equal(file_write_atomic(dir, name, data, n, 0644, NULL), 0);
}

static void links_lead_nowhere_and_names_count_once(void **state)
{
	enum { LARGE = 1024 * 1024 };
	char path[] = "/tmp/seapod-unit-XXXXXX";
	(void)state;

	assert_non_null(mkdtemp(path));
	_cleanup_close_ int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(file_make_dirs(dir, "tree/a/b", 0755, NULL), 0);
	int64_t empty = usage(dir, "tree");
	write_bytes(dir, "outside", 4 * LARGE);
	write_bytes(dir, "tree/a/b/file", LARGE);
	assert_in_range(usage(dir, "tree"), empty + LARGE, empty + LARGE + LARGE / 2);
	int64_t one = usage(dir, "tree");
	assert_int_equal(linkat(dir, "tree/a/b/file", dir, "tree/a/again", 0), 0);
	assert_int_equal(usage(dir, "tree"), one);
	assert_int_equal(symlinkat("../outside", dir, "tree/link"), 0);
	assert_int_equal(symlinkat("..", dir, "tree/up"), 0);
	assert_in_range(usage(dir, "tree"), one, one + LARGE / 2);
	assert_int_equal(file_remove_tree(AT_FDCWD, path, NULL), 0);
}

/* Deeper than descriptors reach. */
static void a_deep_tree_is_walked(void **state)
{
	enum { DEPTH = 3000, SIZE = 65536 };
	char path[] = "/tmp/seapod-unit-XXXXXX";
	(void)state;

	assert_non_null(mkdtemp(path));
	int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; i < DEPTH; i++) {
		assert_int_equal(mkdirat(dir, "d", 0755), 0);
		int below = openat(dir, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		assert_true(below >= 0);
		close(dir);
		dir = below;
	}
	write_bytes(dir, "file", SIZE);
	close(dir);
	assert_true(usage(AT_FDCWD, path) >= SIZE);
	assert_int_equal(file_remove_tree(AT_FDCWD, path, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(only_limits_are_watched, setup, teardown),
		cmocka_unit_test_setup_teardown(the_first_limit_that_is_exceeded_is_told, setup, teardown),
		cmocka_unit_test(links_lead_nowhere_and_names_count_once),
		cmocka_unit_test(a_deep_tree_is_walked),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
