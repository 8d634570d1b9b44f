/* Containers that are real: what cannot lead out of the image, how they start, end and go wrong; terminals, exec. */
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

/* --- what cannot lead out --- */

static void links_in_the_image_stay_inside(void **state)
{
	struct world *w = world_of(state);

	write_host(w, "host/victim", "safe");
	assert_int_equal(
		symlink(arena_printf(w->a, "../../../../../../..%s/host", w->dir), world_path(w, "lower/up")),
		0);
	assert_int_equal(symlink(world_path(w, "host"), world_path(w, "lower/absolute")), 0);
	assert_int_equal(symlink(world_path(w, "host/victim"), world_path(w, "lower/etc/resolv.conf")), 0);
	write_host(w, "resolv", "nameserver 1.2.3.4\n");
	bind_host(w, "resolv", "/etc/resolv.conf", 0);
	w->spec.mounts.at[w->spec.mounts.n - 1].is_file = true;
	world_run(w, "true"); /* the link leads nowhere in the image: no place to mount on */
	refuses(w, "resolv.conf");
	w->spec.mounts.n--;
	assert_int_equal(mkdir(world_path(w, "volume"), 0755), 0);
	bind_host(w, "volume", "/absolute/made", 0);
	bind_host(w, "volume", "/up/made", 0);
	world_run(w, "true");
	assert_false(file_exists(AT_FDCWD, world_path(w, "host/made")));
	_cleanup_free_ char *text = NULL;
	assert_int_equal(file_read(AT_FDCWD, world_path(w, "host/victim"), 100, &text, NULL, NULL), 0);
	assert_string_equal(text, "safe");
}

static void a_link_at_proc_is_refused(void **state)
{
	struct world *w = world_of(state);

	assert_int_equal(mkdir(world_path(w, "lower/decoy"), 0755), 0);
	assert_int_equal(symlink("/decoy", world_path(w, "lower/proc")), 0);
	world_run(w, "true");
	refuses(w, "'/proc' in the image is a symbolic link");
}

static void a_link_at_dev_stays_inside(void **state)
{
	struct world *w = world_of(state);

	assert_int_equal(symlink(world_path(w, "host"), world_path(w, "lower/dev")), 0);
	world_run(w, "ls -l /dev/null");
	assert_false(file_exists(AT_FDCWD, world_path(w, "host/null")));
	assert_false(file_exists(AT_FDCWD, world_path(w, "host/fd")));
}

/* A volume over /proc hides what is to be masked: the real one would stay open. */
static void masks_must_be_on_the_real_proc(void **state)
{
	struct world *w = world_of(state);

	assert_int_equal(file_make_dirs(AT_FDCWD, world_path(w, "host/sys"), 0755, NULL), 0);
	bind_host(w, "host", "/proc", 0);
	world_run(w, "true");
	refuses(w, "not in a proc file system");
}

static void a_false_null_device_hides_nothing(void **state)
{
	struct world *w = world_of(state);

	for (size_t i = 0; i < w->spec.devices.n;
	     i++) /* a container without the device; a link of the image's in its place */
		if (text_is(w->spec.devices.at[i].path, "/dev/null"))
			w->spec.devices.at[i].path = "/dev/other";
	world_run(w, "true");
	refuses(w, "mask");
}

/* --- how it starts and ends --- */

static void the_exit_code_is_the_programs(void **state)
{
	struct world *w = world_of(state);

	world_run(w, "exit 42");
	ends(w, 42);
	int out = world_start(w, "sleep 100");
	assert_int_equal(process_signal(w->process.pidfd, SIGKILL), 0);
	world_finish(w, out);
	ends(w, 137);
}

static void run_program(struct world *w, const char *program)
{
	w->spec.process.args.n = 0;
	*list_add(w->a, &w->spec.process.args) = program;
	world_run(w, NULL);
}

static void a_program_that_cannot_run_says_why(void **state)
{
	struct world *w = world_of(state);

	write_host(w, "lower/bin/plain", "x");
	write_host(w, "lower/bin/script", "#!/no/such/interpreter\n");
	chmod(world_path(w, "lower/bin/script"), 0755);
	run_program(w, "no-such-program");
	assert_int_equal(w->status, -2);
	assert_int_equal(w->err.code, ENOENT);
	assert_string_equal(w->err.text, "the command 'no-such-program' is not in the container");
	run_program(w, "/no/such/program");
	assert_int_equal(w->err.code, ENOENT);
	run_program(w, "plain");
	assert_int_equal(w->err.code, EACCES);
	run_program(w, "/etc");
	assert_int_equal(w->err.code, EACCES);
	run_program(w, "script");
	assert_int_equal(w->err.code, ENOENT);
	assert_non_null(strstr(w->err.text, "interpreter"));
	run_program(w, "true");
	ends(w, 0);
}

static void it_waits_for_its_start(void **state)
{
	struct world *w = world_of(state);
	struct container_process p[5];
	struct error err = {};
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	w->spec.root = (struct oci_root){ .path = world_path(w, "lower") };
	*list_add(w->a, &w->spec.process.args) = "/bin/touch";
	*list_add(w->a, &w->spec.process.args) = "/started";
	for (int i = 0; i < 3; i++)
		w->setting.stdio[i] = null;
	for (int i = 0; i < 5; i++) /* several at once, as a keeper makes them */
		assert_int_equal(container_create(&w->spec, &w->setting, &p[i], &err), 0);
	for (int i = 0; i < 5; i++)
		assert_int_equal(world_report(&p[i], &err), 1);
	assert_false(file_exists(AT_FDCWD, world_path(w, "lower/started")));
	for (int i = 0; i < 5; i++)
		assert_int_equal(container_start(&p[i], &err), 0);
	for (int i = 0; i < 5; i++) {
		struct exit_status status;
		assert_int_equal(world_report(&p[i], &err), 1);
		assert_int_equal(process_wait(p[i].pidfd, &status), 0);
		assert_int_equal(status.code, 0);
		container_process_close(&p[i]);
	}
	close(null);
	assert_true(file_exists(AT_FDCWD, world_path(w, "lower/started")));
}

/* A `tasks` file that takes its time: a full pipe holds the child in the middle of its set-up. */
static void a_death_during_set_up_is_an_error(void **state)
{
	struct world *w = world_of(state);
	int full[2], null = open("/dev/null", O_RDWR | O_CLOEXEC);
	struct container_process p;
	struct error err = {};
	struct exit_status status;

	assert_int_equal(pipe2(full, O_CLOEXEC | O_NONBLOCK), 0);
	while (write(full[1], "x", 1) == 1)
		;
	fcntl(full[1], F_SETFL, 0);
	w->spec.root = (struct oci_root){ .path = world_path(w, "lower") };
	*list_add(w->a, &w->spec.process.args) = "true";
	w->setting.tasks[0] = full[1];
	w->setting.task_count = 1;
	for (int i = 0; i < 3; i++)
		w->setting.stdio[i] = null;
	assert_int_equal(container_create(&w->spec, &w->setting, &p, &err), 0);
	assert_int_equal(container_report(&p, &err), 0); /* nothing yet, and it does not block */
	assert_int_equal(process_signal(p.pidfd, SIGKILL), 0);
	assert_int_equal(process_wait(p.pidfd, &status), 0);
	assert_int_equal(world_report(&p, &err), -EIO);
	container_process_close(&p);
	close(full[0]);
	close(full[1]);
	close(null);
}

/* The process that is being made belongs to nobody but root until it is the program. */
static void nobody_may_look_into_it_while_it_is_made(void **state)
{
	struct world *w = world_of(state);
	struct error err = {};
	struct stat st;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	w->spec.process.uid = w->spec.process.gid = 1000;
	w->spec.root = (struct oci_root){ .path = world_path(w, "lower") };
	*list_add(w->a, &w->spec.process.args) = "true";
	for (int i = 0; i < 3; i++)
		w->setting.stdio[i] = null;
	assert_int_equal(container_create(&w->spec, &w->setting, &w->process, &err), 0);
	assert_int_equal(world_report(&w->process, &err), 1);
	assert_int_equal(stat(arena_printf(w->a, "/proc/%d/fd", w->process.pid), &st), 0);
	assert_int_equal(st.st_uid, 0);
	process_signal(w->process.pidfd, SIGKILL);
	struct exit_status status;
	process_wait(w->process.pidfd, &status);
	close(null);
}

/* Waits at most a second for the end of the process behind PIDFD, which need not be our child. */
static bool is_gone(int pidfd)
{
	struct pollfd one = { .fd = pidfd, .events = POLLIN };

	return poll(&one, 1, 1000) == 1;
}

static void it_dies_with_its_keeper(void **state)
{
	struct world *w = world_of(state);
	int pair[2];
	pid_t pid = 0;

	w->spec.process.uid = w->spec.process.gid =
		1000; /* a change of user clears the death signal: it is set again */
	assert_int_equal(pipe2(pair, O_CLOEXEC), 0);
	pid_t keeper = fork();
	if (keeper == 0) {
		int out = world_start(w, "sleep 100");
		(void)!write(pair[1], &w->process.pid, sizeof(pid));
		_exit(out < 0);
	}
	assert_int_equal(read(pair[0], &pid, sizeof(pid)), sizeof(pid));
	int pidfd = process_open(pid);
	if (pidfd >= 0)
		assert_true(is_gone(pidfd));
	else
		assert_int_equal(pidfd, -ESRCH);
	close_fd(&pidfd);
	waitpid(keeper, NULL, 0);
	close(pair[0]);
	close(pair[1]);
}

/* --- terminal, exec, shared processes --- */

static void a_terminal_is_its_controlling_terminal(void **state)
{
	struct world *w = world_of(state);
	const struct mount_option options[] = {
		{ "newinstance", NULL }, { "ptmxmode", "0666" }, { "mode", "0620" }, { "gid", "5" }
	};
	_cleanup_close_ int devpts = mount_make("devpts", options, 4, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
	_cleanup_close_ int master = openat(devpts, "ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
	int unlock = 0;
	char text[512] = "";
	size_t n = 0;

	assert_true(master >= 0);
	ioctl(master, TIOCSPTLCK, &unlock);
	ioctl(master, TIOCSWINSZ, &(struct winsize){ .ws_row = 33, .ws_col = 99 });
	int slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(slave >= 0);
	*list_add(w->a, &w->spec.mounts) =
		(struct oci_mount){ .destination = "/dev/pts", .source_fd = devpts };
	w->spec.process.terminal = true;
	w->spec.process.uid = w->spec.process.gid = 1000;
	for (int i = 0; i < 3; i++)
		w->setting.stdio[i] = slave;
	int out = world_start(w, "tty; stat -c %u /dev/pts/0; echo via >/dev/tty; echo console "
				 ">/dev/console; test -c /dev/ptmx && echo ptmx");
	close(slave);
	for (ssize_t got; n < sizeof(text) - 1 && (got = read(master, text + n, sizeof(text) - 1 - n)) > 0;)
		n += (size_t)got;
	world_finish(w, out);
	ends(w, 0);
	assert_string_equal(text, "/dev/pts/0\r\n1000\r\nvia\r\nconsole\r\nptmx\r\n");
}

static void exec_joins_the_container(void **state)
{
	struct world *w = world_of(state);
	int out = world_start(w, "echo made >/made; sleep 100");

	ends(w, 0);
	world_exec(w, "until [ -s /made ]; do sleep 0.01; done; cat /made; echo $(( $$ > 1 )); ls "
		      "/proc/1/exe; grep -c . /proc/1/cgroup >/dev/null; "
		      "ls /proc/self/fd | wc -l");
	ends(w, 0);
	assert_string_equal(text_str(&w->out), "made\n1\n/proc/1/exe\n4\n");
	world_exec(w, "exit 9");
	ends(w, 9);
	world_exec(w, "sed -n 's/^CapEff:.//p' /proc/self/status");
	assert_string_equal(text_str(&w->out), "00000000a80425fb\n");
	w->spec.process.args.n = 0;
	process_signal(w->process.pidfd, SIGKILL);
	w->status = 0;
	world_finish(w, out);
	ends(w, 137);
}

static void two_containers_share_processes(void **state)
{
	struct world *w = world_of(state);
	int out = world_start(w, "sleep 100");
	struct container_process first = w->process;
	_cleanup_close_ int ns = open(arena_printf(w->a, "/proc/%d/ns/pid", first.pid), O_RDONLY | O_CLOEXEC);
	_cleanup_close_ int mine = open("/proc/self/ns/pid_for_children", O_RDONLY | O_CLOEXEC);
	struct stat before, after;

	fstat(mine, &before);
	assert_true(ns >= 0);
	w->setting.pid_namespace = ns;
	int second = world_start(w, "test $$ -gt 1 && ps | grep -q 'sleep 100' && echo seen");
	world_finish(w, second);
	ends(w, 0);
	assert_string_equal(text_str(&w->out), "seen\n");
	_cleanup_close_ int now = open("/proc/self/ns/pid_for_children", O_RDONLY | O_CLOEXEC);
	fstat(now, &after);
	assert_int_equal(before.st_ino, after.st_ino); /* we are back */
	w->process = first;
	process_signal(first.pidfd, SIGKILL);
	world_finish(w, out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(links_in_the_image_stay_inside),
		TEST(a_link_at_proc_is_refused),
		TEST(a_link_at_dev_stays_inside),
		TEST(masks_must_be_on_the_real_proc),
		TEST(a_false_null_device_hides_nothing),
		TEST(the_exit_code_is_the_programs),
		TEST(a_program_that_cannot_run_says_why),
		TEST(it_waits_for_its_start),
		TEST(a_death_during_set_up_is_an_error),
		TEST(nobody_may_look_into_it_while_it_is_made),
		TEST(it_dies_with_its_keeper),
		TEST(a_terminal_is_its_controlling_terminal),
		TEST(exec_joins_the_container),
		TEST(two_containers_share_processes),
	};
	return world_possible() ? cmocka_run_group_tests(tests, NULL, NULL) : 77; /* meson: skipped */
}
