/* events.c — what happened in the pod, for people: reason, message, how often, since when.
 *
 * What happens again is counted (client-go tools/record: same object, type, reason and message). There is room for EVENTS_MOST different ones; then
 * the one that was longest ago goes. They are in memory and written to events.json a second after the last of them, so that the start of a pod
 * does not wait for a file and a crash loses a second; who wants to read them asks the keeper to write first (protocol.h "events").
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/event.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "keeper/keeper.h"

enum { EVENTS_MOST = 64, EVENTS_STEP = 8, MESSAGE_MAX = 1024, WRITE_AFTER_S = 1 };

struct happening {
	const struct member *member; /* NULL: the pod */
	bool warning;
	const char *reason;
	char *message;
	struct timespec first, last;
	int32_t count;
};

struct event_log {
	struct happening *at;
	size_t n;
	ev_timer write;
	bool is_written;
};

static bool is_earlier(struct timespec a, struct timespec b)
{
	return a.tv_sec != b.tv_sec ? a.tv_sec < b.tv_sec : a.tv_nsec < b.tv_nsec;
}

static void on_write(struct ev_loop *loop, ev_timer *w, int events)
{
	(void)loop;
	(void)events;
	events_write(w->data);
	memory_give_back(); /* something was going on, and now it is over */
}

static struct event_log *get_log(struct keeper *k)
{
	if (!k->events) {
		k->events = memory_one(struct event_log);
		ev_timer_init(&k->events->write, on_write, WRITE_AFTER_S, 0);
		k->events->write.data = k;
	}
	return k->events;
}

static struct happening *find(struct event_log *log, const struct happening *like)
{
	for (size_t i = 0; i < log->n; i++) {
		struct happening *h = &log->at[i];
		if (h->member == like->member && h->warning == like->warning &&
		    text_is(h->reason, like->reason) && text_is(h->message, like->message))
			return h;
	}
	return NULL;
}

/* A new place, or that of what was longest ago. */
static struct happening *make_room(struct event_log *log)
{
	if (log->n < EVENTS_MOST) {
		if (log->n % EVENTS_STEP == 0)
			log->at = memory_grow(log->at, log->n + EVENTS_STEP, sizeof(*log->at));
		return &log->at[log->n++];
	}
	struct happening *oldest = log->at;
	for (size_t i = 1; i < log->n; i++)
		if (is_earlier(log->at[i].last, oldest->last))
			oldest = &log->at[i];
	free(oldest->message);
	size_t after = log->n - 1 - (size_t)(oldest - log->at);
	memmove(oldest, oldest + 1, after * sizeof(*oldest));
	return &log->at[log->n - 1];
}

void event_record(struct keeper *k, const struct member *m, enum event_type type, const char *reason,
		  const char *format, ...)
{
	struct event_log *log = get_log(k);
	char message[MESSAGE_MAX + 1];
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	const struct happening now = {
		.member = m, .warning = type == EVENT_WARNING, .reason = reason, .message = message
	};
	struct happening *h = find(log, &now);
	if (!h) {
		h = make_room(log);
		*h = now;
		h->message = memory_strdup(message);
		h->first = clock_wall();
	}
	h->last = clock_wall();
	h->count++;
	log->is_written = false;
	if (!ev_is_active(&log->write))
		ev_timer_start(k->loop, &log->write);
	control_announce_event(k);
}

static const char *field_path(const struct member *m, struct arena *a)
{
	return m ? arena_printf(a, "spec.%s{%s}",
				m->kind == KIND_APP         ? "containers"
				: m->kind == KIND_EPHEMERAL ? "ephemeralContainers"
							    : "initContainers",
				m->sc.spec->name)
		 : NULL;
}

static void encode(const struct keeper *k, const struct happening *h, struct event *e, struct arena *a)
{
	const struct object_meta *meta = &k->pod->metadata;
	char text[CLOCK_TEXT_SIZE];
	unsigned long long ns =
		(unsigned long long)h->first.tv_sec * 1000000000 + (unsigned long long)h->first.tv_nsec;

	*e = (struct event){
		.apiVersion = "v1",
		.kind = "Event",
		.metadata = { .name = arena_printf(a, "%s.%llx", meta->name, ns),
			      .namespace = meta->namespace },
		.involvedObject = { .kind = "Pod",
				    .namespace = meta->namespace,
				    .name = meta->name,
				    .uid = meta->uid,
				    .apiVersion = "v1",
				    .fieldPath = field_path(h->member, a) },
		.reason = h->reason,
		.message = h->message,
		.type = h->warning ? "Warning" : "Normal",
		.source = { "seapod", k->sandbox.node_name },
		.count = h->count,
		.reportingComponent = "seapod",
		.reportingInstance = "",
	};
	e->firstTimestamp = e->metadata.creationTimestamp = arena_strdup(a, clock_rfc3339(h->first, text));
	e->lastTimestamp = arena_strdup(a, clock_rfc3339(h->last, text));
}

void events_write(struct keeper *k)
{
	_cleanup_arena_ struct arena *a = arena_new();
	_cleanup_text_ struct text text = {};
	struct event_list list = { "v1", "List", {} };
	struct error err = {};

	if (!k->events || k->events->is_written)
		return;
	ev_timer_stop(k->loop, &k->events->write);
	for (size_t i = 0; i < k->events->n; i++)
		encode(k, &k->events->at[i], list_add(a, &list.items), a);
	node_to_json(object_encode(&event_list_table, &list, a), false, &text);
	k->events->is_written =
		file_write_atomic(k->sandbox.dir, "events.json", text.at, text.n, 0644, &err) == 0;
	if (!k->events->is_written)
		log_warning("the events cannot be written: %s", err.text);
}
