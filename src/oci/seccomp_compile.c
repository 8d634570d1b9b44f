/* seccomp_compile.c — see seccomp_compile.h.
 *
 *	numbers ──► verdicts:   0…12 allow │ 13 allow if … │ 14…100 allow │ 101 EPERM │ … │ 470… ENOSYS
 *	        ──► a binary search over where they change
 *
 * libseccomp knows the names and numbers; the program is made here, because it is small this way: neighbours with one verdict are one leaf, some
 * 150 instructions for one architecture where libseccomp makes 450, and loading it costs the start of a container a fifth.
 *
 * Calls that are newer than the profile deserve another answer than those that it knows and refuses: a program that tries a new call and hears EPERM
 * takes it for a verdict; when it hears ENOSYS it takes the old way (glibc did so with clone3, faccessat2, …). So numbers above the highest
 * that the profile names get ENOSYS (as in runc since 1.0).
 */
#include "oci/seccomp_compile.h"

#include <endian.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/cleanup.h"

enum { X32_BIT = 0x40000000 };

/* What libseccomp 2.5 does not know yet. From 424 on, a call has the same number everywhere (Linux 5.1). */
static const struct {
	const char *name;
	int number;
} recent[] = {
	{ "cachestat", 451 },         { "fchmodat2", 452 },        { "map_shadow_stack", 453 },
	{ "futex_wake", 454 },        { "futex_wait", 455 },       { "futex_requeue", 456 },
	{ "statmount", 457 },         { "listmount", 458 },        { "lsm_get_self_attr", 459 },
	{ "lsm_set_self_attr", 460 }, { "lsm_list_modules", 461 }, { "mseal", 462 },
	{ "setxattrat", 463 },        { "getxattrat", 464 },       { "listxattrat", 465 },
	{ "removexattrat", 466 },     { "open_tree_attr", 467 },   { "file_getattr", 468 },
	{ "file_setattr", 469 },
};

/* The calls from FIRST on, up to the next verdict's FIRST, get ACTION, unless a rule in RULES says else. */
struct verdict {
	uint32_t first, action;
	struct LIST(const struct seccomp_rule *) rules; /* with conditions, in the profile's order */
};

struct verdicts LIST(struct verdict);

struct code LIST(struct sock_filter);

struct seccomp_machine seccomp_this_machine(uint64_t capabilities)
{
	struct seccomp_machine m = { .architecture = seccomp_arch_native(), .capabilities = capabilities };
	struct utsname u;

	uname(&u);
	sscanf(u.release, "%u.%u", &m.kernel[0], &m.kernel[1]);
	return m;
}

/* --- verdicts --- */

/* The number of NAME on ARCHITECTURE; negative: it has none (or only by way of socketcall and ipc). */
static int resolve(uint32_t architecture, const char *name)
{
	int number = seccomp_syscall_resolve_name_arch(architecture, name);

	for (size_t i = 0; number == __NR_SCMP_ERROR && i < sizeof(recent) / sizeof(*recent); i++)
		if (strcmp(recent[i].name, name) == 0)
			number = recent[i].number | (architecture == SCMP_ARCH_X32 ? X32_BIT : 0);
	return number;
}

static struct verdict *find_call(struct verdicts *calls, uint32_t number)
{
	list_each(call, calls)
		if (call->first == number)
			return call;
	return NULL;
}

/* A rule without conditions is the last word on a call; the first such counts. */
static void add_rule(struct verdicts *calls, const struct seccomp_rule *rule, uint32_t number,
		     uint32_t default_action, struct arena *a)
{
	struct verdict *call = find_call(calls, number);

	if (!call) {
		call = list_add(a, calls);
		*call = (struct verdict){ .first = number, .action = default_action };
	}
	if (rule->n > 0)
		*list_add(a, &call->rules) = rule;
	else if (call->action == default_action)
		call->action = rule->action;
}

static int by_first(const void *a, const void *b)
{
	const struct verdict *x = a, *y = b;

	return x->first < y->first ? -1 : x->first > y->first;
}

static void add_verdict(struct verdicts *v, uint32_t first, uint32_t action, struct arena *a)
{
	*list_add(a, v) = (struct verdict){ .first = first, .action = action };
}

/* CALLS, sorted, with what is between and above them: GAP between, ABOVE after the last; neighbours that say the same become one. */
static void add_runs(struct verdicts *v, const struct verdicts *calls, uint32_t from, uint32_t gap,
		     uint32_t above, struct arena *a)
{
	uint32_t next = from;

	list_each(call, calls) {
		struct verdict *last = v->n ? &v->at[v->n - 1] : NULL;
		if (call->first > next && !(last && last->action == gap && last->rules.n == 0))
			add_verdict(v, next, gap, a);
		last = v->n ? &v->at[v->n - 1] : NULL;
		if (!last || last->action != call->action || last->rules.n > 0 || call->rules.n > 0)
			*list_add(a, v) = *call;
		next = call->first + 1;
	}
	add_verdict(v, next, above, a);
}

/* The calls of ARCHITECTURE that the rules name, sorted. */
static struct verdicts find_calls(const struct seccomp_rules *rules, uint32_t architecture, struct arena *a)
{
	struct verdicts calls = {};

	list_each(rule, &rules->rules) {
		int number = resolve(architecture, rule->name);
		if (number >= 0)
			add_rule(&calls, rule, (uint32_t)number, rules->default_action, a);
	}
	if (calls.n > 0)
		qsort(calls.at, calls.n, sizeof(*calls.at), by_first);
	return calls;
}

static bool refuses(uint32_t action)
{
	return action != SCMP_ACT_ALLOW && action != SCMP_ACT_LOG &&
	       (action & SECCOMP_RET_ACTION_FULL) != SECCOMP_RET_TRACE;
}

/* For what the profile does not speak of at all: another architecture must not be a way around a profile that only forbids. */
static uint32_t foreign(const struct seccomp_rules *rules)
{
	return refuses(rules->default_action) ? rules->default_action : SCMP_ACT_KILL_PROCESS;
}

static bool has_x32(const struct seccomp_rules *rules)
{
	list_each(architecture, &rules->architectures)
		if (*architecture == SCMP_ARCH_X32)
			return true;
	return false;
}

static struct verdicts find_verdicts(const struct seccomp_rules *rules, uint32_t architecture,
				     struct arena *a)
{
	uint32_t gap = rules->default_action, above = refuses(gap) ? SCMP_ACT_ERRNO(ENOSYS) : gap;
	struct verdicts v = {}, calls = find_calls(rules, architecture, a);

	add_runs(&v, &calls, 0, gap, above, a);
	if (architecture != SCMP_ARCH_X86_64)
		return v;
	/* The kernel sees x32 as x86_64 with one bit more in the number. */
	if (has_x32(rules)) {
		struct verdicts x32 = find_calls(rules, SCMP_ARCH_X32, a);
		add_runs(&v, &x32, X32_BIT, gap, above, a);
	} else {
		add_verdict(&v, X32_BIT, foreign(rules), a);
	}
	return v;
}

/* --- code --- */

static void add(struct code *c, struct arena *a, uint16_t code, uint8_t if_true, uint8_t if_false, uint32_t k)
{
	*list_add(a, c) = (struct sock_filter){ code, if_true, if_false, k };
}

static void append(struct code *c, const struct code *more, struct arena *a)
{
	list_each(i, more)
		*list_add(a, c) = *i;
}

enum {
	LOAD = BPF_LD | BPF_W | BPF_ABS,
	AND = BPF_ALU | BPF_AND | BPF_K,
	IF_EQ = BPF_JMP | BPF_JEQ | BPF_K,
	IF_GE = BPF_JMP | BPF_JGE | BPF_K,
	IF_GT = BPF_JMP | BPF_JGT | BPF_K,
	JUMP = BPF_JMP | BPF_JA,
	RETURN = BPF_RET | BPF_K,
	/* Where a comparison leads, until the distances are known. */
	NEXT = 0,
	HOLDS = 254,
	FAILS = 255,
};

/* The code of one condition; arguments have 64 bits and are compared in halves, the upper first. */
static struct code condition(const struct seccomp_argument *arg, struct arena *a)
{
	const uint32_t at = (uint32_t)(offsetof(struct seccomp_data, args) + 8 * arg->index);
	const uint32_t low = BYTE_ORDER == LITTLE_ENDIAN ? at : at + 4,
		       high = BYTE_ORDER == LITTLE_ENDIAN ? at + 4 : at;
	const bool masked = arg->op == SCMP_CMP_MASKED_EQ;
	const uint64_t value = masked ? arg->value_two : arg->value;
	const uint32_t upper = (uint32_t)(value >> 32), lower = (uint32_t)value;
	const bool less = arg->op == SCMP_CMP_LT || arg->op == SCMP_CMP_LE,
		   more = arg->op == SCMP_CMP_GT || arg->op == SCMP_CMP_GE;
	struct code c = {};

	add(&c, a, LOAD, 0, 0, high);
	if (masked)
		add(&c, a, AND, 0, 0, (uint32_t)(arg->value >> 32));
	if (less || more)
		add(&c, a, IF_GT, more ? HOLDS : FAILS, NEXT, upper);
	add(&c, a, IF_EQ, NEXT, less || arg->op == SCMP_CMP_NE ? HOLDS : FAILS, upper);
	add(&c, a, LOAD, 0, 0, low);
	if (masked)
		add(&c, a, AND, 0, 0, (uint32_t)arg->value);
	if (arg->op == SCMP_CMP_NE)
		add(&c, a, IF_EQ, FAILS, HOLDS, lower);
	else if (less)
		add(&c, a, arg->op == SCMP_CMP_LT ? IF_GE : IF_GT, FAILS, HOLDS, lower);
	else
		add(&c, a,
		    arg->op == SCMP_CMP_GE   ? IF_GE
		    : arg->op == SCMP_CMP_GT ? IF_GT
					     : IF_EQ,
		    HOLDS, FAILS, lower);
	return c;
}

/* HOLDS is the end of C; FAILS is REST instructions after it. */
static void set_distances(struct code *c, size_t rest)
{
	for (size_t i = 0; i < c->n; i++) {
		struct sock_filter *f = &c->at[i];
		uint8_t to_end = (uint8_t)(c->n - 1 - i), to_fail = (uint8_t)(to_end + rest);
		if (BPF_CLASS(f->code) != BPF_JMP)
			continue;
		f->jt = f->jt == HOLDS ? to_end : f->jt == FAILS ? to_fail : f->jt;
		f->jf = f->jf == HOLDS ? to_end : f->jf == FAILS ? to_fail : f->jf;
	}
}

/* All conditions, then the action; what fails goes on behind it. At most 6 conditions of 7 instructions: all within reach of a jump. */
static struct code rule_code(const struct seccomp_rule *rule, struct arena *a)
{
	struct code tail = {};

	add(&tail, a, RETURN, 0, 0, rule->action);
	for (unsigned i = rule->n; i-- > 0;) {
		struct code c = condition(&rule->args[i], a);
		set_distances(&c, tail.n);
		append(&c, &tail, a);
		tail = c;
	}
	return tail;
}

static struct code leaf(const struct verdict *v, struct arena *a)
{
	struct code c = {};

	list_each(rule, &v->rules) {
		struct code one = rule_code(*rule, a);
		append(&c, &one, a);
	}
	/* The conditions have loaded arguments over the number; nobody needs it any more. */
	add(&c, a, RETURN, 0, 0, v->action);
	return c;
}

/* if (what was loaded CODE K) THEN else OTHERWISE, where a jump's reach is 255. */
static struct code branch(uint16_t code, uint32_t k, const struct code *then, const struct code *otherwise,
			  struct arena *a)
{
	struct code c = {};

	if (otherwise->n <= UINT8_MAX) {
		add(&c, a, code, (uint8_t)otherwise->n, 0, k);
	} else {
		add(&c, a, code, 0, 1, k);
		add(&c, a, JUMP, 0, 0, (uint32_t)otherwise->n);
	}
	append(&c, otherwise, a);
	append(&c, then, a);
	return c;
}

static struct code search(const struct verdict *v, size_t n, struct arena *a)
{
	if (n == 1)
		return leaf(v, a);
	size_t half = n / 2;
	struct code low = search(v, half, a), high = search(v + half, n - half, a);
	return branch(IF_GE, v[half].first, &high, &low, a);
}

int seccomp_compile(const struct seccomp_rules *rules, const struct seccomp_machine *machine,
		    struct text *out, struct error *err)
{
	_cleanup_arena_ struct arena *a = arena_new();
	struct LIST(uint32_t) architectures = {};
	struct code rest = {}, program = {};

	*list_add(a, &architectures) = machine->architecture;
	list_each(architecture, &rules->architectures)
		if (*architecture != SCMP_ARCH_X32)
			*list_add(a, &architectures) = *architecture;
	add(&rest, a, RETURN, 0, 0, foreign(rules));
	/* From the last to the first: the native one is asked for first. libseccomp's tokens are the kernel's AUDIT_ARCH_*. */
	for (size_t i = architectures.n; i-- > 0;) {
		struct verdicts v = find_verdicts(rules, architectures.at[i], a);
		struct code one = {}, tree = search(v.at, v.n, a);
		add(&one, a, LOAD, 0, 0, offsetof(struct seccomp_data, nr));
		append(&one, &tree, a);
		rest = branch(IF_EQ, architectures.at[i], &one, &rest, a);
	}
	add(&program, a, LOAD, 0, 0, offsetof(struct seccomp_data, arch));
	append(&program, &rest, a);
	if (program.n > BPF_MAXINSNS)
		return error_set(err, E2BIG,
				 "the profile is too large: %zu instructions, and the kernel takes %d",
				 program.n, BPF_MAXINSNS);
	text_add_n(out, (const char *)program.at, program.n * sizeof(*program.at));
	return 0;
}
