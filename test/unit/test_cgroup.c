/* Control groups that are real, on whichever version this kernel has (make vm: version 2), and the values that are written to them. */
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <linux/sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "linux/cgroup.h"
#include "linux/cgroup_file.h"
#include "linux/process.h"

/* --- values --- */

static void amounts_become_the_kernels(void **state)
{
	static const struct {
		uint64_t milli, shares, weight, quota_us;
	} table[] = {
		{ 0, 2, 1, 1000 },
		{ 1, 2, 1, 1000 },
		{ 2, 2, 1, 1000 },
		{ 10, 10, 4, 1000 },
		{ 100, 102, 17, 10000 },
		{ 250, 256, 35, 25000 },
		{ 1000, 1024, 100, 100000 },
		{ 1500, 1536, 138, 150000 },
		{ 2000, 2048, 174, 200000 },
		{ 256000, 262144, 10000, 25600000 },
		{ 999000, 262144, 10000, 99900000 },
		{ INT64_MAX, 262144, 10000, UINT64_C(1000000000000) },
	};
	(void)state;

	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		assert_int_equal(cgroup_cpu_shares(table[i].milli), table[i].shares);
		assert_int_equal(cgroup_cpu_weight(table[i].shares), table[i].weight);
		assert_int_equal(cgroup_cpu_quota_us(table[i].milli), table[i].quota_us);
	}
	for (uint64_t shares = 0, last = 1; shares < 300000; shares++) {
		uint64_t weight = cgroup_cpu_weight(shares);
		assert_true(weight >= last && weight <= 10000);
		last = weight;
	}
}

static void a_small_machine_gives_a_pod_fewer_processes(void **state)
{
	(void)state;
	assert_int_equal(cgroup_default_pids(127000), 4096);
	assert_int_equal(cgroup_default_pids(4000), 2000);
	assert_int_equal(cgroup_default_pids(0), 4096);
}

/* --- real ones --- */

static struct cgroup_system machine;
static struct cgroup base;
static char base_name[40];

static int set_up(void **state)
{
	(void)state;
	if (geteuid() != 0)
		return 0;
	cgroup_probe(&machine, NULL);
	snprintf(base_name, sizeof(base_name), "seapod-unit-%d", (int)getpid());
	return machine.version ? cgroup_open(&base, &machine, NULL, base_name, NULL, NULL) : 0;
}

static int tear_down(void **state)
{
	(void)state;
	if (!machine.version)
		return 0;
	int r = cgroup_remove(&machine, NULL, base_name);
	cgroup_close(&base);
	cgroup_system_close(&machine);
	return r;
}

#define NEEDS_CGROUPS()       \
	if (!machine.version) \
	skip()

static void make(struct cgroup *c, const char *name, const struct cgroup_limits *limits)
{
	struct error err = {};

	if (cgroup_open(c, &machine, &base, name, limits, &err) < 0)
		fail_msg("%s", err.text);
}

static void gone(struct cgroup *c, const char *name)
{
	cgroup_close(c);
	assert_int_equal(cgroup_remove(&machine, &base, name), 0);
	for (int i = 0; i < CGROUP_CONTROLLERS; i++)
		assert_true(base.dir[i] < 0 || faccessat(base.dir[i], name, F_OK, 0) < 0);
}

/* A child in C that does WORK; its pidfd. */
static int child_in(const struct cgroup *c, void (*work)(void))
{
	int tasks[CGROUP_CONTROLLERS], pidfd = -1, n = cgroup_tasks(c, tasks);
	pid_t pid = process_clone(CLONE_CLEAR_SIGHAND, cgroup_directory(c), &pidfd);

	if (pid == 0) {
		bool in = prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0;
		for (int i = 0; i < n; i++)
			in = in && write(tasks[i], "0", 1) == 1;
		if (in)
			work();
		_exit(in ? 0 : 99);
	}
	for (int i = 0; i < n; i++)
		close(tasks[i]);
	assert_true(pid > 0);
	return pidfd;
}

static struct exit_status end_of(int pidfd)
{
	struct exit_status status = { -1, -1, false };

	assert_int_equal(process_wait(pidfd, &status), 0);
	close(pidfd);
	return status;
}

static void stay(void)
{
	for (;;)
		pause();
}

static bool soon(bool (*question)(const struct cgroup *), const struct cgroup *c)
{
	for (int i = 0; i < 500 && !question(c); i++)
		nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
	return question(c);
}

static uint64_t processes(const struct cgroup *c)
{
	struct cgroup_usage usage;

	cgroup_usage(c, &usage);
	return usage.pids;
}

static bool has_processes(const struct cgroup *c)
{
	return processes(c) > 0;
}

static void limits_are_in_the_files(void **state)
{
	(void)state;
	NEEDS_CGROUPS();
	const struct cgroup_limits limits = { .cpu_request_milli = 250,
					      .cpu_limit_milli = 500,
					      .memory_limit_bytes = 64 << 20,
					      .pids = 33,
					      .oom_group = true };
	const struct cgroup_limits more = { .memory_limit_bytes = 128 << 20 },
				   less = { .memory_limit_bytes = 32 << 20 };
	struct cgroup c;

	make(&c, "limits", &limits);
	if (machine.version == 2) {
		assert_int_equal(cgroup_file_number(c.dir[0], "cpu.weight", NULL), 35);
		_cleanup_free_ char *quota = cgroup_file_read(c.dir[0], "cpu.max");
		assert_string_equal(quota, "50000 100000\n");
		assert_int_equal(cgroup_file_number(c.dir[0], "memory.max", NULL), 64 << 20);
		assert_int_equal(cgroup_file_number(c.dir[0], "memory.oom.group", NULL), 1);
		assert_int_equal(cgroup_file_number(c.dir[0], "pids.max", NULL), 33);
	} else {
		assert_int_equal(cgroup_file_number(c.dir[CGROUP_CPU], "cpu.shares", NULL), 256);
		assert_int_equal(cgroup_file_number(c.dir[CGROUP_CPU], "cpu.cfs_quota_us", NULL), 50000);
		assert_int_equal(cgroup_file_number(c.dir[CGROUP_MEMORY], "memory.limit_in_bytes", NULL),
				 64 << 20);
		assert_int_equal(cgroup_file_number(c.dir[CGROUP_PIDS], "pids.max", NULL), 33);
	}
	for (int i = 0; i < 2; i++) {
		const struct cgroup_limits *next = i == 0 ? &more : &less;
		assert_int_equal(cgroup_limit(&c, next, NULL), 0);
		assert_int_equal(machine.version == 2 ? cgroup_file_number(c.dir[0], "memory.max", NULL)
						      : cgroup_file_number(c.dir[CGROUP_MEMORY],
									   "memory.limit_in_bytes", NULL),
				 next->memory_limit_bytes);
	}
	gone(&c, "limits");
}

static void a_missing_controller_matters_to_who_needs_it(void **state)
{
	(void)state;
	NEEDS_CGROUPS();
	struct cgroup_system poor = machine;
	poor.available = 0;
	struct cgroup c = base;
	c.system = &poor;
	const struct cgroup_limits request = { .cpu_request_milli = 100 },
				   limit = { .memory_limit_bytes = 1 << 20 };
	struct error err = {};

	assert_int_equal(cgroup_limit(&c, &request, &err), 0);
	assert_int_equal(cgroup_limit(&c, &limit, &err), -EOPNOTSUPP);
	assert_string_equal(err.text,
			    "this machine cannot limit memory: it has no 'memory' cgroup controller");
	assert_int_equal(cgroup_restrict_devices(&c, &err), -EOPNOTSUPP);
}

static void use_memory(void)
{
	volatile char *p = malloc(64 << 20);

	for (size_t i = 0; i < 64 << 20; i += 4096)
		p[i] = 1;
}

static void memory_that_is_not_there_kills(void **state)
{
	(void)state;
	NEEDS_CGROUPS();
	const struct cgroup_limits limits = { .memory_limit_bytes = 8 << 20, .oom_group = true };
	struct cgroup c, above, other;

	make(&above, "pod", NULL);
	make(&other, "other", NULL);
	if (cgroup_open(&c, &machine, &above, "container", &limits, NULL) < 0)
		fail();
	assert_int_equal(cgroup_oom_kills(&c), 0);
	struct exit_status status = end_of(child_in(&c, use_memory));
	assert_int_equal(status.signal, SIGKILL);
	assert_in_range(cgroup_oom_kills(&c), 1,
			2); /* with oom_group the kernel counts the first one twice */
	assert_int_equal(cgroup_oom_kills(&other), 0);
	int pidfd = child_in(&other, stay);
	assert_true(soon(has_processes, &other));
	cgroup_kill(&other);
	assert_int_equal(end_of(pidfd).signal, SIGKILL);
	assert_int_equal(cgroup_oom_kills(&other), 0); /* a kill, and no lack of memory */
	cgroup_close(&c);
	gone(&other, "other");
	gone(&above, "pod");
}

/* Each child of it goes on; the kernel says no when there are enough. */
static void bomb(void)
{
	for (;;)
		fork();
}

static void a_fork_bomb_is_limited_and_killed(void **state)
{
	(void)state;
	NEEDS_CGROUPS();
	const struct cgroup_limits limits = { .pids = 40 };
	struct cgroup c;

	make(&c, "bomb", &limits);
	int pidfd = child_in(&c, bomb);
	assert_true(soon(has_processes, &c));
	nanosleep(&(struct timespec){ .tv_nsec = 50000000 }, NULL);
	assert_in_range(processes(&c), 2, 40);
	cgroup_kill(&c);
	assert_int_equal(end_of(pidfd).signal, SIGKILL);
	gone(&c, "bomb");
}

/* A process that is killed when its cgroup is removed, also one in a cgroup below that it made. */
static void removal_ends_what_is_inside(void **state)
{
	(void)state;
	NEEDS_CGROUPS();
	struct cgroup c, below;

	make(&c, "nest", NULL);
	if (cgroup_open(&below, &machine, &c, "below", NULL, NULL) < 0)
		fail();
	int pidfd = child_in(&below, stay);
	assert_true(soon(has_processes, &below));
	cgroup_close(&below);
	gone(&c, "nest");
	assert_int_equal(end_of(pidfd).signal, SIGKILL);
}

static char nodes[64];

static bool opens(const char *name, mode_t mode, unsigned major, unsigned minor, int flags)
{
	char path[100];

	snprintf(path, sizeof(path), "%s/%s", nodes, name);
	unlink(path);
	if (mknod(path, mode | 0600, makedev(major, minor)) < 0)
		_exit(50);
	int fd = open(path, flags | O_CLOEXEC | O_NONBLOCK);
	bool refused = fd < 0 && errno == EPERM;
	close_fd(&fd);
	unlink(path);
	return !refused;
}

static void usual_devices(void)
{
	int wrong = 0;

	wrong |= opens("null", S_IFCHR, 1, 3, O_RDWR) ? 0 : 1;
	wrong |= opens("tty", S_IFCHR, 5, 0, O_RDWR) ? 0 : 2; /* there is none, but that is another error */
	wrong |= opens("mem", S_IFCHR, 1, 1, O_RDONLY) ? 4 : 0;
	wrong |= opens("loop", S_IFBLK, 7, 0, O_RDONLY) ? 8 : 0;
	wrong |= opens("fuse", S_IFCHR, 10, 229, O_RDONLY) ? 16 : 0;
	_exit(wrong);
}

static void given_devices(void)
{
	int wrong = 0;

	wrong |= opens("fuse", S_IFCHR, 10, 229, O_RDONLY) ? 0 : 1; /* given, to be read */
	wrong |= opens("fuse", S_IFCHR, 10, 229, O_RDWR) ? 2 : 0;
	wrong |= opens("zero", S_IFCHR, 1, 5, O_RDWR) ? 0 : 4;
	wrong |= opens("loop", S_IFBLK, 7, 0, O_RDONLY) ? 8 : 0;
	if (machine.version == 2) { /* v1 cannot take from what a wider rule has given */
		wrong |= opens("full", S_IFCHR, 1, 7, O_RDONLY) ? 16 : 0;
		wrong |= opens("full", S_IFCHR, 1, 7, O_WRONLY) ? 0 : 32;
	}
	_exit(wrong);
}

static void only_given_devices_open(void **state)
{
	(void)state;
	NEEDS_CGROUPS();
	const struct cgroup_device rules[] = {
		{ false, 'a', -1, -1, "rwm" }, { true, 'a', -1, -1, "m" }, { true, 'c', 1, -1, "rw" },
		{ true, 'c', 10, 229, "rm" },  { false, 'c', 1, 7, "r" },
	};
	struct error err = {};
	struct cgroup c;

	strcpy(nodes, "/dev/shm/seapod-nodes-XXXXXX");
	assert_non_null(mkdtemp(nodes));
	make(&c, "usual", NULL);
	if (cgroup_restrict_devices(&c, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(end_of(child_in(&c, usual_devices)).code, 0);
	gone(&c, "usual");
	make(&c, "given", NULL);
	int dir = c.dir[machine.version == 2 ? 0 : CGROUP_DEVICES];
	if (cgroup_set_devices(machine.version, dir, rules, sizeof(rules) / sizeof(*rules), &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(end_of(child_in(&c, given_devices)).code, 0);
	gone(&c, "given");
	rmdir(nodes);
}

static void burn(void)
{
	struct timespec now;

	do
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	while (now.tv_nsec < 60000000);
	volatile char *p = malloc(4 << 20);
	for (size_t i = 0; i < 4 << 20; i += 4096)
		p[i] = 1;
	stay();
}

static bool has_burnt(const struct cgroup *c)
{
	struct cgroup_usage usage;

	cgroup_usage(c, &usage);
	return usage.cpu_ns >= 50000000 && usage.memory_bytes >= 4 << 20;
}

static void what_is_used_is_known(void **state)
{
	(void)state;
	NEEDS_CGROUPS();
	struct cgroup c;
	struct cgroup_usage usage;

	make(&c, "usage", NULL);
	int pidfd = child_in(&c, burn);
	assert_true(soon(has_burnt, &c));
	cgroup_usage(&c, &usage);
	assert_int_equal(usage.pids, 1);
	assert_in_range(usage.memory_bytes, 4 << 20, 16 << 20);
	cgroup_kill(&c);
	end_of(pidfd);
	gone(&c, "usage");
}

/* v2: in a container, the root that one sees is a cgroup with processes, which may not hand on controllers while it has them. */
static void as_in_a_container(void)
{
	struct cgroup_system s;
	struct cgroup top, c;
	const struct cgroup_limits limits = { .memory_limit_bytes = 64 << 20 };
	struct error err = {};

	if (unshare(CLONE_NEWCGROUP | CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    umount2("/sys/fs/cgroup", MNT_DETACH) < 0 ||
	    mount("cgroup2", "/sys/fs/cgroup", "cgroup2", 0, NULL) < 0)
		_exit(10);
	cgroup_probe(&s, NULL);
	if (cgroup_open(&top, &s, NULL, "seapod", NULL, &err) < 0 ||
	    cgroup_open(&c, &s, &top, "pod", &limits, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		_exit(11);
	}
	_exit(cgroup_file_number(c.dir[0], "memory.max", NULL) == 64 << 20 ? 0 : 12);
}

static void it_works_in_a_container(void **state)
{
	(void)state;
	struct cgroup c;

	if (machine.version != 2)
		skip();
	make(&c, "outer", NULL);
	assert_int_equal(end_of(child_in(&c, as_in_a_container)).code, 0);
	gone(&c, "outer");
}

/* v2: what systemd in a container does. exec must go where its first process is: its cgroup itself is closed to processes. */
static void move_down(void)
{
	int in = open("/sys/fs/cgroup", O_PATH | O_DIRECTORY | O_CLOEXEC);
	char path[100];

	snprintf(path, sizeof(path), "%s/moves/below", base_name);
	if (mkdirat(in, path, 0755) < 0)
		_exit(10);
	snprintf(path, sizeof(path), "%s/moves/below/cgroup.procs", base_name);
	if (cgroup_file_write(in, path, "0") < 0)
		_exit(11);
	snprintf(path, sizeof(path), "%s/moves/cgroup.subtree_control", base_name);
	if (cgroup_file_write(in, path, "+pids") < 0)
		_exit(12);
	stay();
}

static bool hands_on(const struct cgroup *c)
{
	_cleanup_free_ char *list = cgroup_file_read(c->dir[0], "cgroup.subtree_control");
	return list && strstr(list, "pids");
}

static void exec_follows_the_first_process(void **state)
{
	(void)state;
	struct cgroup c;
	int pidfd;

	if (machine.version != 2)
		skip();
	make(&c, "moves", NULL);
	pid_t pid = process_clone(CLONE_CLEAR_SIGHAND, cgroup_directory(&c), &pidfd);
	if (pid == 0)
		move_down();
	assert_true(soon(hands_on, &c));
	int unused;
	assert_int_equal(process_clone(0, cgroup_directory(&c), &unused), -EBUSY);
	_cleanup_close_ int where = cgroup_directory_of(&c, pid);
	_cleanup_free_ char *list = cgroup_file_read(where, "cgroup.procs");
	assert_int_equal(strtol(list, NULL, 10), pid);
	cgroup_kill(&c);
	end_of(pidfd);
	gone(&c, "moves");
}

/* KEP-2570: its table for a factor of 0.9, and where there is no room between request and limit. */
static void memory_high_is_on_the_way_to_the_limit(void **state)
{
	enum { PAGE = 4096, MIB = 1 << 20, NINE_TENTHS = 900000000, WHOLE = 1000000000 };
	(void)state;

	assert_int_equal(cgroup_memory_high(0, 1000, NINE_TENTHS, 1), 900);
	assert_int_equal(cgroup_memory_high(500, 1000, NINE_TENTHS, 1), 950);
	assert_int_equal(cgroup_memory_high(900, 1000, NINE_TENTHS, 1), 990);
	assert_int_equal(cgroup_memory_high(1000, 1000, NINE_TENTHS, 1), 0);
	assert_int_equal(cgroup_memory_high(500, 1000, 600000000, 1), 800);
	assert_int_equal(cgroup_memory_high(0, 1001, WHOLE, 1), 1001);
	assert_int_equal(cgroup_memory_high(500, 1000, 0, 1), 0);
	assert_int_equal(cgroup_memory_high(0, 10 * MIB, NINE_TENTHS, PAGE), 9 * MIB);
	assert_int_equal(cgroup_memory_high(0, 10 * MIB + 5, NINE_TENTHS, PAGE), 9 * MIB);
	assert_int_equal(cgroup_memory_high(PAGE, PAGE + 100, NINE_TENTHS, PAGE), 0);
	assert_true(cgroup_memory_high(0, UINT64_MAX, NINE_TENTHS, PAGE) > UINT64_MAX / 10 * 8);
}

static void huge_pages_have_labels(void **state)
{
	char text[HUGE_LABEL_SIZE];
	(void)state;

	assert_string_equal(huge_label(64 << 10, text), "64KB");
	assert_string_equal(huge_label(2 << 20, text), "2MB");
	assert_string_equal(huge_label(UINT64_C(1) << 30, text), "1GB");
	assert_string_equal(huge_label(UINT64_C(16) << 30, text), "16GB");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(amounts_become_the_kernels),
		cmocka_unit_test(memory_high_is_on_the_way_to_the_limit),
		cmocka_unit_test(huge_pages_have_labels),
		cmocka_unit_test(a_small_machine_gives_a_pod_fewer_processes),
		cmocka_unit_test(limits_are_in_the_files),
		cmocka_unit_test(a_missing_controller_matters_to_who_needs_it),
		cmocka_unit_test(memory_that_is_not_there_kills),
		cmocka_unit_test(a_fork_bomb_is_limited_and_killed),
		cmocka_unit_test(removal_ends_what_is_inside),
		cmocka_unit_test(only_given_devices_open),
		cmocka_unit_test(what_is_used_is_known),
		cmocka_unit_test(it_works_in_a_container),
		cmocka_unit_test(exec_follows_the_first_process),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
