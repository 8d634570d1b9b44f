/* conditions.c — the conditions of a pod: what is so, since when, and why it is not.
 *
 * The time of a condition is that of its last change, so the keeper remembers both. Reasons and messages are the kubelet's
 * (pkg/kubelet/status/generate.go), because people search for them.
 */
#include "base/cleanup.h"
#include "base/clock.h"
#include "keeper/keeper.h"

static const char *const types[CONDITIONS] = {
	[CONDITION_RESTARTING] = "AllContainersRestarting",
	[CONDITION_NETWORK] = "PodReadyToStartContainers",
	[CONDITION_INITIALIZED] = "Initialized",
	[CONDITION_READY] = "Ready",
	[CONDITION_CONTAINERS] = "ContainersReady",
	[CONDITION_SCHEDULED] = "PodScheduled",
};

/* What there is to say of one now. */
struct finding {
	bool is;
	const char *reason, *message;
};

static bool is_initialized(const struct member *m)
{
	return m->kind == KIND_APP || m->kind == KIND_EPHEMERAL || m->passed;
}

static bool is_ready(const struct member *m)
{
	return m->kind == KIND_INIT || m->kind == KIND_EPHEMERAL || probes_are_ready(m);
}

/* "[a b]": those of which IS does not hold; NULL: none. */
static const char *others(const struct keeper *k, bool is(const struct member *), struct arena *a)
{
	const char *names = NULL;

	for (size_t i = 0; i < k->n; i++)
		if (!is(keeper_member(k, i)))
			names = arena_printf(a, "%s%s%s", names ? names : "", names ? " " : "",
					     keeper_member(k, i)->sc.spec->name);
	return names ? arena_printf(a, "[%s]", names) : NULL;
}

/* What is being deleted is as ready as its probes say, as in a kubelet; that it takes no new work is told by its deletionTimestamp (EndpointSlice: serving
 * and terminating). A pod that is only stopped has no such mark, so it is not ready from then on. */
static struct finding containers(const struct keeper *k, struct arena *a)
{
	const char *unready = others(k, is_ready, a), *phase = status_phase(k);

	if (text_is(phase, "Succeeded"))
		return (struct finding){ false, "PodCompleted", NULL };
	if (text_is(phase, "Failed"))
		return (struct finding){ false, "PodFailed", NULL };
	if (k->ending && k->reason) /* the phase is told when all has ended (kubelet mergePodStatus) */
		return (struct finding){ false, "PodFailed", NULL };
	if (unready || others(k, is_initialized, a))
		return (struct finding){
			false, "ContainersNotReady",
			unready ? arena_printf(a, "containers with unready status: %s", unready) : NULL
		};
	return (struct finding){ !k->ending || k->ending == ENDING_DELETED, "PodTerminating", NULL };
}

/* A gate waits for a condition that others set; there is nobody here who could, so the pod is never ready (core/v1 PodReadinessGate). */
static struct finding ready(const struct keeper *k, struct arena *a)
{
	struct finding f = containers(k, a);
	const char *message = NULL;

	if (!f.is)
		return f;
	list_each(gate, &k->pod->spec.readinessGates)
		message = arena_printf(
			a, "%s%scorresponding condition of pod readiness gate \"%s\" does not exist.",
			message ? message : "", message ? ", " : "", gate->conditionType);
	return message ? (struct finding){ false, "ReadinessGatesNotReady", message } : f;
}

/* What begins anew later does not take it back (KEP-5532). */
static struct finding initialized(const struct keeper *k, struct arena *a)
{
	const char *incomplete = k->was_initialized ? NULL : others(k, is_initialized, a);

	if (!incomplete)
		return (struct finding){ true, NULL, NULL };
	return (struct finding){ false, "ContainersNotInitialized",
				 arena_printf(a, "containers with incomplete status: %s", incomplete) };
}

static struct finding restarting(const struct keeper *k, struct arena *a)
{
	return (struct finding){ k->renewing != NULL, "ContainerExited",
				 arena_printf(a, "Container %s exited with code %d, triggering pod restart",
					      k->renewed_for->sc.spec->name, k->renewed_code) };
}

static struct finding find(const struct keeper *k, enum condition which, struct arena *a)
{
	switch (which) {
	case CONDITION_RESTARTING:
		return restarting(k, a);
	case CONDITION_NETWORK:
		return (struct finding){ !k->over, NULL, NULL };
	case CONDITION_INITIALIZED:
		return initialized(k, a);
	case CONDITION_READY:
		return ready(k, a);
	case CONDITION_CONTAINERS:
		return containers(k, a);
	default:
		return (struct finding){ true, NULL, NULL };
	}
}

bool status_ready(const struct keeper *k)
{
	_cleanup_arena_ struct arena *a = arena_new();
	return ready(k, a).is;
}

void conditions_fill(struct keeper *k, struct pod_status *status, struct arena *a)
{
	char text[CLOCK_TEXT_SIZE];

	for (int which = 0; which < CONDITIONS; which++) {
		struct condition_memory *memory = &k->conditions[which];
		if (which == CONDITION_RESTARTING && !k->renewed_for)
			continue;
		const struct finding now = find(k, (enum condition)which, a);
		if (!memory->known || memory->is != now.is)
			*memory = (struct condition_memory){ true, now.is, clock_wall() };
		if (which == CONDITION_INITIALIZED)
			k->was_initialized = now.is;
		const bool says_why = !now.is || which == CONDITION_RESTARTING;
		*list_add(a, &status->conditions) = (struct pod_condition){
			.type = types[which],
			.status = now.is ? "True" : "False",
			.reason = says_why ? now.reason : NULL,
			.message = says_why ? now.message : NULL,
			.lastTransitionTime = arena_strdup(a, clock_rfc3339(memory->since, text)),
		};
	}
}
