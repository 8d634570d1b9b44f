/* test_api_store.c — directories of manifests and the store of objects (src/api). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "api/store.h"
#include "arena_test.h"
#include "base/file.h"
#include "object/json.h"

static void directories_are_read_in_order_and_not_below(void **state)
{
	char path[] = "/tmp/seapod-test-XXXXXX";
	struct problems p = { .arena = arena };
	struct objects objects = {};
	struct error err = {};
	static const char *const names[] = { "b.yaml", "a.json", "c.txt", ".d.yaml" };

	int dir = open(mkdtemp(path), O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(objects_read(path, NULL, arena, &objects, &p, &err), -ENOENT);
	for (size_t i = 0; i < 4; i++) {
		const char *text = arena_printf(arena,
						"{\"apiVersion\": \"v1\", \"kind\": \"ConfigMap\", "
						"\"metadata\": {\"name\": \"%zu\"}}",
						i);
		assert_int_equal(file_write_atomic(dir, names[i], text, strlen(text), 0600, &err), 0);
	}
	mkdirat(dir, "e.yaml", 0700);
	assert_int_equal(objects_read(path, NULL, arena, &objects, &p, &err), 0);
	assert_int_equal(objects.n, 2);
	assert_string_equal(objects.at[0].config_map->metadata.name, "1");
	assert_int_equal(objects_read("/nowhere.yaml", NULL, arena, &objects, &p, &err), -ENOENT);
	assert_string_equal(err.text, "cannot open '/nowhere.yaml': it does not exist");
	close(dir);
	assert_int_equal(file_remove_tree(AT_FDCWD, path, &err), 0);
	(void)state;
}

static struct node *json(const char *text)
{
	struct error err = {};
	struct node *n = node_from_json(arena, text, strlen(text), &err);
	assert_non_null(n);
	return n;
}

static void the_store_says_what_it_did(void **state)
{
	char path[] = "/tmp/seapod-test-XXXXXX";
	struct store_objects all = {};
	struct error err = {};
	struct instance in = { .rootfd = open(mkdtemp(path), O_DIRECTORY | O_CLOEXEC) };
	struct stat st;

	assert_int_equal(store_put(&in, "secrets", "ns", "a", json("{\"x\":1}"), &err), STORE_CREATED);
	assert_int_equal(store_put(&in, "secrets", "ns", "a", json("{\"x\":1}"), &err), STORE_UNCHANGED);
	assert_int_equal(store_put(&in, "secrets", "ns", "a", json("{\"x\":2,\"immutable\":true}"), &err),
			 STORE_CONFIGURED);
	assert_int_equal(store_put(&in, "secrets", "ns", "a", json("{\"x\":3}"), &err), -EPERM);
	assert_int_equal(store_put(&in, "secrets", "default", "b", json("{\"x\":4}"), &err), STORE_CREATED);
	assert_int_equal(fstatat(in.rootfd, "objects/secrets/ns/a.json", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(fstatat(in.rootfd, "objects/secrets/ns", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(node_get(store_get(&in, "secrets", "ns", "a", arena, &err), "x")->integer, 2);
	assert_null(store_get(&in, "secrets", "ns", "b", arena, &err));
	assert_string_equal(err.text, "there is no secret 'b' in the namespace 'ns'");
	assert_int_equal(store_list(&in, "secrets", NULL, arena, &all, &err), 0);
	assert_int_equal(all.n, 2);
	assert_int_equal(node_get(all.at[0], "x")->integer, 4);
	assert_int_equal(store_remove(&in, "secrets", "ns", "a", &err), 0);
	assert_int_equal(store_remove(&in, "secrets", "ns", "a", &err), -ENOENT);
	all.n = 0;
	assert_int_equal(store_list(&in, "configmaps", NULL, arena, &all, &err), 0);
	assert_int_equal(all.n, 0);
	close(in.rootfd);
	assert_int_equal(file_remove_tree(AT_FDCWD, path, &err), 0);
	(void)state;
}

/* Names come from command lines: they never become paths. */
static void the_store_takes_names_only(void **state)
{
	char path[] = "/tmp/seapod-test-XXXXXX";
	struct error err = {};
	struct instance in = { .rootfd = open(mkdtemp(path), O_DIRECTORY | O_CLOEXEC) };

	assert_int_equal(file_write_atomic(in.rootfd, "outside.json", "{}", 2, 0600, &err), 0);
	assert_int_equal(store_put(&in, "secrets", "default", "a", json("{}"), &err), STORE_CREATED);
	assert_null(store_get(&in, "secrets", "default", "../../../outside", arena, &err));
	assert_null(store_get(&in, "secrets", "../..", "outside", arena, &err));
	assert_int_equal(store_put(&in, "secrets", "..", "x", json("{}"), &err), -EINVAL);
	assert_int_equal(store_put(&in, "secrets", "default", "../x", json("{}"), &err), -EINVAL);
	assert_int_equal(store_remove(&in, "secrets", "default", "../../../outside", &err), -ENOENT);
	assert_true(file_exists(in.rootfd, "outside.json"));
	close(in.rootfd);
	assert_int_equal(file_remove_tree(AT_FDCWD, path, &err), 0);
	(void)state;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(directories_are_read_in_order_and_not_below),
		TEST(the_store_says_what_it_did),
		TEST(the_store_takes_names_only),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
