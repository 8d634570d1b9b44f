/* test_image_blob.c — a blob comes whole or not at all, and goes on where it broke off (src/image/blob.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "image/blob.h"
#include "image/store.h"

static struct instance in;
static char directory[64], digest[DIGEST_SIZE];
static const char content[] = "the bytes of a blob";
enum { SIZE = sizeof(content) - 1 };

static int setup(void **state)
{
	(void)state;
	char root[80], run[80];
	struct error err = {};
	strcpy(directory, "/tmp/seapod-test.XXXXXX");
	snprintf(root, sizeof(root), "%s/root", mkdtemp(directory));
	snprintf(run, sizeof(run), "%s/run", directory);
	digest_of_bytes(content, SIZE, digest);
	return instance_open(&in, root, run, &err);
}

static int teardown(void **state)
{
	(void)state;
	instance_close(&in);
	return file_remove_tree(AT_FDCWD, directory, NULL);
}

static void a_blob_that_broke_off_goes_on(void **state)
{
	(void)state;
	struct error err = {};
	_cleanup_(blob_end) struct blob_writer w = {};
	assert_int_equal(blob_begin(&w, &in, digest, SIZE, &err), BLOB_WANTED);
	assert_int_equal(blob_add(&w, content, 7, &err), 0);
	blob_end(&w);
	assert_false(blob_is_here(&in, digest));
	assert_int_equal(blob_begin(&w, &in, digest, SIZE, &err), BLOB_WANTED);
	assert_int_equal(w.at, 7);
	assert_true(w.resumed);
	assert_int_equal(blob_add(&w, content + 7, SIZE - 7, &err), 0);
	assert_int_equal(blob_finish(&w, &err), 0);
	assert_true(blob_is_here(&in, digest));
	assert_int_equal(blob_begin(&w, &in, digest, SIZE, &err), BLOB_HERE);
}

static void one_writer_at_a_time(void **state)
{
	(void)state;
	struct error err = {};
	_cleanup_(blob_end) struct blob_writer first = {}, second = {};
	assert_int_equal(blob_begin(&first, &in, digest, -1, &err), BLOB_WANTED);
	assert_int_equal(blob_begin(&second, &in, digest, -1, &err), BLOB_BUSY);
	assert_int_equal(blob_add(&first, content, SIZE, &err), 0);
	assert_int_equal(blob_finish(&first, &err), 0);
	assert_int_equal(blob_begin(&second, &in, digest, -1, &err), BLOB_HERE);
}

static void wrong_bytes_leave_nothing(void **state)
{
	(void)state;
	struct error err = {};
	_cleanup_(blob_end) struct blob_writer w = {};
	assert_int_equal(blob_begin(&w, &in, digest, SIZE, &err), BLOB_WANTED);
	assert_int_equal(blob_add(&w, "THE BYTES OF A BLOB", SIZE, &err), 0);
	assert_int_equal(blob_finish(&w, &err), -EBADMSG);
	assert_non_null(strstr(err.text, "forged"));
	assert_int_equal(blob_begin(&w, &in, digest, SIZE, &err), BLOB_WANTED);
	assert_int_equal(w.at, 0);
}

static void wrong_sizes_are_refused(void **state)
{
	(void)state;
	struct error err = {};
	_cleanup_(blob_end) struct blob_writer w = {};
	assert_int_equal(blob_begin(&w, &in, digest, SIZE, &err), BLOB_WANTED);
	assert_int_equal(blob_add(&w, content, 3, &err), 0);
	assert_int_equal(blob_finish(&w, &err), -EBADMSG);
	assert_int_equal(blob_add(&w, content, SIZE, &err), -EBADMSG);
	assert_int_equal(blob_restart(&w, &err), 0);
	assert_int_equal(blob_add(&w, content, SIZE, &err), 0);
	assert_int_equal(blob_finish(&w, &err), 0);
}

static void what_is_no_digest_is_no_path(void **state)
{
	(void)state;
	static const char *const names[] = { "", "sha256:", "sha256:../../../etc/passwd",
					     "md5:d41d8cd98f00b204e9800998ecf8427e", NULL };
	struct error err = {};
	struct blob_writer w = {};
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		assert_int_equal(blob_begin(&w, &in, names[i], 1, &err), -EINVAL);
}

static void who_holds_the_store_keeps_what_is_in_it(void **state)
{
	(void)state;
	struct error err = {};
	_cleanup_close_ int hold = store_hold(&in, &err);
	assert_true(hold >= 0);
	assert_int_equal(store_hold_alone(&in), -EWOULDBLOCK);
	close_fd(&hold);
	_cleanup_close_ int alone = store_hold_alone(&in);
	assert_true(alone >= 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_blob_that_broke_off_goes_on, setup, teardown),
		cmocka_unit_test_setup_teardown(one_writer_at_a_time, setup, teardown),
		cmocka_unit_test_setup_teardown(wrong_bytes_leave_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(wrong_sizes_are_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_no_digest_is_no_path, setup, teardown),
		cmocka_unit_test_setup_teardown(who_holds_the_store_keeps_what_is_in_it, setup, teardown),
	};
	return cmocka_run_group_tests_name("blobs", tests, NULL, NULL);
}
