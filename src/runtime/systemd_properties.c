/* systemd_properties.c — linux.resources as properties of a unit (systemd.h; systemd.resource-control(5)).
 *
 * What is a property systemd keeps: it writes it again when it sees fit (`systemctl daemon-reload`), over whatever is in the file by then.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "linux/cgroup.h"
#include "runtime/ranges.h"
#include "runtime/systemd.h"

static void number(struct text *out, const char *name, int64_t value)
{
	text_printf(out, "%s t %" PRIu64 "\n", name, value < 0 ? UINT64_MAX : (uint64_t)value);
}

/* 0 means "unset" in the specification's limits. */
static bool given(const struct optional_int *value)
{
	return value->set && value->value != 0;
}

static void memory(const struct config_memory *m, bool v2, struct text *out)
{
	if (given(&m->limit))
		number(out, v2 ? "MemoryMax" : "MemoryLimit", m->limit.value);
	if (v2 && given(&m->reservation))
		number(out, "MemoryLow", m->reservation.value);
	if (v2 && m->swap.set && m->swap.value < 0)
		number(out, "MemorySwapMax", -1);
	else if (v2 && given(&m->swap) && given(&m->limit) && m->swap.value >= m->limit.value)
		number(out, "MemorySwapMax", m->swap.value - m->limit.value);
}

/* systemd counts in microseconds a second, and rounds to whole centiseconds. */
static void quota(const struct config_cpu *c, struct text *out)
{
	enum { SECOND = 1000000, STEP = 10000 };
	int64_t period = given(&c->period) ? c->period.value : 100000;

	if (given(&c->period))
		number(out, "CPUQuotaPeriodUSec", period);
	if (!given(&c->quota))
		return;
	uint64_t share =
		c->quota.value < 0 ? 0 : (uint64_t)((double)c->quota.value * SECOND / (double)period);
	number(out, "CPUQuotaPerSecUSec",
	       c->quota.value < 0 ? -1 : (int64_t)((share + STEP - 1) / STEP * STEP));
}

/* "0-3,7" as systemd wants a set: bytes, the lowest first, in hexadecimal. */
static void set(struct text *out, const char *name, const char *list)
{
	uint64_t bits[RANGES_MAX / 64] = {};
	size_t n = 0;

	if (text_empty(list) || ranges_read(list, RANGES_MAX, bits) < 0)
		return;
	for (size_t i = 0; i < RANGES_MAX; i++)
		if (bits[i / 64] >> (i % 64) & 1)
			n = i / 8 + 1;
	text_printf(out, "%s ay ", name);
	for (size_t i = 0; i < n; i++)
		text_printf(out, "%02x", (unsigned)(bits[i / 8] >> (i % 8 * 8) & 0xff));
	text_add_char(out, '\n');
}

static void cpu(const struct config_cpu *c, bool v2, struct text *out)
{
	if (given(&c->shares))
		number(out, v2 ? "CPUWeight" : "CPUShares",
		       v2 ? (int64_t)cgroup_cpu_weight((uint64_t)c->shares.value) : c->shares.value);
	quota(c, out);
	if (v2) {
		set(out, "AllowedCPUs", c->cpus);
		set(out, "AllowedMemoryNodes", c->mems);
	}
}

static void device(struct text *out, char type, int64_t major, int64_t minor, const char *access)
{
	const char *kind = type == 'b' ? "block" : "char";

	if (major < 0)
		text_printf(out, "DeviceAllow a(ss) %s-* %s\n", kind, access);
	else if (minor < 0)
		text_printf(out, "DeviceAllow a(ss) %s-%" PRId64 " %s\n", kind, major, access);
	else
		text_printf(out, "DeviceAllow a(ss) /dev/%s/%" PRId64 ":%" PRId64 " %s\n", kind, major, minor,
			    access);
}

static void allow(struct text *out, const struct device_rule *d)
{
	const char *types = text_empty(d->type) || *d->type == 'a' ? "cb" : d->type;

	for (; d->allow && *types; types++)
		device(out, *types, d->major.set ? d->major.value : -1, d->minor.set ? d->minor.value : -1,
		       text_empty(d->access) ? "rwm" : d->access);
}

/* Whoever may use everything is not restricted; else only what is allowed is, and the usual devices (cgroup_devices.c). */
static void devices(const struct config_resources *r, struct text *out)
{
	size_t first = 0;
	bool restricted = false;

	for (size_t i = 0; i < r->devices.n; i++) {
		const struct device_rule *d = &r->devices.at[i];
		if ((!text_empty(d->type) && *d->type != 'a') || d->major.set || d->minor.set)
			continue;
		restricted = !d->allow;
		first = i + 1;
	}
	if (!restricted)
		return;
	text_add(out, "DevicePolicy s strict\n");
	for (size_t i = first; i < r->devices.n; i++)
		allow(out, &r->devices.at[i]);
	for (size_t i = 0; i < CGROUP_USUAL_DEVICES; i++)
		device(out, cgroup_usual_devices[i].type, cgroup_usual_devices[i].major,
		       cgroup_usual_devices[i].minor, cgroup_usual_devices[i].access);
}

static void unified(const struct string_map *files, struct text *out)
{
	static const struct {
		const char *file, *property;
	} known[] = {
		{ "memory.max", "MemoryMax" }, { "memory.high", "MemoryHigh" },
		{ "memory.low", "MemoryLow" }, { "memory.min", "MemoryMin" },
		{ "pids.max", "TasksMax" },    { "memory.swap.max", "MemorySwapMax" },
		{ "cpu.weight", "CPUWeight" },
	};

	list_each(pair, files)
		for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
			if (text_is(known[i].file, pair->key))
				number(out, known[i].property,
				       text_is(pair->value, "max") ? -1 : strtoll(pair->value, NULL, 10));
}

void systemd_properties(const struct config_resources *r, bool v2, struct text *out)
{
	if (!r)
		return;
	devices(r, out);
	if (r->memory)
		memory(r->memory, v2, out);
	if (r->cpu)
		cpu(r->cpu, v2, out);
	if (r->pids && given(&r->pids->limit))
		number(out, "TasksMax", r->pids->limit.value);
	if (r->blockIO &&
	    given(&r->blockIO->weight)) /* 10 to 1000 there, 1 to 10000 here, as runc converts it */
		number(out, v2 ? "IOWeight" : "BlockIOWeight",
		       v2 ? 1 + (r->blockIO->weight.value - 10) * 9999 / 990 : r->blockIO->weight.value);
	if (v2)
		unified(&r->unified, out);
}
