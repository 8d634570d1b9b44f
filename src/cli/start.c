/* start.c — see start.h. */
#include "cli/start.h"

#include <poll.h>

#include "base/clock.h"
#include "image/store.h"
#include "sandbox/claim.h"
#include "sandbox/launch.h"

static int add_image(struct context *x, struct launch *l, const struct container *c, struct error *err)
{
	struct image image;
	int r = image_resolve(&x->in, c->image, x->arena, &image, err);

	if (r < 0)
		return error_prefix(err, "the container '%s'", c->name);
	*list_add(x->arena, &l->images) = (struct launch_image){
		.container = c->name, .reference = image.reference, .id = image.id, .layers = image.layers, .config = image.config,
	};
	return 0;
}

int pod_start(struct context *x, struct pod *pod, bool hold, struct error *err)
{
	struct launch launch = { .pod = *pod, .hold = hold };
	_cleanup_text_ struct text text = {};
	char uid[UID_SIZE], now[CLOCK_TEXT_SIZE];
	int r;

	list_each(c, &pod->spec.initContainers)
		if ((r = add_image(x, &launch, c, err)) < 0)
			return r;
	list_each(c, &pod->spec.containers)
		if ((r = add_image(x, &launch, c, err)) < 0)
			return r;
	uid_make(uid);
	launch.pod.metadata.uid = arena_strdup(x->arena, uid);
	launch.pod.metadata.creationTimestamp = arena_strdup(x->arena, clock_rfc3339(clock_wall(), now));
	launch.pod.status = (struct pod_status){};
	node_to_json(object_encode(&launch_table, &launch, x->arena), false, &text);
	return keeper_spawn(&x->in, text.at, text.n, err);
}

/* 1: a reply; 0: the end; negative: -ETIMEDOUT or another. */
static int next(struct context *x, int fd, uint64_t until_us, struct reply *reply, struct error *err)
{
	_cleanup_message_fds_ struct message_fds fds = {};
	struct pollfd p = { .fd = fd, .events = POLLIN };
	uint64_t now = clock_monotonic_us();
	int ms = until_us == UINT64_MAX ? -1 : until_us > now ? (int)((until_us - now + 999) / 1000) : 0;

	*reply = (struct reply){};
	int n = poll(&p, 1, ms);
	if (n == 0)
		return error_set(err, ETIMEDOUT, "the time to wait is over");
	if (n < 0)
		return error_errno(err, "cannot wait for the pod's keeper");
	return reply_receive(fd, x->arena, reply, &fds, err);
}

int pod_wait(struct context *x, int fd, enum wait_for what, int timeout_ms, struct error *err)
{
	uint64_t until = timeout_ms < 0 ? UINT64_MAX : clock_monotonic_us() + (uint64_t)timeout_ms * 1000;
	struct reply reply;
	int r;

	while ((r = next(x, fd, until, &reply, err)) > 0) {
		if (text_is(reply.event, "error"))
			return error_set(err, EREMOTEIO, "%s", reply.error);
		if (!text_is(reply.event, "status"))
			continue;
		bool final = text_is(reply.phase, "Succeeded") || text_is(reply.phase, "Failed");
		bool there = what == WAIT_SETTLED ? reply.settled : what == WAIT_READY ? reply.ready : text_is(reply.phase, "Running");
		if (reply.settled && reply.error)
			return error_set(err, EREMOTEIO, "%s", reply.error);
		if (there || (final && what != WAIT_READY))
			return 0;
		if (final)
			return error_set(err, EREMOTEIO, "the pod has ended (%s) before it was ready", reply.phase);
	}
	return r < 0 ? r : error_set(err, ECONNRESET, "the pod's keeper has ended");
}

int pod_wait_end(struct context *x, int fd, struct error *err)
{
	struct reply reply;
	int r;

	while ((r = next(x, fd, UINT64_MAX, &reply, err)) > 0)
		if (text_is(reply.event, "ended"))
			return 0;
	return r;
}
