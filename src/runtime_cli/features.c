/* features.c — the features document (runtime-spec features.md); see commands.h. It is of the program, not of the machine. */
#include <stdio.h>

#include "linux/capability.h"
#include "object/node.h"
#include "runtime/config.h"
#include "runtime/mount_words.h"
#include "runtime_cli/commands.h"

/* "a|b|c" */
static struct node *words(struct arena *a, const char *list)
{
	struct node *n = node_new(a, NODE_LIST);

	for (const char *at = list; *at; at += *at == '|') {
		size_t length = strcspn(at, "|");
		node_append(a, n, node_string(a, arena_strndup(a, at, length)));
		at += length;
	}
	return n;
}

static struct node *flag(struct arena *a, const char *name, bool value)
{
	struct node *n = node_new(a, NODE_MAP);

	node_put(a, n, name, node_bool(a, value));
	return n;
}

static struct node *mount_options(struct arena *a)
{
	struct node *n = node_new(a, NODE_LIST);

	for (size_t i = 0; mount_word(i); i++)
		node_append(a, n, node_string(a, mount_word(i)));
	return n;
}

static struct node *capabilities(struct arena *a)
{
	struct node *n = node_new(a, NODE_LIST);

	for (int i = 0; capability_name(i); i++)
		node_append(a, n, node_string(a, arena_printf(a, "CAP_%s", capability_name(i))));
	return n;
}

static struct node *cgroup(struct arena *a)
{
	struct node *n = flag(a, "v1", true);

	node_put(a, n, "v2", node_bool(a, true));
	node_put(a, n, "systemd", node_bool(a, true));
	node_put(a, n, "systemdUser", node_bool(a, true));
	node_put(a, n, "rdma", node_bool(a, true));
	return n;
}

static struct node *seccomp(struct arena *a)
{
	struct node *n = flag(a, "enabled", true);

	node_put(a, n, "actions",
		 words(a, "SCMP_ACT_ALLOW|SCMP_ACT_ERRNO|SCMP_ACT_KILL|SCMP_ACT_KILL_PROCESS|SCMP_ACT_KILL_"
			  "THREAD|"
			  "SCMP_ACT_LOG|SCMP_ACT_NOTIFY|SCMP_ACT_TRACE|SCMP_ACT_TRAP"));
	node_put(a, n, "operators",
		 words(a, "SCMP_CMP_EQ|SCMP_CMP_GE|SCMP_CMP_GT|SCMP_CMP_LE|SCMP_CMP_LT|SCMP_CMP_MASKED_EQ|"
			  "SCMP_CMP_NE"));
	static const char flags[] =
		"SECCOMP_FILTER_FLAG_TSYNC|SECCOMP_FILTER_FLAG_SPEC_ALLOW|SECCOMP_FILTER_FLAG_LOG|"
		"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV";
	node_put(a, n, "knownFlags", words(a, flags));
	node_put(a, n, "supportedFlags", words(a, flags));
	node_put(a, n, "archs",
		 words(a, "SCMP_ARCH_AARCH64|SCMP_ARCH_ARM|SCMP_ARCH_PPC64LE|SCMP_ARCH_RISCV64|SCMP_ARCH_"
			  "S390|SCMP_ARCH_S390X|"
			  "SCMP_ARCH_X32|SCMP_ARCH_X86|SCMP_ARCH_X86_64"));
	return n;
}

static struct node *memory_policy(struct arena *a)
{
	struct node *n = node_new(a, NODE_MAP);

	node_put(a, n, "modes",
		 words(a, "MPOL_DEFAULT|MPOL_BIND|MPOL_INTERLEAVE|MPOL_WEIGHTED_INTERLEAVE|MPOL_PREFERRED|"
			  "MPOL_PREFERRED_MANY|"
			  "MPOL_LOCAL"));
	node_put(a, n, "flags", words(a, "MPOL_F_NUMA_BALANCING|MPOL_F_RELATIVE_NODES|MPOL_F_STATIC_NODES"));
	return n;
}

static struct node *intel_rdt(struct arena *a)
{
	struct node *n = flag(a, "enabled", true);

	node_put(a, n, "schemata", node_bool(a, true));
	node_put(a, n, "monitoring", node_bool(a, true));
	return n;
}

static struct node *linux_features(struct arena *a)
{
	struct node *n = node_new(a, NODE_MAP), *extensions = node_new(a, NODE_MAP);

	node_put(a, extensions, "idmap", flag(a, "enabled", true));
	node_put(a, n, "namespaces", words(a, "cgroup|ipc|mount|network|pid|time|user|uts"));
	node_put(a, n, "capabilities", capabilities(a));
	node_put(a, n, "cgroup", cgroup(a));
	node_put(a, n, "seccomp", seccomp(a));
	node_put(a, n, "apparmor", flag(a, "enabled", true));
	node_put(a, n, "selinux", flag(a, "enabled", true));
	node_put(a, n, "memoryPolicy", memory_policy(a));
	node_put(a, n, "intelRdt", intel_rdt(a));
	node_put(a, n, "mountExtensions", extensions);
	node_put(a, n, "netDevices", flag(a, "enabled", true));
	return n;
}

int oci_run_features(struct context *x, int argc, char **argv, struct error *err)
{
	struct node *n = node_new(x->arena, NODE_MAP);
	_cleanup_text_ struct text text = {};
	(void)argc;
	(void)argv;
	(void)err;

	node_put(x->arena, n, "ociVersionMin", node_string(x->arena, "1.0.0"));
	node_put(x->arena, n, "ociVersionMax", node_string(x->arena, OCI_VERSION_MAX));
	node_put(x->arena, n, "hooks",
		 words(x->arena, "prestart|createRuntime|createContainer|startContainer|poststart|poststop"));
	node_put(x->arena, n, "mountOptions", mount_options(x->arena));
	node_put(x->arena, n, "linux", linux_features(x->arena));
	node_to_json(n, true, &text);
	puts(text.at);
	return 0;
}
