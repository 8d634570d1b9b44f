/* fuzz_oci.c — what a caller may write in config.json, in a process for exec, and in resources for update.
 *
 * Whatever is accepted can be turned into a plan, and the plan printed. What opens files or mounts is left out: it has no parser of its own.
 */
#include <stdint.h>

#include "base/cleanup.h"
#include "oci/plan.h"
#include "runtime/bundle.h"
#include "runtime/mount_words.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void add_mounts(struct oci_bundle *b)
{
	list_each(from, &b->config.mounts) {
		struct oci_mount m = { .destination = from->destination,
				       .type = from->type,
				       .source_fd = -1 };
		struct mount_wish wish = {};
		mount_words_read(from->options.at, from->options.n, &m, &wish, b->arena);
		*list_add(b->arena, &b->spec.mounts) = m;
	}
	list_each(path, &bundle_linux(b)->maskedPaths)
		*list_add(b->arena, &b->spec.maskedPaths) = *path;
}

static void plan(struct oci_bundle *b)
{
	const struct container_setting setting = { .stdio = { 0, 1, 2 },
						   .cgroup_fd = -1,
						   .pid_namespace = -1 };
	const struct exec_setting exec = { .cgroup_fd = -1, .target_pidfd = 3, .pid_namespace = 4 };
	_cleanup_text_ struct text text = {};
	struct error err = {};
	struct plan plan;

	if (!b->config.process || bundle_sysctls(b, &err) < 0 ||
	    oci_bundle_process(b, b->config.process, &b->spec.process, &err) < 0 ||
	    oci_bundle_affinity(b, b->config.process, &b->spec.process, &err) < 0)
		return;
	add_mounts(b);
	plan_container(&plan, &b->spec, &setting, b->arena);
	plan_print(&plan, &text);
	plan_exec(&plan, &b->spec.process, &exec, b->arena);
	plan_print(&plan, &text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_arena_ struct arena *a = arena_new();
	_cleanup_(oci_bundle_close) struct oci_bundle bundle = {};
	struct config_resources resources;
	struct config_process process;
	struct error err = {};

	oci_config_read_process((const char *)data, size, a, &process, &err);
	oci_config_read_resources((const char *)data, size, a, &resources, &err);
	if (oci_bundle_open(&bundle, "/", "id", (const char *)data, size, &err) == 0)
		plan(&bundle);
	return 0;
}
