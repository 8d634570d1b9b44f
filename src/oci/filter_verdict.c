/* filter_verdict.c — see filter_verdict.h: the part of classic BPF that seccomp(2) takes and compilers of filters write
 * (Documentation/networking/filter.rst). What it does not know is no permission. */
#include "oci/filter_verdict.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <string.h>

#if defined(__x86_64__)
#define NATIVE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define NATIVE AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define NATIVE AUDIT_ARCH_RISCV64
#else
#define NATIVE 0
#endif

struct machine {
	uint32_t a, x, memory[BPF_MEMWORDS];
};

static uint32_t calculate(unsigned op, uint32_t a, uint32_t b)
{
	switch (op) {
	case BPF_ADD:
		return a + b;
	case BPF_SUB:
		return a - b;
	case BPF_OR:
		return a | b;
	case BPF_XOR:
		return a ^ b;
	case BPF_LSH:
		return b < 32 ? a << b : 0;
	case BPF_RSH:
		return b < 32 ? a >> b : 0;
	default:
		return a & b; /* BPF_AND; others are not written, and checked before */
	}
}

static bool is_true(unsigned op, uint32_t a, uint32_t b)
{
	return op == BPF_JEQ ? a == b : op == BPF_JGT ? a > b : op == BPF_JGE ? a >= b : (a & b) != 0;
}

static bool is_known(const struct sock_filter *i)
{
	unsigned op = BPF_OP(i->code);

	return BPF_CLASS(i->code) != BPF_ALU ||
	       (op != BPF_MUL && op != BPF_DIV && op != BPF_MOD && op != BPF_NEG);
}

static bool load(struct machine *m, const struct sock_filter *i, const struct seccomp_data *data)
{
	uint32_t *to = BPF_CLASS(i->code) == BPF_LDX ? &m->x : &m->a;

	switch (BPF_MODE(i->code)) {
	case BPF_ABS:
		if (i->k > sizeof(*data) - sizeof(uint32_t))
			return false;
		memcpy(to, (const char *)data + i->k, sizeof(uint32_t));
		return true;
	case BPF_IMM:
		*to = i->k;
		return true;
	case BPF_LEN:
		*to = sizeof(*data);
		return true;
	case BPF_MEM:
		if (i->k >= BPF_MEMWORDS)
			return false;
		*to = m->memory[i->k];
		return true;
	default:
		return false;
	}
}

/* One that is neither a jump nor the end. */
static bool step(struct machine *m, const struct sock_filter *i, const struct seccomp_data *data)
{
	switch (BPF_CLASS(i->code)) {
	case BPF_LD:
	case BPF_LDX:
		return load(m, i, data);
	case BPF_ST:
	case BPF_STX:
		if (i->k >= BPF_MEMWORDS)
			return false;
		m->memory[i->k] = BPF_CLASS(i->code) == BPF_ST ? m->a : m->x;
		return true;
	case BPF_ALU:
		m->a = calculate(BPF_OP(i->code), m->a, BPF_SRC(i->code) == BPF_X ? m->x : i->k);
		return is_known(i);
	case BPF_MISC:
		if (BPF_MISCOP(i->code) == BPF_TAX)
			m->x = m->a;
		else
			m->a = m->x;
		return true;
	default:
		return false;
	}
}

bool filter_allows(const struct oci_filter *f, int number, uint64_t first)
{
	const struct sock_filter *program = f->at;
	const struct seccomp_data data = { .nr = number, .arch = NATIVE, .args = { first } };
	struct machine m = {};

	for (size_t at = 0; at < f->n; at++) {
		const struct sock_filter *i = &program[at];
		if (BPF_CLASS(i->code) == BPF_RET) {
			uint32_t verdict =
				(BPF_RVAL(i->code) == BPF_A ? m.a : i->k) & SECCOMP_RET_ACTION_FULL;
			return verdict == SECCOMP_RET_ALLOW || verdict == SECCOMP_RET_LOG;
		}
		if (BPF_CLASS(i->code) == BPF_JMP) {
			uint32_t b = BPF_SRC(i->code) == BPF_X ? m.x : i->k;
			at += BPF_OP(i->code) == BPF_JA          ? i->k
			      : is_true(BPF_OP(i->code), m.a, b) ? i->jt
								 : i->jf;
		} else if (!step(&m, i, &data)) {
			return false;
		}
	}
	return false;
}
