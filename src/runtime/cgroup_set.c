/* cgroup_set.c — linux.resources into the files of a cgroup (cgroup.h).
 *
 * Version 1's files take the specification's values as they are. For version 2 some are converted, as runc and crun do: shares to weight
 * (linux/cgroup.h), memory+swap to swap alone, blkio weights to io weights. A value whose file does not exist is an error that names the
 * property: a limit that was asked for and does not hold is worse than none.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "linux/cgroup.h"
#include "runtime/cgroup.h"
#include "runtime/cgroup_devices.h"

struct setter {
	const struct oci_cgroup *g;
	struct error *err;
	int r; /* of the first that failed; the others are not tried then */
};

static void set(struct setter *s, const char *controller, const char *file, const char *property,
		const char *text)
{
	if (s->r < 0)
		return;
	int dir = oci_cgroup_dir(s->g, controller);
	int r = dir < 0 ? -ENOENT : cgroup_file_write(dir, file, text);
	if (r == -ENOENT)
		s->r = error_set(s->err, EOPNOTSUPP,
				 "linux.resources.%s: this machine's cgroups have no '%s'", property, file);
	else if (r < 0)
		s->r = error_set(s->err, -r, "linux.resources.%s: cannot write '%s' to %s: %s", property,
				 text, file, error_meaning(-r));
}

static void set_number(struct setter *s, const char *controller, const char *file, const char *property,
		       int64_t value)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRId64, value);
	set(s, controller, file, property, text);
}

static void set_optional(struct setter *s, const char *controller, const char *file, const char *property,
			 const struct optional_int *value)
{
	if (value->set)
		set_number(s, controller, file, property, value->value);
}

/* v2: -1 is "max". */
static void set_max(struct setter *s, const char *controller, const char *file, const char *property,
		    int64_t value)
{
	if (value < 0)
		set(s, controller, file, property, "max");
	else
		set_number(s, controller, file, property, value);
}

/* --- memory --- */

/* The kernel holds limit <= memory+swap at each moment, so the order depends on which way it goes. */
static void set_memory_v1(struct setter *s, const struct config_memory *m)
{
	int dir = oci_cgroup_dir(s->g, "memory");
	_cleanup_free_ char *now = dir < 0 ? NULL : cgroup_file_read(dir, "memory.memsw.limit_in_bytes");
	bool swap_first = m->swap.set && m->limit.set && now &&
			  (m->swap.value < 0 ||
			   (m->swap.value > 0 && (uint64_t)m->swap.value > strtoull(now, NULL, 10)));
	bool has_swap = m->swap.set && m->swap.value != 0;

	if (swap_first && has_swap)
		set_optional(s, "memory", "memory.memsw.limit_in_bytes", "memory.swap", &m->swap);
	if (m->limit.set && m->limit.value != 0)
		set_optional(s, "memory", "memory.limit_in_bytes", "memory.limit", &m->limit);
	if (!swap_first && has_swap)
		set_optional(s, "memory", "memory.memsw.limit_in_bytes", "memory.swap", &m->swap);
	if (m->reservation.set && m->reservation.value != 0)
		set_optional(s, "memory", "memory.soft_limit_in_bytes", "memory.reservation",
			     &m->reservation);
	/* "kernel" is not recommended, and the kernel has given it up (5.16): as runc, it is passed over. */
	if (m->kernelTCP.set && m->kernelTCP.value != 0)
		set_optional(s, "memory", "memory.kmem.tcp.limit_in_bytes", "memory.kernelTCP",
			     &m->kernelTCP);
	set_optional(s, "memory", "memory.swappiness", "memory.swappiness", &m->swappiness);
	if (m->disableOOMKiller.set && m->disableOOMKiller.value)
		set(s, "memory", "memory.oom_control", "memory.disableOOMKiller", "1");
}

static void set_memory_v2(struct setter *s, const struct config_memory *m)
{
	if (m->checkBeforeUpdate && m->limit.set && m->limit.value > 0) {
		int dir = oci_cgroup_dir(s->g, "memory");
		_cleanup_free_ char *used = dir < 0 ? NULL : cgroup_file_read(dir, "memory.current");
		if (used && strtoll(used, NULL, 10) > m->limit.value)
			s->r = error_set(s->err, EBUSY,
					 "linux.resources.memory.limit: more than that is used already");
	}
	if (m->limit.set && m->limit.value != 0)
		set_max(s, "memory", "memory.max", "memory.limit", m->limit.value);
	if (m->swap.set && m->swap.value < 0)
		set(s, "memory", "memory.swap.max", "memory.swap", "max");
	else if (m->swap.set && m->swap.value > 0 && m->limit.set && m->limit.value > 0 &&
		 m->swap.value >= m->limit.value)
		set_number(s, "memory", "memory.swap.max", "memory.swap", m->swap.value - m->limit.value);
	else if (m->swap.set && m->swap.value > 0 && s->r == 0)
		s->r = error_set(s->err, EINVAL,
				 "linux.resources.memory.swap: it is less than limit, or limit is missing");
	if (m->reservation.set && m->reservation.value != 0)
		set_max(s, "memory", "memory.low", "memory.reservation", m->reservation.value);
	if (m->disableOOMKiller.set && m->disableOOMKiller.value && s->r == 0)
		s->r = error_set(s->err, EOPNOTSUPP,
				 "linux.resources.memory.disableOOMKiller: cgroup version 2 cannot");
}

/* --- cpu --- */

static void set_quota_v1(struct setter *s, const struct config_cpu *c)
{
	/* A period that is too large for the quota that holds now is refused: then the quota goes first. */
	struct setter first = { s->g, NULL, 0 };
	bool period = c->period.set && c->period.value != 0, quota = c->quota.set && c->quota.value != 0;

	if (period)
		set_number(&first, "cpu", "cpu.cfs_period_us", "cpu.period", c->period.value);
	if (quota)
		set_number(s, "cpu", "cpu.cfs_quota_us", "cpu.quota", c->quota.value);
	if (period && first.r < 0)
		set_number(s, "cpu", "cpu.cfs_period_us", "cpu.period", c->period.value);
	set_optional(s, "cpu", "cpu.cfs_burst_us", "cpu.burst", &c->burst);
}

static void set_cpu_v1(struct setter *s, const struct config_cpu *c)
{
	if (c->shares.set && c->shares.value != 0)
		set_number(s, "cpu", "cpu.shares", "cpu.shares", c->shares.value);
	set_optional(s, "cpu", "cpu.rt_period_us", "cpu.realtimePeriod", &c->realtimePeriod);
	set_optional(s, "cpu", "cpu.rt_runtime_us", "cpu.realtimeRuntime", &c->realtimeRuntime);
	set_quota_v1(s, c);
	set_optional(s, "cpu", "cpu.idle", "cpu.idle", &c->idle);
}

static void set_cpu_v2(struct setter *s, const struct config_cpu *c)
{
	char text[64];

	set_optional(s, "cpu", "cpu.idle", "cpu.idle", &c->idle);
	if (c->shares.set && c->shares.value != 0 && !(c->idle.set && c->idle.value == 1))
		set_number(s, "cpu", "cpu.weight", "cpu.shares",
			   (int64_t)cgroup_cpu_weight(c->shares.value < 0 ? 0 : (uint64_t)c->shares.value));
	if ((c->quota.set && c->quota.value != 0) || (c->period.set && c->period.value != 0)) {
		long long period = c->period.set && c->period.value ? c->period.value : 100000;
		if (c->quota.set && c->quota.value > 0)
			snprintf(text, sizeof(text), "%lld %lld", (long long)c->quota.value, period);
		else
			snprintf(text, sizeof(text), "max %lld", period);
		set(s, "cpu", "cpu.max", "cpu.quota", text);
	}
	set_optional(s, "cpu", "cpu.max.burst", "cpu.burst", &c->burst);
	if ((c->realtimeRuntime.set && c->realtimeRuntime.value) ||
	    (c->realtimePeriod.set && c->realtimePeriod.value))
		if (s->r == 0)
			s->r = error_set(s->err, EOPNOTSUPP,
					 "linux.resources.cpu.realtimeRuntime: cgroup version 2 cannot");
}

static void set_cpuset(struct setter *s, const struct config_cpu *c)
{
	if (!text_empty(c->cpus))
		set(s, "cpuset", "cpuset.cpus", "cpu.cpus", c->cpus);
	if (!text_empty(c->mems))
		set(s, "cpuset", "cpuset.mems", "cpu.mems", c->mems);
}

/* --- disks --- */

static void throttle(struct setter *s, const struct io_throttles *list, const char *v1, const char *v2,
		     const char *property)
{
	char text[80];

	list_each(t, list) {
		if (s->g->v2)
			snprintf(text, sizeof(text), "%lld:%lld %s=%" PRIu64, (long long)t->major,
				 (long long)t->minor, v2, t->rate);
		else
			snprintf(text, sizeof(text), "%lld:%lld %" PRIu64, (long long)t->major,
				 (long long)t->minor, t->rate);
		set(s, s->g->v2 ? "io" : "blkio", s->g->v2 ? "io.max" : v1, property, text);
	}
}

/* The name of the weight's file depends on the scheduler of the kernel: CFQ (until 5.0) or BFQ. */
static const char *weight_file(const struct oci_cgroup *g, bool device)
{
	int dir = oci_cgroup_dir(g, "blkio");
	_cleanup_free_ char *old = dir < 0 ? NULL : cgroup_file_read(dir, "blkio.weight");

	return device ? old ? "blkio.weight_device" : "blkio.bfq.weight_device"
	       : old  ? "blkio.weight"
		      : "blkio.bfq.weight";
}

static void set_block_io(struct setter *s, const struct config_block_io *b)
{
	char text[80];

	if (b->weight.set && b->weight.value != 0 && s->g->v2)
		set_number(s, "io", "io.bfq.weight", "blockIO.weight", b->weight.value);
	else if (b->weight.set && b->weight.value != 0)
		set_number(s, "blkio", weight_file(s->g, false), "blockIO.weight", b->weight.value);
	if (b->leafWeight.set && b->leafWeight.value != 0)
		set_number(s, "blkio", "blkio.leaf_weight", "blockIO.leafWeight", b->leafWeight.value);
	list_each(w, &b->weightDevice) {
		snprintf(text, sizeof(text), "%lld:%lld %lld", (long long)w->major, (long long)w->minor,
			 (long long)w->weight.value);
		if (w->weight.set)
			set(s, s->g->v2 ? "io" : "blkio",
			    s->g->v2 ? "io.bfq.weight" : weight_file(s->g, true), "blockIO.weightDevice",
			    text);
		snprintf(text, sizeof(text), "%lld:%lld %lld", (long long)w->major, (long long)w->minor,
			 (long long)w->leafWeight.value);
		if (w->leafWeight.set)
			set(s, "blkio", "blkio.leaf_weight_device", "blockIO.weightDevice", text);
	}
	throttle(s, &b->throttleReadBpsDevice, "blkio.throttle.read_bps_device", "rbps",
		 "blockIO.throttleReadBpsDevice");
	throttle(s, &b->throttleWriteBpsDevice, "blkio.throttle.write_bps_device", "wbps",
		 "blockIO.throttleWriteBpsDevice");
	throttle(s, &b->throttleReadIOPSDevice, "blkio.throttle.read_iops_device", "riops",
		 "blockIO.throttleReadIOPSDevice");
	throttle(s, &b->throttleWriteIOPSDevice, "blkio.throttle.write_iops_device", "wiops",
		 "blockIO.throttleWriteIOPSDevice");
}

/* --- the rest --- */

static void set_hugepages(struct setter *s, const struct config_resources *r)
{
	char file[80], text[32];

	list_each(h, &r->hugepageLimits) {
		snprintf(text, sizeof(text), "%" PRIu64, h->limit);
		snprintf(file, sizeof(file), s->g->v2 ? "hugetlb.%.32s.max" : "hugetlb.%.32s.limit_in_bytes",
			 h->pageSize);
		if (strchr(h->pageSize, '/') && s->r == 0)
			s->r = error_set(s->err, EINVAL, "linux.resources.hugepageLimits: '%s' is no size",
					 h->pageSize);
		set(s, "hugetlb", file, "hugepageLimits", text);
		snprintf(file, sizeof(file),
			 s->g->v2 ? "hugetlb.%.32s.rsvd.max" : "hugetlb.%.32s.rsvd.limit_in_bytes",
			 h->pageSize);
		int dir = oci_cgroup_dir(s->g, "hugetlb");
		if (s->r == 0 && dir >= 0) /* not every kernel has reservations */
			cgroup_file_write(dir, file, text);
	}
}

static void set_network(struct setter *s, const struct config_network *n)
{
	char text[128];

	if (s->g->v2 && (n->classID.set || n->priorities.n) && s->r == 0)
		s->r = error_set(s->err, EOPNOTSUPP,
				 "linux.resources.network: cgroup version 2 has no such marks");
	if (n->classID.set && n->classID.value != 0)
		set_number(s, "net_cls", "net_cls.classid", "network.classID", n->classID.value);
	list_each(p, &n->priorities) {
		snprintf(text, sizeof(text), "%.64s %lld", p->name, (long long)p->priority);
		set(s, "net_prio", "net_prio.ifpriomap", "network.priorities", text);
	}
}

static void set_rdma(struct setter *s, const struct node *rdma)
{
	list_each(pair, &rdma->pairs) {
		const struct node *handles = node_get(pair->value, "hcaHandles"),
				  *objects = node_get(pair->value, "hcaObjects");
		_cleanup_text_ struct text text = {};
		if (!handles && !objects && s->r == 0)
			s->r = error_set(
				s->err, EINVAL,
				"linux.resources.rdma.%s: neither hcaHandles nor hcaObjects is given",
				pair->key);
		text_add(&text, pair->key);
		if (handles)
			text_printf(&text, " hca_handle=%lld", (long long)handles->integer);
		if (objects)
			text_printf(&text, " hca_object=%lld", (long long)objects->integer);
		set(s, "rdma", "rdma.max", "rdma", text.at);
	}
}

static void set_unified(struct setter *s, const struct string_map *unified)
{
	list_each(pair, unified) {
		if (s->r < 0)
			return;
		if (!s->g->v2)
			s->r = error_set(s->err, EOPNOTSUPP,
					 "linux.resources.unified: this machine has cgroup version 1");
		else if (strchr(pair->key, '/') || text_is(pair->key, "..") || text_is(pair->key, "."))
			s->r = error_set(s->err, EINVAL,
					 "linux.resources.unified: '%s' is not a file of a cgroup",
					 pair->key);
		/* A file may take one line a write (io.max). */
		char *lines = arena_strdup(s->g->arena, pair->value), *state;
		for (char *line = strtok_r(lines, "\n", &state); line; line = strtok_r(NULL, "\n", &state))
			set(s, "", pair->key, "unified", line);
	}
}

int oci_cgroup_set(const struct oci_cgroup *g, const struct config_resources *r, bool devices,
		   struct error *err)
{
	struct setter s = { g, err, 0 };

	if (g->all.n == 0 && (r->memory || r->cpu || r->pids || r->blockIO))
		return error_set(err, EOPNOTSUPP, "linux.resources: this machine has no cgroups");
	if (r->memory && g->v2)
		set_memory_v2(&s, r->memory);
	else if (r->memory)
		set_memory_v1(&s, r->memory);
	if (r->cpu && g->v2)
		set_cpu_v2(&s, r->cpu);
	else if (r->cpu)
		set_cpu_v1(&s, r->cpu);
	if (r->cpu)
		set_cpuset(&s, r->cpu);
	if (r->pids && r->pids->limit.set) {
		if (r->pids->limit.value < 0)
			set(&s, "pids", "pids.max", "pids.limit", "max");
		else
			set_number(&s, "pids", "pids.max", "pids.limit", r->pids->limit.value);
	}
	if (r->blockIO)
		set_block_io(&s, r->blockIO);
	set_hugepages(&s, r);
	if (r->network)
		set_network(&s, r->network);
	if (r->rdma)
		set_rdma(&s, r->rdma);
	set_unified(&s, &r->unified);
	if (s.r == 0 && devices)
		s.r = cgroup_devices_set(g, r, err);
	return s.r;
}
