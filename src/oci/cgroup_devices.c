/* cgroup_devices.c — see cgroup_devices.h.
 *
 * Version 1: lines for devices.allow and devices.deny (Documentation/admin-guide/cgroup-v1/devices.rst). Version 2 has no such files: a
 * program of BPF decides (BPF_PROG_TYPE_CGROUP_DEVICE). The kernel gives it { access << 16 | type, major, minor }; the rules are
 * tested from the last to the first, because the last one that fits is the one that holds.
 */
#include "oci/cgroup_devices.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"

struct rule {
	bool allow;
	char type;            /* a, b, c */
	int64_t major, minor; /* -1: any */
	const char *access;
};
struct rules LIST(struct rule);

static const struct rule usual[] = {
	{ true, 'c', -1, -1, "m" },    { true, 'b', -1, -1, "m" }, { true, 'c', 1, 3, "rwm" },
	{ true, 'c', 1, 5, "rwm" },    { true, 'c', 1, 7, "rwm" }, { true, 'c', 1, 8, "rwm" },
	{ true, 'c', 1, 9, "rwm" },    { true, 'c', 5, 0, "rwm" }, { true, 'c', 5, 2, "rwm" },
	{ true, 'c', 136, -1, "rwm" },
};

static void make_rules(const struct config_resources *r, struct rules *rules, struct arena *a)
{
	list_each(d, &r->devices)
		*list_add(a, rules) = (struct rule){
			.allow = d->allow,
			.type = text_empty(d->type) ? 'a' : *d->type,
			.major = d->major.set ? d->major.value : -1,
			.minor = d->minor.set ? d->minor.value : -1,
			.access = text_empty(d->access) ? "rwm" : d->access,
		};
	for (size_t i = 0; i < sizeof(usual) / sizeof(*usual); i++)
		*list_add(a, rules) = usual[i];
}

/* --- version 1 --- */

static const char *number(int64_t n, char buffer[static 24])
{
	snprintf(buffer, 24, n < 0 ? "*" : "%lld", (long long)n);
	return buffer;
}

/* "a" alone is everything, and forgets all rules before; with numbers or less than all accesses it must be said for both types. */
static int write_rule(int dir, const struct rule *rule, struct error *err)
{
	char text[80], major[24], minor[24];
	bool all = rule->type == 'a' && rule->major < 0 && rule->minor < 0 && strlen(rule->access) == 3;
	int r = 0;

	for (const char *type = rule->type == 'a'   ? all ? "a" : "bc"
				: rule->type == 'b' ? "b"
						    : "c";
	     *type && r == 0; type++) {
		snprintf(text, sizeof(text), "%c %s:%s %s", *type, number(rule->major, major),
			 number(rule->minor, minor), rule->access);
		r = cgroup_file_write(dir, rule->allow ? "devices.allow" : "devices.deny",
				      *type == 'a' ? "a" : text);
	}
	return r < 0 ? error_set(err, -r, "linux.resources.devices: cannot set '%s': %s", text,
				 error_meaning(-r))
		     : 0;
}

/* --- version 2 --- */

struct program {
	struct bpf_insn at[4096];
	unsigned n;
};

static void emit(struct program *p, uint8_t code, uint8_t dst, uint8_t src, int16_t off, int32_t imm)
{
	if (p->n < sizeof(p->at) / sizeof(*p->at))
		p->at[p->n++] = (struct bpf_insn){
			.code = code, .dst_reg = dst & 15, .src_reg = src & 15, .off = off, .imm = imm
		};
}

static int32_t access_bits(const char *access)
{
	return (strchr(access, 'r') ? BPF_DEVCG_ACC_READ : 0) |
	       (strchr(access, 'w') ? BPF_DEVCG_ACC_WRITE : 0) |
	       (strchr(access, 'm') ? BPF_DEVCG_ACC_MKNOD : 0);
}

/* r2: type, r3: access, r4: major, r5: minor. An access fits a rule that allows when the rule has all of it, one that denies when it has
 * any of it. Jumps go to the rule's end, which is patched. */
static void emit_rule(struct program *p, const struct rule *rule)
{
	unsigned jumps[4], n = 0, bits = (unsigned)access_bits(rule->access);

	if (rule->type != 'a') {
		jumps[n++] = p->n;
		emit(p, BPF_JMP | BPF_JNE | BPF_K, BPF_REG_2, 0, 0,
		     rule->type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR);
	}
	if (bits != 7) {
		emit(p, BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_1, BPF_REG_3, 0, 0);
		emit(p, BPF_ALU64 | BPF_AND | BPF_K, BPF_REG_1, 0, 0,
		     (int32_t)(rule->allow ? ~bits & 7 : bits));
		jumps[n++] = p->n;
		emit(p, BPF_JMP | (rule->allow ? BPF_JNE : BPF_JEQ) | BPF_K, BPF_REG_1, 0, 0, 0);
	}
	if (rule->major >= 0) {
		jumps[n++] = p->n;
		emit(p, BPF_JMP | BPF_JNE | BPF_K, BPF_REG_4, 0, 0, (int32_t)rule->major);
	}
	if (rule->minor >= 0) {
		jumps[n++] = p->n;
		emit(p, BPF_JMP | BPF_JNE | BPF_K, BPF_REG_5, 0, 0, (int32_t)rule->minor);
	}
	emit(p, BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, rule->allow);
	emit(p, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
	for (unsigned i = 0; i < n; i++)
		p->at[jumps[i]].off = (int16_t)(p->n - jumps[i] - 1);
}

static void make_program(struct program *p, const struct rules *rules)
{
	emit(p, BPF_LDX | BPF_MEM | BPF_W, BPF_REG_2, BPF_REG_1, 0, 0);
	emit(p, BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_3, BPF_REG_2, 0, 0);
	emit(p, BPF_ALU64 | BPF_AND | BPF_K, BPF_REG_2, 0, 0, 0xffff);
	emit(p, BPF_ALU64 | BPF_RSH | BPF_K, BPF_REG_3, 0, 0, 16);
	emit(p, BPF_LDX | BPF_MEM | BPF_W, BPF_REG_4, BPF_REG_1, 4, 0);
	emit(p, BPF_LDX | BPF_MEM | BPF_W, BPF_REG_5, BPF_REG_1, 8, 0);
	for (size_t i = rules->n; i-- > 0;)
		emit_rule(p, &rules->at[i]);
	emit(p, BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, 1); /* no rule: as without a program */
	emit(p, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

static int attach(int dir, const struct rules *rules, struct error *err)
{
	_cleanup_free_ struct program *p = memory_one(struct program);

	make_program(p, rules);
	if (p->n == sizeof(p->at) / sizeof(*p->at))
		return error_set(err, E2BIG, "linux.resources.devices: there are too many rules");
	union bpf_attr load = { .prog_type = BPF_PROG_TYPE_CGROUP_DEVICE,
				.insns = (uint64_t)(uintptr_t)p->at,
				.insn_cnt = p->n,
				.license = (uint64_t)(uintptr_t) "Apache-2.0" };
	_cleanup_close_ int program = (int)syscall(SYS_bpf, BPF_PROG_LOAD, &load, sizeof(load));
	union bpf_attr put = { .target_fd = (uint32_t)dir,
			       .attach_bpf_fd = (uint32_t)program,
			       .attach_type = BPF_CGROUP_DEVICE,
			       .attach_flags = BPF_F_ALLOW_MULTI };
	if (program < 0 || syscall(SYS_bpf, BPF_PROG_ATTACH, &put, sizeof(put)) < 0)
		return error_errno(err, "linux.resources.devices: cannot load the rules into the kernel");
	return 0;
}

int cgroup_devices_set(const struct oci_cgroup *g, const struct config_resources *r, struct error *err)
{
	struct rules rules = {};
	int dir = oci_cgroup_dir(g, "devices"), result = 0;

	if (r->devices.n == 0)
		return 0;
	make_rules(r, &rules, g->arena);
	if (dir < 0)
		return error_set(err, EOPNOTSUPP,
				 "linux.resources.devices: this machine has no 'devices' cgroup controller");
	if (g->v2)
		return attach(dir, &rules, err);
	list_each(rule, &rules)
		if (result == 0)
			result = write_rule(dir, rule, err);
	return result;
}
