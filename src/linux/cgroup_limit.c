/* cgroup_limit.c — limits and requests become the values of files; see cgroup.h.
 */
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/file.h>

#include "base/cleanup.h"

#include "linux/cgroup.h"
#include "linux/cgroup_file.h"

static int need(const struct cgroup *c, enum cgroup_controller which, const char *what, struct error *err)
{
	if (cgroup_has(c->system, which))
		return 0;
	return error_set(err, EOPNOTSUPP, "this machine cannot limit %s: it has no '%s' cgroup controller",
			 what, cgroup_controller_name(which));
}

static int failed(int r, const char *what, struct error *err)
{
	if (r == -ENOENT || r == -EACCES) /* the file is not there: the controller is not handed on to us */
		return error_set(err, EOPNOTSUPP,
				 "cannot set the %s: the cgroup above does not hand on that controller",
				 what);
	return error_code(err, r, "cannot set the %s", what);
}

static int memory_qos_v2(int dir, const struct cgroup_limits *l)
{
	int r = cgroup_file_write_number(dir, "memory.min", l->memory_min_bytes);

	if (r == 0)
		r = cgroup_file_write_number(dir, "memory.low", l->memory_low_bytes);
	if (r < 0)
		return r;
	return l->memory_high_bytes ? cgroup_file_write_number(dir, "memory.high", l->memory_high_bytes)
				    : cgroup_file_write(dir, "memory.high", "max");
}

/* Reservations too, where the kernel counts them: then mmap(2) fails, and not the first touch of a page. */
static int limit_huge_pages(int dir, const char *suffix, const struct cgroup_limits *l)
{
	char file[64], label[HUGE_LABEL_SIZE];
	int r = 0;

	for (unsigned i = 0; i < l->huge_n; i++) {
		huge_label(l->huge[i].page_bytes, label);
		snprintf(file, sizeof(file), "hugetlb.%s.rsvd.%s", label, suffix);
		cgroup_file_write_number(dir, file, l->huge[i].limit_bytes);
		snprintf(file, sizeof(file), "hugetlb.%s.%s", label, suffix);
		if (r == 0)
			r = cgroup_file_write_number(dir, file, l->huge[i].limit_bytes);
	}
	return r;
}

static int limit_v2(int dir, const struct cgroup_limits *l, struct error *err)
{
	char text[64];
	int r;

	if (l->cpu_request_milli &&
	    (r = cgroup_file_write_number(dir, "cpu.weight",
					  cgroup_cpu_weight(cgroup_cpu_shares(l->cpu_request_milli)))) < 0)
		return failed(r, "CPU request", err);
	if (l->cpu_limit_milli) {
		snprintf(text, sizeof(text), "%" PRIu64 " %d", cgroup_cpu_quota_us(l->cpu_limit_milli),
			 CGROUP_CPU_PERIOD_US);
		if ((r = cgroup_file_write(dir, "cpu.max", text)) < 0)
			return failed(r, "CPU limit", err);
	}
	if (l->memory_limit_bytes) {
		if ((r = cgroup_file_write_number(dir, "memory.max", l->memory_limit_bytes)) < 0)
			return failed(r, "memory limit", err);
		cgroup_file_write(dir, "memory.swap.max", "0"); /* not there: the kernel has no swap */
	}
	if (l->memory_qos && (r = memory_qos_v2(dir, l)) < 0)
		return failed(r, "memory QoS", err);
	if ((r = limit_huge_pages(dir, "max", l)) < 0)
		return failed(r, "limit of huge pages", err);
	if (l->oom_group)
		cgroup_file_write(dir, "memory.oom.group", "1");
	if (l->pids && (r = cgroup_file_write_number(dir, "pids.max", l->pids)) < 0)
		return failed(r, "limit of processes", err);
	return 0;
}

/* Memory with swap (memsw, if the kernel counts it) may never be less than without: which comes first depends on the old limit. */
static int memory_v1(int dir, uint64_t bytes)
{
	static const char memory[] = "memory.limit_in_bytes", with_swap[] = "memory.memsw.limit_in_bytes";
	int r = cgroup_file_write_number(dir, memory, bytes);

	if (r == -EINVAL && (r = cgroup_file_write_number(dir, with_swap, bytes)) == 0)
		r = cgroup_file_write_number(dir, memory, bytes);
	if (r == 0)
		cgroup_file_write_number(dir, with_swap, bytes);
	return r;
}

static int limit_v1(const struct cgroup *c, const struct cgroup_limits *l, struct error *err)
{
	int r, cpu = c->dir[CGROUP_CPU];

	if (l->cpu_request_milli &&
	    (r = cgroup_file_write_number(cpu, "cpu.shares", cgroup_cpu_shares(l->cpu_request_milli))) < 0)
		return failed(r, "CPU request", err);
	if (l->cpu_limit_milli) {
		r = cgroup_file_write_number(cpu, "cpu.cfs_period_us", CGROUP_CPU_PERIOD_US);
		if (r == 0)
			r = cgroup_file_write_number(cpu, "cpu.cfs_quota_us",
						     cgroup_cpu_quota_us(l->cpu_limit_milli));
		if (r < 0)
			return failed(r, "CPU limit", err);
	}
	if (l->memory_limit_bytes && (r = memory_v1(c->dir[CGROUP_MEMORY], l->memory_limit_bytes)) < 0)
		return failed(r, "memory limit", err);
	if ((r = limit_huge_pages(c->dir[CGROUP_HUGETLB], "limit_in_bytes", l)) < 0)
		return failed(r, "limit of huge pages", err);
	if (l->pids && (r = cgroup_file_write_number(c->dir[CGROUP_PIDS], "pids.max", l->pids)) < 0)
		return failed(r, "limit of processes", err);
	return 0;
}

int cgroup_limit(const struct cgroup *c, const struct cgroup_limits *l, struct error *err)
{
	struct cgroup_limits possible = *l;
	int r = 0;

	if (l->cpu_limit_milli)
		r = need(c, CGROUP_CPU, "CPU time", err);
	if (r == 0 && l->memory_limit_bytes)
		r = need(c, CGROUP_MEMORY, "memory", err);
	if (r == 0 && l->pids)
		r = need(c, CGROUP_PIDS, "the number of processes", err);
	if (r == 0 && l->memory_qos && c->system->version != 2)
		r = error_set(err, EOPNOTSUPP,
			      "memory QoS needs cgroups of version 2, which this machine has not");
	if (r == 0 && l->huge_n)
		r = need(c, CGROUP_HUGETLB, "huge pages", err);
	if (r < 0 || c->system->version == 0)
		return r;
	if (!cgroup_has(c->system, CGROUP_CPU))
		possible.cpu_request_milli = 0;
	return c->system->version == 2 ? limit_v2(c->dir[0], &possible, err) : limit_v1(c, &possible, err);
}

void cgroup_sum_protection(const struct cgroup *parent, bool even_if_none)
{
	int dir = parent->dir[0];
	uint64_t min = 0, low = 0;

	if (dir < 0 || parent->system->version != 2)
		return;
	if (!even_if_none && !cgroup_file_number(dir, "memory.min", NULL) &&
	    !cgroup_file_number(dir, "memory.low", NULL))
		return;
	/* Two that add up at the same time: the second one must see what the first one has made. */
	_cleanup_close_ int own = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (own < 0 || flock(own, LOCK_EX) < 0)
		return;
	int list = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_closedir_ DIR *all = list < 0 ? NULL : fdopendir(list);
	for (struct dirent *e; all && (e = readdir(all));) {
		char file[300];
		if (e->d_type != DT_DIR || e->d_name[0] == '.')
			continue;
		snprintf(file, sizeof(file), "%s/memory.min", e->d_name);
		min += cgroup_file_number(dir, file, NULL);
		snprintf(file, sizeof(file), "%s/memory.low", e->d_name);
		low += cgroup_file_number(dir, file, NULL);
	}
	cgroup_file_write_number(dir, "memory.min", min);
	cgroup_file_write_number(dir, "memory.low", low);
}
