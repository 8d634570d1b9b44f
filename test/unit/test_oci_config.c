/* config.json as structs, words of mounts, and what namespaces, hooks and devices do to the plan. No kernel is touched. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <linux/mount.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "oci/plan.h"
#include "runtime/config.h"
#include "runtime/mount_words.h"
#include "runtime/runtime.h"
#include "runtime/state.h"

static int set_up(void **state)
{
	*state = arena_new();
	return 0;
}

static int tear_down(void **state)
{
	arena_free(*state);
	return 0;
}

#define BASE            "\"ociVersion\":\"1.3.0\",\"root\":{\"path\":\"r\"},\"process\":{\"cwd\":\"/\",\"args\":[\"a\"]"
#define MOUNT_NAMESPACE "\"namespaces\":[{\"type\":\"mount\"}]"

static struct oci_config reads(struct arena *a, const char *text)
{
	struct oci_config c;
	struct error err = {};

	if (oci_config_read(text, strlen(text), a, &c, &err) < 0)
		fail_msg("%s: %s", text, err.text);
	return c;
}

static void refuses(struct arena *a, const char *text, const char *sentence)
{
	struct oci_config c;
	struct error err = {};

	assert_true(oci_config_read(text, strlen(text), a, &c, &err) < 0);
	assert_string_equal(err.text, sentence);
}

static void a_configuration_is_read(void **state)
{
	struct oci_config c = reads(
		*state,
		"{" BASE ",\"rlimits\":[{\"type\":\"RLIMIT_CORE\",\"soft\":0,\"hard\":18446744073709551615}],"
		"\"new\":1},\"other\":{},"
		"\"linux\":{" MOUNT_NAMESPACE
		",\"resources\":{\"memory\":{\"limit\":-1},\"pids\":{\"limit\":0}},\"cgroupsPath\":null}}");

	assert_true(c.process->rlimits.at[0].hard == UINT64_MAX);
	assert_int_equal(c.linux_->resources->memory->limit.value, -1);
	assert_true(c.linux_->resources->pids->limit.set);
	assert_null(c.linux_->cgroupsPath);
	assert_null(c.linux_->seccomp);
}

static void what_is_wrong_is_named(void **state)
{
	refuses(*state,
		"{" BASE
		"},\"mounts\":[{\"destination\":\"/proc\",\"type\":\"proc\"}],\"linux\":{\"namespaces\":"
		"[{\"type\":\"mount\",\"path\":\"/proc/1/ns/mnt\"}]}}",
		"mounts: not in a mount namespace that others have (linux.namespaces)");
	refuses(*state, "{" BASE "},\"linux\":{" MOUNT_NAMESPACE ",\"intelRdt\":{\"closID\":\"a/b\"}}}",
		"linux.intelRdt.closID: 'a/b' is not the name of one directory");
	refuses(*state,
		"{" BASE
		",\"rlimits\":[{\"type\":\"RLIMIT_CPU\",\"soft\":-1,\"hard\":1}]},\"linux\":{" MOUNT_NAMESPACE
		"}}",
		"process.rlimits[0].soft: -1 is negative");
	refuses(*state, "{" BASE "},\"linux\":{\"namespaces\":[{\"type\":\"mount\"},{\"type\":\"user\"}]}}",
		"linux.uidMappings: a new user namespace needs a mapping");
	refuses(*state, "[]", "found a list, wanted a map");
	refuses(*state, "{", "not JSON: continue at byte 1");
}

static struct oci_mount words(struct arena *a, size_t n, const char *const *at, struct mount_wish *wish)
{
	struct oci_mount m = { .source_fd = -1 };

	*wish = (struct mount_wish){};
	mount_words_read(at, n, &m, wish, a);
	return m;
}

static void options_become_attributes(void **state)
{
	struct mount_wish wish;
	struct oci_mount m = words(
		*state, 7, (const char *const[]){ "rbind", "ro", "rw", "nosuid", "noatime", "rro", "rslave" },
		&wish);

	assert_true(wish.bind && m.recursive);
	assert_int_equal(m.attributes, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOATIME);
	assert_int_equal(m.cleared, MOUNT_ATTR_RDONLY | MOUNT_ATTR__ATIME);
	assert_int_equal(m.below, MOUNT_ATTR_RDONLY);
	assert_int_equal(m.propagation, 1 << 19 | 1 << 14);
	assert_int_equal(m.options.n, 0);
	m = words(*state, 5, (const char *const[]){ "size=4k", "tmpcopyup", "sync", "silent", "inode64" },
		  &wish);
	assert_true(wish.copy_up && !wish.bind);
	assert_int_equal(m.options.n, 3);
	assert_string_equal(m.options.at[0].key, "size");
	assert_string_equal(m.options.at[0].value, "4k");
	assert_string_equal(m.options.at[1].key, "sync");
	assert_null(m.options.at[2].value);
	for (size_t i = 1; mount_word(i); i++)
		assert_true(strcmp(mount_word(i - 1), mount_word(i)) < 0);
}

/* linux.mountLabel: for new file systems whose files have no labels of their own. */
static void mounts_get_their_label(void **state)
{
	const char *const types[] = { "tmpfs", "devpts", "proc", "sysfs", "mqueue", "cgroup2" };

	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		struct oci_mount m = { .type = types[i] };
		mount_words_label(&m, "u:r:t:s0:c1,c2", *state);
		assert_int_equal(m.options.n, i < 2);
		if (i < 2) {
			assert_string_equal(m.options.at[0].key, "context");
			assert_string_equal(m.options.at[0].value, "u:r:t:s0:c1,c2");
			mount_words_label(&m, "another", *state); /* what the options say stays */
			assert_int_equal(m.options.n, 1);
		}
	}
}

static const char *planned(struct arena *a, const struct oci_spec *spec,
			   const struct container_setting *setting)
{
	struct text text = {};
	struct plan plan;

	plan_container(&plan, spec, setting, a);
	plan_print(&plan, &text);
	const char *copy = arena_strdup(a, text_str(&text));
	text_free(&text);
	return copy;
}

/* That LINES are in PLAN, in this order. */
static void has_in_order(const char *plan, const char *const *lines)
{
	for (const char *at = plan; *lines; lines++) {
		const char *found = strstr(at, *lines);
		if (!found)
			fail_msg("'%s' is not in its place:\n%s", *lines, plan);
		at = found + strlen(*lines);
	}
}

static void everything_has_its_place(void **state)
{
	struct arena *a = *state;
	struct oci_spec s = { .process = { .cwd = "/" },
			      .root = { .fd = 9 },
			      .hostname = "box",
			      .time_offsets = "monotonic 1 2\n" };
	const struct container_setting setting = { .stdio = { 0, 1, 2 },
						   .cgroup_fd = -1,
						   .pid_namespace = -1,
						   .outlives = true,
						   .listen = 7,
						   .has_hooks = true };
	char *argv[] = { "hook", NULL };

	*list_add(a, &s.process.args) = "true";
	s.namespaces = CLONE_NEWPID | CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWUTS | CLONE_NEWTIME;
	s.user_namespace = true;
	*list_add(a, &s.sysctl) = (struct oci_sysctl){ "net/ipv4/ip_forward", "1" };
	*list_add(a, &s.mounts) =
		(struct oci_mount){ .destination = "/proc", .type = "proc", .source_fd = -1 };
	*list_add(a, &s.mounts) = (struct oci_mount){ .destination = "/data", .source_fd = 12, .open = true };
	*list_add(a, &s.devices) = (struct oci_device){ "/tmp/pipe", S_IFIFO | 0600, 0, 0, 0, 0 };
	*list_add(a, &s.createContainer) = (struct oci_hook){ "/outside", argv, argv + 1, -1 };
	*list_add(a, &s.startContainer) = (struct oci_hook){ "/inside", argv, argv + 1, -1 };
	has_in_order(planned(a, &s, &setting), (const char *const[]){ "wait\n",
								      "be root\n",
								      "new namespaces network time uts\n",
								      "time offsets\n",
								      "hostname box\n",
								      "loopback up\n",
								      "sysctl net/ipv4/ip_forward=1\n",
								      "leave the host's mounts\n",
								      "root on /\n",
								      "open proc\n",
								      "attach /proc\n",
								      "attach /data\n",
								      "device file /tmp/pipe",
								      "ready\n",
								      "hook /outside\n",
								      "change root\n",
								      "close the rest\n",
								      "find the program\n",
								      "released\n",
								      "capabilities",
								      "hook /inside\n",
								      "execute true\n",
								      NULL });
	s.namespaces &= ~(uint64_t)CLONE_NEWUSER;
	s.user_namespace = false;
	const char *plan = planned(a, &s, &setting);
	has_in_order(plan, (const char *const[]){ "open proc\n", "leave the host's mounts\n", NULL });
	assert_null(strstr(plan, "be root"));
	assert_null(strstr(plan, "open /data"));
}

/* Without a mount namespace of its own: nothing is left, the root is private, the root is changed by chroot(2). In one of others nothing is
 * mounted, and it is entered after everything that the host's /proc is needed for. */
static void mounts_may_be_shared(void **state)
{
	struct arena *a = *state;
	struct oci_spec s = { .process = { .cwd = "/" }, .root = { .path = "/r" }, .shares_mounts = true };
	const struct container_setting setting = { .cgroup_fd = -1,
						   .pid_namespace = -1,
						   .mount_point = "/point" };

	*list_add(a, &s.process.args) = "true";
	*list_add(a, &s.sysctl) = (struct oci_sysctl){ "net/ipv4/ip_forward", "1" };
	*list_add(a, &s.mounts) = (struct oci_mount){ .destination = "/data", .source_fd = 12, .open = true };
	const char *plan = planned(a, &s, &setting);
	has_in_order(plan, (const char *const[]){ "root on /point\n", "root propagation 0x44000\n",
						  "attach /data\n", "change root\n", NULL });
	assert_null(strstr(plan, "leave the host's mounts"));

	s.mounts.n = 0;
	*list_add(a, &s.joined) = (struct oci_namespace){ .type = CLONE_NEWNS, .fd = 9 };
	plan = planned(a, &s, &setting);
	has_in_order(plan,
		     (const char *const[]){ "sysctl net/ipv4/ip_forward=1\n", "enter mount\n",
					    "open root /r\n", "change root\n", "close the rest\n", NULL });
	assert_null(strstr(plan, "/point"));
}

static void signals_have_names_and_numbers(void **state)
{
	(void)state;

	assert_int_equal(oci_signal_number("9"), 9);
	assert_int_equal(oci_signal_number("KILL"), 9);
	assert_int_equal(oci_signal_number("sigusr1"), SIGUSR1);
	assert_int_equal(oci_signal_number("RTMIN+1"), SIGRTMIN + 1);
	assert_int_equal(oci_signal_number("RTMAX-2"), SIGRTMAX - 2);
	assert_int_equal(oci_signal_number("0"), 0);
	assert_true(oci_signal_number("NO") < 0 && oci_signal_number("-1") < 0 &&
		    oci_signal_number("1000") < 0);
}

static void ids_are_names_of_directories(void **state)
{
	(void)state;

	assert_null(oci_id_check("a"));
	assert_null(oci_id_check("Web_1.b-c+d"));
	for (const char *const *bad =
		     (const char *const[]){ "", ".", "..", ".cache", "a/b", "a b", "-x", "\xc3\xa4", NULL };
	     *bad; bad++)
		assert_non_null(oci_id_check(*bad));
}

int main(void)
{
#define PURE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		PURE(a_configuration_is_read),        PURE(what_is_wrong_is_named),
		PURE(options_become_attributes),      PURE(everything_has_its_place),
		PURE(mounts_get_their_label),         PURE(mounts_may_be_shared),
		PURE(signals_have_names_and_numbers), PURE(ids_are_names_of_directories),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
