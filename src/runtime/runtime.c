/* runtime.c — kill, delete, pause, update; see runtime.h. */
#include "runtime/runtime.h"

#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "runtime/hooks.h"
#include "runtime/resctrl.h"
#include "runtime/runtime_parts.h"

enum { KILL_MS = 10000 };

int oci_signal_number(const char *name)
{
	long long number;

	if (text_to_int(name, 0, SIGRTMAX, &number) == 0)
		return (int)number;
	if (strncasecmp(name, "SIG", 3) == 0)
		name += 3;
	if (strncasecmp(name, "RTMIN", 5) == 0 || strncasecmp(name, "RTMAX", 5) == 0) {
		int first = toupper((unsigned char)name[3]) == 'I' ? SIGRTMIN : SIGRTMAX;
		int n = first + (name[5] ? atoi(name + 5) : 0);
		return n >= SIGRTMIN && n <= SIGRTMAX ? n : -EINVAL;
	}
	for (int i = 1; i < NSIG; i++)
		if (sigabbrev_np(i) && strcasecmp(sigabbrev_np(i), name) == 0)
			return i;
	return -EINVAL;
}

int oci_container_cgroup(struct oci_state *s, struct oci_cgroup *g, struct error *err)
{
	*g = (struct oci_cgroup){};
	if (!s->record.cgroupPath)
		return error_set(err, ENOENT, "the container '%s' has no cgroup", s->id);
	int r = oci_cgroup_find(g, s->record.cgroupPath, s->arena, err);
	g->tracked = s->record.systemdUnit;
	return r < 0 ? r : oci_cgroup_open(g, false, err);
}

static bool is_there(const struct oci_state *s)
{
	return s->status == OCI_CREATED || s->status == OCI_RUNNING || s->status == OCI_PAUSED;
}

int runtime_process(struct oci_state *s, struct error *err)
{
	int pidfd = is_there(s) ? process_open((pid_t)s->record.pid) : -ESRCH;

	if (pidfd >= 0 && process_start_time((pid_t)s->record.pid) == s->record.startTime)
		return pidfd;
	close_fd(&pidfd);
	return error_set(err, ESRCH, "container not running: '%s' is %s", s->id,
			 is_there(s) ? "stopped" : oci_status_name(s->status));
}

/* Without a process namespace of its own the end of its first process is not the end of the others. */
static bool shares_processes(const struct oci_state *s)
{
	char path[40];
	struct stat mine, its;

	snprintf(path, sizeof(path), "/proc/%d/ns/pid", (int)s->record.pid);
	return stat("/proc/self/ns/pid", &mine) == 0 && stat(path, &its) == 0 && mine.st_ino == its.st_ino;
}

static int send_signal(struct oci_state *s, int number, bool all, struct error *err)
{
	struct oci_cgroup g = {};
	_cleanup_close_ int pidfd = runtime_process(s, err);

	if (pidfd < 0 && !all)
		return pidfd;
	if (all || (number == SIGKILL && shares_processes(s))) {
		int r = oci_container_cgroup(s, &g, err);
		if (r == 0)
			r = oci_cgroup_signal(&g, number, err);
		oci_cgroup_close(&g);
		if (r < 0)
			return r;
	}
	int r = pidfd < 0 ? 0 : process_signal(pidfd, number);
	/* What is frozen does not even die. */
	if (number == SIGKILL && s->status == OCI_PAUSED && oci_container_cgroup(s, &g, NULL) == 0) {
		oci_cgroup_freeze(&g, false, NULL);
		oci_cgroup_close(&g);
	}
	return r < 0 && !all ? error_set(err, -r, "container not running: '%s' has ended", s->id) : 0;
}

int oci_kill(int rootfd, const char *id, int number, bool all, struct error *err)
{
	struct oci_state s;
	int r = oci_state_open(rootfd, id, false, &s, err);

	if (r == 0)
		r = send_signal(&s, number, all, err);
	oci_state_close(&s);
	return r;
}

/* --- delete --- */

static int kill_and_wait(struct oci_state *s, struct error *err)
{
	_cleanup_close_ int pidfd = runtime_process(s, NULL);
	struct pollfd one = { .fd = pidfd, .events = POLLIN };

	if (pidfd < 0)
		return 0;
	int r = send_signal(s, SIGKILL, false, err);
	if (r < 0 && r != -ESRCH)
		return r;
	return poll(&one, 1, KILL_MS) == 1
		       ? 0
		       : error_set(err, ETIMEDOUT, "the container '%s' does not end", s->id);
}

static void run_poststop(struct oci_state *s, const struct oci_bundle *b, void (*warn)(const char *text))
{
	struct error err = {};

	for (size_t i = 0; i < b->config.hooks.poststop.n;
	     i++) { /* one that fails does not keep the others from running */
		const struct config_hook_list one = { &b->config.hooks.poststop.at[i], 1 };
		_cleanup_free_ char *text = runtime_state_text(s, NULL);
		if (oci_hooks_run(&one, "poststop", text, &err) < 0)
			warn(err.text);
	}
}

bool runtime_unit(const struct oci_state *s, struct oci_unit *unit)
{
	const struct oci_record *r = &s->record;

	*unit = (struct oci_unit){ .name = r->systemdUnit, .slice = r->systemdSlice, .user = r->systemdUser };
	return unit->name && unit->slice;
}

/* Its creator was killed before there was a record. systemd has removed what it had made, and we what was beside it. */
static void find_cgroup(struct oci_state *s, const struct oci_bundle *b)
{
	const char *path = bundle_linux(b)->cgroupsPath;
	struct oci_unit unit;

	if (path && strchr(path, ':') && systemd_unit_read(path, s->id, false, s->arena, &unit, NULL) == 0)
		s->record.cgroupPath = systemd_unit_path(&unit, s->arena);
	else
		s->record.cgroupPath = runtime_cgroup_path(b, s->id);
}

/* Without the file system there is no class either. */
static int leave_resctrl(const struct oci_state *s, const struct oci_bundle *b, struct error *err)
{
	struct resctrl resctrl;
	int r = resctrl_open(&resctrl, bundle_linux(b)->intelRdt, s->id, err);

	if (r == 0)
		r = resctrl_remove(&resctrl, err);
	resctrl_close(&resctrl);
	return r == -EOPNOTSUPP ? 0 : r;
}

static int delete (struct oci_state *s, bool force, void (*warn)(const char *text), struct error *err)
{
	_cleanup_(oci_bundle_close) struct oci_bundle bundle = {};
	struct oci_cgroup g = {};
	struct oci_unit unit;
	int r = 0;

	if (is_there(s) && !force)
		return error_set(err, EPERM, "cannot delete the container '%s': it is %s, not stopped", s->id,
				 oci_status_name(s->status));
	if (is_there(s) && (r = kill_and_wait(s, err)) < 0)
		return r;
	s->status = OCI_STOPPED;
	bool saved = runtime_open_saved(s, &bundle, NULL) == 0;
	if (!s->record.created && saved)
		find_cgroup(s, &bundle);
	if (s->record.cgroupPath && oci_container_cgroup(s, &g, NULL) == 0)
		r = oci_cgroup_remove(&g, err);
	oci_cgroup_close(&g);
	if (r == 0 && saved)
		r = leave_resctrl(s, &bundle, err);
	if (r == 0 && runtime_unit(s, &unit))
		r = systemd_stop(&unit, err);
	if (r == 0)
		r = oci_state_remove(s, err);
	if (r == 0 && saved)
		run_poststop(s, &bundle, warn);
	return r;
}

int oci_delete(int rootfd, const char *id, bool force, void (*warn)(const char *text), struct error *err)
{
	struct oci_state s;
	int r = oci_state_open(rootfd, id, true, &s, err);

	if (r == 0 || (force && r != -ENOENT && s.dir >= 0))
		r = delete (&s, force, warn, err);
	else if (force && r == -ENOENT)
		r = 0;
	oci_state_close(&s);
	return r;
}

/* --- pause, update --- */

int oci_pause(int rootfd, const char *id, bool pause, struct error *err)
{
	struct oci_state s;
	struct oci_cgroup g = {};
	int r = oci_state_open(rootfd, id, true, &s, err);

	if (r == 0 && (pause ? s.status != OCI_RUNNING && s.status != OCI_CREATED : s.status != OCI_PAUSED))
		r = error_set(err, EPERM, "cannot %s the container '%s': it is %s",
			      pause ? "pause" : "resume", id, oci_status_name(s.status));
	if (r == 0)
		r = oci_container_cgroup(&s, &g, err);
	if (r == 0)
		r = oci_cgroup_freeze(&g, pause, err);
	oci_cgroup_close(&g);
	oci_state_close(&s);
	return r;
}

static int set_properties(const struct oci_state *s, const struct config_resources *resources, bool v2,
			  struct error *err)
{
	_cleanup_text_ struct text properties = {};
	struct oci_unit unit;

	if (!runtime_unit(s, &unit))
		return 0;
	systemd_properties(resources, v2, &properties);
	return systemd_set(&unit, text_str(&properties), err);
}

int oci_update(int rootfd, const char *id, const struct config_resources *resources, struct error *err)
{
	struct oci_state s;
	struct oci_cgroup g = {};
	int r = oci_state_open(rootfd, id, true, &s, err);

	if (r == 0 && !is_there(&s))
		r = error_set(err, EPERM, "container not running: '%s' is %s", id, oci_status_name(s.status));
	if (r == 0)
		r = oci_container_cgroup(&s, &g, err);
	if (r == 0)
		r = set_properties(&s, resources, g.v2, err);
	if (r == 0)
		r = oci_cgroup_set(&g, resources, false, err);
	oci_cgroup_close(&g);
	oci_state_close(&s);
	return r;
}
