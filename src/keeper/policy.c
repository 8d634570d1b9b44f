/* policy.c — see policy.h. */
#include "keeper/policy.h"

#include "base/text.h"

#define STAY CONTAINER_STATES

/* Columns: begin, created, started, hooked, ended again, ended, leave, stop, reset. */
static const enum container_state next[CONTAINER_STATES][CONTAINER_EVENTS] = {
	[CONTAINER_WAITING] = { CONTAINER_CREATING, STAY, STAY, STAY, STAY, CONTAINER_ENDED, STAY,
				CONTAINER_ENDED, STAY },
	[CONTAINER_CREATING] = { STAY, CONTAINER_STARTING, STAY, STAY, CONTAINER_BACKOFF, CONTAINER_ENDED,
				 STAY, CONTAINER_STOPPING, STAY },
	[CONTAINER_STARTING] = { STAY, STAY, CONTAINER_HOOKING, STAY, CONTAINER_BACKOFF, CONTAINER_ENDED,
				 STAY, CONTAINER_STOPPING, STAY },
	[CONTAINER_HOOKING] = { STAY, STAY, STAY, CONTAINER_RUNNING, CONTAINER_BACKOFF, CONTAINER_ENDED,
				CONTAINER_LEAVING, CONTAINER_STOPPING, STAY },
	[CONTAINER_RUNNING] = { STAY, STAY, STAY, STAY, CONTAINER_BACKOFF, CONTAINER_ENDED, CONTAINER_LEAVING,
				CONTAINER_STOPPING, STAY },
	[CONTAINER_BACKOFF] = { CONTAINER_CREATING, STAY, STAY, STAY, STAY, CONTAINER_ENDED, STAY,
				CONTAINER_ENDED, CONTAINER_WAITING },
	[CONTAINER_LEAVING] = { STAY, STAY, STAY, STAY, CONTAINER_BACKOFF, CONTAINER_ENDED, STAY,
				CONTAINER_STOPPING, STAY },
	[CONTAINER_STOPPING] = { STAY, STAY, STAY, STAY, CONTAINER_BACKOFF, CONTAINER_ENDED, STAY, STAY,
				 STAY },
	[CONTAINER_ENDED] = { STAY, STAY, STAY, STAY, STAY, STAY, STAY, STAY, CONTAINER_WAITING },
};

enum container_state container_next(enum container_state state, enum container_event event)
{
	enum container_state to = next[state][event];
	return to == STAY ? state : to;
}

const char *container_state_name(enum container_state state)
{
	static const char *const names[CONTAINER_STATES] = {
		"waiting",     "creating", "starting", "hooking", "running",
		"backing off", "leaving",  "stopping", "ended",
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
			fresh += !c[i].ran && c[i].state < CONTAINER_RUNNING;
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
