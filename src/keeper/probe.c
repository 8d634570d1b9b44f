/* probe.c — see probe.h. */
#include "keeper/probe.h"

static const struct {
	const char *name;
	enum probe_value at_first;
	bool fatal;
} kinds[PROBE_KINDS] = {
	[PROBE_STARTUP] = { "Startup", PROBE_UNKNOWN, true },
	[PROBE_READINESS] = { "Readiness", PROBE_FAILURE, false },
	[PROBE_LIVENESS] = { "Liveness", PROBE_SUCCESS, true },
};

const char *probe_name(enum probe_kind kind)
{
	return kinds[kind].name;
}

const struct probe *probe_of(const struct container *c, enum probe_kind kind)
{
	return kind == PROBE_STARTUP     ? c->startupProbe
	       : kind == PROBE_READINESS ? c->readinessProbe
					 : c->livenessProbe;
}

void probe_begin(struct probe_state *s, enum probe_kind kind)
{
	*s = (struct probe_state){ .value = kinds[kind].at_first };
}

bool probe_take(struct probe_state *s, enum probe_kind kind, const struct probe *probe,
		enum probe_value result)
{
	if (result == PROBE_UNKNOWN || s->rests)
		return false;
	s->in_a_row = s->last == result ? s->in_a_row + 1 : 1;
	s->last = result;
	if (s->in_a_row < (result == PROBE_SUCCESS ? probe->successThreshold : probe->failureThreshold))
		return false;
	bool changed = s->value != result;
	s->value = result;
	s->rests = kinds[kind].fatal && (result == PROBE_FAILURE || kind == PROBE_STARTUP);
	return changed;
}

bool probe_is_fatal(const struct probe_state *s, enum probe_kind kind)
{
	return kinds[kind].fatal && s->value == PROBE_FAILURE;
}

double probe_first(enum probe_kind kind, const struct probe *probe, double since)
{
	double delay = probe->initialDelaySeconds - since;

	if (kind == PROBE_LIVENESS && delay < probe->periodSeconds)
		return probe->periodSeconds;
	return delay > 0 ? delay : 0;
}
