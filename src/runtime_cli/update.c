/* update.c — update: resources from a file or from options; see commands.h. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "runtime/cgroup.h"
#include "runtime/runtime.h"
#include "runtime_cli/commands.h"

const struct option_spec oci_update_options[] = {
	{ "resources", 'r', "FILE", "resources as in config.json, as JSON (-: standard input)" },
	{ "blkio-weight", 0, "N", "blockIO.weight" },
	{ "cpu-period", 0, "US", "cpu.period" },
	{ "cpu-quota", 0, "US", "cpu.quota" },
	{ "cpu-burst", 0, "US", "cpu.burst" },
	{ "cpu-share", 0, "N", "cpu.shares" },
	{ "cpu-rt-period", 0, "US", "cpu.realtimePeriod" },
	{ "cpu-rt-runtime", 0, "US", "cpu.realtimeRuntime" },
	{ "cpu-idle", 0, "0|1", "cpu.idle" },
	{ "cpuset-cpus", 0, "LIST", "cpu.cpus" },
	{ "cpuset-mems", 0, "LIST", "cpu.mems" },
	{ "memory", 0, "BYTES", "memory.limit" },
	{ "memory-reservation", 0, "BYTES", "memory.reservation" },
	{ "memory-swap", 0, "BYTES", "memory.swap" },
	{ "pids-limit", 0, "N", "pids.limit" },
	{},
};

struct change {
	struct config_resources r;
	struct config_memory memory;
	struct config_cpu cpu;
	struct config_pids pids;
	struct config_block_io block;
};

static int read_file(struct context *x, const char *path, struct config_resources *r, struct error *err)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	int result = text_is(path, "-")
			     ? file_read_fd(STDIN_FILENO, "standard input", OCI_CONFIG_MAX, &text, &size, err)
			     : file_read(AT_FDCWD, path, OCI_CONFIG_MAX, &text, &size, err);

	return result < 0 ? result : oci_config_read_resources(text, size, x->arena, r, err);
}

static int set_value(struct change *c, const char *name, const char *value, struct error *err)
{
	const struct {
		const char *name;
		struct optional_int *to;
		const void *part, **used;
	} numbers[] = {
		{ "blkio-weight", &c->block.weight, &c->block, (const void **)&c->r.blockIO },
		{ "cpu-period", &c->cpu.period, &c->cpu, (const void **)&c->r.cpu },
		{ "cpu-quota", &c->cpu.quota, &c->cpu, (const void **)&c->r.cpu },
		{ "cpu-burst", &c->cpu.burst, &c->cpu, (const void **)&c->r.cpu },
		{ "cpu-share", &c->cpu.shares, &c->cpu, (const void **)&c->r.cpu },
		{ "cpu-rt-period", &c->cpu.realtimePeriod, &c->cpu, (const void **)&c->r.cpu },
		{ "cpu-rt-runtime", &c->cpu.realtimeRuntime, &c->cpu, (const void **)&c->r.cpu },
		{ "cpu-idle", &c->cpu.idle, &c->cpu, (const void **)&c->r.cpu },
		{ "memory", &c->memory.limit, &c->memory, (const void **)&c->r.memory },
		{ "memory-reservation", &c->memory.reservation, &c->memory, (const void **)&c->r.memory },
		{ "memory-swap", &c->memory.swap, &c->memory, (const void **)&c->r.memory },
		{ "pids-limit", &c->pids.limit, &c->pids, (const void **)&c->r.pids },
	};
	long long n;

	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		if (!text_is(numbers[i].name, name))
			continue;
		if (text_to_int(value, -1, INT64_MAX, &n) < 0)
			return usage_error(err, "--%s: '%s' is not a number", name, value);
		*numbers[i].to = (struct optional_int){ true, n };
		*numbers[i].used = numbers[i].part;
	}
	if (text_is(name, "cpuset-cpus"))
		c->cpu.cpus = value;
	if (text_is(name, "cpuset-mems"))
		c->cpu.mems = value;
	if (c->cpu.cpus || c->cpu.mems)
		c->r.cpu = &c->cpu;
	return 0;
}

int oci_run_update(struct context *x, int argc, char **argv, struct error *err)
{
	const struct option_spec *option;
	struct change c = {};
	const char *value, *id;
	struct options o;
	int r;

	options_begin(&o, x->command, argc, argv);
	while ((r = options_next(&o, &option, &value, err)) > 0)
		if ((r = text_is(option->name, "resources") ? read_file(x, value, &c.r, err)
							    : set_value(&c, option->name, value, err)) < 0)
			return r;
	if (r < 0 || !(id = need(&o, 0, "the id of the container", err)))
		return -EXIT_USAGE;
	return oci_update(oci.rootfd, id, &c.r, err);
}
