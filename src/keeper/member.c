/* member.c — one container, from its start to its end: what policy decides is carried out here.
 *
 * Events come from the loop (a report of a child, an end, a timer, a hook's result); each leads to member_enter, the one door to a container's state, and
 * then to keeper_advance, which asks policy what is next.
 *
 * How long an end may take is grace.h's to say.
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
#include "keeper/check.h"
#include "keeper/keeper.h"
#include "linux/path.h"

enum {
	LOG_BYTES = 10 * 1024 * 1024,
	LOG_FILES = 5
}; /* kubelet's containerLogMaxSize and containerLogMaxFiles */

static void on_report(struct ev_loop *loop, ev_io *w, int events);
static void on_ended(struct ev_loop *loop, ev_io *w, int events);

void member_enter(struct member *m, enum container_event event)
{
	enum container_state to = container_next(m->state, event);

	if (to != m->state)
		log_info("%s: %s -> %s", m->sc.spec->name, container_state_name(m->state),
			 container_state_name(to));
	m->state = to;
	m->up = to == CONTAINER_RUNNING || (m->up && container_has_process(to));
}

static const char *name_of(const struct member *m)
{
	return m->sc.spec->name;
}

/* *TEXT becomes a copy of WORDS; NULL or "": nothing. */
static void say(char **text, const char *words)
{
	char *copy = text_empty(words) ? NULL : memory_strdup(words);

	free(*text);
	*text = copy;
}

static void set_timer(struct member *m, uint64_t us)
{
	ev_timer_stop(m->keeper->loop, &m->timer);
	ev_timer_set(&m->timer, (double)us / US_PER_SECOND, 0);
	ev_timer_start(m->keeper->loop, &m->timer);
}

/* --- starting ---------------------------------------------------------------------------------------------------------- */

static int open_log(struct member *m, struct error *err)
{
	struct keeper *k = m->keeper;
	const struct object_meta *meta = &k->pod->metadata;
	_cleanup_free_ char *path =
		memory_printf("%s_%s_%s/%s", meta->namespace, meta->name, meta->uid, name_of(m));
	int r = file_make_dirs(AT_FDCWD, k->in.log, 0755, err);
	_cleanup_close_ int top = r < 0 ? -1 : open(k->in.log, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (top < 0)
		return r < 0 ? r : error_errno(err, "cannot open '%s'", k->in.log);
	/* A container may have the host's log directory, and make links there. */
	int dir = path_make_dirs_in_root(top, path, 0755, 0, 0, err);
	if (dir < 0)
		return error_prefix(err, "the log");
	r = logfile_open(&m->log, dir, m->sc.attempt, LOG_BYTES, LOG_FILES, err);
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

/* The exit code of what could not be executed, as shells have it. */
static int code_of(const struct error *err)
{
	return err->code == ENOENT ? 127 : err->code == EACCES || err->code == ENOEXEC ? 126 : 128;
}

/* ERR is why it cannot be made or executed: kept until it ends, which may have happened already. */
static void note_failure(struct member *m, const struct error *err)
{
	say(&m->trouble, err->text);
	m->exit.code = code_of(err);
	m->reason = "StartError";
}

/* It could not even be made: an end like any other, with a reason (kubelet: CreateContainerError, StartError). */
static void could_not_start(struct member *m, const struct error *err)
{
	note_failure(m, err);
	say(&m->message, err->text);
	log_warning("%s: %s", name_of(m), err->text);
	struct exit_status status = { .code = code_of(err) };
	event_record(m->keeper, m, EVENT_WARNING, "Failed", "Error: %s", err->text);
	m->started_at = clock_wall();
	m->started_us = clock_boot_us();
	ended(m, status, "StartError");
}

void member_remember(struct member *m)
{
	if (!m->ran)
		return;
	m->has_last = true;
	m->last_exit = m->exit;
	m->last_reason = m->reason;
	m->last_started_at = m->started_at;
	m->last_finished_at = m->finished_at;
}

/* Whose processes an ephemeral container is to see. */
static const struct member *target_of(const struct member *m)
{
	const char *name = m->kind == KIND_EPHEMERAL ? m->sc.spec->targetContainerName : NULL;
	const struct member *target = name ? keeper_find(m->keeper, name, NULL) : NULL;

	return target && container_has_process(target->state) ? target : NULL;
}

/* An object that it needs is not there. It waits for as long as it takes, as with a kubelet: nothing has run, so nothing has ended. */
static void wait_for_object(struct member *m, const char *reason, const struct error *err)
{
	bool told = m->lacks && text_is(m->trouble, err->text);

	m->lacks = reason;
	m->tried = true;
	say(&m->trouble, err->text);
	member_enter(m, EVENT_ENDED_AGAIN);
	if (told)
		return;
	log_info("%s: %s", name_of(m), err->text);
	if (text_is(reason, "CreateContainerConfigError"))
		event_record(m->keeper, m, EVENT_WARNING, "Failed", "Error: %s", err->text);
	else
		event_record(m->keeper, NULL, EVENT_WARNING, "FailedMount", "MountVolume.SetUp failed: %s",
			     err->text);
}

void member_start(struct member *m)
{
	struct error err = {};

	own_log_limit(m->keeper);
	member_enter(m, EVENT_BEGIN);
	m->restart_wanted = m->killed = false;
	m->sc.attempt = m->starts;
	const struct member *target = target_of(m);
	m->sc.target = target ? target->sc.process.pid : 0;
	member_remember(m);
	int r = volumes_complete(&m->keeper->sandbox.volumes, &err);
	if (r == -ENODATA) {
		wait_for_object(m, "ContainerCreating", &err);
		return;
	}
	if (r == 0)
		r = sandbox_container_create(&m->keeper->sandbox, &m->sc, &err);
	if (r == -ENODATA) {
		wait_for_object(m, "CreateContainerConfigError", &err);
		return;
	}
	m->lacks = NULL;
	m->starts++;
	if (r < 0) {
		could_not_start(m, &err);
		return;
	}
	watch(m);
	m->waits = true;
	member_let_go(m);
}

/* `run` in the foreground wants all that its program says. Who restarts while others come to debug it is not held again. */
static bool is_held(const struct member *m)
{
	const struct keeper *k = m->keeper;
	return k->launch->hold && (m->kind == KIND_EPHEMERAL || k->n_debuggers == 0);
}

/* The word comes as early as it can, and the process finds it when it is set up: nobody waits for the other. */
void member_let_go(struct member *m)
{
	struct error err = {};

	if (!m->waits || !m->keeper->connected || is_held(m))
		return;
	m->waits = false;
	if (open_log(m, &err) == 0) {
		container_start(&m->sc.process, NULL);
		return;
	}
	note_failure(m, &err);
	ev_io_stop(m->keeper->loop, &m->report); /* nothing that it says counts any more */
	close_fd(&m->sc.process.sync);
	process_signal(m->sc.process.pidfd, SIGKILL);
}

void member_abandon(struct member *m)
{
	struct exit_status status;

	if (m->sc.process.pidfd < 0)
		return;
	process_signal(m->sc.process.pidfd, SIGKILL);
	process_wait(m->sc.process.pidfd, &status);
	sandbox_container_clean(&m->keeper->sandbox, &m->sc);
}

static struct check *begin_hook(struct member *m, const struct lifecycle_handler *h, double seconds,
				check_done *done)
{
	const struct check_wish wish = { .exec = h->exec,
					 .http_get = h->httpGet,
					 .sleep = h->sleep,
					 .agent = "kube-lifecycle/1.37 (seapod)",
					 .any_answer = true,
					 .seconds = seconds };
	return check_begin(m, &wish, done, m);
}

static void on_post_start(void *data, enum check_result result, const char *message)
{
	struct member *m = data;

	m->hook = NULL;
	if (result == CHECK_SUCCESS) {
		member_enter(m, EVENT_HOOKED);
		probes_begin(m);
	} else {
		event_record(m->keeper, m, EVENT_WARNING, "FailedPostStartHook", "PostStartHook failed: %s",
			     message);
		member_kill(m, keeper_grace(m->keeper), NULL);
	}
	keeper_advance(m->keeper);
}

static void note_execution(struct member *m)
{
	member_enter(m, EVENT_STARTED);
	m->started_at = clock_wall();
	m->started_us = clock_boot_us();
	m->tried = true;
	say(&m->trouble, NULL);
	event_record(m->keeper, m, EVENT_NORMAL, "Started", "Started container: %s", m->sc.spec->name);
}

/* The container counts as running once its postStart hook is over, which has no end to its time (docs "Container Lifecycle Hooks"). */
static void begin_running(struct member *m)
{
	const struct lifecycle *l = m->sc.spec->lifecycle;

	if (l && l->postStart) {
		m->hook = begin_hook(m, l->postStart, 0, on_post_start);
		return;
	}
	member_enter(m, EVENT_HOOKED);
	probes_begin(m);
}

/* One report of its process; 0: there is none. After a failure it is about to end, and on_ended goes on. */
static int hear(struct member *m)
{
	struct error err = {};
	int r = container_report(&m->sc.process, &err);

	if (m->sc.process.sync < 0)
		ev_io_stop(m->keeper->loop, &m->report);
	if (r < 0)
		note_failure(m, &err);
	else if (r > 0 && m->state == CONTAINER_STARTING)
		note_execution(m);
	else if (r > 0 && m->state == CONTAINER_CREATING) {
		member_enter(m, EVENT_CREATED);
		event_record(m->keeper, m, EVENT_NORMAL, "Created", "Created container: %s",
			     m->sc.spec->name);
	}
	return r;
}

static void on_report(struct ev_loop *loop, ev_io *w, int events)
{
	struct member *m = w->data;
	enum container_state before = m->state;
	(void)loop;
	(void)events;

	if (hear(m) <= 0 || before == CONTAINER_CREATING)
		return;
	if (before == CONTAINER_STARTING)
		begin_running(m);
	keeper_advance(m->keeper);
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
	say(&m->message, message ? message : text_str(&log));
}

/* Who was killed for a probe's or hook's sake is started again unless nothing ever is (computePodActions: any policy but Never). */
static enum policy_again what_next(const struct member *m, struct exit_status status)
{
	const struct keeper *k = m->keeper;
	int code = m->killed && status.code == 0 ? 128 + SIGKILL : status.code;
	const struct restart_question question = { m->kind, k->pod->spec.restartPolicy, m->sc.spec, code };
	bool told_to_end = m->state == CONTAINER_STOPPING && !m->killed;

	if (k->ending || k->renewing)
		return AGAIN_NO;
	if (m->restart_wanted)
		return AGAIN_IT;
	return told_to_end ? AGAIN_NO : policy_restart(&question);
}

static void wait_for_restart(struct member *m)
{
	const struct object_meta *meta = &m->keeper->pod->metadata;

	m->wait_us = m->restart_wanted ? 0
				       : backoff_next(&m->backoff, &m->keeper->backoff,
						      clock_boot_us() - m->started_us);
	if (m->wait_us)
		event_record(m->keeper, m, EVENT_WARNING, "BackOff",
			     "Back-off restarting failed container %s in pod %s_%s(%s)", name_of(m),
			     meta->name, meta->namespace, meta->uid);
	set_timer(m, m->wait_us);
}

/* What goes on around its program does not go on; whether it is ready is asked until it has ended (kubelet SyncTerminatingPod). */
static void leave_all(struct member *m)
{
	ev_timer_stop(m->keeper->loop, &m->timer);
	check_cancel(m->hook);
	m->hook = NULL;
	probes_leave(m);
}

static void ended(struct member *m, struct exit_status status, const char *reason)
{
	enum policy_again again = what_next(m, status);

	m->exit = status;
	m->reason = reason;
	m->finished_at = clock_wall();
	m->ran = m->tried = true;
	m->succeeded = status.code == 0;
	if (m->kind == KIND_INIT && m->succeeded)
		m->passed = true;
	leave_all(m);
	probes_end(m);
	if (m->logging)
		logfile_close(&m->log);
	m->logging = m->killed = false;
	member_enter(m, again == AGAIN_IT ? EVENT_ENDED_AGAIN : EVENT_ENDED);
	if (m->state == CONTAINER_BACKOFF)
		wait_for_restart(m);
	if (again == AGAIN_ALL)
		renew_begin(m);
}

static void on_ended(struct ev_loop *loop, ev_io *w, int events)
{
	struct member *m = w->data;
	struct exit_status status = {};
	(void)events;

	if (process_reap(m->sc.process.pidfd, &status) == 0)
		return;
	while (m->sc.process.sync >= 0 && hear(m) > 0) /* its last words may still be there */
		;
	ev_io_stop(loop, &m->report);
	ev_io_stop(loop, w);
	bool oom = sandbox_container_was_oom_killed(&m->sc);
	bool never_ran = (m->state == CONTAINER_CREATING || m->state == CONTAINER_STARTING) && m->trouble;
	outlet_close(&m->out);
	outlet_close(&m->err);
	take_message(m, status.code != 0);
	if (never_ran) {
		status = (struct exit_status){ .code = m->exit.code };
		say(&m->message, m->trouble);
		m->started_at = clock_wall();
		m->started_us = clock_boot_us();
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

/* The time is over. A first process that is process 1 of a pid namespace takes all others with it. Where it is not (hostPID, shareProcessNamespace, an
 * ephemeral container in its target's), they would live until its cgroup is removed: all are killed now. */
static void kill_hard(struct member *m)
{
	const struct pod_spec *spec = &m->keeper->pod->spec;

	process_signal(m->sc.process.pidfd, SIGKILL);
	if (spec->hostPID || spec->shareProcessNamespace.value || m->kind == KIND_EPHEMERAL)
		cgroup_kill(&m->sc.cgroup);
}

static void on_timer(struct ev_loop *loop, ev_timer *w, int events)
{
	struct member *m = w->data;
	(void)loop;
	(void)events;

	if (m->state == CONTAINER_BACKOFF) {
		member_start(m);
		keeper_advance(m->keeper);
	} else if (m->sc.process.pidfd >= 0) {
		kill_hard(m);
	}
}

static void on_pre_stop(void *data, enum check_result result, const char *message)
{
	struct member *m = data;

	m->hook = NULL;
	if (result != CHECK_SUCCESS)
		event_record(m->keeper, m, EVENT_WARNING, "FailedPreStopHook", "PreStopHook failed: %s",
			     message);
	keeper_advance(m->keeper);
}

static bool has_pre_stop(const struct member *m)
{
	return m->sc.spec->lifecycle && m->sc.spec->lifecycle->preStop;
}

bool member_is_hooked(const struct member *m)
{
	return m->state == CONTAINER_LEAVING ? m->hook != NULL
					     : has_pre_stop(m) && grace_has_hooks(&m->keeper->grace);
}

void member_leave(struct member *m, struct grace grace)
{
	leave_all(m); /* a postStart hook that still runs is over, too */
	m->grace = grace;
	member_enter(m, EVENT_LEAVE);
	m->hook = begin_hook(m, m->sc.spec->lifecycle->preStop, (double)grace.seconds, on_pre_stop);
}

void member_stop(struct member *m, struct grace grace)
{
	bool has_left = m->state == CONTAINER_LEAVING;
	bool runs = has_left || m->state == CONTAINER_RUNNING || m->state == CONTAINER_HOOKING;

	leave_all(m);
	if (!has_left)
		m->grace = grace;
	member_enter(m, EVENT_STOP);
	if (m->state != CONTAINER_STOPPING)
		return;
	if (!m->killed)
		event_record(m->keeper, m, EVENT_NORMAL, "Killing", "Stopping container %s", name_of(m));
	uint64_t left = grace_left_us(&m->grace, clock_boot_us());
	if (left == 0 || !runs) {
		kill_hard(m);
		return;
	}
	process_signal(m->sc.process.pidfd, stop_signal(m));
	set_timer(m, left);
}

void member_end(struct member *m, int64_t seconds)
{
	const struct grace grace = grace_begin(seconds, clock_boot_us());

	if (has_pre_stop(m) && grace_has_hooks(&grace))
		member_leave(m, grace);
	else
		member_stop(m, grace);
}

void member_hurry(struct member *m, int64_t seconds)
{
	uint64_t now = clock_boot_us();

	grace_shorten(&m->grace, seconds, now);
	if (m->state == CONTAINER_STOPPING)
		set_timer(m, grace_left_us(&m->grace, now));
	else if (m->state == CONTAINER_LEAVING && !grace_has_hooks(&m->grace))
		member_stop(m, m->grace);
}

void member_kill(struct member *m, int64_t grace, const char *probe)
{
	const char *policy =
		m->sc.spec->restartPolicy ? m->sc.spec->restartPolicy : m->keeper->pod->spec.restartPolicy;

	if (m->state != CONTAINER_RUNNING && m->state != CONTAINER_HOOKING)
		return;
	m->killed = true;
	if (probe)
		event_record(m->keeper, m, EVENT_NORMAL, "Killing", "Container %s failed %s%s", name_of(m),
			     probe, text_is(policy, "Never") ? "" : ", will be restarted");
	else
		event_record(m->keeper, m, EVENT_NORMAL, "Killing", "FailedPostStartHook");
	member_end(m, grace);
}

void member_init(struct member *m, struct keeper *k, const struct container *c, enum container_kind kind)
{
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
	probes_add(m);
}
