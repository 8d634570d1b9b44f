/* test_build.c — Dockerfiles as they are read: instructions, words, .dockerignore. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "build/dockerfile.h"
#include "build/ignore.h"
#include "build/words.h"

static void an_instruction_is_joined_from_its_lines(void **state)
{
	_cleanup_arena_ struct arena *a = arena_new();
	static const char text[] = "# syntax=x\n\nfrom a as b\n  RUN one \\\n# no part of it\n\n  two\n";
	struct dockerfile file;
	struct error err = {};

	(void)state;
	assert_int_equal(dockerfile_parse("D", text, strlen(text), a, &file, &err), 0);
	assert_int_equal(file.instructions.n, 2);
	assert_string_equal(file.instructions.at[0].keyword, "FROM");
	assert_string_equal(file.instructions.at[0].text, "a as b");
	assert_string_equal(file.instructions.at[1].text, "one   two");
	assert_int_equal(file.instructions.at[1].line, 4);
}

static void flags_lists_and_here_documents_are_told_apart(void **state)
{
	_cleanup_arena_ struct arena *a = arena_new();
	static const char text[] = "# escape=`\nFROM a\nRUN --mount=type=tmpfs,target=/x [\"a\", \"b c\"]\n"
				   "COPY <<-'E' <<F /to/\n\tx\n\tE\ny\nF\nRUN [ -d / ]\n";
	struct dockerfile file;
	struct error err = {};

	(void)state;
	assert_int_equal(dockerfile_parse("D", text, strlen(text), a, &file, &err), 0);
	const struct instruction *run = &file.instructions.at[1], *copy = &file.instructions.at[2];
	assert_true(run->exec && run->words.n == 2);
	assert_string_equal(instruction_flag(run, "mount"), "type=tmpfs,target=/x");
	assert_int_equal(copy->heredocs.n, 2);
	assert_string_equal(copy->heredocs.at[0].text, "x\n");
	assert_true(copy->heredocs.at[0].quoted);
	assert_string_equal(copy->heredocs.at[1].text, "y\n");
	assert_false(file.instructions.at[3].exec);
}

static void words_are_expanded(void **state)
{
	_cleanup_arena_ struct arena *a = arena_new();
	static const struct {
		const char *text, *expected; /* NULL: an error */
	} cases[] = { { "$A-${A}", "x-x" },
		      { "${N:-d}${E:-d}${E-d}", "dd" },
		      { "${A:+y}${E:+y}${N+y}", "y" },
		      { "${N:-${A}z}", "xz" },
		      { "'$A' \"$A\" \\$A", "$A x $A" },
		      { "a$", "a$" },
		      { "${N:?gone}", NULL },
		      { "${A", NULL },
		      { "'a", NULL } };
	struct variables v = { .escape = '\\' };
	struct error err = {};

	(void)state;
	*list_add(a, &v.pairs) = "A=old";
	*list_add(a, &v.pairs) = "A=x";
	*list_add(a, &v.pairs) = "E=";
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const char *got = word_expand(cases[i].text, &v, a, &err);
		if (cases[i].expected)
			assert_string_equal(got, cases[i].expected);
		else
			assert_null(got);
	}
}

static void words_are_split_outside_of_quotes(void **state)
{
	_cleanup_arena_ struct arena *a = arena_new();
	struct strings words = {};

	(void)state;
	words_split("a='x y'  \"b c\" d\\ e", '\\', a, &words);
	assert_int_equal(words.n, 3);
	assert_string_equal(words.at[0], "a='x y'");
	assert_string_equal(words.at[2], "d\\ e");
}

static void the_last_pattern_that_matches_decides(void **state)
{
	_cleanup_arena_ struct arena *a = arena_new();
	struct ignore g;

	(void)state;
	ignore_parse("# comment\n*.log\n/dir/\n!dir/keep\n**/deep\na/**/z\n", a, &g);
	assert_true(ignore_matches(&g, "x.log"));
	assert_false(ignore_matches(&g, "sub/x.log"));
	assert_true(ignore_matches(&g, "dir/other/file"));
	assert_false(ignore_matches(&g, "dir/keep"));
	assert_true(ignore_matches(&g, "p/q/deep/file"));
	assert_true(ignore_matches(&g, "a/b/c/z"));
	assert_true(ignore_matches(&g, "a/z"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_instruction_is_joined_from_its_lines),
		cmocka_unit_test(flags_lists_and_here_documents_are_told_apart),
		cmocka_unit_test(words_are_expanded),
		cmocka_unit_test(words_are_split_outside_of_quotes),
		cmocka_unit_test(the_last_pattern_that_matches_decides),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
