/* Seccomp: what the default profile lets through is found by running the compiled program, in a small machine and in the kernel's. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <errno.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "linux/capability.h"
#include "oci/defaults.h"
#include "oci/filter_verdict.h"
#include "oci/seccomp.h"
#include "oci/seccomp_compile.h"

extern const unsigned char seccomp_default_profile[];
extern const unsigned seccomp_default_profile_size;

struct program {
	struct text code;
	struct error err;
};

static const struct seccomp_machine pc = { .architecture = SCMP_ARCH_X86_64, .kernel = { 6, 1 } };

static int compile(struct program *p, const char *text, size_t size, uint64_t capabilities)
{
	_cleanup_arena_ struct arena *a = arena_new();
	struct seccomp_machine machine = pc;
	struct seccomp_rules rules;

	machine.capabilities = capabilities;
	*p = (struct program){};
	int r = seccomp_profile_read(text, size, &machine, a, &rules, &p->err);
	return r < 0 ? r : seccomp_compile(&rules, &machine, &p->code, &p->err);
}

static int compile_text(struct program *p, const char *text)
{
	return compile(p, text, strlen(text), 0);
}

static void compile_default(struct program *p, uint64_t capabilities)
{
	assert_int_equal(
		compile(p, (const char *)seccomp_default_profile, seccomp_default_profile_size, capabilities),
		0);
}

static void release(struct program *p)
{
	text_free(&p->code);
}

static uint32_t load(const struct seccomp_data *data, uint32_t at)
{
	uint32_t word;

	memcpy(&word, (const char *)data + at, 4);
	return word;
}

static bool jumps(const struct sock_filter *i, uint32_t a)
{
	uint16_t op = BPF_OP(i->code);

	return op == BPF_JEQ ? a == i->k : op == BPF_JGE ? a >= i->k : a > i->k;
}

/* The kernel's machine, as far as the compiler uses it. */
static uint32_t run(const struct program *p, uint32_t architecture, int number, uint64_t arg0, uint64_t arg1)
{
	const struct seccomp_data data = { .nr = number, .arch = architecture, .args = { arg0, arg1 } };
	const struct sock_filter *code = (const struct sock_filter *)p->code.at;
	size_t n = p->code.n / sizeof(*code);
	uint32_t a = 0;

	for (size_t at = 0; at < n; at++) {
		const struct sock_filter *i = &code[at];
		if (i->code == (BPF_LD | BPF_W | BPF_ABS))
			a = load(&data, i->k);
		else if (i->code == (BPF_ALU | BPF_AND | BPF_K))
			a &= i->k;
		else if (i->code == (BPF_RET | BPF_K))
			return i->k;
		else if (i->code == (BPF_JMP | BPF_JA))
			at += i->k;
		else if (BPF_CLASS(i->code) == BPF_JMP)
			at += jumps(i, a) ? i->jt : i->jf;
		else
			fail_msg("instruction %zu is unknown: %x", at, i->code);
	}
	fail_msg("the program runs over its end");
	return 0;
}

static uint32_t ask(const struct program *p, const char *name, uint64_t arg0)
{
	return run(p, SCMP_ARCH_X86_64, seccomp_syscall_resolve_name_arch(SCMP_ARCH_X86_64, name), arg0, 0);
}

enum {
	ALLOW = SECCOMP_RET_ALLOW,
	NO_PERMISSION = SECCOMP_RET_ERRNO | EPERM,
	NOT_THERE = SECCOMP_RET_ERRNO | ENOSYS
};

static void the_default_allows_what_programs_do(void **state)
{
	static const char *const names[] = { "read",
					     "write",
					     "openat",
					     "execve",
					     "mmap",
					     "futex",
					     "clone",
					     "exit_group",
					     "rseq",
					     "connect",
					     "accept4",
					     "epoll_wait",
					     "statx",
					     "getrandom",
					     "prctl",
					     "arch_prctl",
					     "capset",
					     "seccomp",
					     "setresuid",
					     "setgroups",
					     "ptrace",
					     "modify_ldt",
					     "landlock_restrict_self" };
	_cleanup_(release) struct program p;
	(void)state;

	compile_default(&p, default_capabilities);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (ask(&p, names[i], 0) != ALLOW)
			fail_msg("%s is not allowed", names[i]);
}

static void the_default_refuses_what_changes_the_host(void **state)
{
	static const char *const names[] = { "mount",
					     "umount2",
					     "pivot_root",
					     "unshare",
					     "setns",
					     "bpf",
					     "perf_event_open",
					     "keyctl",
					     "add_key",
					     "request_key",
					     "init_module",
					     "finit_module",
					     "kexec_load",
					     "reboot",
					     "swapon",
					     "settimeofday",
					     "open_by_handle_at",
					     "io_uring_setup",
					     "userfaultfd",
					     "syslog",
					     "acct",
					     "fsopen",
					     "move_mount",
					     "iopl",
					     "sethostname",
					     "nfsservctl",
					     "kcmp" };
	_cleanup_(release) struct program p;
	(void)state;

	compile_default(&p, default_capabilities);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (ask(&p, names[i], 0) != NO_PERMISSION)
			fail_msg("%s is not refused", names[i]);
}

static void a_capability_opens_its_calls(void **state)
{
	_cleanup_(release) struct program p, q;
	(void)state;

	compile_default(&p, CAPABILITY(CAP_SYS_ADMIN));
	assert_int_equal(ask(&p, "mount", 0), ALLOW);
	assert_int_equal(ask(&p, "clone3", 0), ALLOW);
	assert_int_equal(ask(&p, "clone", CLONE_NEWUSER), ALLOW);
	assert_int_equal(ask(&p, "chroot", 0), NO_PERMISSION);
	compile_default(&q, CAPABILITY(CAP_SYS_CHROOT) | CAPABILITY(CAP_SYS_TIME));
	assert_int_equal(ask(&q, "chroot", 0), ALLOW);
	assert_int_equal(ask(&q, "clock_settime", 0), ALLOW);
	assert_int_equal(ask(&q, "mount", 0), NO_PERMISSION);
}

static void new_processes_but_no_new_namespaces(void **state)
{
	static const uint64_t namespaces[] = { CLONE_NEWNS,   CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC,
					       CLONE_NEWUSER, CLONE_NEWPID,    CLONE_NEWNET };
	_cleanup_(release) struct program p;
	(void)state;

	compile_default(&p, default_capabilities);
	assert_int_equal(ask(&p, "clone", CLONE_VM | CLONE_VFORK | 17), ALLOW);
	for (size_t i = 0; i < sizeof(namespaces) / sizeof(*namespaces); i++)
		assert_int_equal(ask(&p, "clone", namespaces[i] | 17), NO_PERMISSION);
	assert_int_equal(ask(&p, "clone3", 0), NOT_THERE);
}

static void sockets_but_not_these(void **state)
{
	_cleanup_(release) struct program p;
	(void)state;

	compile_default(&p, default_capabilities);
	assert_int_equal(ask(&p, "socket", AF_INET), ALLOW);
	assert_int_equal(ask(&p, "socket", AF_NETLINK), ALLOW);
	assert_int_equal(ask(&p, "socket", AF_XDP), ALLOW);
	assert_int_equal(ask(&p, "socket", AF_VSOCK), NO_PERMISSION);
	assert_int_equal(ask(&p, "socket", AF_ALG), NO_PERMISSION);
	/* The kernel looks at 32 bits; the filter sees 64. */
	assert_int_equal(ask(&p, "socket", UINT64_C(1) << 32 | AF_VSOCK), NO_PERMISSION);
	assert_int_equal(ask(&p, "socket", UINT64_C(1) << 32 | AF_ALG), NO_PERMISSION);
	assert_int_equal(ask(&p, "personality", 8), ALLOW);
	assert_int_equal(ask(&p, "personality", 0x0040000), NO_PERMISSION); /* ADDR_NO_RANDOMIZE */
	assert_int_equal(run(&p, SCMP_ARCH_X86, 102, 1, 0), NO_PERMISSION); /* socketcall(SYS_SOCKET) */
	assert_int_equal(run(&p, SCMP_ARCH_X86, 102, 3, 0), ALLOW);
}

static void what_is_newer_than_the_profile_is_not_there(void **state)
{
	_cleanup_(release) struct program p;
	(void)state;

	compile_default(&p, default_capabilities);
	for (int number = 470; number < 2000; number++) {
		assert_int_equal(run(&p, SCMP_ARCH_X86_64, number, 0, 0), NOT_THERE);
		assert_int_equal(run(&p, SCMP_ARCH_X86, number, 0, 0), NOT_THERE);
	}
	assert_int_equal(run(&p, SCMP_ARCH_X86_64, 462, 0, 0),
			 ALLOW); /* mseal, which libseccomp 2.5 does not know */
	assert_int_equal(run(&p, SCMP_ARCH_X86_64, 467, 0, 0), NO_PERMISSION); /* open_tree_attr */
}

static void other_architectures_are_no_way_around(void **state)
{
	_cleanup_(release) struct program p, q;
	(void)state;

	compile_default(&p, default_capabilities);
	assert_int_equal(run(&p, SCMP_ARCH_X86, 3, 0, 0), ALLOW);          /* read of i386 */
	assert_int_equal(run(&p, SCMP_ARCH_X86, 21, 0, 0), NO_PERMISSION); /* mount of i386 */
	assert_int_equal(run(&p, SCMP_ARCH_ARM, 3, 0, 0), NO_PERMISSION);
	assert_int_equal(run(&p, SCMP_ARCH_X86_64, 0x40000000, 0, 0), NO_PERMISSION); /* x32 */
	assert_int_equal(compile_text(&q, "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":["
					  "\"mkdir\"],\"action\":"
					  "\"SCMP_ACT_ERRNO\",\"errnoRet\":13}]}"),
			 0);
	assert_int_equal(ask(&q, "mkdir", 0), SECCOMP_RET_ERRNO | EACCES);
	assert_int_equal(ask(&q, "rmdir", 0), ALLOW);
	assert_int_equal(run(&q, SCMP_ARCH_X86_64, 5000, 0, 0), ALLOW);
	assert_int_equal(run(&q, SCMP_ARCH_X86, 39, 0, 0), SECCOMP_RET_KILL_PROCESS);
	assert_int_equal(run(&q, SCMP_ARCH_X86_64, 0x40000000 | 83, 0, 0), SECCOMP_RET_KILL_PROCESS);
}

static bool compares(const char *op, uint64_t value, uint64_t two, uint64_t arg)
{
	_cleanup_(release) struct program p;
	_cleanup_arena_ struct arena *a = arena_new();
	const char *text = arena_printf(a,
					"{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"architectures\":[\"SCMP_"
					"ARCH_X86_64\"],\"syscalls\":[{\"names\":[\"read\"],"
					"\"action\":\"SCMP_ACT_ALLOW\",\"args\":[{\"index\":0,\"op\":\"SCMP_"
					"CMP_%s\",\"value\":%llu,\"valueTwo\":%llu}]}]}",
					op, (unsigned long long)value, (unsigned long long)two);

	assert_int_equal(compile_text(&p, text), 0);
	return ask(&p, "read", arg) == ALLOW;
}

static void every_comparison_has_64_bits(void **state)
{
	static const uint64_t values[] = { 0,           1,           7,           0xffffffff,
					   0x100000000, 0x100000001, 0x700000000, 0x7fffffffffffffff };
	(void)state;

	for (size_t i = 0; i < 8; i++) {
		for (size_t k = 0; k < 8; k++) {
			uint64_t v = values[i], x = values[k];
			assert_int_equal(compares("EQ", v, 0, x), x == v);
			assert_int_equal(compares("NE", v, 0, x), x != v);
			assert_int_equal(compares("LT", v, 0, x), x < v);
			assert_int_equal(compares("LE", v, 0, x), x <= v);
			assert_int_equal(compares("GT", v, 0, x), x > v);
			assert_int_equal(compares("GE", v, 0, x), x >= v);
			assert_int_equal(compares("MASKED_EQ", v, 1, x), (x & v) == 1);
		}
	}
}

static void several_conditions_must_all_hold(void **state)
{
	_cleanup_(release) struct program p;
	(void)state;

	assert_int_equal(compile_text(&p, "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":[{\"names\":["
					  "\"read\"],\"action\":\"SCMP_ACT_ALLOW\",\"args\":["
					  "{\"index\":0,\"op\":\"SCMP_CMP_EQ\",\"value\":1},{\"index\":1,"
					  "\"op\":\"SCMP_CMP_GT\",\"value\":5}]},"
					  "{\"names\":[\"read\"],\"action\":\"SCMP_ACT_LOG\",\"args\":[{"
					  "\"index\":1,\"op\":\"SCMP_CMP_EQ\",\"value\":2}]}]}"),
			 0);
	assert_int_equal(run(&p, SCMP_ARCH_X86_64, 0, 1, 6), ALLOW);
	assert_int_equal(run(&p, SCMP_ARCH_X86_64, 0, 1, 5), NO_PERMISSION);
	assert_int_equal(run(&p, SCMP_ARCH_X86_64, 0, 0, 6), NO_PERMISSION);
	assert_int_equal(run(&p, SCMP_ARCH_X86_64, 0, 1, 2), SECCOMP_RET_LOG);
}

static void a_bad_profile_is_one_sentence(void **state)
{
	static const struct {
		const char *text, *says;
	} all[] = {
		{ "{", "not JSON" },
		{ "{\"defaultAction\":\"SCMP_ACT_FOO\"}", "there is no action 'SCMP_ACT_FOO'" },
		{ "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscals\":[]}", "did you mean 'syscalls'" },
		{ "{\"syscalls\":[]}", "defaultAction" },
		{ "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"flags\":[\"X\"]}", "there is no flag 'X'" },
		{ "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"defaultErrnoRet\":5}",
		  "SCMP_ACT_ALLOW has no number" },
	};
	(void)state;

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		_cleanup_(release) struct program p;
		assert_int_equal(compile_text(&p, all[i].text), -EINVAL);
		if (!strstr(p.err.text, all[i].says))
			fail_msg("'%s' does not say '%s'", p.err.text, all[i].says);
	}
}

/* --- the cache, with the real worker, and the real kernel --- */

struct place {
	char root[32], run[32];
	struct instance in;
};

/* The worker is looked for beside the program: in a build tree that is two directories up. */
static void show_worker(void)
{
	char path[PATH_MAX] = "";
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 32);

	assert_true(n > 0);
	path[n] = '\0';
	strcpy(strrchr(path, '/'), "/seapod-seccomp");
	if (symlink("../../seapod-seccomp", path) < 0)
		assert_int_equal(errno, EEXIST);
}

static int make_place(void **state)
{
	struct place *p = memory_one(struct place);

	show_worker();

	strcpy(p->root, "/tmp/seccomp-root-XXXXXX");
	strcpy(p->run, "/tmp/seccomp-run-XXXXXX");
	*state = p;
	return !mkdtemp(p->root) || !mkdtemp(p->run) || instance_open(&p->in, p->root, p->run, NULL) < 0;
}

static int remove_place(void **state)
{
	struct place *p = *state;

	instance_close(&p->in);
	file_remove_tree(AT_FDCWD, p->root, NULL);
	file_remove_tree(AT_FDCWD, p->run, NULL);
	free(p);
	return 0;
}

static unsigned count_cache(struct place *p)
{
	unsigned n = 0;
	int fd = openat(p->in.rootfd, "cache/seccomp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_closedir_ DIR *d = fdopendir(fd);

	assert_non_null(d);
	for (struct dirent *e; (e = readdir(d));)
		n += e->d_name[0] != '.';
	return n;
}

static void a_profile_is_compiled_once(void **state)
{
	struct place *p = *state;
	struct seccomp_filter one, two, other;
	struct error err = {};

	assert_int_equal(seccomp_filter_get(&p->in, NULL, default_capabilities, &one, &err), 0);
	assert_int_equal(count_cache(p), 1);
	assert_int_equal(seccomp_filter_get(&p->in, NULL, default_capabilities, &two, &err), 0);
	assert_int_equal(count_cache(p), 1);
	assert_int_equal(one.filter.n, two.filter.n);
	assert_memory_equal(one.filter.at, two.filter.at, one.filter.n * sizeof(struct sock_filter));
	assert_int_equal(seccomp_filter_get(&p->in, NULL, 0, &other, &err), 0);
	assert_int_equal(count_cache(p), 2);
	assert_int_not_equal(one.filter.n, 0);
	seccomp_filter_release(&one);
	seccomp_filter_release(&two);
	seccomp_filter_release(&other);
}

/* Whatever lies in the cache under the right name: it is used only if it is what would be made. */
static void a_spoilt_cache_is_not_believed(void **state)
{
	struct place *p = *state;
	struct seccomp_filter good, again;
	struct error err = {};

	assert_int_equal(seccomp_filter_get(&p->in, NULL, 5, &good, &err), 0);
	int fd = openat(p->in.rootfd, "cache/seccomp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_closedir_ DIR *d = fdopendir(fd);
	for (struct dirent *e; (e = readdir(d));) {
		_cleanup_close_ int file =
			e->d_name[0] == '.' ? -1 : openat(fd, e->d_name, O_RDWR | O_CLOEXEC);
		if (file >= 0)
			assert_int_equal(pwrite(file, "x", 1, 20), 1); /* in the key */
	}
	assert_int_equal(seccomp_filter_get(&p->in, NULL, 5, &again, &err), 0);
	assert_int_equal(good.filter.n, again.filter.n);
	assert_memory_equal(good.filter.at, again.filter.at, good.filter.n * sizeof(struct sock_filter));
	seccomp_filter_release(&good);
	seccomp_filter_release(&again);
}

static void a_bad_file_names_itself(void **state)
{
	struct place *p = *state;
	struct seccomp_filter f;
	struct error err = {};

	assert_int_equal(file_write_atomic(p->in.rootfd, "bad.json", "{\"defaultAction\":1}", 19, 0600, &err),
			 0);
	_cleanup_free_ char *path = memory_printf("%s/bad.json", p->root);
	assert_true(seccomp_filter_get(&p->in, path, 0, &f, &err) < 0);
	assert_non_null(strstr(err.text, "bad.json"));
	assert_non_null(strstr(err.text, "defaultAction"));
	assert_int_equal(seccomp_filter_get(&p->in, "/nonexistent.json", 0, &f, &err), -ENOENT);
	assert_null(f.mapping);
}

static void a_pod_has_no_agent(void **state)
{
	static const char asks[] = "{\"defaultAction\":\"SCMP_ACT_NOTIFY\"}";
	struct place *p = *state;
	struct seccomp_filter f;
	struct error err = {};

	assert_int_equal(file_write_atomic(p->in.rootfd, "asks.json", asks, strlen(asks), 0600, &err), 0);
	_cleanup_free_ char *path = memory_printf("%s/asks.json", p->root);
	assert_true(seccomp_filter_get(&p->in, path, 0, &f, &err) < 0);
	assert_non_null(strstr(err.text, "SCMP_ACT_NOTIFY"));
	assert_null(f.mapping);
}

/* In a child: 0 when the kernel does what the profile says. */
static int try_filter(const struct oci_filter *f)
{
	const struct sock_fprog program = { .len = f->n, .filter = (struct sock_filter *)f->at };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, f->flags, &program) < 0)
		return 1;
	if (unshare(CLONE_NEWNS) == 0 || errno != EPERM)
		return 2;
	if (syscall(SYS_clone3, NULL, 0) == 0 || errno != ENOSYS)
		return 3;
	if (syscall(1500) == 0 || errno != ENOSYS)
		return 4;
	pid_t pid = fork();
	if (pid == 0)
		_exit(0);
	return waitpid(pid, NULL, 0) == pid && getppid() > 0 ? 0 : 5;
}

static void the_kernel_agrees(void **state)
{
	struct place *p = *state;
	struct seccomp_filter f;
	struct error err = {};
	int status;

	assert_int_equal(seccomp_filter_get(&p->in, NULL, default_capabilities, &f, &err), 0);
	pid_t pid = fork();
	if (pid == 0)
		_exit(try_filter(&f.filter));
	waitpid(pid, &status, 0);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	seccomp_filter_release(&f);
}

/* filter_verdict.h and the machine above agree on every call. */
static void a_verdict_is_known_without_the_kernel(void **state)
{
	static const uint64_t firsts[] = {
		0, 1, 3, SIGCHLD | CLONE_PARENT, CLONE_NEWUSER | SIGCHLD, AF_VSOCK, UINT64_MAX
	};
	_cleanup_(release) struct program p;
	size_t allowed = 0;
	(void)state;

	compile_default(&p, default_capabilities);
	const struct oci_filter f = { .at = p.code.at,
				      .n = (unsigned short)(p.code.n / sizeof(struct sock_filter)) };
	for (int number = 0; number < 600; number++)
		for (size_t i = 0; i < sizeof(firsts) / sizeof(*firsts); i++) {
			bool passes = run(&p, SCMP_ARCH_X86_64, number, firsts[i], 0) == ALLOW;
			if (filter_allows(&f, number, firsts[i]) != passes)
				fail_msg("call %d with %llx", number, (unsigned long long)firsts[i]);
			allowed += passes;
		}
	assert_true(allowed > 1000);

	const struct sock_filter endless[] = { BPF_STMT(BPF_JMP | BPF_JA, UINT32_MAX) },
				 outside[] = { BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 4096) },
				 odd[] = { BPF_STMT(BPF_ALU | BPF_DIV | BPF_K, 0),
					   BPF_STMT(BPF_RET | BPF_K, ALLOW) };
	assert_false(filter_allows(&(struct oci_filter){ .at = endless, .n = 1 }, 0, 0));
	assert_false(filter_allows(&(struct oci_filter){ .at = outside, .n = 1 }, 0, 0));
	assert_false(filter_allows(&(struct oci_filter){ .at = odd, .n = 2 }, 0, 0));
	assert_false(filter_allows(&(struct oci_filter){ .at = NULL, .n = 0 }, 0, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_default_allows_what_programs_do),
		cmocka_unit_test(the_default_refuses_what_changes_the_host),
		cmocka_unit_test(a_capability_opens_its_calls),
		cmocka_unit_test(new_processes_but_no_new_namespaces),
		cmocka_unit_test(sockets_but_not_these),
		cmocka_unit_test(what_is_newer_than_the_profile_is_not_there),
		cmocka_unit_test(other_architectures_are_no_way_around),
		cmocka_unit_test(every_comparison_has_64_bits),
		cmocka_unit_test(several_conditions_must_all_hold),
		cmocka_unit_test(a_bad_profile_is_one_sentence),
		cmocka_unit_test(a_verdict_is_known_without_the_kernel),
		cmocka_unit_test_setup_teardown(a_profile_is_compiled_once, make_place, remove_place),
		cmocka_unit_test_setup_teardown(a_spoilt_cache_is_not_believed, make_place, remove_place),
		cmocka_unit_test_setup_teardown(a_bad_file_names_itself, make_place, remove_place),
		cmocka_unit_test_setup_teardown(a_pod_has_no_agent, make_place, remove_place),
		cmocka_unit_test_setup_teardown(the_kernel_agrees, make_place, remove_place),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
