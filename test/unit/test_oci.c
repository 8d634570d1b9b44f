/* Containers that are real: what the process sees and who it is. */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <linux/capability.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "linux/capability.h"
#include "linux/mount.h"
#include "oci_world.h"

/* --- what it sees --- */

static void it_is_process_one_in_a_root_of_its_own(void **state)
{
	struct world *w = world_of(state);

	prints(w, "echo $$; pwd; ls /", "1\n/\nbin\ndev\netc\nproc\nsys\n");
	succeeds(w, "test $(readlink /proc/self) -gt 0 && ! ls /proc/2/root/tmp/oci* 2>/dev/null");
	prints(w, "grep -c . /proc/self/mountinfo | sed s/[0-9]*/some/", "some\n");
	succeeds(w, "! grep -q ' / /[^ ]*oci-test' /proc/self/mountinfo"); /* no mount of the host is left */
}

static void the_usual_devices_are_there(void **state)
{
	struct world *w = world_of(state);

	prints(w, "cd /dev; stat -c '%n %F %t:%T %a' null zero full random urandom tty",
	       "null character special file 1:3 666\nzero character special file 1:5 666\nfull character "
	       "special file 1:7 666\n"
	       "random character special file 1:8 666\nurandom character special file 1:9 666\ntty character "
	       "special file 5:0 666\n");
	prints(w, "readlink /dev/fd; readlink /dev/ptmx; readlink /dev/stderr",
	       "/proc/self/fd\npts/ptmx\n/proc/self/fd/2\n");
	prints(w, "head -c 3 /dev/zero | wc -c; echo x >/dev/null", "3\n");
}

static void the_kernels_secrets_are_masked(void **state)
{
	struct world *w = world_of(state);

	succeeds(w, "test $(wc -c </proc/keys) = 0 && test $(wc -c </proc/timer_list) = 0 && test -z \"$(ls "
		    "-A /sys/firmware)\"");
	succeeds(w, "! touch /sys/firmware/x 2>/dev/null && ! sh -c 'echo 1 >/proc/sys/kernel/printk' "
		    "2>/dev/null");
	succeeds(w, "! sh -c 'echo h >/proc/sysrq-trigger' 2>/dev/null && ! mkdir /sys/fs/x 2>/dev/null");
}

static void a_privileged_one_sees_all(void **state)
{
	struct world *w = world_of(state);

	w->spec.mounts.n = w->spec.devices.n = w->spec.maskedPaths.n = w->spec.readonlyPaths.n = 0;
	oci_default_files(&w->spec, true, w->a);
	w->spec.process.capabilities.bounding = w->spec.process.capabilities.effective =
		w->spec.process.capabilities.permitted = capability_all();
	succeeds(w,
		 "test $(wc -l </proc/keys) -gt 0 && test -c /dev/kmsg && grep -q 'sysfs.*rw' /proc/mounts");
	succeeds(w, "mkdir /m && mount -t tmpfs x /m && touch /m/y");
}

static void only_its_three_descriptors_are_open(void **state)
{
	struct world *w = world_of(state);
	_cleanup_close_ int leak = open("/", O_RDONLY); /* not close-on-exec: a mistake of the keeper's */

	assert_true(leak >= 0);
	prints(w, "ls /proc/1/fd; true", "0\n1\n2\n");
	world_finish(w, world_start(w, "sleep 0; exit 3"));
	ends(w, 3);
}

static void the_keepers_own_low_descriptors_do_no_harm(void **state)
{
	struct world *w = world_of(state);
	int saved[3], status;

	/* Like a keeper that was started with 0, 1 and 2 closed, so that its sockets and pipes get these numbers. */
	for (int i = 0; i < 3; i++)
		saved[i] = fcntl(i, F_DUPFD_CLOEXEC, 100);
	for (int i = 0; i < 3; i++)
		close(i);
	int out = world_start(w, "echo out; echo err >&2; readlink /proc/self/fd/0");
	status = world_finish(w, out);
	for (int i = 0; i < 3; i++) {
		dup2(saved[i], i);
		close(saved[i]);
	}
	assert_int_equal(status, 0);
	assert_string_equal(text_str(&w->out), "out\nerr\n/dev/null\n");
}

/* --- who it is --- */

static void it_has_the_default_capabilities(void **state)
{
	struct world *w = world_of(state);

	prints(w, "sed -n 's/^Cap\\(Prm\\|Eff\\|Bnd\\|Inh\\|Amb\\):.//p' /proc/self/status",
	       "0000000000000000\n00000000a80425fb\n00000000a80425fb\n00000000a80425fb\n0000000000000000\n");
	succeeds(w, "! mount -t tmpfs x /etc 2>/dev/null && ! unshare -n true 2>/dev/null");
}

static void a_user_has_its_ids_and_no_capabilities(void **state)
{
	struct world *w = world_of(state);
	struct oci_process *p = &w->spec.process;

	p->uid = 1000;
	p->gid = 1001;
	*list_add(w->a, &p->additionalGids) = 7;
	*list_add(w->a, &p->additionalGids) = 8;
	prints(w,
	       "id -u; id -g; grep ^Groups: /proc/self/status | tr -d '\\t'; umask; sed -n 's/^CapEff:.//p' "
	       "/proc/self/status",
	       "1000\n1001\nGroups:7 8 \n0022\n0000000000000000\n");
	prints(w, "echo again >/dev/stdout", "again\n"); /* its pipe is its own */
	p->noNewPrivileges = true;
	p->has_umask = true;
	p->umask = 077;
	prints(w, "grep NoNewPrivs /proc/self/status | tr -d '\\t'; umask", "NoNewPrivs:1\n0077\n");
}

static void ambient_capabilities_stay_with_a_user(void **state)
{
	struct world *w = world_of(state);
	struct oci_capabilities *c = &w->spec.process.capabilities;

	w->spec.process.uid = w->spec.process.gid = 1000;
	c->inheritable = c->ambient = CAPABILITY(CAP_NET_BIND_SERVICE);
	prints(w, "sed -n 's/^Cap\\(Eff\\|Amb\\):.//p' /proc/self/status",
	       "0000000000000400\n0000000000000400\n");
}

static void limits_are_set(void **state)
{
	struct world *w = world_of(state);
	struct oci_process *p = &w->spec.process;

	*list_add(w->a, &p->rlimits) = (struct oci_rlimit){ RLIMIT_NOFILE, 77, 99 };
	p->has_oom_score_adj = true;
	p->oomScoreAdj = 321;
	prints(w, "ulimit -n; ulimit -Hn; cat /proc/self/oom_score_adj", "77\n99\n321\n");
	p->rlimits.at[0] = (struct oci_rlimit){ RLIMIT_NOFILE, 1, UINT64_C(1) << 62 };
	world_run(w, "true");
	refuses(w, "resource limit");
}

static void a_lower_oom_score_is_only_a_wish(void **state)
{
	struct world *w = world_of(state);

	w->spec.process.has_oom_score_adj = true;
	w->spec.process.oomScoreAdj = -997;
	succeeds(w, "true");
}

static void the_working_directory_is_made_and_must_be_inside(void **state)
{
	struct world *w = world_of(state);
	struct oci_process *p = &w->spec.process;
	_cleanup_close_ int leak = open("/", O_RDONLY | O_DIRECTORY);

	p->cwd = "/a/b";
	prints(w, "pwd", "/a/b\n");
	p->cwd = arena_printf(w->a, "/proc/self/fd/%d", leak); /* CVE-2024-21626 */
	world_run(w, "pwd; ls");
	assert_true(w->status < 0);
	assert_true(leak >= 0);
}

/* As in every runtime: WORKDIR /root with runAsUser works. */
static void a_user_starts_where_only_root_may_enter(void **state)
{
	struct world *w = world_of(state);

	assert_int_equal(mkdir(world_path(w, "lower/private"), 0700), 0);
	w->spec.process.cwd = "/private";
	w->spec.process.uid = w->spec.process.gid = 1000;
	succeeds(w, "! ls /private 2>/dev/null");
}

/* --- mounts --- */

static void binds_follow_their_attributes(void **state)
{
	struct world *w = world_of(state);

	assert_int_equal(mkdir(world_path(w, "host/sub"), 0755), 0);
	write_host(w, "host/file", "text\n");
	bind_host(w, "host", "/rw", 0);
	bind_host(w, "host", "/ro",
		  MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
	bind_host(w, "host/file", "/etc/one", MOUNT_ATTR_RDONLY);
	w->spec.mounts.at[w->spec.mounts.n - 1].is_file = true;
	succeeds(w, "touch /rw/new && ! touch /ro/x 2>/dev/null && ! sh -c 'echo >/etc/one' 2>/dev/null && "
		    "grep -q ' /ro .* ro,nosuid,nodev,noexec' /proc/mounts && test \"$(cat /etc/one)\" = "
		    "text && test -e /ro/new");
	assert_true(file_exists(AT_FDCWD, world_path(w, "host/new")));
}

static void read_only_is_recursive_when_asked(void **state)
{
	struct world *w = world_of(state);
	const char *sub = world_path(w, "host/sub");

	assert_int_equal(mkdir(sub, 0755), 0);
	assert_int_equal(mount("tmpfs", sub, "tmpfs", 0, NULL), 0);
	bind_host(w, "host", "/plain", MOUNT_ATTR_RDONLY);
	bind_host(w, "host", "/deep", MOUNT_ATTR_RDONLY);
	w->spec.mounts.at[w->spec.mounts.n - 1].recursive_attributes = true;
	world_run(w, "! touch /plain/x 2>/dev/null && touch /plain/sub/x && ! touch /deep/x 2>/dev/null && ! "
		     "touch /deep/sub/y 2>/dev/null");
	umount2(sub, MNT_DETACH);
	ends(w, 0);
}

static void a_descriptor_is_bound_and_stays_the_callers(void **state)
{
	struct world *w = world_of(state);
	const struct mount_option options[] = { { "mode", "0755" } };
	_cleanup_close_ int tmpfs = mount_make("tmpfs", options, 1, 0);
	_cleanup_close_ int host = open(world_path(w, "host"), O_PATH | O_DIRECTORY | O_CLOEXEC);

	assert_true(tmpfs >= 0);
	*list_add(w->a, &w->spec.mounts) =
		(struct oci_mount){ .destination = "/mem", .source_fd = tmpfs, .copied = true };
	*list_add(w->a, &w->spec.mounts) =
		(struct oci_mount){ .destination = "/host", .source_fd = host, .copied = true };
	succeeds(w, "echo hello >/mem/file; echo x >/host/from-container");
	prints(w, "cat /mem/file /host/from-container", "hello\nx\n"); /* another container of the pod */
}

static void the_root_can_be_read_only(void **state)
{
	struct world *w = world_of(state);

	bind_host(w, "host", "/data", 0);
	w->spec.root.readonly = true;
	succeeds(w, "! touch /x 2>/dev/null && touch /data/x /dev/shm/x");
}

static void a_root_can_be_a_directory(void **state)
{
	struct world *w = world_of(state);

	w->spec.root = (struct oci_root){ .path = world_path(w, "lower") };
	succeeds(w, "touch /made");
	assert_true(file_exists(AT_FDCWD, world_path(w, "lower/made")));
}

static const char *make_layer(struct world *w, unsigned number, const char *padding)
{
	const char *dir = arena_printf(w->a, "%s/%s%u", w->dir, padding, number);

	assert_int_equal(mkdir(dir, 0755), 0);
	assert_int_equal(
		file_write_atomic(AT_FDCWD, arena_printf(w->a, "%s/f%u", dir, number), "", 0, 0644, NULL), 0);
	assert_int_equal(file_write_atomic(AT_FDCWD, arena_printf(w->a, "%s/top", dir),
					   arena_printf(w->a, "%u", number), number < 10 ? 1 : 2, 0644, NULL),
			 0);
	return dir;
}

static void many_layers_lie_in_their_order(void **state)
{
	struct world *w = world_of(state);

	for (unsigned i = 0; i < 60; i++)
		*list_add(w->a, &w->spec.root.lower) =
			make_layer(w, i, "layer-with-a-name-that-is-not-short-");
	prints(w, "ls /f* | wc -l; cat /top", "60\n59");
}

/* An upper directory whose name is longer than fsconfig(2) takes: mount(2) does it, as before Linux 6.5. */
static void names_too_long_for_an_option_are_mounted_too(void **state)
{
	struct world *w = world_of(state);
	char name[201];

	memset(name, 'n', 200);
	name[200] = '\0';
	const char *longer = arena_printf(w->a, "%s/%s", w->dir, name);
	assert_int_equal(mkdir(longer, 0755), 0);
	*list_add(w->a, &w->spec.root.lower) = make_layer(w, 1, "one");
	w->root_in = arena_printf(w->a, "%s/%s", longer,
				  "and-some-more-so-that-it-is-really-longer-than-256-bytes");
	assert_int_equal(mkdir(w->root_in, 0755), 0);
	world_run(w, "cat /top");
	refuses(w, "layers"); /* there is nowhere to mount it by path */
	w->setting.mount_point = world_path(w, "point");
	prints(w, "cat /top; touch /x", "1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(it_is_process_one_in_a_root_of_its_own),
		TEST(the_usual_devices_are_there),
		TEST(the_kernels_secrets_are_masked),
		TEST(a_privileged_one_sees_all),
		TEST(only_its_three_descriptors_are_open),
		TEST(the_keepers_own_low_descriptors_do_no_harm),
		TEST(it_has_the_default_capabilities),
		TEST(a_user_has_its_ids_and_no_capabilities),
		TEST(ambient_capabilities_stay_with_a_user),
		TEST(limits_are_set),
		TEST(a_lower_oom_score_is_only_a_wish),
		TEST(the_working_directory_is_made_and_must_be_inside),
		TEST(a_user_starts_where_only_root_may_enter),
		TEST(binds_follow_their_attributes),
		TEST(read_only_is_recursive_when_asked),
		TEST(a_descriptor_is_bound_and_stays_the_callers),
		TEST(the_root_can_be_read_only),
		TEST(a_root_can_be_a_directory),
		TEST(many_layers_lie_in_their_order),
		TEST(names_too_long_for_an_option_are_mounted_too),
	};
	return world_possible() ? cmocka_run_group_tests(tests, NULL, NULL) : 77; /* meson: skipped */
}
