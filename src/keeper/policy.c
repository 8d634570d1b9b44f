/* policy.c — see policy.h. */
#include "keeper/policy.h"

#include "base/text.h"

#define TO(state)                       \
	{                               \
		true, CONTAINER_##state \
	}

/* What is not here leaves the state as it is. */
static const struct {
	bool leads;
	enum container_state to;
} next[CONTAINER_STATES][CONTAINER_EVENTS] = {
	[CONTAINER_WAITING] = {
		[EVENT_BEGIN] = TO(CREATING),
		[EVENT_ENDED] = TO(ENDED),
		[EVENT_STOP] = TO(ENDED),
	},
	[CONTAINER_CREATING] = {
		[EVENT_CREATED] = TO(STARTING),
		[EVENT_ENDED_AGAIN] = TO(BACKOFF),
		[EVENT_ENDED] = TO(ENDED),
		[EVENT_STOP] = TO(STOPPING),
	},
	[CONTAINER_STARTING] = {
		[EVENT_STARTED] = TO(HOOKING),
		[EVENT_ENDED_AGAIN] = TO(BACKOFF),
		[EVENT_ENDED] = TO(ENDED),
		[EVENT_STOP] = TO(STOPPING),
	},
	[CONTAINER_HOOKING] = {
		[EVENT_HOOKED] = TO(RUNNING),
		[EVENT_ENDED_AGAIN] = TO(BACKOFF),
		[EVENT_ENDED] = TO(ENDED),
		[EVENT_LEAVE] = TO(LEAVING),
		[EVENT_STOP] = TO(STOPPING),
	},
	[CONTAINER_RUNNING] = {
		[EVENT_ENDED_AGAIN] = TO(BACKOFF),
		[EVENT_ENDED] = TO(ENDED),
		[EVENT_LEAVE] = TO(LEAVING),
		[EVENT_STOP] = TO(STOPPING),
	},
	[CONTAINER_BACKOFF] = {
		[EVENT_BEGIN] = TO(CREATING),
		[EVENT_ENDED] = TO(ENDED),
		[EVENT_STOP] = TO(ENDED),
		[EVENT_RESET] = TO(WAITING),
	},
	[CONTAINER_LEAVING] = {
		[EVENT_ENDED_AGAIN] = TO(BACKOFF),
		[EVENT_ENDED] = TO(ENDED),
		[EVENT_STOP] = TO(STOPPING),
	},
	[CONTAINER_STOPPING] = {
		[EVENT_ENDED_AGAIN] = TO(BACKOFF),
		[EVENT_ENDED] = TO(ENDED),
	},
	[CONTAINER_ENDED] = {
		[EVENT_RESET] = TO(WAITING),
	},
};

#undef TO

enum container_state container_next(enum container_state state, enum container_event event)
{
	return next[state][event].leads ? next[state][event].to : state;
}

const char *container_state_name(enum container_state state)
{
	static const char *const names[CONTAINER_STATES] = {
		[CONTAINER_WAITING] = "waiting",   [CONTAINER_CREATING] = "creating",
		[CONTAINER_STARTING] = "starting", [CONTAINER_HOOKING] = "hooking",
		[CONTAINER_RUNNING] = "running",   [CONTAINER_BACKOFF] = "backing off",
		[CONTAINER_LEAVING] = "leaving",   [CONTAINER_STOPPING] = "stopping",
		[CONTAINER_ENDED] = "ended",
	};
	return names[state];
}

bool container_has_process(enum container_state state)
{
	return state != CONTAINER_WAITING && state != CONTAINER_BACKOFF && state != CONTAINER_ENDED;
}

/* Sidecar I may end only when everything that may still use it has: apps, init containers, and later sidecars. */
static bool still_needed(const struct container_view *c, size_t n, size_t i)
{
	for (size_t j = 0; j < n; j++) {
		bool before_it = c[j].kind != KIND_SIDECAR || j > i;
		if (j != i && before_it && container_has_process(c[j].state))
			return true;
	}
	return false;
}

static bool all_before_passed(const struct container_view *c, size_t i)
{
	for (size_t j = 0; j < i && c[j].kind != KIND_APP; j++)
		if (!c[j].passed)
			return false;
	return true;
}

/* Ephemeral containers wait for nothing, and come last. */
static bool may_begin(const struct container_view *c, size_t i)
{
	return c[i].kind == KIND_EPHEMERAL || all_before_passed(c, i);
}

enum policy_action policy_container(const struct container_view *c, size_t n, size_t i, bool ending)
{
	const struct container_view *it = &c[i];

	if (it->state == CONTAINER_LEAVING && it->hooked)
		return POLICY_NOTHING;
	if (ending) {
		if (it->state == CONTAINER_ENDED || it->state == CONTAINER_STOPPING)
			return POLICY_NOTHING;
		if ((it->state == CONTAINER_RUNNING || it->state == CONTAINER_HOOKING) && it->hooked)
			return POLICY_LEAVE;
		if (it->kind == KIND_SIDECAR && container_has_process(it->state) && still_needed(c, n, i))
			return POLICY_NOTHING;
		return POLICY_STOP;
	}
	if (it->state == CONTAINER_LEAVING)
		return POLICY_STOP;
	if (it->state == CONTAINER_WAITING && may_begin(c, i))
		return POLICY_BEGIN;
	return POLICY_NOTHING;
}

bool policy_pod_over(const struct container_view *c, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (c[i].kind == KIND_INIT && c[i].state == CONTAINER_ENDED && !c[i].passed)
			return true;
		if (c[i].kind == KIND_APP && c[i].state != CONTAINER_ENDED)
			return false;
	}
	return true;
}

const char *policy_phase(const struct container_view *c, size_t n, bool ending)
{
	size_t apps_ended = 0, apps = 0, fresh = 0;
	bool initialized = true, failed = false, all_ended = true;

	for (size_t i = 0; i < n; i++) {
		bool ended = c[i].state == CONTAINER_ENDED;
		all_ended = all_ended && ended;
		if (c[i].kind == KIND_APP) {
			apps++;
			apps_ended += ended;
			failed = failed || (ended && !c[i].succeeded);
			fresh += !c[i].ran &&
				 (c[i].state < CONTAINER_RUNNING || c[i].state == CONTAINER_BACKOFF);
		} else if (c[i].kind != KIND_EPHEMERAL) {
			initialized = initialized && c[i].passed;
			failed = failed || (c[i].kind == KIND_INIT && ended && !c[i].passed);
		}
	}
	if (all_ended || (apps_ended == apps && !ending))
		return failed ? "Failed" : "Succeeded";
	if (!initialized || fresh > 0)
		return "Pending";
	return "Running";
}

static bool rule_matches(const struct restart_rule *rule, int exit_code)
{
	bool in = false;

	list_each(value, &rule->exitCodes->values)
		in = in || *value == exit_code;
	return text_is(rule->exitCodes->operator, "In") ? in : !in;
}

enum policy_again policy_restart(const struct restart_question *q)
{
	if (q->kind == KIND_EPHEMERAL)
		return AGAIN_NO;
	list_each(rule, &q->container->restartPolicyRules)
		if (rule->exitCodes && rule_matches(rule, q->exit_code))
			return text_is(rule->action, "RestartAllContainers") ? AGAIN_ALL : AGAIN_IT;
	if (q->kind == KIND_SIDECAR)
		return AGAIN_IT;

	const char *policy = q->container->restartPolicy ? q->container->restartPolicy : q->pod_policy;
	if (text_is(policy, "Never"))
		return AGAIN_NO;
	if (text_is(policy, "OnFailure") || q->kind == KIND_INIT)
		return q->exit_code != 0 ? AGAIN_IT : AGAIN_NO;
	return AGAIN_IT;
}
