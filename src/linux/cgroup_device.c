/* cgroup_device.c — which devices a cgroup may use; see cgroup.h.
 *
 * One list of what is allowed, in two languages: for version 1 lines of its devices.allow, for version 2 a BPF program that the kernel
 * asks at each open and mknod of a device (bpf(2); BPF_PROG_TYPE_CGROUP_DEVICE, Linux 4.15). The program is straight: for each rule,
 * compare and go to the next if something differs. BPF_F_ALLOW_MULTI: what is above (systemd, an outer container) still counts.
 */
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "linux/cgroup.h"
#include "linux/cgroup_file.h"

enum { ANY = -1 };

/* The devices that every OCI container has (runtime-spec config-linux.md "Default Devices"), its terminals, and mknod of any:
 * a node that may not be opened hurts nobody, and archives of root file systems have them. */
static const struct cgroup_device usual[] = {
	{ 'c', ANY, ANY, "m" }, { 'b', ANY, ANY, "m" },   { 'c', 1, 3, "rwm" }, { 'c', 1, 5, "rwm" },
	{ 'c', 1, 7, "rwm" },   { 'c', 1, 8, "rwm" },     { 'c', 1, 9, "rwm" }, { 'c', 5, 0, "rwm" },
	{ 'c', 5, 2, "rwm" },   { 'c', 136, ANY, "rwm" },
};

/* --- version 1 --- */

static void number_or_star(char text[static 12], int number)
{
	if (number == ANY)
		strcpy(text, "*");
	else
		snprintf(text, 12, "%d", number);
}

static int allow_v1(int dir, const struct cgroup_device *rules, size_t n)
{
	char line[64], major[12], minor[12];
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++) {
		number_or_star(major, rules[i].major);
		number_or_star(minor, rules[i].minor);
		snprintf(line, sizeof(line), "%c %s:%s %s", rules[i].type, major, minor, rules[i].access);
		r = cgroup_write(dir, "devices.allow", line);
	}
	return r;
}

/* --- version 2 --- */

struct program {
	struct bpf_insn *at;
	size_t n;
};

/* At most this many instructions for each rule, and before and after all of them. */
enum { RULE_INSTRUCTIONS = 8, FRAME_INSTRUCTIONS = 8 };

/* Registers: r1 the context, struct bpf_cgroup_dev_ctx, and then scratch; the question is kept in r2 to r5. */
enum { SCRATCH = BPF_REG_1, TYPE = BPF_REG_2, ACCESS = BPF_REG_3, MAJOR = BPF_REG_4, MINOR = BPF_REG_5 };

static void emit(struct program *p, uint8_t code, uint8_t target, uint8_t source, int16_t offset,
		 int32_t number)
{
	p->at[p->n++] = (struct bpf_insn){
		.code = code, .dst_reg = target, .src_reg = source, .off = offset, .imm = number
	};
}

static void load(struct program *p, uint8_t target, size_t offset)
{
	emit(p, BPF_LDX | BPF_MEM | BPF_W, target, BPF_REG_1, (int16_t)offset, 0);
}

/* Its target, the next rule, is filled in when that is known. */
static void next_unless_equal(struct program *p, uint8_t target, int32_t number)
{
	emit(p, BPF_JMP | BPF_JNE | BPF_K, target, 0, 0, number);
}

static void answer(struct program *p, bool allowed)
{
	emit(p, BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, allowed);
	emit(p, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

static int access_mask(const char *letters)
{
	return (strchr(letters, 'm') ? BPF_DEVCG_ACC_MKNOD : 0) |
	       (strchr(letters, 'r') ? BPF_DEVCG_ACC_READ : 0) |
	       (strchr(letters, 'w') ? BPF_DEVCG_ACC_WRITE : 0);
}

static void add_rule(struct program *p, const struct cgroup_device *rule)
{
	size_t start = p->n;

	next_unless_equal(p, TYPE, rule->type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR);
	emit(p, BPF_ALU64 | BPF_MOV | BPF_X, SCRATCH, ACCESS, 0, 0);
	emit(p, BPF_ALU64 | BPF_AND | BPF_K, SCRATCH, 0, 0, ~access_mask(rule->access));
	next_unless_equal(p, SCRATCH, 0); /* it asks for more than the rule gives */
	if (rule->major != ANY)
		next_unless_equal(p, MAJOR, rule->major);
	if (rule->minor != ANY)
		next_unless_equal(p, MINOR, rule->minor);
	size_t end = p->n + 2;
	for (size_t i = start; i < p->n; i++)
		if (p->at[i].code == (BPF_JMP | BPF_JNE | BPF_K))
			p->at[i].off = (int16_t)(end - i - 1);
	answer(p, true);
}

static void begin(struct program *p)
{
	load(p, TYPE, offsetof(struct bpf_cgroup_dev_ctx, access_type)); /* (access << 16) | type */
	emit(p, BPF_ALU64 | BPF_MOV | BPF_X, ACCESS, TYPE, 0, 0);
	emit(p, BPF_ALU64 | BPF_AND | BPF_K, TYPE, 0, 0, 0xffff);
	emit(p, BPF_ALU64 | BPF_RSH | BPF_K, ACCESS, 0, 0, 16);
	load(p, MAJOR, offsetof(struct bpf_cgroup_dev_ctx, major));
	load(p, MINOR, offsetof(struct bpf_cgroup_dev_ctx, minor));
}

static int bpf(enum bpf_cmd command, union bpf_attr *attributes)
{
	long r = syscall(SYS_bpf, command, attributes, sizeof(*attributes));
	return r < 0 ? -errno : (int)r;
}

static int restrict_v2(int dir, const struct cgroup_device *extra, size_t n)
{
	static const char license[] = "Apache-2.0";
	size_t usual_n = sizeof(usual) / sizeof(*usual);
	_cleanup_free_ struct bpf_insn *instructions =
		memory_new((usual_n + n) * RULE_INSTRUCTIONS + FRAME_INSTRUCTIONS, sizeof(*instructions));
	struct program p = { instructions, 0 };

	begin(&p);
	for (size_t i = 0; i < usual_n + n; i++)
		add_rule(&p, i < usual_n ? &usual[i] : &extra[i - usual_n]);
	answer(&p, false);
	union bpf_attr attributes = {
		.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE,
		.insns = (uint64_t)(uintptr_t)p.at,
		.insn_cnt = (uint32_t)p.n,
		.license = (uint64_t)(uintptr_t)license,
	};
	_cleanup_close_ int program = bpf(BPF_PROG_LOAD, &attributes);
	if (program < 0)
		return program;
	attributes = (union bpf_attr){
		.target_fd = (uint32_t)dir,
		.attach_bpf_fd = (uint32_t)program,
		.attach_type = BPF_CGROUP_DEVICE,
		.attach_flags = BPF_F_ALLOW_MULTI,
	};
	return bpf(BPF_PROG_ATTACH, &attributes);
}

int cgroup_restrict_devices(const struct cgroup *c, const struct cgroup_device *extra, size_t n,
			    struct error *err)
{
	int dir = c->dir[CGROUP_DEVICES], r = 0;

	if (!cgroup_has(c->system, CGROUP_DEVICES))
		return error_set(err, EOPNOTSUPP,
				 "this machine cannot limit devices: it has no 'devices' cgroup controller");
	if (c->system->version == 2) {
		r = restrict_v2(c->dir[0], extra, n);
	} else {
		r = cgroup_write(dir, "devices.deny", "a");
		if (r == 0)
			r = allow_v1(dir, usual, sizeof(usual) / sizeof(*usual));
		if (r == 0)
			r = allow_v1(dir, extra, n);
	}
	if (r == 0)
		return 0;
	errno = -r;
	return error_errno(err, "cannot limit which devices may be used%s",
			   c->system->version == 2 ? " (by BPF)" : "");
}
