/* seccomp_profile.c — see seccomp_profile.h. */
#include "oci/seccomp_profile.h"

#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdio.h>

#include "base/text.h"
#include "linux/capability.h"
#include "object/field.h"
#include "object/json.h"

struct word {
	const char *name;
	uint32_t value;
};

static const struct word actions[] = {
	{ "SCMP_ACT_ALLOW", SCMP_ACT_ALLOW },
	{ "SCMP_ACT_LOG", SCMP_ACT_LOG },
	{ "SCMP_ACT_TRAP", SCMP_ACT_TRAP },
	{ "SCMP_ACT_KILL", SCMP_ACT_KILL_THREAD },
	{ "SCMP_ACT_KILL_THREAD", SCMP_ACT_KILL_THREAD },
	{ "SCMP_ACT_KILL_PROCESS", SCMP_ACT_KILL_PROCESS },
	{ "SCMP_ACT_ERRNO", SCMP_ACT_ERRNO(0) },
	{ "SCMP_ACT_TRACE", SCMP_ACT_TRACE(0) },
	{ "SCMP_ACT_NOTIFY", SCMP_ACT_NOTIFY },
	{ NULL, 0 },
};

static const struct word operators[] = {
	{ "SCMP_CMP_NE", SCMP_CMP_NE },
	{ "SCMP_CMP_LT", SCMP_CMP_LT },
	{ "SCMP_CMP_LE", SCMP_CMP_LE },
	{ "SCMP_CMP_EQ", SCMP_CMP_EQ },
	{ "SCMP_CMP_GE", SCMP_CMP_GE },
	{ "SCMP_CMP_GT", SCMP_CMP_GT },
	{ "SCMP_CMP_MASKED_EQ", SCMP_CMP_MASKED_EQ },
	{ NULL, 0 },
};

/* In rules, architectures have Go's names; in lists, libseccomp's. */
static const struct {
	const char *name, *go;
	uint32_t token;
} architectures[] = {
	{ "SCMP_ARCH_X86_64", "amd64", SCMP_ARCH_X86_64 },
	{ "SCMP_ARCH_X86", "x86", SCMP_ARCH_X86 },
	{ "SCMP_ARCH_X32", "x32", SCMP_ARCH_X32 },
	{ "SCMP_ARCH_AARCH64", "arm64", SCMP_ARCH_AARCH64 },
	{ "SCMP_ARCH_ARM", "arm", SCMP_ARCH_ARM },
	{ "SCMP_ARCH_S390X", "s390x", SCMP_ARCH_S390X },
	{ "SCMP_ARCH_S390", "s390", SCMP_ARCH_S390 },
	{ "SCMP_ARCH_PPC64LE", "ppc64le", SCMP_ARCH_PPC64LE },
	{ "SCMP_ARCH_RISCV64", "riscv64", SCMP_ARCH_RISCV64 },
};

enum { ARCHITECTURES = sizeof(architectures) / sizeof(*architectures) };

/* --- the file as it is --- */

struct condition {
	struct strings caps, arches;
	const char *minKernel;
};

struct argument {
	int64_t index;
	uint64_t value, valueTwo;
	const char *op;
};

struct entry {
	struct strings names;
	const char *name, *action, *comment;
	const char *error_name; /* Podman's, beside the number that counts */
	struct optional_int errnoRet;
	struct LIST(struct argument) args;
	struct condition includes, excludes;
};

struct architecture_map {
	const char *architecture;
	struct strings subArchitectures;
};

struct profile {
	const char *defaultAction, *defaultErrno, *comment;
	struct optional_int defaultErrnoRet;
	struct strings architectures, flags;
	struct LIST(struct architecture_map) archMap;
	struct LIST(struct entry) syscalls;
};

static const struct field condition_fields[] = {
	VALUE(condition, caps),
	VALUE(condition, arches),
	VALUE(condition, minKernel),
};
static const struct table condition_table = TABLE(condition, condition_fields, "When a rule holds.");

static const struct field argument_fields[] = {
	VALUE(argument, index, .min = 0, .max = SECCOMP_ARGUMENTS_MAX - 1),
	VALUE(argument, value),
	VALUE(argument, valueTwo),
	VALUE(argument, op, .required = true),
};
static const struct table argument_table =
	TABLE(argument, argument_fields, "A condition on an argument of the call.");

static const struct field entry_fields[] = {
	VALUE(entry, names),
	VALUE(entry, name),
	VALUE(entry, action, .required = true),
	VALUE(entry, errnoRet, .min = 0, .max = 4095),
	VALUE_AS(entry, error_name, "errno"),
	OBJECTS(entry, args, argument_table),
	OBJECT(entry, includes, condition_table),
	OBJECT(entry, excludes, condition_table),
	VALUE(entry, comment),
};
static const struct table entry_table = TABLE(entry, entry_fields, "A rule.");

static const struct field map_fields[] = {
	VALUE(architecture_map, architecture, .required = true),
	VALUE(architecture_map, subArchitectures),
};
static const struct table map_table = TABLE(architecture_map, map_fields, "What an architecture also runs.");

static const struct field profile_fields[] = {
	VALUE(profile, defaultAction, .required = true),
	VALUE(profile, defaultErrnoRet, .min = 0, .max = 4095),
	VALUE(profile, defaultErrno),
	VALUE(profile, architectures),
	OBJECTS(profile, archMap, map_table),
	VALUE(profile, flags),
	OBJECTS(profile, syscalls, entry_table),
	VALUE(profile, comment),
};
static const struct table profile_table = TABLE(profile, profile_fields, "A seccomp profile.");

/* --- the file as it applies --- */

static int find_word(const struct word *words, const char *name, const char *what, uint32_t *value,
		     struct error *err)
{
	for (; words->name; words++) {
		if (text_is(words->name, name)) {
			*value = words->value;
			return 0;
		}
	}
	return error_set(err, EINVAL, "there is no %s '%s'", what, name);
}

/* ERRNO and TRACE carry a number; EPERM if none is given. */
static int read_action(const char *name, const struct optional_int *number, uint32_t *action,
		       struct error *err)
{
	int r = find_word(actions, name, "action", action, err);
	uint32_t n = number->set ? (uint32_t)number->value : EPERM;

	if (*action == SCMP_ACT_ERRNO(0))
		*action = SCMP_ACT_ERRNO(n);
	else if (*action == SCMP_ACT_TRACE(0))
		*action = SCMP_ACT_TRACE(n);
	else if (number->set)
		return error_set(err, EINVAL, "errnoRet: the action %s has no number", name);
	return r;
}

static const char *go_name(uint32_t token)
{
	for (int i = 0; i < ARCHITECTURES; i++)
		if (architectures[i].token == token)
			return architectures[i].go;
	return "";
}

static bool lists(const struct strings *list, const char *name)
{
	list_each(item, list)
		if (text_is(*item, name))
			return true;
	return false;
}

static bool kernel_is_at_least(const struct seccomp_machine *m, const char *version)
{
	unsigned major = 0, minor = 0;

	sscanf(version, "%u.%u", &major, &minor);
	return m->kernel[0] > major || (m->kernel[0] == major && m->kernel[1] >= minor);
}

static bool has_capability(const struct seccomp_machine *m, const char *name)
{
	int number = capability_number(name);

	return number >= 0 && m->capabilities & CAPABILITY(number);
}

/* Every condition of "includes" must hold, none of "excludes" may; of several capabilities each counts as one. */
static bool applies(const struct entry *e, const struct seccomp_machine *m)
{
	const char *architecture = go_name(m->architecture);

	if (e->includes.arches.n > 0 && !lists(&e->includes.arches, architecture))
		return false;
	list_each(name, &e->includes.caps)
		if (!has_capability(m, *name))
			return false;
	if (e->includes.minKernel && !kernel_is_at_least(m, e->includes.minKernel))
		return false;
	if (lists(&e->excludes.arches, architecture))
		return false;
	list_each(name, &e->excludes.caps)
		if (has_capability(m, *name))
			return false;
	return !(e->excludes.minKernel && kernel_is_at_least(m, e->excludes.minKernel));
}

static int read_argument(const struct argument *from, struct seccomp_argument *to, struct error *err)
{
	uint32_t op = 0;
	int r = find_word(operators, from->op, "comparison", &op, err);

	*to = (struct seccomp_argument){ .index = (unsigned)from->index,
					 .op = (int)op,
					 .value = (uint64_t)from->value,
					 .value_two = (uint64_t)from->valueTwo };
	return r;
}

/* Two conditions on one argument cannot both be meant: each is a rule of its own, as in every runtime. */
static bool repeats_an_index(const struct entry *e)
{
	unsigned seen = 0;

	list_each(arg, &e->args) {
		if (seen & 1u << arg->index)
			return true;
		seen |= 1u << arg->index;
	}
	return false;
}

static int add_call(const struct entry *e, const char *name, uint32_t action, struct arena *a,
		    struct seccomp_rules *rules, struct error *err)
{
	bool alternatives = repeats_an_index(e);
	struct seccomp_rule rule = { .name = name, .action = action };

	list_each(arg, &e->args) {
		int r = read_argument(arg, &rule.args[rule.n++], err);
		if (r < 0)
			return r;
		if (alternatives) {
			*list_add(a, &rules->rules) = rule;
			rule.n = 0;
		}
	}
	if (!alternatives)
		*list_add(a, &rules->rules) = rule;
	return 0;
}

static int add_entry(const struct entry *e, struct arena *a, struct seccomp_rules *rules, struct error *err)
{
	uint32_t action = 0;
	int r = read_action(e->action, &e->errnoRet, &action, err);

	if (r == 0 && e->name)
		r = add_call(e, e->name, action, a, rules, err);
	for (size_t i = 0; r == 0 && i < e->names.n; i++)
		r = add_call(e, e->names.at[i], action, a, rules, err);
	return r;
}

/* 0: not one that Seapod's machines run (MIPS, LoongArch …). */
static uint32_t architecture_token(const char *name)
{
	for (int i = 0; i < ARCHITECTURES; i++)
		if (text_is(architectures[i].name, name))
			return architectures[i].token;
	return 0;
}

static void add_architectures(struct seccomp_rules *rules, const struct strings *names, uint32_t native,
			      struct arena *a)
{
	list_each(name, names) {
		uint32_t token = architecture_token(*name);
		if (token && token != native)
			*list_add(a, &rules->architectures) = token;
	}
}

static int read_flags(const struct profile *p, struct seccomp_rules *rules, struct error *err)
{
	static const struct word flags[] = {
		{ "SECCOMP_FILTER_FLAG_LOG", SECCOMP_FILTER_FLAG_LOG },
		{ "SECCOMP_FILTER_FLAG_SPEC_ALLOW", SECCOMP_FILTER_FLAG_SPEC_ALLOW },
		{ "SECCOMP_FILTER_FLAG_TSYNC", 0 }, /* there is one thread */
		{ "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV },
		{ NULL, 0 },
	};
	uint32_t value = 0;

	list_each(name, &p->flags) {
		int r = find_word(flags, *name, "flag", &value, err);
		if (r < 0)
			return r;
		rules->flags |= value;
	}
	return 0;
}

/* Only a filter that asks has a listener; without one the flag for its waiting is an error of the kernel's. */
static void set_listener(struct seccomp_rules *rules)
{
	bool asks = rules->default_action == SCMP_ACT_NOTIFY;

	list_each(rule, &rules->rules)
		asks |= rule->action == SCMP_ACT_NOTIFY;
	if (asks)
		rules->flags |= SECCOMP_FILTER_FLAG_NEW_LISTENER;
	else
		rules->flags &= ~(unsigned)SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
}

int seccomp_profile_read(const char *text, size_t size, const struct seccomp_machine *machine,
			 struct arena *a, struct seccomp_rules *rules, struct error *err)
{
	struct problems problems = { .arena = a };
	struct profile p = {};
	struct node *root = node_from_json(a, text, size, err);

	*rules = (struct seccomp_rules){};
	if (!root)
		return err ? -err->code : -EINVAL;
	if (!object_decode(&profile_table, root, &p, a, NULL, &problems))
		return error_set(err, EINVAL, "%s", problems.errors.at[0].text);
	int r = read_action(p.defaultAction, &p.defaultErrnoRet, &rules->default_action, err);
	add_architectures(rules, &p.architectures, machine->architecture, a);
	list_each(map, &p.archMap)
		if (architecture_token(map->architecture) == machine->architecture)
			add_architectures(rules, &map->subArchitectures, machine->architecture, a);
	if (r == 0)
		r = read_flags(&p, rules, err);
	for (size_t i = 0; r == 0 && i < p.syscalls.n; i++)
		if (!p.syscalls.at[i].name && p.syscalls.at[i].names.n == 0)
			r = error_set(err, EINVAL, "syscalls[%zu].names: there is none", i);
		else if (applies(&p.syscalls.at[i], machine))
			r = add_entry(&p.syscalls.at[i], a, rules, err);
	set_listener(rules);
	return r;
}
