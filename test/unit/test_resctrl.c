/* linux.intelRdt on a directory that stands for the resctrl file system: config-linux.md "IntelRdt", sentence by sentence. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "runtime/resctrl.h"

#define FULL "    MB:0=100;1=100\n    L3:0=7ff;1=7ff\n"

static char dir[] = "/tmp/seapod-resctrl-XXXXXX";

static int set_up(void **state)
{
	static struct resctrl r;

	strcpy(dir + strlen(dir) - 6, "XXXXXX");
	assert_non_null(mkdtemp(dir));
	r = RESCTRL_NONE;
	r.root = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r.id = "box";
	*state = &r;
	return 0;
}

static int tear_down(void **state)
{
	resctrl_close(*state);
	return file_remove_tree(AT_FDCWD, dir, NULL);
}

static void put(const struct resctrl *r, const char *name, const char *text)
{
	assert_int_equal(file_write_atomic(r->root, name, text, strlen(text), 0644, NULL), 0);
}

static void has(const struct resctrl *r, const char *name, const char *text)
{
	_cleanup_free_ char *found = NULL;

	assert_int_equal(file_read(r->root, name, 4096, &found, NULL, NULL), 0);
	assert_string_equal(found, text);
}

static void fails(struct resctrl *r, const char *sentence)
{
	struct error err = {};

	assert_true(resctrl_make(r, &err) < 0);
	assert_string_equal(err.text, sentence);
	resctrl_undo(r);
}

static const char *lines[] = { "L2:0=f;1=f", "MB:0=20" };

/* "If closID is not set, runtimes MUST use the container ID", "MUST write l3CacheSchema first and memBwSchema last", schemata "last". */
static void a_class_of_its_own_comes_and_goes(void **state)
{
	struct resctrl *r = *state;
	const struct config_intel_rdt c = { .l3CacheSchema = "L3:0=f",
					    .memBwSchema = "MB:0=50",
					    .schemata = { lines, 2 } };
	struct error err = {};

	r->config = &c;
	assert_int_equal(resctrl_make(r, &err), 0);
	has(r, "box/schemata", "L3:0=f\nMB:0=50\nL2:0=f;1=f\nMB:0=20\n");
	assert_int_equal(resctrl_enter(r, 4711, &err), 0);
	has(r, "box/tasks", "4711");
	unlinkat(r->root, "box/schemata", 0); /* the kernel's files go with their directory */
	unlinkat(r->root, "box/tasks", 0);
	assert_int_equal(resctrl_remove(r, &err), 0);
	assert_false(file_exists(r->root, "box"));
	assert_int_equal(resctrl_remove(r, &err), 0); /* deleted twice */
}

/* "MUST NOT write to schemata files" */
static void without_a_schema_none_is_written(void **state)
{
	struct resctrl *r = *state;
	const struct config_intel_rdt own = {}, named = { .closID = "gold" };

	r->config = &own;
	assert_int_equal(resctrl_make(r, NULL), 0);
	assert_false(file_exists(r->root, "box/schemata"));
	r->config = &named;
	fails(r, "linux.intelRdt.closID: cannot open the class 'gold': it does not exist");
	assert_int_equal(mkdirat(r->root, "gold", 0755), 0);
	assert_int_equal(resctrl_make(r, NULL), 0);
	assert_false(file_exists(r->root, "gold/schemata"));
}

/* "if closID directory doesn't exist, the runtimes MUST create it", "MUST NOT remove the sub-directory when the container is deleted" */
static void a_named_class_is_made_and_stays(void **state)
{
	struct resctrl *r = *state;
	const struct config_intel_rdt c = { .closID = "gold", .l3CacheSchema = "L3:0=f" };

	r->config = &c;
	assert_int_equal(resctrl_make(r, NULL), 0);
	has(r, "gold/schemata", "L3:0=f\n");
	assert_int_equal(resctrl_remove(r, NULL), 0);
	assert_true(file_exists(r->root, "gold"));
}

/* "runtimes MUST compare … and generate an error if doesn't match" */
static void a_class_that_is_there_must_agree(void **state)
{
	struct resctrl *r = *state;
	const struct config_intel_rdt same = { .closID = "gold",
					       .l3CacheSchema = "L3:0=07FF",
					       .memBwSchema = "MB:1=100" };
	const struct config_intel_rdt other = { .closID = "gold", .l3CacheSchema = "L3:0=7fe" };
	const struct config_intel_rdt bandwidth = { .closID = "gold", .memBwSchema = "MB:0=90" };

	mkdirat(r->root, "gold", 0755);
	put(r, "gold/schemata", FULL);
	r->config = &same;
	assert_int_equal(resctrl_make(r, NULL), 0);
	put(r, "gold/schemata", FULL);
	r->config = &other;
	fails(r,
	      "linux.intelRdt.l3CacheSchema: the class 'gold' is there and has another one than 'L3:0=7fe'");
	r->config = &bandwidth;
	fails(r, "linux.intelRdt.memBwSchema: the class 'gold' is there and has another one than 'MB:0=90'");
	has(r, "gold/schemata", FULL);
	assert_true(file_exists(r->root, "gold")); /* what was there is not taken back */
}

/* "value / means … the default CLOS (the root of the resctrl filesystem)" */
static void a_slash_is_the_default_class(void **state)
{
	struct resctrl *r = *state;
	const struct config_intel_rdt c = { .closID = "/" };

	r->config = &c;
	assert_int_equal(resctrl_make(r, NULL), 0);
	assert_int_equal(resctrl_enter(r, 7, NULL), 0);
	has(r, "tasks", "7");
	assert_int_equal(resctrl_remove(r, NULL), 0);
	assert_true(file_exists(r->root, "tasks"));
}

/* "MUST create mon_groups/<container-id>/", "MUST delete the MON group", "If creation … fails, MUST return an error" */
static void a_monitoring_group_comes_and_goes(void **state)
{
	struct resctrl *r = *state;
	const struct config_intel_rdt c = { .closID = "gold", .enableMonitoring = true };

	mkdirat(r->root, "gold", 0755);
	r->config = &c;
	fails(r, "linux.intelRdt.enableMonitoring: this machine cannot monitor: it does not exist");
	mkdirat(r->root, "gold/mon_groups", 0755);
	assert_int_equal(resctrl_make(r, NULL), 0);
	assert_int_equal(resctrl_enter(r, 7, NULL), 0);
	has(r, "gold/tasks", "7");
	has(r, "gold/mon_groups/box/tasks", "7");
	unlinkat(r->root, "gold/mon_groups/box/tasks", 0);
	assert_int_equal(resctrl_remove(r, NULL), 0);
	assert_false(file_exists(r->root, "gold/mon_groups/box"));

	mkdirat(r->root, "info", 0755);
	put(r, "info/last_cmd_status", "out of RMIDs\n");
	mkdirat(r->root, "gold/mon_groups/box", 0755);
	fails(r, "linux.intelRdt: cannot make a monitoring group: out of RMIDs");
}

/* A failed creation leaves no class; another container's is not taken over. */
static void what_was_made_is_taken_back(void **state)
{
	struct resctrl *r = *state;
	const struct config_intel_rdt c = { .enableMonitoring = true };

	r->config = &c;
	fails(r, "linux.intelRdt.enableMonitoring: this machine cannot monitor: it does not exist");
	assert_false(file_exists(r->root, "box"));
	mkdirat(r->root, "box", 0755);
	fails(r, "linux.intelRdt: a class 'box' is there already");
	assert_true(file_exists(r->root, "box"));
}

static void what_is_not_asked_for_touches_nothing(void **state)
{
	struct resctrl r;
	(void)state;

	assert_int_equal(resctrl_open(&r, NULL, "box", NULL), 0);
	assert_int_equal(r.root, -1);
	assert_int_equal(resctrl_make(&r, NULL), 0);
	assert_int_equal(resctrl_enter(&r, 1, NULL), 0);
	assert_int_equal(resctrl_remove(&r, NULL), 0);
}

static void schemas_are_compared_by_meaning(void **state)
{
	(void)state;
	assert_true(resctrl_agrees("L3:0=7ff;1=7ff", FULL));
	assert_true(resctrl_agrees("L3:1=07ff", FULL));
	assert_false(resctrl_agrees("L3:0=ff", FULL));
	assert_false(resctrl_agrees("L3:2=7ff", FULL));
	assert_false(resctrl_agrees("L2:0=7ff", FULL));
	assert_false(resctrl_agrees("L", FULL));
	assert_false(resctrl_agrees("L3:0", FULL));
	assert_false(resctrl_agrees("", FULL));
	assert_false(resctrl_agrees("MB:0=100", ""));
}

static void words_are_checked(void **state)
{
	const char *two = "L2:0=f\nL3:0=f";
	const struct {
		struct config_intel_rdt c;
		const char *sentence;
	} wrong[] = {
		{ { .closID = "../x" }, "linux.intelRdt.closID: '../x' is not the name of one directory" },
		{ { .closID = ".." }, "linux.intelRdt.closID: '..' is a name of the kernel's" },
		{ { .closID = "info" }, "linux.intelRdt.closID: 'info' is a name of the kernel's" },
		{ { .memBwSchema = "L3:0=f" },
		  "linux.intelRdt.memBwSchema: 'L3:0=f' does not begin with MB:" },
		{ { .memBwSchema = "MB:0=1\nL3:0=1" },
		  "linux.intelRdt.memBwSchema: it has more than one line" },
		{ { .l3CacheSchema = "L3:0=1\nMB:0=1" },
		  "linux.intelRdt.l3CacheSchema: it has more than one line" },
		{ { .schemata = { &two, 1 } }, "linux.intelRdt.schemata[0]: it has more than one line" },
	};
	const struct config_intel_rdt fine = { .closID = "/", .memBwSchema = "MB:0=1" };
	struct error err = {};
	(void)state;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		assert_true(resctrl_check(&wrong[i].c, &err) < 0);
		assert_string_equal(err.text, wrong[i].sentence);
	}
	assert_int_equal(resctrl_check(&fine, &err), 0);
}

#define ON_FILES(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_FILES(a_class_of_its_own_comes_and_goes),
		ON_FILES(without_a_schema_none_is_written),
		ON_FILES(a_named_class_is_made_and_stays),
		ON_FILES(a_class_that_is_there_must_agree),
		ON_FILES(a_slash_is_the_default_class),
		ON_FILES(a_monitoring_group_comes_and_goes),
		ON_FILES(what_was_made_is_taken_back),
		cmocka_unit_test(what_is_not_asked_for_touches_nothing),
		cmocka_unit_test(schemas_are_compared_by_meaning),
		cmocka_unit_test(words_are_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
