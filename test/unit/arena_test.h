/* arena_test.h — what tests of objects begin with: an arena that lives as long as a test, and a pod from its text. After cmocka.h.
 */
#pragma once

#include "api/read.h"
#include "base/cleanup.h"

static struct arena *arena;

static inline int setup(void **state)
{
	(void)state;
	arena = arena_new();
	return 0;
}

static inline int teardown(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

/* The only object of TEXT, which is a right Pod. */
static inline struct pod *pod_of(const char *text)
{
	struct problems p = { .arena = arena };
	struct objects objects = {};

	objects_parse("f", text, strlen(text), NULL, arena, &objects, &p);
	if (p.errors.n)
		fail_msg("%s", p.errors.at[0].text);
	assert_int_equal(objects.n, 1);
	return objects.at[0].pod;
}
