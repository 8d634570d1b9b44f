/* storage.c — watches what the pod takes on disk where a limit says how much that may be; see storage.h.
 *
 * A pod without such a limit has no timer. One with a limit is measured every 10 s, as often as the kubelet's eviction manager looks, and less
 * often when that takes long: at most a twentieth of the time. What is beyond its limit between two looks is not noticed, as there.
 */
#include "keeper/storage.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "keeper/keeper.h"
#include "sandbox/disk.h"

enum { EVERY_S = 10, REST = 20, GRACE_S = 1 }; /* kubelet immediateEvictionGracePeriodSeconds */

struct storage_watch {
	ev_timer next;
	ev_io result;
	struct disk_measure measure;
	uint64_t began_us;
};

static void evict(struct keeper *k, const char *why)
{
	event_record(k, NULL, EVENT_WARNING, "Evicted", "%s", why);
	k->reason = "Evicted";
	k->message = arena_strdup(k->arena, why);
	keeper_end(k, ENDING_FINISHED, GRACE_S);
}

static void look_later(struct keeper *k, double after_s)
{
	ev_timer *timer = &k->storage->next;

	ev_timer_stop(k->loop, timer);
	ev_timer_set(timer, after_s, 0);
	ev_timer_start(k->loop, timer);
}

static void on_result(struct ev_loop *loop, ev_io *w, int events)
{
	struct keeper *k = w->data;
	struct storage_watch *watch = k->storage;
	_cleanup_arena_ struct arena *a = arena_new();
	_cleanup_free_ int64_t *bytes = memory_new(watch->measure.n, sizeof(*bytes));
	double took = (double)(clock_boot_us() - watch->began_us) / US_PER_SECOND * REST;
	(void)events;

	ev_io_stop(loop, w);
	if (k->ending)
		disk_measure_cancel(&watch->measure);
	else if (disk_measure_finish(&watch->measure, bytes) < 0)
		log_warning("what the pod takes on disk could not be measured");
	const char *why = k->ending ? NULL : storage_excess(&k->pod->spec, bytes, a);
	if (why)
		evict(k, why);
	else if (!k->ending)
		look_later(k, took > EVERY_S ? took : EVERY_S);
}

static void on_time(struct ev_loop *loop, ev_timer *w, int events)
{
	struct keeper *k = w->data;
	struct storage_watch *watch = k->storage;
	struct error err = {};
	(void)events;

	if (k->ending)
		return;
	watch->began_us = clock_boot_us();
	if (disk_measure_begin(&k->sandbox, &watch->measure, &err) < 0) {
		log_warning("%s", err.text);
		look_later(k, EVERY_S);
		return;
	}
	ev_io_init(&watch->result, on_result, watch->measure.result, EV_READ);
	watch->result.data = k;
	ev_io_start(loop, &watch->result);
}

void storage_begin(struct keeper *k)
{
	if (!storage_is_limited(&k->pod->spec))
		return;
	k->storage = memory_one(struct storage_watch);
	k->storage->measure = DISK_MEASURE_NONE;
	ev_timer_init(&k->storage->next, on_time, EVERY_S, 0);
	k->storage->next.data = k;
	ev_timer_start(k->loop, &k->storage->next);
}

void storage_end(struct keeper *k)
{
	if (k->storage)
		disk_measure_cancel(&k->storage->measure);
}
