/* life.c — the pod as a whole: asks policy about every container after each event until nothing more is to be done, ends it, restarts it.
 *
 * What happens to one container is member.c.
 */
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "keeper/check.h"
#include "keeper/keeper.h"

struct member *keeper_member(const struct keeper *k, size_t i)
{
	size_t first = k->n - k->n_debuggers;
	return i < first ? &k->members[i] : k->debuggers[i - first];
}

/* Watchers are in it, so it stays where it is. */
void keeper_add(struct keeper *k, const struct container *c)
{
	struct member *m = memory_one(struct member);

	k->debuggers = memory_grow(k->debuggers, k->n_debuggers + 1, sizeof(struct member *));
	k->debuggers[k->n_debuggers++] = m;
	k->n++;
	member_init(m, k, c, KIND_EPHEMERAL);
}

void keeper_views(const struct keeper *k, struct container_view *views)
{
	for (size_t i = 0; i < k->n; i++) {
		const struct member *m = keeper_member(k, i);
		views[i] = (struct container_view){ m->kind,      m->state, m->passed, member_is_hooked(m),
						    m->succeeded, m->ran };
	}
}

/* One decision; true if something was done. */
static bool act(struct keeper *k, struct container_view *views)
{
	for (size_t i = 0; i < k->n; i++) {
		enum policy_action action = policy_container(views, k->n, i, k->ending);
		if (action == POLICY_BEGIN)
			member_start(keeper_member(k, i));
		else if (action == POLICY_LEAVE)
			member_leave(keeper_member(k, i), k->grace);
		else if (action == POLICY_STOP)
			member_stop(keeper_member(k, i), k->grace); /* one that leaves goes on with its own */
		if (action != POLICY_NOTHING)
			return true;
	}
	return false;
}

void keeper_advance(struct keeper *k)
{
	_cleanup_free_ struct container_view *views = memory_new(k->n, sizeof(*views));
	bool over = true;

	if (k->renewing)
		renew_advance(k);
	do {
		keeper_views(k, views);
		if (!k->ending && !k->renewing && policy_pod_over(views, k->n)) {
			k->ending = ENDING_FINISHED;
			k->grace = grace_begin(keeper_grace(k), clock_boot_us());
		}
	} while (!k->renewing && act(k, views));
	for (size_t i = 0; i < k->n; i++)
		over = over && keeper_member(k, i)->state == CONTAINER_ENDED;
	k->over = k->ending && over;
	status_changed(k);
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

int64_t keeper_grace(const struct keeper *k)
{
	return grace_choose(NULL, NULL, &k->pod->spec.terminationGracePeriodSeconds);
}

void keeper_end(struct keeper *k, enum ending how, int64_t grace)
{
	if (how == ENDING_DELETED && k->ending != ENDING_DELETED)
		mark_deleted(k, grace);
	if (k->ending)
		grace_shorten(&k->grace, grace, clock_boot_us());
	else
		k->grace = grace_begin(grace, clock_boot_us());
	if (how > k->ending)
		k->ending = how;
	forwarding_tell(k); /* nobody is sent to it once it is told to end */
	k->renewing = NULL;
	for (size_t i = 0; i < k->n; i++) {
		struct member *m = keeper_member(k, i);
		m->restart_wanted = m->killed = false;
		if (m->state == CONTAINER_STOPPING ||
		    m->state == CONTAINER_LEAVING) /* a second, shorter request counts */
			member_hurry(m, grace);
	}
	keeper_advance(k);
}

void keeper_restart(struct keeper *k, struct member *only, int64_t grace)
{
	for (size_t i = 0; i < k->n; i++) {
		struct member *m = keeper_member(k, i);
		if ((only && only != m) || m->kind == KIND_INIT || m->kind == KIND_EPHEMERAL)
			continue;
		if (m->state == CONTAINER_RUNNING) {
			m->restart_wanted = true;
			member_end(m, grace);
		} else if (m->state == CONTAINER_BACKOFF) {
			ev_timer_stop(k->loop, &m->timer);
			member_start(m);
		}
	}
	keeper_advance(k);
}

void keeper_retry(struct keeper *k)
{
	for (size_t i = 0; i < k->n; i++) {
		struct member *m = keeper_member(k, i);
		if (m->state == CONTAINER_BACKOFF && m->lacks)
			member_start(m);
	}
	keeper_advance(k);
}

bool keeper_is_restarting(const struct keeper *k)
{
	for (size_t i = 0; i < k->n; i++)
		if (keeper_member(k, i)->restart_wanted || keeper_member(k, i)->state == CONTAINER_CREATING ||
		    keeper_member(k, i)->state == CONTAINER_STARTING)
			return true;
	return false;
}

struct member *keeper_find(struct keeper *k, const char *container, struct error *err)
{
	for (size_t i = 0; i < k->n; i++) {
		struct member *m = keeper_member(k, i);
		if (container ? text_is(m->sc.spec->name, container) : m->kind == KIND_APP)
			return m;
	}
	_cleanup_text_ struct text names = {};
	for (size_t i = 0; i < k->n; i++)
		text_printf(&names, "%s%s", i ? ", " : "", keeper_member(k, i)->sc.spec->name);
	error_set(err, ENOENT, "the pod '%s' has no container '%s' (it has %s)", k->pod->metadata.name,
		  container ? container : "", text_str(&names));
	return NULL;
}

bool keeper_is_settled(const struct keeper *k)
{
	for (size_t i = 0; i < k->n; i++)
		if (!keeper_member(k, i)->tried &&
		    !(k->ending && keeper_member(k, i)->state == CONTAINER_ENDED))
			return false;
	return true;
}

const char *keeper_trouble(const struct keeper *k)
{
	for (size_t i = 0; i < k->n; i++)
		if (keeper_member(k, i)->trouble)
			return keeper_member(k, i)->trouble;
	return NULL;
}

static void on_deadline(struct ev_loop *loop, ev_timer *w, int events)
{
	struct keeper *k = w->data;
	(void)loop;
	(void)events;

	if (!k->reason)
		k->reason = "DeadlineExceeded";
	keeper_end(k, ENDING_FINISHED, keeper_grace(k));
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

void keeper_begin(struct keeper *k)
{
	const struct pod_spec *spec = &k->pod->spec;

	k->start_time = clock_wall();
	k->members = memory_new(spec->initContainers.n + spec->containers.n, sizeof(*k->members));
	list_each(c, &spec->initContainers)
		member_init(&k->members[k->n++], k, c, container_is_sidecar(c) ? KIND_SIDECAR : KIND_INIT);
	list_each(c, &spec->containers)
		member_init(&k->members[k->n++], k, c, KIND_APP);
	ev_timer_init(&k->deadline, on_deadline, 0, 0);
	k->deadline.data = k;
	status_begin(k);
	keeper_set_deadline(k);
	storage_begin(k);
	keeper_advance(k);
}
