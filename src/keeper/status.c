/* status.c — the pod's status as Kubernetes writes it, into status.json by rename; nobody ever reads half of it.
 *
 * Reasons and messages as the kubelet's (pkg/kubelet/kubelet_pods.go, status/generate.go).
 */
#include <stdio.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "keeper/keeper.h"

struct writing {
	struct keeper *keeper;
	struct arena *arena;
	struct pod_status status;
};

static const char *time_text(struct arena *a, struct timespec t)
{
	char text[CLOCK_TEXT_SIZE];
	return arena_strdup(a, clock_rfc3339(t, text));
}

static const char *container_id(const struct writing *w, const struct member *m, unsigned run)
{
	return arena_printf(w->arena, "seapod://%s/%s/%u", w->keeper->pod->metadata.uid, m->sc.spec->name,
			    run);
}

static struct state_terminated *terminated(const struct writing *w, const struct member *m, bool last)
{
	struct state_terminated *t = arena_one(w->arena, struct state_terminated);
	const struct exit_status *exit = last ? &m->last_exit : &m->exit;

	t->exitCode = exit->code;
	t->signal = exit->signal;
	t->reason = last ? m->last_reason : m->reason;
	t->message = last ? NULL : m->message;
	t->startedAt = time_text(w->arena, last ? m->last_started_at : m->started_at);
	t->finishedAt = time_text(w->arena, last ? m->last_finished_at : m->finished_at);
	t->containerID = container_id(w, m, last ? m->starts - 2 : m->starts - 1);
	return t;
}

/* The kubelet's words, which people search for (kuberuntime_manager.go doBackOff). */
static const char *backoff_message(const struct writing *w, const struct member *m)
{
	const struct object_meta *meta = &w->keeper->pod->metadata;
	uint64_t seconds = m->wait_us / US_PER_SECOND;
	const char *wait =
		seconds < 60 ? arena_printf(w->arena, "%ds", (int)seconds)
			     : arena_printf(w->arena, "%dm%ds", (int)(seconds / 60), (int)(seconds % 60));

	return arena_printf(w->arena, "back-off %s restarting failed container=%s pod=%s_%s(%s)", wait,
			    m->sc.spec->name, meta->name, meta->namespace, meta->uid);
}

static void fill_state(const struct writing *w, const struct member *m, struct container_status *s)
{
	bool stopping = (m->state == CONTAINER_STOPPING || m->state == CONTAINER_LEAVING) && m->started_us;
	bool at_once = m->state == CONTAINER_BACKOFF && m->wait_us == 0 &&
		       !m->lacks; /* it is as it ended until it runs again */
	bool again = m->has_last && (m->state == CONTAINER_CREATING || m->state == CONTAINER_STARTING);

	if (m->state == CONTAINER_RUNNING || stopping) {
		s->state.running = arena_one(w->arena, struct state_running);
		s->state.running->startedAt = time_text(w->arena, m->started_at);
	} else if ((m->state == CONTAINER_ENDED && m->ran) || at_once) {
		s->state.terminated = terminated(w, m, false);
	} else if (again) {
		s->state.terminated = terminated(w, m, true);
	} else {
		s->state.waiting = arena_one(w->arena, struct state_waiting);
		s->state.waiting->reason = m->state == CONTAINER_BACKOFF && m->lacks ? m->lacks
					   : m->state == CONTAINER_BACKOFF           ? "CrashLoopBackOff"
					   : m->state == CONTAINER_WAITING && m->kind == KIND_APP
						   ? "PodInitializing"
						   : "ContainerCreating";
		s->state.waiting->message = m->trouble;
		if (m->state == CONTAINER_BACKOFF && !m->trouble)
			s->state.waiting->message = backoff_message(w, m);
		if (m->state == CONTAINER_BACKOFF && !m->lacks)
			s->lastState.terminated = terminated(w, m, false);
	}
	if (m->has_last && !s->lastState.terminated)
		s->lastState.terminated = terminated(w, m, true);
}

/* KEP-3619; the primary group is one of them, as containerd has it. */
static struct container_user *user_of(const struct writing *w, const struct member *m)
{
	struct container_user *user = arena_one(w->arena, struct container_user);

	user->linux_ = arena_one(w->arena, struct linux_user);
	user->linux_->uid = m->sc.uid;
	user->linux_->gid = m->sc.gid;
	*list_add(w->arena, &user->linux_->supplementalGroups) = m->sc.gid;
	list_each(group, &m->sc.groups)
		if (*group != m->sc.gid)
			*list_add(w->arena, &user->linux_->supplementalGroups) = *group;
	return user;
}

static void add_container(struct writing *w, const struct member *m)
{
	struct container_statuses *all = m->kind == KIND_APP         ? &w->status.containerStatuses
					 : m->kind == KIND_EPHEMERAL ? &w->status.ephemeralContainerStatuses
								     : &w->status.initContainerStatuses;
	struct container_status *s = list_add(w->arena, all);

	s->name = m->sc.spec->name;
	s->image = m->sc.image->reference;
	s->imageID = m->sc.image->id;
	s->ready = m->kind == KIND_INIT ? m->passed : m->kind != KIND_EPHEMERAL && probes_are_ready(m);
	s->restartCount = m->starts > 1 ? (int32_t)m->starts - 1 : 0;
	s->started = (struct optional_bool){ true, probes_have_started(m) };
	if (container_has_process(m->state) &&
	    (m->sc.spec->resources.limits.n || m->sc.spec->resources.requests.n)) {
		s->resources = (struct resource_requirements *)&m->sc.spec->resources;
		s->allocatedResources = m->sc.spec->resources.requests;
	}
	s->user = m->ran || (m->state >= CONTAINER_HOOKING && container_has_process(m->state)) ? user_of(w, m)
											       : NULL;
	s->containerID = m->starts ? container_id(w, m, m->starts - 1) : NULL;
	fill_state(w, m, s);
}

const char *status_phase(const struct keeper *k)
{
	_cleanup_free_ struct container_view *views = memory_new(k->n, sizeof(*views));

	keeper_views(k, views);
	if (k->reason && k->over)
		return "Failed";
	return policy_phase(views, k->n, k->ending);
}

/* The first network's, IPv4 and IPv6, then those of the others. */
static void fill_addresses(struct writing *w)
{
	const struct sandbox *sandbox = &w->keeper->sandbox;
	struct pod_status *s = &w->status;

	if (!*sandbox->ip)
		return;
	s->podIP = sandbox->ip;
	if (sandbox->endpoints.n == 0)
		*list_add(w->arena, &s->podIPs) = (struct ip_status){ sandbox->ip };
	for (unsigned i = 0; i < sandbox->endpoints.n; i++) {
		const struct endpoint_record *r = &sandbox->endpoints.at[i].record;
		*list_add(w->arena, &s->podIPs) = (struct ip_status){ r->address };
		if (r->address6)
			*list_add(w->arena, &s->podIPs) = (struct ip_status){ r->address6 };
	}
}

static void fill(struct writing *w)
{
	struct keeper *k = w->keeper;
	struct pod_status *s = &w->status;

	s->phase = status_phase(k);
	s->reason = k->reason;
	s->message = k->message;
	s->startTime = time_text(w->arena, k->start_time);
	s->qosClass = pod_qos_class(&k->pod->spec);
	s->resources = k->pod->spec.resources;
	if (s->resources)
		s->allocatedResources = s->resources->requests;
	s->hostIP = k->sandbox.host_ip;
	*list_add(w->arena, &s->hostIPs) = (struct ip_status){ k->sandbox.host_ip };
	fill_addresses(w);
	conditions_fill(k, s, w->arena);
	for (size_t i = 0; i < k->n; i++)
		add_container(w, keeper_member(k, i));
}

void status_write(struct keeper *k)
{
	ev_idle_stop(k->loop, &k->status_news);
	_cleanup_arena_ struct arena *a = arena_new();
	_cleanup_text_ struct text text = {};
	struct error err = {};
	struct writing w = { .keeper = k, .arena = a };

	fill(&w);
	node_to_json(object_encode(&pod_status_table, &w.status, a), false, &text);
	if (file_write_atomic(k->sandbox.dir, "status.json", text.at, text.n, 0644, &err) == 0) {
		ev_timer_stop(k->loop, &k->status_again);
	} else if (!ev_is_active(&k->status_again)) {
		log_warning("the status cannot be written: %s", err.text);
		ev_timer_start(k->loop, &k->status_again);
	}
}

static void on_news(struct ev_loop *loop, ev_idle *w, int events)
{
	struct keeper *k = w->data;
	(void)loop;
	(void)events;

	forwarding_tell(k);
	status_write(k);
	control_announce(k);
}

void status_changed(struct keeper *k)
{
	if (!k->over)
		ev_idle_start(k->loop, &k->status_news);
	else
		on_news(k->loop, &k->status_news, 0);
}

void status_is_written(struct keeper *k)
{
	if (!ev_is_active(&k->status_news))
		return;
	status_write(k);
	ev_idle_start(k->loop, &k->status_news); /* it is still to be announced */
}

static void on_status_again(struct ev_loop *loop, ev_timer *w, int events)
{
	(void)loop;
	(void)events;

	status_write(w->data);
}

void status_begin(struct keeper *k)
{
	enum { AGAIN_S = 1 };

	ev_timer_init(&k->status_again, on_status_again, AGAIN_S, AGAIN_S);
	ev_idle_init(&k->status_news, on_news);
	k->status_again.data = k->status_news.data = k;
}

/* pod.json: the object; launch.json: what is needed to start it again. */
int keeper_write_objects(struct keeper *k, struct error *err)
{
	_cleanup_arena_ struct arena *a = arena_new();
	_cleanup_text_ struct text pod = {}, launch = {};
	struct pod_status status = k->pod->status;

	k->pod->status = (struct pod_status){};
	const struct node *whole = object_encode(&launch_table, k->launch, a);
	node_to_json(node_get(whole, "pod"), false, &pod);
	node_to_json(whole, false, &launch);
	k->pod->status = status;
	int r = file_write_atomic(k->sandbox.dir, "pod.json", pod.at, pod.n, 0600, err);
	return r < 0 ? r : file_write_atomic(k->sandbox.dir, "launch.json", launch.at, launch.n, 0600, err);
}
