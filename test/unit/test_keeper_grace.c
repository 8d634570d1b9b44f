/* test_keeper_grace.c — how long what is told to end may take (src/keeper/grace.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "keeper/grace.h"

enum { NOW = 1000 };

static uint64_t at(uint64_t seconds)
{
	return (NOW + seconds) * US_PER_SECOND;
}

static void a_persons_wish_then_the_probes_then_the_pods(void **state)
{
	const struct optional_int pod = { true, 30 }, probe = { true, 5 }, wish = { true, 0 }, none = {};
	(void)state;

	assert_int_equal(grace_choose(NULL, NULL, &pod), 30);
	assert_int_equal(grace_choose(NULL, &none, &pod), 30);
	assert_int_equal(grace_choose(NULL, &probe, &pod), 5);
	assert_int_equal(grace_choose(&none, &probe, &pod), 5);
	assert_int_equal(grace_choose(&wish, &probe, &pod), 0);
}

static void what_hook_and_turn_leave(void **state)
{
	const struct grace g = grace_begin(30, at(0));
	(void)state;

	assert_true(grace_has_hooks(&g));
	assert_int_equal(grace_left_us(&g, at(0)), 30 * US_PER_SECOND);
	assert_int_equal(grace_left_us(&g, at(12)), 18 * US_PER_SECOND);
}

static void two_seconds_are_always_left(void **state)
{
	const struct grace g = grace_begin(30, at(0)), short_one = grace_begin(1, at(0));
	(void)state;

	assert_int_equal(grace_left_us(&g, at(29)), 2 * US_PER_SECOND);
	assert_int_equal(grace_left_us(&g, at(45)), 2 * US_PER_SECOND);
	assert_int_equal(grace_left_us(&short_one, at(0)), 2 * US_PER_SECOND);
	assert_true(grace_has_hooks(&short_one));
}

static void without_grace_nothing_is(void **state)
{
	const struct grace g = grace_begin(0, at(0)), odd = grace_begin(-1, at(0));
	(void)state;

	assert_false(grace_has_hooks(&g));
	assert_int_equal(grace_left_us(&g, at(0)), 0);
	assert_false(grace_has_hooks(&odd));
	assert_int_equal(grace_left_us(&odd, at(0)), 0);
}

static void a_second_request_only_shortens(void **state)
{
	struct grace g = grace_begin(30, at(0));
	(void)state;

	grace_shorten(&g, 60, at(5));
	assert_int_equal(grace_left_us(&g, at(5)), 25 * US_PER_SECOND);
	grace_shorten(&g, 10, at(5));
	assert_int_equal(grace_left_us(&g, at(5)), 10 * US_PER_SECOND);
	grace_shorten(&g, 10, at(10)); /* would be later */
	assert_int_equal(g.end_us, at(15));
	grace_shorten(&g, 0, at(40)); /* at once, even when the time was over */
	assert_int_equal(grace_left_us(&g, at(40)), 0);
	assert_false(grace_has_hooks(&g));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_persons_wish_then_the_probes_then_the_pods),
		cmocka_unit_test(what_hook_and_turn_leave),
		cmocka_unit_test(two_seconds_are_always_left),
		cmocka_unit_test(without_grace_nothing_is),
		cmocka_unit_test(a_second_request_only_shortens),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
