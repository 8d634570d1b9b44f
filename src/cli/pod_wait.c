/* pod_wait.c — a keeper's reports, until what is waited for is so; see start.h. */
#include <poll.h>

#include "base/clock.h"
#include "cli/start.h"

/* 1: a reply; 0: the end; negative: -ETIMEDOUT or another. */
static int next(struct context *x, int fd, uint64_t until_us, struct reply *reply, struct error *err)
{
	_cleanup_message_fds_ struct message_fds fds = {};
	struct pollfd p = { .fd = fd, .events = POLLIN };
	uint64_t now = clock_boot_us();
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
	uint64_t until = timeout_ms < 0 ? UINT64_MAX : clock_boot_us() + (uint64_t)timeout_ms * 1000;
	struct reply reply;
	int r;

	while ((r = next(x, fd, until, &reply, err)) > 0) {
		if (text_is(reply.event, "error"))
			return error_set(err, EREMOTEIO, "%s", reply.error);
		if (!text_is(reply.event, "status"))
			continue;
		bool final = text_is(reply.phase, "Succeeded") || text_is(reply.phase, "Failed");
		bool there = what == WAIT_SETTLED ? reply.settled
			     : what == WAIT_READY ? reply.ready
						  : text_is(reply.phase, "Running");
		if (reply.settled && reply.error)
			return error_set(err, EREMOTEIO, "%s", reply.error);
		if (there || (final && what != WAIT_READY))
			return 0;
		if (final)
			return error_set(err, EREMOTEIO, "the pod has ended (%s) before it was ready",
					 reply.phase);
	}
	return r < 0 ? r : error_set(err, ECONNRESET, "the pod's keeper has ended");
}

int pod_wait_change(struct context *x, int fd, uint64_t until_us, struct error *err)
{
	struct reply reply;
	return next(x, fd, until_us, &reply, err);
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
