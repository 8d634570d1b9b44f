/* words.c — see words.h. */
#include "cli/words.h"

#include <time.h>

#include "base/clock.h"

const char *age_word(const char *since, struct arena *a)
{
	struct timespec t;
	if (!since || clock_parse_rfc3339(since, &t) < 0)
		return "<unknown>";
	long s = (long)(time(NULL) - t.tv_sec);
	return s < 120      ? arena_printf(a, "%lds", s < 0 ? 0 : s)
	       : s < 600    ? arena_printf(a, "%ldm%lds", s / 60, s % 60)
	       : s < 7200   ? arena_printf(a, "%ldm", s / 60)
	       : s < 172800 ? arena_printf(a, "%ldh", s / 3600)
			    : arena_printf(a, "%ldd", s / 86400);
}

static bool is_sidecar(const struct pod *pod, const char *name)
{
	const struct container *c = pod_find_container(pod, name);
	return c && container_is_sidecar(c);
}

static const char *end_word(const struct state_terminated *t, struct arena *a)
{
	if (t->reason)
		return t->reason;
	return t->signal ? arena_printf(a, "Signal:%d", t->signal)
			 : arena_printf(a, "ExitCode:%d", t->exitCode);
}

/* What the first init container that is not through says; NULL: all are. */
static const char *init_word(const struct pod *pod, struct arena *a)
{
	const struct container_statuses *all = &pod->status.initContainerStatuses;

	for (size_t i = 0; i < all->n; i++) {
		const struct container_status *c = &all->at[i];
		if (c->state.terminated && c->state.terminated->exitCode == 0)
			continue;
		if (is_sidecar(pod, c->name) && c->started.value)
			continue;
		if (c->state.terminated)
			return arena_printf(a, "Init:%s", end_word(c->state.terminated, a));
		const char *waits = c->state.waiting ? c->state.waiting->reason : NULL;
		if (waits && !text_is(waits, "PodInitializing") && !text_is(waits, "ContainerCreating"))
			return arena_printf(a, "Init:%s", waits);
		return arena_printf(a, "Init:%zu/%zu", i, pod->spec.initContainers.n);
	}
	return NULL;
}

static const char *app_word(const struct pod *pod, const char *otherwise, struct arena *a)
{
	const struct container_statuses *all = &pod->status.containerStatuses;
	const char *word = otherwise;
	bool running = false;

	for (size_t i = all->n; i-- > 0;) { /* the first container's word wins */
		const struct container_status *c = &all->at[i];
		if (c->state.waiting && c->state.waiting->reason)
			word = c->state.waiting->reason;
		else if (c->state.terminated)
			word = end_word(c->state.terminated, a);
		running = running || (c->state.running && c->ready);
	}
	return running && text_is(word, "Completed") ? "Running" : word;
}

const char *status_word(const struct pod *pod, struct arena *a)
{
	const struct pod_status *s = &pod->status;
	const char *word = s->reason ? s->reason : s->phase ? s->phase : "Pending", *init = init_word(pod, a);

	word = init ? init : app_word(pod, word, a);
	return pod->metadata.deletionTimestamp ? "Terminating" : s->reason ? s->reason : word;
}

const char *ready_word(const struct pod *pod, struct arena *a)
{
	size_t ready = 0, all = pod->spec.containers.n;

	list_each(c, &pod->status.containerStatuses)
		ready += c->ready;
	list_each(c, &pod->spec.initContainers)
		all += container_is_sidecar(c);
	list_each(c, &pod->status.initContainerStatuses)
		ready += is_sidecar(pod, c->name) && c->ready && c->state.running;
	return arena_printf(a, "%zu/%zu", ready, all);
}

int restart_count(const struct pod *pod)
{
	int count = 0;

	list_each(c, &pod->status.containerStatuses)
		count += c->restartCount;
	list_each(c, &pod->status.initContainerStatuses)
		count += is_sidecar(pod, c->name) ? c->restartCount : 0;
	return count;
}
