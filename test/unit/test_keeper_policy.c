/* test_keeper_policy.c — what a keeper decides: states, order of start and end, phases, restarts, waits (src/keeper/{policy,backoff}.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/text.h"
#include "keeper/backoff.h"
#include "keeper/policy.h"

enum { MOST = 6 };

/* A pod as one word per container, in the pod's order. The first letter is its kind: i init, s sidecar, a app; the second its state: waiting (w),
 * creating (c), starting (s), postStart hook (h), running (r), back-off (b), leaving (l), stopping (x), ended (e). After it: p has passed, + has ended well,
 * - has ended badly, h: a preStop hook is to be run, or runs. */
struct scene {
	struct container_view c[MOST];
	size_t n;
};

static struct scene scene(const char *words)
{
	static const char states[] = "wcshrblxe";
	struct scene s = {};

	for (const char *at = words; *at; s.n++) {
		struct container_view *c = &s.c[s.n];
		assert_true(s.n < MOST);
		c->kind = *at == 'i' ? KIND_INIT : *at == 's' ? KIND_SIDECAR : KIND_APP;
		assert_non_null(strchr(states, at[1]));
		c->state = (enum container_state)(strchr(states, at[1]) - states);
		for (at += 2; *at && *at != ' '; at++) {
			c->passed = c->passed || *at == 'p';
			c->succeeded = *at == '+';
			c->hooked = c->hooked || *at == 'h';
			c->ran = c->ran || *at == '+' || *at == '-';
		}
		at += *at == ' ';
	}
	return s;
}

/* What policy does with each container: B begin, L its preStop hook, S stop, . nothing. */
static const char *actions(const char *words, bool ending)
{
	static char text[MOST + 1];
	struct scene s = scene(words);

	for (size_t i = 0; i < s.n; i++)
		text[i] = ".BLS"[policy_container(s.c, s.n, i, ending)];
	text[s.n] = '\0';
	return text;
}

static void every_cell_of_the_table(void **state)
{
	(void)state;
	/* Columns: begin, created, started, hooked, ended again, ended, leave, stop, reset. Letters as above. */
	static const char letters[] = "wcshrblxe";
	static const char *const want[CONTAINER_STATES] = { "cwwwwewew", "csccbecxc", "sshsbesxs",
							    "hhhrbelxh", "rrrrbelxr", "cbbbbebew",
							    "llllbelxl", "xxxxbexxx", "eeeeeeeew" };

	for (int from = 0; from < CONTAINER_STATES; from++)
		for (int event = 0; event < CONTAINER_EVENTS; event++)
			assert_int_equal(letters[container_next((enum container_state)from,
								(enum container_event)event)],
					 want[from][event]);
}

static void init_containers_one_after_the_other_then_all_apps(void **state)
{
	(void)state;
	assert_string_equal(actions("iw iw aw aw", false), "B...");
	assert_string_equal(actions("ir iw aw aw", false), "....");
	assert_string_equal(actions("iep+ iw aw aw", false), ".B..");
	assert_string_equal(actions("iep+ ib- aw aw", false), "....");
	assert_string_equal(actions("iep+ iep+ aw aw", false), "..BB");
	assert_string_equal(actions("aw aw", false), "BB");
}

static void a_sidecar_is_passed_once_it_runs(void **state)
{
	(void)state;
	assert_string_equal(actions("sw iw aw", false), "B..");
	assert_string_equal(actions("ss iw aw", false), "...");
	assert_string_equal(actions("srp iw aw", false), ".B.");
	assert_string_equal(actions("sbp- iw aw", false),
			    ".B."); /* it has run; that it waits now holds nobody */
	assert_string_equal(actions("srp iep+ aw", false), "..B");
}

static void apps_end_first_then_sidecars_backwards(void **state)
{
	(void)state;
	assert_string_equal(actions("srp srp ar ar", true), "..SS");
	assert_string_equal(actions("srp srp ax ar", true), "...S");
	assert_string_equal(actions("srp srp ax ae-", true), "....");
	assert_string_equal(actions("srp srp ae- ae-", true), ".S..");
	assert_string_equal(actions("srp sxp ae- ae-", true), "....");
	assert_string_equal(actions("srp sep- ae- ae-", true), "S...");
	assert_string_equal(actions("srp iw aw", true), "SSS"); /* what has not begun needs nobody */
	assert_string_equal(actions("srp ir aw", true), ".SS");
	assert_string_equal(actions("sbp- srp ar", true),
			    "S.S"); /* what has no process needs nobody's leave */
}

static void hooks_run_all_at_once_and_sidecars_wait_after_theirs(void **state)
{
	(void)state;
	assert_string_equal(actions("srph srp arh ar", true), "L.LS");
	assert_string_equal(actions("slph srp alh ax", true), "....");
	assert_string_equal(actions("slp srp alh ae-", true), "....");
	assert_string_equal(actions("slp srp al ae-", true), "..S.");
	assert_string_equal(actions("slp srp ae- ae-", true), ".S..");
	assert_string_equal(actions("slp sep- ae- ae-", true), "S...");
	assert_string_equal(actions("ahh", true), "L");
	assert_string_equal(actions("ach", true), "S"); /* it does not run yet */
	assert_string_equal(actions("ar alh al", false), "..S");
}

static void a_pod_is_over_when_nothing_runs_again(void **state)
{
	(void)state;
	static const struct {
		const char *scene;
		bool over;
	} cases[] = {
		{ "ar", false },     { "ae+", true },          { "ae+ ar", false },
		{ "ae+ ae-", true }, { "ab-", false },         { "srp ae+", true },
		{ "srp ar", false }, { "ie- aw", true },       { "iep+ aw", false },
		{ "ib- aw", false }, { "iep+ srp ae+", true }, { "srp ie- aw aw", true },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct scene s = scene(cases[i].scene);
		assert_int_equal(policy_pod_over(s.c, s.n), cases[i].over);
	}
}

static void phases(void **state)
{
	(void)state;
	static const struct {
		const char *scene, *phase;
		bool ending;
	} cases[] = {
		{ "aw", "Pending", false },        { "ac", "Pending", false },
		{ "ah", "Pending", false },        { "al", "Running", true },
		{ "ar", "Running", false },        { "ar as", "Pending", false },
		{ "ar ab-", "Running", false },    { "ab-", "Running", false },
		{ "ae+ ar", "Running", false },    { "ae+", "Succeeded", false },
		{ "ae-", "Failed", false },        { "ae+ ae-", "Failed", false },
		{ "iw aw", "Pending", false },     { "ir aw", "Pending", false },
		{ "ib- aw", "Pending", false },    { "ie- ae", "Failed", false },
		{ "iep+ ar", "Running", false },   { "srp ae+", "Succeeded", false },
		{ "srp ae+", "Running", true },    { "sep+ ae+", "Succeeded", true },
		{ "sep- ae+", "Succeeded", true }, { "ax", "Running", true },
		{ "ae-", "Failed", true },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct scene s = scene(cases[i].scene);
		const char *phase = policy_phase(s.c, s.n, cases[i].ending);
		if (!text_is(phase, cases[i].phase))
			fail_msg("'%s'%s: %s, not %s", cases[i].scene, cases[i].ending ? " ending" : "",
				 phase, cases[i].phase);
	}
}

static enum policy_again restarts(enum container_kind kind, const char *pod, const char *own, int code)
{
	const struct container c = { .restartPolicy = own };
	return policy_restart(&(struct restart_question){ kind, pod, &c, code });
}

static void restart_policies(void **state)
{
	(void)state;
	assert_true(restarts(KIND_APP, "Always", NULL, 0) && restarts(KIND_APP, "Always", NULL, 1));
	assert_true(!restarts(KIND_APP, "OnFailure", NULL, 0) && restarts(KIND_APP, "OnFailure", NULL, 1));
	assert_true(!restarts(KIND_APP, "Never", NULL, 0) && !restarts(KIND_APP, "Never", NULL, 1));
	/* An init container ends well once; what it may do badly is the pod's policy. */
	assert_true(!restarts(KIND_INIT, "Always", NULL, 0) && restarts(KIND_INIT, "Always", NULL, 1));
	assert_true(!restarts(KIND_INIT, "Never", NULL, 1));
	assert_true(restarts(KIND_SIDECAR, "Never", "Always", 0));
	/* The container's own wins (KEP-5307). */
	assert_true(restarts(KIND_APP, "Never", "Always", 0) && !restarts(KIND_APP, "Always", "Never", 1));
	assert_true(restarts(KIND_APP, "Never", "OnFailure", 3));
}

static void restart_rules(void **state)
{
	(void)state;
	int64_t codes[] = { 42, 43 };
	struct restart_rule_exit_codes in = { "In", { codes, 2 } }, not_in = { "NotIn", { codes, 2 } };
	struct restart_rule rule = { "Restart", &in };
	struct container c = { .restartPolicy = "Never", .restartPolicyRules = { &rule, 1 } };
	struct restart_question q = { KIND_APP, "Always", &c, 42 };

	assert_true(policy_restart(&q));
	q.exit_code = 1;
	assert_false(policy_restart(&q)); /* no rule fits: the container's policy, not the pod's */
	rule.exitCodes = &not_in;
	assert_true(policy_restart(&q));
	q.exit_code = 43;
	assert_false(policy_restart(&q));
	rule = (struct restart_rule){ "RestartAllContainers", &in };
	assert_int_equal(policy_restart(&q), AGAIN_ALL);
	q.kind = KIND_SIDECAR; /* a sidecar's rules come before its policy */
	assert_int_equal(policy_restart(&q), AGAIN_ALL);
	q.exit_code = 1;
	assert_int_equal(policy_restart(&q), AGAIN_IT);
}

static void waits_double_to_five_minutes(void **state)
{
	(void)state;
	static const unsigned seconds[] = { 0, 10, 20, 40, 80, 160, 300, 300, 300 };
	struct backoff b = {};

	for (size_t i = 0; i < sizeof(seconds) / sizeof(*seconds); i++)
		assert_int_equal(backoff_next(&b, &backoff_kubernetes, 1) / US_PER_SECOND, seconds[i]);
	assert_int_equal(backoff_next(&b, &backoff_kubernetes, 599 * US_PER_SECOND) / US_PER_SECOND, 300);
	assert_int_equal(backoff_next(&b, &backoff_kubernetes, 600 * US_PER_SECOND),
			 0); /* ten minutes are forgiven */
	assert_int_equal(backoff_next(&b, &backoff_kubernetes, 1) / US_PER_SECOND, 10);
}

static void the_waits_can_be_changed(void **state)
{
	struct string_pair notes[] = { { "seapod.io/backoff-initial", "1s" },
				       { "seapod.io/backoff-max", "3s" } };
	const char *const nothing[3] = {}, *const global[3] = { "7s", NULL, "20s" };
	static const unsigned seconds[] = { 0, 1, 2, 3, 3 };
	struct backoff_limits limits;
	struct backoff b = {};
	struct pod pod = {};
	(void)state;

	assert_int_equal(backoff_limits_of(&pod, nothing, &limits, NULL), 0);
	assert_memory_equal(&limits, &backoff_kubernetes, sizeof(limits));
	assert_int_equal(backoff_limits_of(&pod, global, &limits, NULL), 0);
	assert_int_equal(limits.first_us, 7 * US_PER_SECOND);
	pod.metadata.annotations.at = notes;
	pod.metadata.annotations.n = 2;
	assert_int_equal(backoff_limits_of(&pod, global, &limits, NULL), 0); /* the pod's own wins */
	assert_int_equal(limits.first_us, US_PER_SECOND);
	assert_int_equal(limits.reset_us, 20 * US_PER_SECOND);
	for (size_t i = 0; i < sizeof(seconds) / sizeof(*seconds); i++)
		assert_int_equal(backoff_next(&b, &limits, 1) / US_PER_SECOND, seconds[i]);
	notes[0].value = "soon";
	assert_int_equal(backoff_limits_of(&pod, nothing, &limits, NULL), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_cell_of_the_table),
		cmocka_unit_test(init_containers_one_after_the_other_then_all_apps),
		cmocka_unit_test(a_sidecar_is_passed_once_it_runs),
		cmocka_unit_test(apps_end_first_then_sidecars_backwards),
		cmocka_unit_test(hooks_run_all_at_once_and_sidecars_wait_after_theirs),
		cmocka_unit_test(a_pod_is_over_when_nothing_runs_again),
		cmocka_unit_test(phases),
		cmocka_unit_test(restart_policies),
		cmocka_unit_test(restart_rules),
		cmocka_unit_test(waits_double_to_five_minutes),
		cmocka_unit_test(the_waits_can_be_changed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
