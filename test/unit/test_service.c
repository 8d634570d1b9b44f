/* test_service.c — Services that forward: slots, classes, who is an endpoint, what is written down. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "service/change.h"

static void the_class_has_room_for_all(void **state)
{
	(void)state;

	for (size_t n = 1; n <= SLOTS_MAX; n++) {
		unsigned k = service_class(n);
		assert_true((size_t)1 << k >= n);
		assert_true(k == 0 || (size_t)1 << (k - 1) < n); /* so that the lower half is full */
	}
	assert_int_equal(service_class(SLOTS_MAX), CLASS_MAX);
}

static void no_slot_before_the_last_is_ever_empty(void **state)
{
	_cleanup_arena_ struct arena *a = arena_new();
	struct slots s = {};
	(void)state;

	for (uint32_t i = 0; i < 5; i++)
		*list_add(a, &s) = (struct slot){ .uid = { (char)('a' + i) }, .pod = i };
	slots_remove(&s, slots_find(&s, "b"));
	assert_int_equal(s.n, 4);
	assert_string_equal(s.at[1].uid, "e");
	slots_remove(&s, slots_find(&s, "d"));
	assert_string_equal(s.at[2].uid, "c");
	assert_null(slots_find(&s, "d"));
	slots_remove(&s, slots_find(&s, "c"));
	assert_int_equal(s.n, 2);
}

static struct forward forward_of(struct arena *a)
{
	struct forward f = { .name = "web", .namespace = "default" };

	*list_add(a, &f.selector) = (struct string_pair){ "app", "web" };
	*list_add(a, &f.ports) = (struct forward_port){
		.protocol = "TCP", .port = 80, .targetPort = { .set = true, .text = "http" }, .number = 0x1000
	};
	return f;
}

static struct backend backend_of(struct arena *a)
{
	struct backend b = {
		.pod = "p", .namespace = "default", .uid = "1", .address = "10.1.2.3", .ready = true
	};

	*list_add(a, &b.labels) = (struct string_pair){ "app", "web" };
	*list_add(a, &b.labels) = (struct string_pair){ "more", "" };
	*list_add(a, &b.ports) = (struct backend_port){ "http", "UDP", 53 };
	*list_add(a, &b.ports) = (struct backend_port){ "http", "TCP", 8080 };
	return b;
}

static void who_is_an_endpoint(void **state)
{
	_cleanup_arena_ struct arena *a = arena_new();
	struct forward f = forward_of(a);
	struct backend b = backend_of(a);
	struct slot slot;
	(void)state;

	assert_true(slot_of(&f, &f.ports.at[0], false, &b, &slot));
	assert_int_equal(slot.port, 8080); /* the TCP one of that name */
	assert_memory_equal(slot.address, ((unsigned char[]){ 10, 1, 2, 3 }), 4);
	assert_false(slot_of(&f, &f.ports.at[0], true, &b, &slot)); /* it has no IPv6 */
	b.ready = false;
	assert_false(slot_of(&f, &f.ports.at[0], false, &b, &slot));
	f.notReadyToo = true;
	assert_true(slot_of(&f, &f.ports.at[0], false, &b, &slot));
	f.ports.at[0].targetPort.text = "other";
	assert_false(slot_of(&f, &f.ports.at[0], false, &b, &slot));
	f.ports.at[0].targetPort = (struct int_or_string){ .set = true, .number = 99 };
	assert_true(slot_of(&f, &f.ports.at[0], false, &b, &slot));
	assert_int_equal(slot.port, 99);
	b.labels.at[0].value = "db";
	assert_false(slot_of(&f, &f.ports.at[0], false, &b, &slot));
	b.labels.at[0].value = "web";
	b.namespace = "other";
	assert_false(slot_of(&f, &f.ports.at[0], false, &b, &slot));
	f.selector.n = 0;
	b.namespace = "default";
	assert_false(slot_of(&f, &f.ports.at[0], false, &b, &slot)); /* no selector chooses none */
}

static void the_rules_are_the_same_for_any_number_of_services(void **state)
{
	const struct instance in = { .table = "seapod_t" };
	_cleanup_arena_ struct arena *a = arena_new();
	struct affinities affinities = {};
	_cleanup_text_ struct text plain = {}, sticky = {};
	(void)state;

	service_rules_text(&in, &(struct service_ranges){ "10.222.0.0/16", "fd00::/112" }, &affinities,
			   &plain);
	*list_add(a, &affinities) = 10800;
	service_rules_text(&in, &(struct service_ranges){ "10.222.0.0/16", NULL }, &affinities, &sticky);
	assert_non_null(strstr(plain.at, "flush table inet seapod_t_services")); /* elements stay */
	assert_non_null(strstr(plain.at, "elements = { 10.222.0.0/16 }"));
	assert_non_null(strstr(plain.at, "elements = { fd00::/112 }"));
	assert_null(strstr(plain.at, "stick_"));
	assert_non_null(strstr(sticky.at, "chain stick_10800"));
	assert_non_null(strstr(sticky.at, "timeout 10800s"));
	assert_null(strstr(sticky.at, "fd00"));
}

/* --- files --------------------------------------------------------------------------------------------------------------- */

static struct instance directory(char path[static 64])
{
	strcpy(path, "/tmp/seapod-unit-XXXXXX");
	assert_non_null(mkdtemp(path));
	return (struct instance){ .run = path,
				  .runfd = file_open_dir(AT_FDCWD, path, 0, NULL),
				  .rootfd = -1 };
}

static void slots_are_written_where_they_changed(void **state)
{
	_cleanup_arena_ struct arena *a = arena_new();
	struct slots none = {}, three = {}, two, back;
	char path[64];
	struct instance in = directory(path);
	(void)state;

	for (uint32_t i = 0; i < 3; i++)
		*list_add(a, &three) = (struct slot){ .uid = { (char)('a' + i) }, .pod = i };
	assert_int_equal(slots_write(&in, 0x1000, &none, &three, NULL), 0);
	slots_copy(&three, a, &two);
	slots_remove(&two, &two.at[0]);
	assert_int_equal(slots_write(&in, 0x1000, &three, &two, NULL), 0);
	slots_read(&in, 0x1000, a, &back);
	assert_int_equal(back.n, 2);
	assert_memory_equal(back.at, two.at, 2 * sizeof(struct slot));
	assert_int_equal(slots_write(&in, 0x1000, &two, &none, NULL), 0);
	slots_read(&in, 0x1000, a, &back);
	assert_int_equal(back.n, 0);
	file_remove_tree(AT_FDCWD, path, NULL);
	close(in.runfd);
}

static void a_pod_finds_its_services_by_its_labels(void **state)
{
	_cleanup_arena_ struct arena *a = arena_new();
	struct forward f = forward_of(a);
	struct backend b = backend_of(a);
	struct forwards found = {};
	struct service_lock lock;
	char path[64];
	struct instance in = directory(path);
	(void)state;

	assert_true(forwards_are_none(&in));
	assert_int_equal(service_lock(&in, &lock, NULL), 0);
	uint32_t number = service_number(&lock);
	service_set_dirty(&lock, true);
	assert_int_equal(forward_write(&in, &f, a, NULL), 0);
	service_unlock(&lock);
	assert_int_equal(service_lock(&in, &lock, NULL), 0);
	assert_true(lock.dirty); /* who held it has not said that he was done */
	assert_true(service_number(&lock) > number && number % 16 == 0);
	service_unlock(&lock);
	forwards_by_labels(&in, "default", &b.labels, a, &found);
	assert_int_equal(found.n, 1);
	assert_int_equal(found.at[0].ports.at[0].number, 0x1000);
	assert_false(forwards_are_none(&in));
	found.n = 0;
	forwards_by_labels(&in, "other", &b.labels, a, &found);
	assert_int_equal(found.n, 0);
	forward_remove(&in, &f);
	forwards_by_labels(&in, "default", &b.labels, a, &found);
	assert_int_equal(found.n, 0);
	file_remove_tree(AT_FDCWD, path, NULL);
	close(in.runfd);
}

static void a_file_without_a_lock_is_a_dead_keepers(void **state)
{
	_cleanup_arena_ struct arena *a = arena_new();
	struct backend b = backend_of(a), read;
	struct backends list = {};
	struct strings dead = {};
	char path[64];
	bool alive;
	struct instance in = directory(path);
	(void)state;

	int claim = backend_open(&in, "1", NULL);
	assert_true(claim >= 0);
	assert_int_equal(backend_write(claim, &b, NULL), 0);
	assert_true(backend_read(&in, "1", a, &read, &alive) && alive && read.ready);
	assert_int_equal(backends_list(&in, a, &list, &dead, NULL), 0);
	assert_int_equal(list.n, 1);
	assert_int_equal(dead.n, 0);
	close(claim);
	assert_true(backend_read(&in, "1", a, &read, &alive) && !alive);
	assert_int_equal(backends_list(&in, a, &list, &dead, NULL), 0);
	assert_int_equal(list.n, 1);
	assert_int_equal(dead.n, 1);
	file_remove_tree(AT_FDCWD, path, NULL);
	close(in.runfd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_class_has_room_for_all),
		cmocka_unit_test(no_slot_before_the_last_is_ever_empty),
		cmocka_unit_test(who_is_an_endpoint),
		cmocka_unit_test(the_rules_are_the_same_for_any_number_of_services),
		cmocka_unit_test(slots_are_written_where_they_changed),
		cmocka_unit_test(a_pod_finds_its_services_by_its_labels),
		cmocka_unit_test(a_file_without_a_lock_is_a_dead_keepers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
