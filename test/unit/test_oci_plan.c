/* The plan of a container's process, as text: what is done, and above all in which order. No kernel is touched. */
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <linux/filter.h>
#include <linux/mount.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>

#include "base/cleanup.h"
#include "oci/defaults.h"
#include "oci/plan.h"

struct sample {
	struct arena *a;
	struct oci_spec spec;
	struct container_setting setting;
	struct text text;
};

static int set_up(void **state)
{
	struct sample *s = memory_one(struct sample);
	struct oci_process *p = &s->spec.process;

	s->a = arena_new();
	*list_add(s->a, &p->args) = "server";
	*list_add(s->a, &p->args) = "-v";
	*list_add(s->a, &p->env) = "PATH=/opt/bin::/bin";
	p->cwd = "/srv";
	p->capabilities.bounding = p->capabilities.effective = p->capabilities.permitted = 0x5;
	*list_add(s->a, &s->spec.root.lower) = "/layers/base";
	*list_add(s->a, &s->spec.root.lower) = "/layers/app";
	s->spec.root.upper = "/pod/upper";
	s->spec.root.work = "/pod/work";
	s->setting = (struct container_setting){ .stdio = { 7, 8, 9 }, .cgroup_fd = -1, .pid_namespace = -1 };
	*state = s;
	return 0;
}

static int tear_down(void **state)
{
	struct sample *s = *state;

	text_free(&s->text);
	arena_free(s->a);
	free(s);
	return 0;
}

static const char *planned(struct sample *s)
{
	struct plan plan;

	plan_container(&plan, &s->spec, &s->setting, s->a);
	text_free(&s->text);
	plan_print(&plan, &s->text);
	return text_str(&s->text);
}

/* Where LINE begins in the plan; the test fails if it is not there. */
static size_t place(const char *plan, const char *line)
{
	const char *at = strstr(plan, line);

	if (!at)
		fail_msg("'%s' is not in the plan:\n%s", line, plan);
	return (size_t)(at - plan);
}

static void the_smallest_container(void **state)
{
	struct sample *s = *state;

	assert_string_equal(planned(s), "tie to the keeper\n"
					"leave the host's mounts\n"
					"root overlay lowerdir=/layers/app:/layers/base upperdir=/pod/upper "
					"workdir=/pod/work volatile\n"
					"root on /\n"
					"make directory /srv\n"
					"change root\n"
					"session\n"
					"stdio 7 8 9\n"
					"close the rest\n"
					"capabilities bounded by 0x5\n"
					"cwd /srv\n"
					"user 0:0\n"
					"cwd /srv\n"
					"tie to the keeper\n"
					"ready\n"
					"capabilities 0x5\n"
					"execute server -v\n");
}

static void a_mount_is_opened_outside_and_attached_inside(void **state)
{
	struct sample *s = *state;

	*list_add(s->a, &s->spec.mounts) =
		(struct oci_mount){ .destination = "/proc",
				    .type = "proc",
				    .source_fd = -1,
				    .attributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC };
	*list_add(s->a, &s->spec.mounts) = (struct oci_mount){ .destination = "/data",
							       .source = "/host/data",
							       .source_fd = -1,
							       .attributes = MOUNT_ATTR_RDONLY,
							       .recursive_attributes = true };
	*list_add(s->a, &s->spec.mounts) =
		(struct oci_mount){ .destination = "/mem", .source_fd = 12, .copied = true };
	const char *plan = planned(s);
	size_t leave = place(plan, "leave the host's mounts\n"), root = place(plan, "root on /\n"),
	       change = place(plan, "change root\n");

	assert_true(place(plan, "open proc nosuid noexec\n") < leave);
	assert_true(place(plan, "open /host/data ro recursively\n") < leave);
	assert_true(place(plan, "open copy of 12\n") < leave);
	assert_true(root < place(plan, "attach /proc\n"));
	assert_true(place(plan, "attach /proc\n") < place(plan, "attach /data\n"));
	assert_true(place(plan, "attach /mem\n") < change);
}

static void dev_is_filled_before_anybody_can_see_it(void **state)
{
	struct sample *s = *state;

	oci_default_files(&s->spec, false, s->a);
	const char *plan = planned(s);

	assert_true(place(plan, "open tmpfs nosuid mode=755") < place(plan, "device /dev/null 1:3 20666\n"));
	assert_true(place(plan, "device /dev/null") < place(plan, "link /dev/fd -> /proc/self/fd\n"));
	assert_true(place(plan, "link /dev/ptmx -> pts/ptmx\n") < place(plan, "leave the host's mounts\n"));
	/* Masks come last: nothing is mounted over them any more. */
	assert_true(place(plan, "attach /sys\n") < place(plan, "read-only /proc/sys\n"));
	assert_true(place(plan, "read-only /proc/sysrq-trigger\n") < place(plan, "mask /proc/kcore\n"));
	assert_true(place(plan, "mask /sys/firmware\n") < place(plan, "change root\n"));
}

static void privileges_go_in_the_right_order(void **state)
{
	static const char filter[8] = "";
	struct sample *s = *state;
	struct oci_process *p = &s->spec.process;

	p->uid = 1000;
	p->gid = 1001;
	*list_add(s->a, &p->additionalGids) = 7;
	p->seccomp = (struct oci_filter){ .at = filter, .n = 1 };
	const char *plan = planned(s);
	assert_true(place(plan, "capabilities bounded by 0x5\n") < place(plan, "user 1000:1001 7\n"));
	assert_true(place(plan, "user ") < place(plan, "tie to the keeper\nready\n"));
	/* before any path of the image is looked up with the host's directories at hand (CVE-2024-21626) */
	assert_true(place(plan, "close the rest") < place(plan, "cwd "));
	assert_non_null(strstr(plan, "ready\nseccomp of 1 instructions\ncapabilities 0x5\nexecute"));
	p->noNewPrivileges = true;
	plan = planned(s);
	assert_non_null(
		strstr(plan, "ready\nno_new_privs\ncapabilities 0x5\nseccomp of 1 instructions\nexecute"));
}

static void what_needs_the_host_comes_first(void **state)
{
	struct sample *s = *state;

	s->setting.tasks[0] = 20;
	s->setting.tasks[1] = 21;
	s->setting.task_count = 2;
	s->spec.namespaces = CLONE_NEWCGROUP;
	s->spec.process.has_oom_score_adj = true;
	s->spec.process.oomScoreAdj = -997;
	const char *plan = planned(s);

	/* The cgroup namespace's root is where the process is: first the cgroup, then the namespace. */
	assert_int_equal(place(plan, "tie to the keeper\ncgroup 20\ncgroup 21\noom_score_adj -997\nnew "
				     "namespaces cgroup\nleave"),
			 0);
}

static void a_terminal_becomes_the_console(void **state)
{
	struct sample *s = *state;

	s->spec.process.terminal = true;
	oci_default_files(&s->spec, false, s->a);
	const char *plan = planned(s);

	assert_true(place(plan, "attach /dev\n") < place(plan, "console 7\n"));
	assert_true(place(plan, "session\n") < place(plan, "stdio 7 8 9 as the terminal\n"));
}

static void long_layers_are_given_one_by_one(void **state)
{
	struct sample *s = *state;
	struct plan plan;
	char name[260];

	memset(name, 'x', sizeof(name));
	name[0] = '/';
	name[259] = '\0';
	*list_add(s->a, &s->spec.root.lower) = name;
	const char *text = planned(s);
	assert_true(place(text, "lowerdir+=/x") <
		    place(text, "lowerdir+=/layers/app lowerdir+=/layers/base upperdir"));
	/* What mount(2) would be given on older kernels; only where there is a place for it. */
	s->setting.mount_point = "/point";
	plan_container(&plan, &s->spec, &s->setting, s->a);
	list_each(step, &plan.steps)
		if (step->kind == STEP_ROOT_OVERLAY)
			assert_non_null(strstr(
				step->overlay->page,
				":/layers/app:/layers/base,upperdir=/pod/upper,workdir=/pod/work,volatile"));
	*list_add(s->a, &s->spec.root.lower) = "/with,comma";
	plan_container(&plan, &s->spec, &s->setting, s->a);
	list_each(step, &plan.steps)
		if (step->kind == STEP_ROOT_OVERLAY)
			assert_null(step->overlay->page);
}

static void a_program_is_looked_for_along_the_containers_path(void **state)
{
	struct sample *s = *state;
	struct plan plan;

	plan_container(&plan, &s->spec, &s->setting, s->a);
	assert_string_equal(plan.candidates[0], "/opt/bin/server");
	assert_string_equal(plan.candidates[1], "./server"); /* an empty part is the working directory */
	assert_string_equal(plan.candidates[2], "/bin/server");
	assert_null(plan.candidates[3]);
	s->spec.process.args.at[0] = "bin/server";
	plan_container(&plan, &s->spec, &s->setting, s->a);
	assert_string_equal(plan.candidates[0], "bin/server");
	assert_null(plan.candidates[1]);
}

static void exec_joins_and_does_not_wait(void **state)
{
	struct sample *s = *state;
	const struct exec_setting setting = {
		.stdio = { 3, 4, 5 }, .cgroup_fd = -1, .target_pidfd = 6, .pid_namespace = 9
	};
	struct plan plan;

	plan_exec(&plan, &s->spec.process, &setting, s->a);
	plan_print(&plan, &s->text);
	assert_string_equal(text_str(&s->text), "tie to the keeper\n"
						"forget\n"
						"enter pid\n"
						"join the namespaces of 6\n"
						"session\n"
						"stdio 3 4 5\n"
						"close the rest\n"
						"capabilities bounded by 0x5\n"
						"cwd /srv\n"
						"user 0:0\n"
						"cwd /srv\n"
						"tie to the keeper\n"
						"capabilities 0x5\n"
						"birth of server -v\n");
}

/* Where the birth is not possible, or not needed, the process executes the program itself. */
static void exec_is_not_always_born(void **state)
{
	struct sample *s = *state;
	const struct exec_setting usual = { .cgroup_fd = -1, .target_pidfd = 6, .pid_namespace = 9 };
	struct exec_setting other = usual;
	const struct oci_scheduler scheduler = { .policy = 3 };
	const struct sock_filter allow[] = { BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW) }, no_clone[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
	};
	struct oci_process p = s->spec.process;

	assert_true(exec_is_born(&p, &usual));
	other.pid_namespace = -1;
	assert_false(exec_is_born(&p, &other));
	other = usual;
	other.namespaces = CLONE_NEWUSER | CLONE_NEWNS;
	assert_false(exec_is_born(&p, &other));
	other.namespaces = CLONE_NEWNS;
	assert_true(exec_is_born(&p, &other));
	other.rootless = true;
	assert_false(exec_is_born(&p, &other));
	p.scheduler = &scheduler;
	assert_false(exec_is_born(&p, &usual));
	p.scheduler = NULL;
	p.seccomp = (struct oci_filter){ .at = allow, .n = 1 };
	assert_true(exec_is_born(&p, &usual));
	p.seccomp.flags = SECCOMP_FILTER_FLAG_NEW_LISTENER;
	assert_false(exec_is_born(&p, &usual));
	p.seccomp = (struct oci_filter){ .at = no_clone, .n = 4 };
	assert_false(exec_is_born(&p, &usual));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_smallest_container),
		TEST(a_mount_is_opened_outside_and_attached_inside),
		TEST(dev_is_filled_before_anybody_can_see_it),
		TEST(privileges_go_in_the_right_order),
		TEST(what_needs_the_host_comes_first),
		TEST(a_terminal_becomes_the_console),
		TEST(long_layers_are_given_one_by_one),
		TEST(a_program_is_looked_for_along_the_containers_path),
		TEST(exec_joins_and_does_not_wait),
		TEST(exec_is_not_always_born),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
