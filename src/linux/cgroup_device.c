/* cgroup_device.c — which devices a cgroup may use; see cgroup.h.
 *
 * One list of rules, in two languages. Version 1: lines for devices.allow and devices.deny (Documentation/admin-guide/cgroup-v1/devices.rst).
 * Version 2: a BPF program that the kernel asks at each open and mknod of a device (bpf(2); BPF_PROG_TYPE_CGROUP_DEVICE, Linux 4.15). It
 * is straight: the rules from the last to the first, each a few comparisons that go on to the next rule if something differs.
 * BPF_F_ALLOW_MULTI: what is above (systemd, an outer container) still counts.
 */
#include <inttypes.h>
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

const struct cgroup_device cgroup_usual_devices[CGROUP_USUAL_DEVICES] = {
	{ true, 'c', ANY, ANY, "m" },   { true, 'b', ANY, ANY, "m" }, { true, 'c', 1, 3, "rwm" },
	{ true, 'c', 1, 5, "rwm" },     { true, 'c', 1, 7, "rwm" },   { true, 'c', 1, 8, "rwm" },
	{ true, 'c', 1, 9, "rwm" },     { true, 'c', 5, 0, "rwm" },   { true, 'c', 5, 2, "rwm" },
	{ true, 'c', 136, ANY, "rwm" },
};

/* --- version 1 --- */

static void number_or_star(char text[static 24], int64_t number)
{
	if (number == ANY)
		strcpy(text, "*");
	else
		snprintf(text, 24, "%" PRId64, number);
}

/* "a" alone is everything, and forgets all rules before; with numbers or less than all accesses it must be said for both types. */
static int write_v1(int dir, const struct cgroup_device *rule)
{
	char line[80], major[24], minor[24];
	const char *file = rule->allow ? "devices.allow" : "devices.deny";

	if (rule->type == 'a' && rule->major == ANY && rule->minor == ANY && strlen(rule->access) == 3)
		return cgroup_file_write(dir, file, "a");
	number_or_star(major, rule->major);
	number_or_star(minor, rule->minor);
	for (const char *type = "bc"; *type; type++) {
		if (rule->type != 'a' && rule->type != *type)
			continue;
		snprintf(line, sizeof(line), "%c %s:%s %s", *type, major, minor, rule->access);
		int r = cgroup_file_write(dir, file, line);
		if (r < 0)
			return r;
	}
	return 0;
}

static int set_v1(int dir, const struct cgroup_device *rules, size_t n)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++)
		r = write_v1(dir, &rules[i]);
	return r;
}

/* --- version 2 --- */

struct program {
	struct bpf_insn *at;
	size_t n;
};

/* At most this many instructions for each rule, and before and after all of them. */
enum { RULE_INSTRUCTIONS = 8, FRAME_INSTRUCTIONS = 8 };

/* r1 is the context, struct bpf_cgroup_dev_ctx, and then scratch; what is asked is kept in r2 to r5. */
enum { SCRATCH = BPF_REG_1, TYPE = BPF_REG_2, ACCESS = BPF_REG_3, MAJOR = BPF_REG_4, MINOR = BPF_REG_5 };

static void emit(struct program *p, uint8_t code, uint8_t target, uint8_t source, int16_t offset,
		 int32_t number)
{
	p->at[p->n++] = (struct bpf_insn){
		.code = code, .dst_reg = target & 15, .src_reg = source & 15, .off = offset, .imm = number
	};
}

static void load(struct program *p, uint8_t target, size_t offset)
{
	emit(p, BPF_LDX | BPF_MEM | BPF_W, target, BPF_REG_1, (int16_t)offset, 0);
}

static void answer(struct program *p, bool allowed)
{
	emit(p, BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, allowed);
	emit(p, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

static uint32_t access_bits(const char *letters)
{
	return (strchr(letters, 'm') ? BPF_DEVCG_ACC_MKNOD : 0u) |
	       (strchr(letters, 'r') ? BPF_DEVCG_ACC_READ : 0u) |
	       (strchr(letters, 'w') ? BPF_DEVCG_ACC_WRITE : 0u);
}

/* A rule that allows fits when it has all that is asked for, one that denies when it has any of it. Where the jumps go, the next rule, is
 * filled in when that is known. */
static void add_rule(struct program *p, const struct cgroup_device *rule)
{
	const uint8_t unless_equal = BPF_JMP | BPF_JNE | BPF_K, if_equal = BPF_JMP | BPF_JEQ | BPF_K;
	uint32_t bits = access_bits(rule->access);
	size_t start = p->n;

	if (rule->type != 'a')
		emit(p, unless_equal, TYPE, 0, 0,
		     rule->type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR);
	emit(p, BPF_ALU64 | BPF_MOV | BPF_X, SCRATCH, ACCESS, 0, 0);
	emit(p, BPF_ALU64 | BPF_AND | BPF_K, SCRATCH, 0, 0, (int32_t)(rule->allow ? ~bits & 7 : bits));
	emit(p, rule->allow ? unless_equal : if_equal, SCRATCH, 0, 0, 0);
	if (rule->major != ANY)
		emit(p, unless_equal, MAJOR, 0, 0, (int32_t)rule->major);
	if (rule->minor != ANY)
		emit(p, unless_equal, MINOR, 0, 0, (int32_t)rule->minor);
	answer(p, rule->allow);
	for (size_t i = start; i < p->n; i++)
		if (p->at[i].code == unless_equal || p->at[i].code == if_equal)
			p->at[i].off = (int16_t)(p->n - i - 1);
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

static int set_v2(int dir, const struct cgroup_device *rules, size_t n)
{
	static const char license[] = "Apache-2.0";
	_cleanup_free_ struct bpf_insn *instructions =
		memory_new(n * RULE_INSTRUCTIONS + FRAME_INSTRUCTIONS, sizeof(*instructions));
	struct program p = { instructions, 0 };

	begin(&p);
	while (n-- > 0)
		add_rule(&p, &rules[n]);
	answer(&p, true);
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

/* --- both --- */

int cgroup_set_devices(int version, int dir, const struct cgroup_device *rules, size_t n, struct error *err)
{
	int r = version == 2 ? set_v2(dir, rules, n) : set_v1(dir, rules, n);

	if (r == 0)
		return 0;
	return error_code(err, r, "cannot limit which devices may be used%s",
			  version == 2 ? " (by BPF)" : "");
}

int cgroup_restrict_devices(const struct cgroup *c, struct error *err)
{
	struct cgroup_device rules[1 + CGROUP_USUAL_DEVICES] = { { false, 'a', ANY, ANY, "rwm" } };

	if (!cgroup_has(c->system, CGROUP_DEVICES))
		return error_set(err, EOPNOTSUPP,
				 "this machine cannot limit devices: it has no 'devices' cgroup controller");
	memcpy(rules + 1, cgroup_usual_devices, sizeof(*rules) * CGROUP_USUAL_DEVICES);
	return cgroup_set_devices(c->system->version, c->dir[c->system->version == 2 ? 0 : CGROUP_DEVICES],
				  rules, 1 + CGROUP_USUAL_DEVICES, err);
}
