/* check_http.c — an HTTP GET, as the kubelet's probe/http does it: 200 to 399 is success, what is answered is read to its end, at most 10 KiB of it.
 *
 * Redirects to the same host are followed, ten at most; one to another host ends it with success and a warning (RedirectChecker), since a probe must not
 * be led to ask others. HTTPS is not verified. The same code speaks through the worker's TLS.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "keeper/check_parts.h"

enum { BODY_MAX = 10 * 1024, HOPS_MAX = 10 };

static int connect_to(struct check *c, struct error *err);

static void fail(struct check *c, const char *why)
{
	const struct http_place *p = &c->http.place;
	_cleanup_free_ char *text = memory_printf("Get \"%s://%s:%d%s\": %s", p->tls ? "https" : "http",
						  p->host, p->port, p->path, why);

	check_finish(c, CHECK_FAILURE, "%s", text);
}

/* The connection is over, or broken with CODE. */
static void broke(struct check *c, int code)
{
	char text[512];

	if (*worker_complaint(c, text))
		fail(c, text);
	else
		fail(c, code ? error_meaning(code) : "the connection was closed before the answer was whole");
}

static void judge(struct check *c)
{
	int status = c->http.answer.status;

	if (c->wish.any_answer || (status >= 200 && status < 300))
		check_finish(c, CHECK_SUCCESS, "%s", "");
	else if (status >= 300 && status < 400)
		check_finish(c, CHECK_WARNING, "Probe terminated redirects, status code %d", status);
	else
		check_finish(c, CHECK_FAILURE, "HTTP probe failed with statuscode: %d", status);
}

/* --- redirects --------------------------------------------------------------------------------------------------------- */

static void go_on(struct check *c)
{
	struct error err = {};

	if (connect_to(c, &err) < 0)
		fail(c, err.text);
}

/* The worker of the hop before has gone. */
static void on_hop_exit(struct check *c, struct exit_status status)
{
	(void)status;
	go_on(c);
}

static bool is_redirect(int status)
{
	return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/* False: the answer leads nowhere else. True: the check goes on elsewhere, or is over. */
static bool follow(struct check *c)
{
	const struct http_answer *a = &c->http.answer;
	int r = is_redirect(a->status) && a->location
			? http_place_follow(&c->http.place, a->location, a->location_size)
			: 0;

	if (r == 0)
		return false;
	if (r < 0 || ++c->http.hops >= HOPS_MAX) {
		fail(c, r < 0 ? "it redirects to what is no URL" : "stopped after 10 redirects");
		return true;
	}
	worker_end(c);
	if (c->process.pidfd < 0) {
		go_on(c);
	} else {
		c->on_exit = on_hop_exit;
		process_signal(c->process.pidfd, SIGKILL);
	}
	return true;
}

/* --- the answer -------------------------------------------------------------------------------------------------------- */

static void take_body(struct check_http *h, const char *data, size_t n)
{
	size_t kept = n < sizeof(h->tail) ? n : sizeof(h->tail);

	memmove(h->tail, h->tail + kept, sizeof(h->tail) - kept);
	memcpy(h->tail + sizeof(h->tail) - kept, data + n - kept, kept);
	h->body += n;
}

/* True: the head is there, and its body is to be read. False: it is not yet, or the check goes on elsewhere or is over. */
static bool take_head(struct check *c)
{
	struct check_http *h = &c->http;
	ssize_t size = http_answer_read(h->in.at, h->in.n, &h->answer);

	if (size < 0)
		fail(c, "the answer is not HTTP");
	if (size <= 0 || follow(c))
		return false;
	if (c->wish.any_answer) {
		judge(c);
		return false;
	}
	h->has_head = true;
	take_body(h, h->in.at + size, h->in.n - (size_t)size);
	text_free(&h->in);
	return true;
}

static bool body_is_over(const struct check_http *h)
{
	return h->body >= BODY_MAX || (h->answer.length >= 0 && h->body >= (uint64_t)h->answer.length) ||
	       (h->answer.chunked && memcmp(h->tail, "0\r\n\r\n", sizeof(h->tail)) == 0);
}

static void receive(struct check *c)
{
	struct check_http *h = &c->http;
	char data[4096];
	ssize_t n = read(c->fd, data, sizeof(data));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		if (n == 0 && h->has_head && h->answer.length < 0 && !h->answer.chunked)
			judge(c);
		else
			broke(c, n < 0 ? errno : 0);
		return;
	}
	if (h->has_head) {
		take_body(h, data, (size_t)n);
	} else {
		text_add_n(&h->in, data, (size_t)n);
		if (!take_head(c))
			return;
	}
	if (body_is_over(h))
		judge(c);
}

/* --- the request ------------------------------------------------------------------------------------------------------- */

static void send_request(struct check *c)
{
	struct check_http *h = &c->http;
	ssize_t n = write(c->fd, h->out.at + h->sent, h->out.n - h->sent);

	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		broke(c, errno);
		return;
	}
	h->sent += n > 0 ? (size_t)n : 0;
	if (h->sent < h->out.n)
		return;
	ev_io_stop(c->member->keeper->loop, &c->io);
	ev_io_set(&c->io, c->fd, EV_READ);
	ev_io_start(c->member->keeper->loop, &c->io);
}

static void on_ready(struct ev_loop *loop, ev_io *w, int events)
{
	struct check *c = w->data;
	bool connecting = events & EV_WRITE && c->http.sent == 0 && c->process.pidfd < 0;
	int code = connecting ? tcp_error(c->fd) : 0;
	(void)loop;

	if (code)
		broke(c, code);
	else if (events & EV_WRITE)
		send_request(c);
	else
		receive(c);
}

static void on_worker_exit(struct check *c, struct exit_status status)
{
	(void)c; /* what it has sent is still to be read, and its end will be */
	(void)status;
}

static int connect_by_worker(struct check *c, struct error *err)
{
	const struct http_place *p = &c->http.place;
	char port[12];

	snprintf(port, sizeof(port), "%d", p->port);
	int r = worker_begin(c, (const char *[]){ NULL, p->tls ? "tls" : "stream", p->host, port, NULL },
			     true, err);
	if (r == 0)
		check_watch_process(c, on_worker_exit);
	return r;
}

/* On the same machine a connection is made at once as a rule, and then a try wakes the keeper once less. */
static int send_at_once(struct check *c, struct error *err)
{
	struct check_http *h = &c->http;
	ssize_t n = write(c->fd, h->out.at, h->out.n);

	if (n < 0 && errno != EAGAIN)
		return error_errno(err, "cannot connect to %s, port %d", h->place.host, h->place.port);
	h->sent = n > 0 ? (size_t)n : 0;
	return 0;
}

/* To h->place, by the worker when it wants TLS or has a name. */
static int connect_to(struct check *c, struct error *err)
{
	struct check_http *h = &c->http;

	text_free(&h->in);
	text_free(&h->out);
	h->sent = 0;
	http_request_write(&h->place, c->wish.http_get, c->wish.agent, &h->out);
	int fd = h->place.tls ? -ENOTUNIQ : tcp_connect(h->place.host, h->place.port, err);
	if (fd >= 0)
		c->fd = fd;
	int r = fd == -ENOTUNIQ ? connect_by_worker(c, err) : fd < 0 ? fd : 0;
	if (r < 0 || (r = send_at_once(c, err)) < 0)
		return r;
	ev_io_init(&c->io, on_ready, c->fd, h->sent < h->out.n ? EV_WRITE : EV_READ);
	c->io.data = c;
	ev_io_start(c->member->keeper->loop, &c->io);
	return 0;
}

static int begin(struct check *c, struct error *err)
{
	const struct http_get_action *get = c->wish.http_get;
	int port = check_port(c, &get->port, err);

	c->http = (struct check_http){};
	if (port < 0)
		return port;
	if (http_place_set(&c->http.place, text_is(get->scheme, "HTTPS"), check_host(c, get->host), port,
			   get->path) < 0)
		return error_set(err, ENOENT, "httpGet: host or path are too long");
	return connect_to(c, err);
}

static void end(struct check *c)
{
	worker_end(c);
	text_free(&c->http.in);
	text_free(&c->http.out);
}

const struct check_kind check_http = { begin, end, true };
