/* prober.c — runs the probes of a container, and carries out what their results mean (probe.h).
 *
 * A probe is a timer and, while it tries, a check. A pod without probes has none of both. The timers of many containers that start together would fire
 * together for ever; the kubelet spreads them by chance when it has started itself just now (worker.go run), which is always so for a keeper: so
 * the second try of a probe comes early, by a random part of half a period, and the others a period after each other.
 *
 * Sources: kubelet prober/prober.go (events and their words), prober/worker.go; kuberuntime_manager.go computePodActions (what is killed).
 */
#include <stdlib.h>

#include "base/clock.h"
#include "keeper/check.h"
#include "keeper/probe.h"

#define PROBE_AGENT "kube-probe/1.37 (seapod)"

struct prober {
	struct member *member;
	enum probe_kind kind;
	struct probe_state state;
	ev_timer timer;
	struct check *check; /* the try that is under way */
};

static const struct probe *spec_of(const struct prober *p)
{
	return probe_of(p->member->sc.spec, p->kind);
}

static struct prober *find(const struct member *m, enum probe_kind kind)
{
	for (size_t i = 0; i < m->prober_count; i++)
		if (m->probers[i].kind == kind)
			return &m->probers[i];
	return NULL;
}

bool probes_have_started(const struct member *m)
{
	const struct prober *p = find(m, PROBE_STARTUP);
	return m->up && (!p || p->state.value == PROBE_SUCCESS);
}

bool probes_are_ready(const struct member *m)
{
	const struct prober *p = find(m, PROBE_READINESS);
	return probes_have_started(m) && (!p || p->state.value == PROBE_SUCCESS);
}

static void arm(struct prober *p)
{
	struct ev_loop *loop = p->member->keeper->loop;
	double since = (double)(clock_boot_us() - p->member->started_us) / US_PER_SECOND;

	ev_timer_stop(loop, &p->timer);
	ev_timer_set(&p->timer, probe_first(p->kind, spec_of(p), since), 0);
	ev_timer_start(loop, &p->timer);
}

static void tell(const struct prober *p, enum check_result result, const char *message)
{
	const struct member *m = p->member;
	const char *name = probe_name(p->kind);

	if (result == CHECK_WARNING)
		event_record(m->keeper, m, EVENT_WARNING, "ProbeWarning", "%s probe warning: %s", name,
			     message);
	else if (result == CHECK_ERROR)
		event_record(m->keeper, m, EVENT_WARNING, "Unhealthy",
			     "%s probe errored and resulted in unknown state: %s", name, message);
	else if (result == CHECK_FAILURE)
		event_record(m->keeper, m, EVENT_WARNING, "Unhealthy", "%s probe failed: %s", name, message);
}

/* Nothing holds the other probes any more. */
static void release(struct member *m)
{
	m->passed = m->passed || m->kind == KIND_SIDECAR;
	for (size_t i = 0; i < m->prober_count; i++)
		if (m->probers[i].kind != PROBE_STARTUP)
			arm(&m->probers[i]);
}

static void kill_for(struct prober *p)
{
	struct member *m = p->member;

	member_kill(m,
		    grace_choose(NULL, &spec_of(p)->terminationGracePeriodSeconds,
				 &m->keeper->pod->spec.terminationGracePeriodSeconds),
		    p->kind == PROBE_STARTUP ? "startup probe" : "liveness probe");
}

static void on_done(void *data, enum check_result result, const char *message)
{
	static const enum probe_value values[] = { PROBE_SUCCESS, PROBE_SUCCESS, PROBE_FAILURE,
						   PROBE_UNKNOWN };
	struct prober *p = data;
	struct member *m = p->member;

	p->check = NULL;
	tell(p, result, message);
	if (!probe_take(&p->state, p->kind, spec_of(p), values[result]))
		return;
	if (probe_is_fatal(&p->state, p->kind))
		kill_for(p);
	else if (p->kind == PROBE_STARTUP)
		release(m);
	keeper_advance(m->keeper);
}

static void try_it(struct prober *p)
{
	const struct probe *probe = spec_of(p);
	const struct check_wish wish = { .exec = probe->exec,
					 .http_get = probe->httpGet,
					 .tcp_socket = probe->tcpSocket,
					 .grpc = probe->grpc,
					 .agent = PROBE_AGENT,
					 .seconds = probe->timeoutSeconds };

	p->check = check_begin(p->member, &wish, on_done, p);
}

static void on_timer(struct ev_loop *loop, ev_timer *w, int events)
{
	struct prober *p = w->data;
	double period = spec_of(p)->periodSeconds;
	(void)events;

	if (p->state.rests) {
		ev_timer_stop(loop, w);
		return;
	}
	if (w->repeat <= 0) { /* the first one */
		ev_timer_set(w, period * (0.5 + 0.5 * arc4random() / UINT32_MAX), period);
		ev_timer_start(loop, w);
	}
	if (!p->check) /* else the last try still goes on, and this one is left out */
		try_it(p);
}

void probes_add(struct member *m)
{
	for (int kind = 0; kind < PROBE_KINDS; kind++)
		m->prober_count += probe_of(m->sc.spec, (enum probe_kind)kind) != NULL;
	if (m->prober_count == 0)
		return;
	struct prober *p = m->probers = memory_new(m->prober_count, sizeof(*m->probers));
	for (int kind = 0; kind < PROBE_KINDS; kind++) {
		if (!probe_of(m->sc.spec, (enum probe_kind)kind))
			continue;
		*p = (struct prober){ .member = m, .kind = (enum probe_kind)kind };
		ev_timer_init(&p->timer, on_timer, 0, 0);
		p->timer.data = p;
		p++;
	}
}

void probes_begin(struct member *m)
{
	struct prober *startup = find(m, PROBE_STARTUP);

	for (size_t i = 0; i < m->prober_count; i++)
		probe_begin(&m->probers[i].state, m->probers[i].kind);
	if (startup)
		arm(startup);
	else
		release(m);
}

static void end(struct prober *p)
{
	ev_timer_stop(p->member->keeper->loop, &p->timer);
	check_cancel(p->check);
	p->check = NULL;
	p->state.rests = true;
}

/* The kubelet ends the workers of the others (StopLivenessAndStartup); a container that was still to pass its startup probe counts as started then. */
void probes_leave(struct member *m)
{
	struct prober *startup = find(m, PROBE_STARTUP), *readiness = find(m, PROBE_READINESS);

	for (size_t i = 0; i < m->prober_count; i++)
		if (m->probers[i].kind != PROBE_READINESS)
			end(&m->probers[i]);
	if (!m->up)
		probes_end(m);
	else if (startup && startup->state.value != PROBE_SUCCESS && m->keeper->ending && readiness)
		arm(readiness);
	if (startup && m->keeper->ending)
		startup->state.value = PROBE_SUCCESS;
}

void probes_end(struct member *m)
{
	for (size_t i = 0; i < m->prober_count; i++)
		end(&m->probers[i]);
}
