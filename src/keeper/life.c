/* life.c — carries out what policy decides: starts containers, sees them end, starts them again, ends them.
 *
 * Events come from the loop (a report of a child, an end, a timer, a request); each leads to member_enter, the one door to a container's
 * state, and then to keeper_advance, which asks policy about every container until nothing more is to be done.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "keeper/keeper.h"

enum {
	LOG_BYTES = 10 * 1024 * 1024,
	LOG_FILES = 5
}; /* kubelet's containerLogMaxSize and containerLogMaxFiles */

static void on_report(struct ev_loop *loop, ev_io *w, int events);
static void on_ended(struct ev_loop *loop, ev_io *w, int events);
static void on_timer(struct ev_loop *loop, ev_timer *w, int events);

static void member_enter(struct member *m, enum container_event event)
{
	enum container_state to = container_next(m->state, event);

	if (to != m->state)
		log_info("%s: %s -> %s", m->sc.spec->name, container_state_name(m->state),
			 container_state_name(to));
	m->state = to;
}

static const char *name_of(const struct member *m)
{
	return m->sc.spec->name;
}

/* --- starting ---------------------------------------------------------------------------------------------------------- */

static int open_log(struct member *m, struct error *err)
{
	struct keeper *k = m->keeper;
	const struct object_meta *meta = &k->pod->metadata;
	_cleanup_free_ char *path = memory_printf("%s/%s_%s_%s/%s", k->in.log, meta->namespace, meta->name,
						  meta->uid, name_of(m));
	int r = file_make_dirs(AT_FDCWD, path, 0755, err);
	int dir = r < 0 ? r : file_open_dir(AT_FDCWD, path, 0, err);

	if (dir < 0)
		return dir;
	r = logfile_open(&m->log, dir, m->starts, LOG_BYTES, LOG_FILES, err);
	m->logging = r == 0;
	return r;
}

static void watch(struct member *m)
{
	struct ev_loop *loop = m->keeper->loop;

	ev_io_init(&m->report, on_report, m->sc.process.sync, EV_READ);
	ev_io_init(&m->ended, on_ended, m->sc.process.pidfd, EV_READ);
	m->report.data = m->ended.data = m;
	ev_io_start(loop, &m->report);
	ev_io_start(loop, &m->ended);
	outlet_open(&m->out, loop, take_fd(&m->sc.out), "stdout", &m->log);
	m->err.fd = -1;
	if (m->sc.err >= 0)
		outlet_open(&m->err, loop, take_fd(&m->sc.err), "stderr", &m->log);
}

static void ended(struct member *m, struct exit_status status, const char *reason);

/* It could not be made or executed: an end like any other, with a reason (kubelet: CreateContainerError, StartError). */
static void could_not_start(struct member *m, const struct error *err)
{
	snprintf(m->trouble, sizeof(m->trouble), "%s", err->text);
	snprintf(m->message, sizeof(m->message), "%s", err->text);
	log_warning("%s: %s", name_of(m), err->text);
	struct exit_status status = { .code = err->code == ENOENT                           ? 127
					      : err->code == EACCES || err->code == ENOEXEC ? 126
											    : 128 };
	m->started_at = clock_wall();
	m->started_us = clock_monotonic_us();
	ended(m, status, "StartError");
}

static void start(struct member *m)
{
	struct error err = {};

	own_log_limit(m->keeper);
	member_enter(m, EVENT_BEGIN);
	m->restart_wanted = false;
	m->sc.attempt = m->starts;
	if (m->ran) {
		m->has_last = true;
		m->last_exit = m->exit;
		m->last_reason = m->reason;
		m->last_started_at = m->started_at;
		m->last_finished_at = m->finished_at;
	}
	int r = open_log(m, &err);
	if (r == 0)
		r = sandbox_container_create(&m->keeper->sandbox, &m->sc, &err);
	m->starts++;
	if (r < 0)
		could_not_start(m, &err);
	else
		watch(m);
}

static void on_report(struct ev_loop *loop, ev_io *w, int events)
{
	struct member *m = w->data;
	struct error err = {};
	int r = container_report(&m->sc.process, &err);
	(void)events;

	if (r == 0)
		return;
	if (m->sc.process.sync < 0)
		ev_io_stop(loop, w);
	if (r < 0) {
		snprintf(m->trouble, sizeof(m->trouble), "%s", err.text);
		m->exit.code = err.code == ENOENT                          ? 127
			       : err.code == EACCES || err.code == ENOEXEC ? 126
									   : 128;
		m->reason = "StartError"; /* its process is about to end: on_ended goes on */
		return;
	}
	if (m->state == CONTAINER_CREATING) {
		member_enter(m, EVENT_CREATED);
		m->held = m->keeper->launch->hold;
		if (!m->held)
			container_start(&m->sc.process, &err);
		return;
	}
	if (m->state == CONTAINER_STARTING) {
		member_enter(m, EVENT_STARTED);
		m->started_at = clock_wall();
		m->started_us = clock_monotonic_us();
		m->tried = true;
		*m->trouble = '\0';
		if (m->kind == KIND_SIDECAR)
			m->passed = true;
	}
	keeper_advance(m->keeper);
}

void keeper_let_go(struct member *m)
{
	m->keeper->launch->hold = false;
	if (m->held)
		container_start(&m->sc.process, NULL);
	m->held = false;
}

/* --- ending ------------------------------------------------------------------------------------------------------------ */

/* What it left at terminationMessagePath; if nothing, and it failed, the end of its log when it asks for that (the kubelet's limits). */
static void take_message(struct member *m, bool failed)
{
	enum { LINES = 80, BYTES = 2048 };
	_cleanup_arena_ struct arena *a = arena_new();
	_cleanup_text_ struct text log = {};
	const char *message = sandbox_container_message(&m->keeper->sandbox, &m->sc, a);

	if (!message && failed && m->logging &&
	    text_is(m->sc.spec->terminationMessagePolicy, "FallbackToLogsOnError"))
		logfile_tail(&m->log, LINES, BYTES, &log);
	snprintf(m->message, sizeof(m->message), "%s", message ? message : text_str(&log));
}

static void ended(struct member *m, struct exit_status status, const char *reason)
{
	struct keeper *k = m->keeper;
	uint64_t now = clock_monotonic_us();
	const struct restart_question question = { m->kind, k->pod->spec.restartPolicy, m->sc.spec,
						   status.code };

	m->exit = status;
	m->reason = reason;
	m->finished_at = clock_wall();
	m->ran = m->tried = true;
	m->succeeded = status.code == 0;
	if (m->kind == KIND_INIT && m->succeeded)
		m->passed = true;
	ev_timer_stop(k->loop, &m->timer);
	if (m->logging)
		logfile_close(&m->log);
	m->logging = false;

	bool stopping = m->state == CONTAINER_STOPPING || k->ending;
	bool again = m->restart_wanted || (!stopping && policy_restart(&question));
	member_enter(m, again ? EVENT_ENDED_AGAIN : EVENT_ENDED);
	if (m->state == CONTAINER_BACKOFF) {
		m->wait_us = m->restart_wanted
				     ? 0
				     : backoff_next(&m->backoff, &backoff_kubernetes, now - m->started_us);
		ev_timer_init(&m->timer, on_timer, (double)m->wait_us / US_PER_SECOND, 0);
		m->timer.data = m;
		ev_timer_start(k->loop, &m->timer);
	}
}

static void on_ended(struct ev_loop *loop, ev_io *w, int events)
{
	struct member *m = w->data;
	struct exit_status status = {};
	struct error err = {};
	(void)events;

	if (process_reap(m->sc.process.pidfd, &status) == 0)
		return;
	if (m->sc.process.sync >= 0 && m->state != CONTAINER_RUNNING) { /* its last word may still be there */
		int r = container_report(&m->sc.process, &err);
		if (r < 0) {
			snprintf(m->trouble, sizeof(m->trouble), "%s", err.text);
			m->exit.code = err.code == ENOENT                          ? 127
				       : err.code == EACCES || err.code == ENOEXEC ? 126
										   : 128;
			m->reason = "StartError";
		}
	}
	ev_io_stop(loop, &m->report);
	ev_io_stop(loop, w);
	bool oom = sandbox_container_was_oom_killed(&m->sc);
	bool never_ran = (m->state == CONTAINER_CREATING || m->state == CONTAINER_STARTING) && *m->trouble;
	outlet_close(&m->out);
	outlet_close(&m->err);
	take_message(m, status.code != 0);
	if (never_ran) {
		status = (struct exit_status){ .code = m->exit.code };
		snprintf(m->message, sizeof(m->message), "%s", m->trouble);
		m->started_at = clock_wall();
		m->started_us = clock_monotonic_us();
	}
	sandbox_container_clean(&m->keeper->sandbox, &m->sc);
	ended(m, status,
	      never_ran            ? "StartError"
	      : oom && status.code ? "OOMKilled"
	      : status.code        ? "Error"
				   : "Completed");
	keeper_advance(m->keeper);
}

static int stop_signal(const struct member *m)
{
	const char *name = m->sc.spec->lifecycle && m->sc.spec->lifecycle->stopSignal
				   ? m->sc.spec->lifecycle->stopSignal
				   : m->sc.image->config.StopSignal;
	long long number;

	if (text_empty(name))
		return SIGTERM;
	if (text_to_int(name, 1, 64, &number) == 0)
		return (int)number;
	if (text_starts(name, "SIG"))
		name += 3;
	for (int i = 1; i < NSIG; i++)
		if (text_is(sigabbrev_np(i), name))
			return i;
	return SIGTERM;
}

/* The time is over: a killed first process takes its pid namespace with it; with hostPID the cgroup is killed. */
static void kill_hard(struct member *m)
{
	process_signal(m->sc.process.pidfd, SIGKILL);
	if (m->keeper->pod->spec.hostPID)
		cgroup_kill(&m->sc.cgroup);
}

static void on_timer(struct ev_loop *loop, ev_timer *w, int events)
{
	struct member *m = w->data;
	(void)loop;
	(void)events;

	if (m->state == CONTAINER_BACKOFF) {
		start(m);
		keeper_advance(m->keeper);
	} else if (m->sc.process.pidfd >= 0) {
		kill_hard(m);
	}
}

static void stop(struct member *m, int64_t grace)
{
	struct keeper *k = m->keeper;
	bool running = m->state == CONTAINER_RUNNING;

	ev_timer_stop(k->loop, &m->timer);
	member_enter(m, EVENT_STOP);
	if (m->state != CONTAINER_STOPPING)
		return;
	if (grace <= 0 || !running) {
		kill_hard(m);
		return;
	}
	process_signal(m->sc.process.pidfd, stop_signal(m));
	ev_timer_init(&m->timer, on_timer, (double)grace, 0);
	m->timer.data = m;
	ev_timer_start(k->loop, &m->timer);
}

/* --- the pod ------------------------------------------------------------------------------------------------------------ */

void keeper_views(const struct keeper *k, struct container_view *views)
{
	for (size_t i = 0; i < k->n; i++) {
		const struct member *m = &k->members[i];
		views[i] = (struct container_view){ m->kind, m->state, m->passed, m->succeeded, m->ran };
	}
}

/* One decision; true if something was done. */
static bool act(struct keeper *k, struct container_view *views)
{
	for (size_t i = 0; i < k->n; i++) {
		enum policy_action action = policy_container(views, k->n, i, k->ending);
		if (action == POLICY_BEGIN)
			start(&k->members[i]);
		else if (action == POLICY_STOP)
			stop(&k->members[i], k->grace);
		if (action != POLICY_NOTHING)
			return true;
	}
	return false;
}

void keeper_advance(struct keeper *k)
{
	_cleanup_free_ struct container_view *views = memory_new(k->n, sizeof(*views));
	bool over = true;

	do {
		keeper_views(k, views);
		if (!k->ending && policy_pod_over(views, k->n)) {
			k->ending = ENDING_FINISHED;
			k->grace = k->pod->spec.terminationGracePeriodSeconds.value;
		}
	} while (act(k, views));
	for (size_t i = 0; i < k->n; i++)
		over = over && k->members[i].state == CONTAINER_ENDED;
	k->over = k->ending && over;
	status_write(k);
	control_announce(k);
	if (k->over)
		ev_break(k->loop, EVBREAK_ALL);
}

/* From now on it is shown as Terminating. */
static void mark_deleted(struct keeper *k, int64_t grace)
{
	struct error err = {};
	char text[CLOCK_TEXT_SIZE];
	struct timespec end = clock_wall();

	end.tv_sec += grace;
	k->pod->metadata.deletionTimestamp = arena_strdup(k->arena, clock_rfc3339(end, text));
	k->pod->metadata.deletionGracePeriodSeconds = (struct optional_int){ true, grace };
	if (keeper_write_objects(k, &err) < 0)
		log_warning("the deletion cannot be noted: %s", err.text);
}

void keeper_end(struct keeper *k, enum ending how, int64_t grace)
{
	if (how == ENDING_DELETED && k->ending != ENDING_DELETED)
		mark_deleted(k, grace);
	if (how > k->ending)
		k->ending = how;
	k->grace = grace;
	for (size_t i = 0; i < k->n; i++) {
		struct member *m = &k->members[i];
		m->restart_wanted = false;
		if (m->state == CONTAINER_STOPPING) { /* a second, shorter request counts */
			ev_timer_stop(k->loop, &m->timer);
			ev_timer_init(&m->timer, on_timer, grace > 0 ? (double)grace : 0., 0);
			m->timer.data = m;
			ev_timer_start(k->loop, &m->timer);
		}
	}
	keeper_advance(k);
}

void keeper_restart(struct keeper *k, struct member *only, int64_t grace)
{
	for (size_t i = 0; i < k->n; i++) {
		struct member *m = &k->members[i];
		if ((only && only != m) || m->kind == KIND_INIT)
			continue;
		if (m->state == CONTAINER_RUNNING) {
			m->restart_wanted = true;
			stop(m, grace);
		} else if (m->state == CONTAINER_BACKOFF) {
			ev_timer_stop(k->loop, &m->timer);
			start(m);
		}
	}
	keeper_advance(k);
}

bool keeper_is_restarting(const struct keeper *k)
{
	for (size_t i = 0; i < k->n; i++)
		if (k->members[i].restart_wanted || k->members[i].state == CONTAINER_CREATING ||
		    k->members[i].state == CONTAINER_STARTING)
			return true;
	return false;
}

struct member *keeper_find(struct keeper *k, const char *container, struct error *err)
{
	for (size_t i = 0; i < k->n; i++) {
		struct member *m = &k->members[i];
		if (container ? text_is(name_of(m), container) : m->kind == KIND_APP)
			return m;
	}
	_cleanup_text_ struct text names = {};
	for (size_t i = 0; i < k->n; i++)
		text_printf(&names, "%s%s", i ? ", " : "", name_of(&k->members[i]));
	error_set(err, ENOENT, "the pod '%s' has no container '%s' (it has %s)", k->pod->metadata.name,
		  container ? container : "", text_str(&names));
	return NULL;
}

bool keeper_is_settled(const struct keeper *k)
{
	for (size_t i = 0; i < k->n; i++)
		if (!k->members[i].tried && !(k->ending && k->members[i].state == CONTAINER_ENDED))
			return false;
	return true;
}

const char *keeper_trouble(const struct keeper *k)
{
	for (size_t i = 0; i < k->n; i++)
		if (*k->members[i].trouble)
			return k->members[i].trouble;
	return NULL;
}

static void on_deadline(struct ev_loop *loop, ev_timer *w, int events)
{
	struct keeper *k = w->data;
	(void)loop;
	(void)events;

	k->reason = "DeadlineExceeded";
	keeper_end(k, ENDING_FINISHED, k->pod->spec.terminationGracePeriodSeconds.value);
}

/* Counted from the pod's start (batch and core/v1 activeDeadlineSeconds). */
void keeper_set_deadline(struct keeper *k)
{
	const struct optional_int *seconds = &k->pod->spec.activeDeadlineSeconds;
	double left = (double)(k->start_time.tv_sec + seconds->value) - (double)clock_wall().tv_sec;

	ev_timer_stop(k->loop, &k->deadline);
	if (!seconds->set)
		return;
	ev_timer_set(&k->deadline, left > 0 ? left : 0, 0);
	ev_timer_start(k->loop, &k->deadline);
}

static void add_member(struct keeper *k, const struct container *c, enum container_kind kind)
{
	struct member *m = &k->members[k->n++];

	m->keeper = k;
	m->kind = kind;
	m->sc = (struct sandbox_container){ .spec = c,
					    .image = launch_find_image(k->launch, c->name),
					    .process = CONTAINER_PROCESS_NONE,
					    .cgroup = CGROUP_NONE,
					    .in = -1,
					    .out = -1,
					    .err = -1,
					    .devpts = -1 };
	m->sc.cgroup.system = &k->sandbox.cgroups;
	m->out.fd = m->err.fd = -1;
	ev_timer_init(&m->timer, on_timer, 0, 0);
	m->timer.data = m;
}

void keeper_begin(struct keeper *k)
{
	const struct pod_spec *spec = &k->pod->spec;

	k->start_time = clock_wall();
	k->members = memory_new(spec->initContainers.n + spec->containers.n, sizeof(*k->members));
	list_each(c, &spec->initContainers)
		add_member(k, c, container_is_sidecar(c) ? KIND_SIDECAR : KIND_INIT);
	list_each(c, &spec->containers)
		add_member(k, c, KIND_APP);
	ev_timer_init(&k->deadline, on_deadline, 0, 0);
	k->deadline.data = k;
	status_begin(k);
	keeper_set_deadline(k);
	keeper_advance(k);
}
