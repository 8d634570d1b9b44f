/* renew.c — RestartAllContainers: a container ended with a code that asks for all of them to begin anew, init containers first.
 *
 * The sandbox stays: uid, address, namespaces, volumes. Everything that runs is killed at once, without preStop hooks and grace, since it comes back in a
 * moment; what had ended runs again, too. The back-off is that of the container that asked for it. Source: KEP-5532.
 */
#include "base/clock.h"
#include "keeper/keeper.h"

static void on_time(struct ev_loop *loop, ev_timer *w, int events)
{
	struct keeper *k = w->data;
	(void)loop;
	(void)events;

	if (!k->renewing) /* the pod is ending meanwhile */
		return;
	for (size_t i = 0; i < k->n; i++) {
		struct member *m = keeper_member(k, i);
		if (m->kind == KIND_EPHEMERAL)
			continue;
		member_remember(m);
		member_enter(m, EVENT_RESET);
		m->passed = m->ran = m->succeeded = false;
	}
	k->renewing = NULL;
	keeper_advance(k);
}

void renew_begin(struct member *m)
{
	struct keeper *k = m->keeper;

	k->renewing = m;
	k->renewed_for = m;
	k->renewed_code = m->exit.code;
	for (size_t i = 0; i < k->n; i++) {
		struct member *other = keeper_member(k, i);
		if (other->kind == KIND_EPHEMERAL) {
			continue;
		} else if (other->state == CONTAINER_BACKOFF) {
			ev_timer_stop(k->loop, &other->timer);
			member_enter(other, EVENT_ENDED);
		} else if (other->state == CONTAINER_STOPPING) {
			member_hurry(other, 0);
		} else if (container_has_process(other->state)) {
			member_stop(other, grace_begin(0, clock_boot_us()));
		}
	}
}

void renew_advance(struct keeper *k)
{
	struct member *m = k->renewing;

	for (size_t i = 0; i < k->n; i++)
		if (keeper_member(k, i)->kind != KIND_EPHEMERAL &&
		    container_has_process(keeper_member(k, i)->state))
			return;
	if (ev_is_active(&k->renew))
		return;
	m->wait_us = backoff_next(&m->backoff, &k->backoff, clock_boot_us() - m->started_us);
	ev_timer_init(&k->renew, on_time, (double)m->wait_us / US_PER_SECOND, 0);
	k->renew.data = k;
	ev_timer_start(k->loop, &k->renew);
}
