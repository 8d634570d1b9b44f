/* criu's answers: bytes written by hand from its images/rpc.proto, and what is damaged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "runtime/criu.h"

#define READS(text, a) criu_read_answer(text, sizeof(text) - 1, a)

/* type = RESTORE(2), success = true, restore = { pid = 4711 } */
static void a_restored_process_has_its_number(void **state)
{
	struct criu_answer a;
	(void)state;

	assert_true(READS("\x08\x02\x10\x01\x22\x03\x08\xe7\x24", &a));
	assert_int_equal(a.kind, CRIU_RESTORE);
	assert_int_equal(a.success, 1);
	assert_int_equal(a.pid, 4711);
	assert_string_equal(a.message, "");
}

/* type = NOTIFY(6), success = true, notify = { script = "post-restore", pid = 7 } */
static void a_notice_has_its_name(void **state)
{
	struct criu_answer a;
	(void)state;

	assert_true(READS("\x08\x06\x10\x01\x2a\x10\x0a\x0cpost-restore\x10\x07", &a));
	assert_string_equal(a.script, "post-restore");
	assert_int_equal(a.pid, 7);
}

/* cr_errmsg = "no \e[31mway\n": control characters are not handed on, and what is too long is cut. */
static void a_message_is_one_tame_line(void **state)
{
	char bytes[1024] = "\x08\x01\x10\x00";
	struct criu_answer a;
	(void)state;

	assert_true(READS("\x08\x01\x10\x00\x4a\x0bno \x1b[1mway\n", &a));
	assert_false(a.success);
	assert_null(strpbrk(a.message, "\x1b\n"));
	assert_non_null(strstr(a.message, "way"));

	memcpy(bytes + 4, "\x4a\xe8\x07", 3); /* 1000 bytes */
	memset(bytes + 7, 'x', 1000);
	assert_true(criu_read_answer(bytes, 1007, &a));
	assert_int_equal(strlen(a.message), sizeof(a.message) - 1);
}

/* Fields of a newer criu, of any kind, are passed over. */
static void what_is_not_known_is_passed_over(void **state)
{
	struct criu_answer a;
	(void)state;

	assert_true(READS("\x08\x01\x10\x01\x61"
			  "12345678\x6d"
			  "1234\x98\x06\x05",
			  &a));
	assert_int_equal(a.success, 1);
}

static void what_is_damaged_is_refused(void **state)
{
	struct criu_answer a;
	(void)state;

	assert_false(READS("", &a));                    /* nothing */
	assert_false(READS("\x10\x01", &a));            /* of no kind */
	assert_false(READS("\x08", &a));                /* a number is missing */
	assert_false(READS("\x08\x80", &a));            /* half of one */
	assert_false(READS("\x08\x01\x4a\x05yes", &a)); /* longer than the message */
	assert_false(READS("\x08\x01\x4a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01x", &a)); /* far longer */
	assert_false(
		READS("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80", &a)); /* a number without end */
	assert_false(READS("\x08\x01\x22\x02\x08\x80", &a));                    /* damaged inside */
	assert_false(READS("\x08\x01\x0b", &a)); /* a group, which nobody writes */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_restored_process_has_its_number),
		cmocka_unit_test(a_notice_has_its_name),
		cmocka_unit_test(a_message_is_one_tame_line),
		cmocka_unit_test(what_is_not_known_is_passed_over),
		cmocka_unit_test(what_is_damaged_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
