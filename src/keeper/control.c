/* control.c — the control socket: requests of commands and what becomes of them; see protocol.h.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "keeper/keeper.h"

struct connection {
	struct connection *next;
	struct keeper *keeper;
	int fd;
	ev_io readable;
	ev_io writable; /* active while the peer does not read: the status as it is then is sent when it does */
	bool asked, watching, wants_end, wants_restart, wants_events;
	struct member *attached; /* "exit" when it ends */
	unsigned attached_run;
	struct container_process exec; /* the process that this connection waits for */
	ev_io exec_report, exec_ended;
	int master; /* of its terminal, until it is handed over */
	bool failed_to_execute;
};

static void connection_close(struct connection *c)
{
	struct ev_loop *loop = c->keeper->loop;

	for (struct connection **at = &c->keeper->connections; *at; at = &(*at)->next) {
		if (*at == c) {
			*at = c->next;
			break;
		}
	}
	ev_io_stop(loop, &c->readable);
	ev_io_stop(loop, &c->writable);
	ev_io_stop(loop, &c->exec_report);
	ev_io_stop(loop, &c->exec_ended);
	container_process_close(&c->exec);
	close_fd(&c->master);
	close_fd(&c->fd);
	free(c);
}

static int say(struct connection *c, const struct reply *reply, const struct message_fds *fds)
{
	if (c->fd < 0)
		return 0;
	status_is_written(c->keeper); /* who has an answer finds in the file what it is about */
	return reply_send(c->fd, reply, fds);
}

static void say_ok(struct connection *c, const struct message_fds *fds)
{
	say(c, &(struct reply){ .event = "ok" }, fds);
}

static int exit_code_for(int code)
{
	return code == ENOENT ? 127 : code == EACCES || code == ENOEXEC ? 126 : 125;
}

static void say_error(struct connection *c, const struct error *err, int code)
{
	say(c, &(struct reply){ .event = "error", .error = err->text, .code = code }, NULL);
}

static void say_status(struct connection *c)
{
	struct keeper *k = c->keeper;
	const struct reply status = { .event = "status",
				      .phase = status_phase(k),
				      .settled = keeper_is_settled(k),
				      .ready = status_ready(k),
				      .error = keeper_trouble(k) };

	if (say(c, &status, NULL) == -EAGAIN)
		ev_io_start(k->loop, &c->writable);
}

static void on_writable(struct ev_loop *loop, ev_io *w, int events)
{
	(void)events;
	ev_io_stop(loop, w);
	say_status(w->data);
}

/* --- verbs ------------------------------------------------------------------------------------------------------------- */

typedef int verb(struct connection *c, const struct request *r, struct message_fds *fds, struct error *err);

static int64_t grace_of(const struct keeper *k, const struct request *r)
{
	return r->force ? 0 : grace_choose(&r->grace, NULL, &k->pod->spec.terminationGracePeriodSeconds);
}

static int verb_ping(struct connection *c, const struct request *r, struct message_fds *fds,
		     struct error *err)
{
	(void)r;
	(void)fds;
	(void)err;
	say_ok(c, NULL);
	return 0;
}

static int verb_watch(struct connection *c, const struct request *r, struct message_fds *fds,
		      struct error *err)
{
	(void)r;
	(void)fds;
	(void)err;
	say_ok(c, NULL);
	c->watching = true;
	say_status(c);
	return 0;
}

/* For cp: the mount namespace is the container's, and so is all that is found from here. */
static int verb_root(struct connection *c, const struct request *r, struct message_fds *fds,
		     struct error *err)
{
	const struct member *m = keeper_find(c->keeper, r->container, err);
	_cleanup_message_fds_ struct message_fds out = {};
	char path[40];
	(void)fds;

	if (!m)
		return -ENOENT;
	if (m->state < CONTAINER_HOOKING || !container_has_process(m->state))
		return error_set(err, ESRCH, "the container '%s' is not running", m->sc.spec->name);
	snprintf(path, sizeof(path), "/proc/%d/root",
		 (int)m->sc.process.pid); /* our child, not reaped: it is this one */
	out.fd[0] = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (out.fd[0] < 0)
		return error_errno(err, "cannot open the root of the container '%s'", m->sc.spec->name);
	out.n = 1;
	say_ok(c, &out);
	return 0;
}

/* For port-forward: what is done with it is done in the pod's network. */
static int verb_socket(struct connection *c, const struct request *r, struct message_fds *fds,
		       struct error *err)
{
	_cleanup_message_fds_ struct message_fds out = {
		.fd = { socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) }, .n = 1
	};
	(void)r;
	(void)fds;

	if (out.fd[0] < 0) {
		out.n = 0;
		return error_errno(err, "cannot make a socket");
	}
	say_ok(c, &out);
	return 0;
}

/* They are in the file now; who stays connected hears of each one that comes. */
static int verb_events(struct connection *c, const struct request *r, struct message_fds *fds,
		       struct error *err)
{
	(void)r;
	(void)fds;
	(void)err;
	events_write(c->keeper);
	say_ok(c, NULL);
	c->wants_events = true;
	return 0;
}

static int verb_stop(struct connection *c, const struct request *r, struct message_fds *fds,
		     struct error *err)
{
	(void)fds;
	(void)err;
	say_ok(c, NULL);
	c->wants_end = true;
	keeper_end(c->keeper, ENDING_STOPPED, grace_of(c->keeper, r));
	return 0;
}

static int verb_delete(struct connection *c, const struct request *r, struct message_fds *fds,
		       struct error *err)
{
	(void)fds;
	(void)err;
	say_ok(c, NULL);
	c->wants_end = true;
	keeper_end(c->keeper, ENDING_DELETED, grace_of(c->keeper, r));
	return 0;
}

static int verb_restart(struct connection *c, const struct request *r, struct message_fds *fds,
			struct error *err)
{
	struct member *only = NULL;
	(void)fds;

	if (r->container && !(only = keeper_find(c->keeper, r->container, err)))
		return -ENOENT;
	say_ok(c, NULL);
	c->wants_restart = true;
	keeper_restart(c->keeper, only, grace_of(c->keeper, r));
	return 0;
}

static int verb_configure(struct connection *c, const struct request *r, struct message_fds *fds,
			  struct error *err)
{
	int result = fds->n == 1 ? keeper_configure(c->keeper, fds->fd[0], err)
				 : error_set(err, EINVAL, "configure needs a launch");
	(void)r;

	if (result == 0)
		say_ok(c, NULL);
	return result;
}

static int verb_kill(struct connection *c, const struct request *r, struct message_fds *fds,
		     struct error *err)
{
	(void)fds;
	if (r->signal < 1 || r->signal > SIGRTMAX)
		return error_set(err, EINVAL, "there is no signal %d", r->signal);
	for (size_t i = 0; i < c->keeper->n; i++) {
		struct member *m = keeper_member(c->keeper, i);
		if ((!r->container || text_is(m->sc.spec->name, r->container)) && m->sc.process.pidfd >= 0)
			process_signal(m->sc.process.pidfd, r->signal);
	}
	say_ok(c, NULL);
	return 0;
}

static int verb_objects(struct connection *c, const struct request *r, struct message_fds *fds,
			struct error *err)
{
	int result = volumes_update(&c->keeper->sandbox.volumes, err);
	(void)r;
	(void)fds;

	if (result == 0)
		say_ok(c, NULL);
	keeper_retry(c->keeper);
	return result;
}

static void on_exec_report(struct ev_loop *loop, ev_io *w, int events)
{
	struct connection *c = w->data;
	struct error err = {};
	int r = container_report(&c->exec, &err);
	(void)events;

	if (r == 0)
		return;
	if (r == 3) { /* another process stands behind the same descriptor: it is watched anew */
		ev_io_stop(loop, &c->exec_ended);
		ev_io_set(&c->exec_ended, c->exec.pidfd, EV_READ);
		ev_io_start(loop, &c->exec_ended);
		return;
	}
	ev_io_stop(loop, w);
	if (r < 0) {
		c->failed_to_execute = true;
		say_error(c, &err, exit_code_for(err.code));
		return;
	}
	struct message_fds fds = { .n = c->master >= 0, .fd = { c->master } };
	say_ok(c, &fds);
	close_fd(&c->master);
}

static void on_exec_ended(struct ev_loop *loop, ev_io *w, int events)
{
	struct connection *c = w->data;
	struct exit_status status = {};
	if (ev_is_active(&c->exec_report)) /* what it was to say first comes first */
		on_exec_report(loop, &c->exec_report, events);
	if (process_reap(c->exec.pidfd, &status) == 0)
		return;
	if (!c->failed_to_execute)
		say(c, &(struct reply){ .event = "exit", .code = status.code }, NULL);
	connection_close(c);
}

static int verb_exec(struct connection *c, const struct request *r, struct message_fds *fds,
		     struct error *err)
{
	struct keeper *k = c->keeper;
	struct member *m = keeper_find(k, r->container, err);
	struct exec_wish wish = { .argv = { r->argv.at, r->argv.n },
				  .env = { r->env.at, r->env.n },
				  .cwd = r->cwd,
				  .user = r->user,
				  .tty = r->tty };

	if (!m)
		return -ENOENT;
	if (r->argv.n == 0)
		return error_set(err, EINVAL, "no command was given");
	if (m->state < CONTAINER_HOOKING || !container_has_process(m->state))
		return error_set(err, ESRCH, "the container '%s' is not running", m->sc.spec->name);
	if (!r->tty && fds->n != 3)
		return error_set(err, EINVAL, "exec needs three descriptors");
	memcpy(wish.stdio, fds->fd, sizeof(wish.stdio));
	int result = sandbox_exec(&k->sandbox, &m->sc, &wish, &c->exec, &c->master, err);
	if (result < 0)
		return result;
	if (r->tty && r->rows > 0) {
		struct winsize size = { .ws_row = (unsigned short)r->rows,
					.ws_col = (unsigned short)r->cols };
		ioctl(c->master, TIOCSWINSZ, &size);
	}
	ev_io_init(&c->exec_report, on_exec_report, c->exec.sync, EV_READ);
	ev_io_init(&c->exec_ended, on_exec_ended, c->exec.pidfd, EV_READ);
	c->exec_report.data = c->exec_ended.data = c;
	ev_io_start(k->loop, &c->exec_report);
	ev_io_start(k->loop, &c->exec_ended);
	return 0;
}

static int verb_attach(struct connection *c, const struct request *r, struct message_fds *fds,
		       struct error *err)
{
	struct member *m = keeper_find(c->keeper, r->container, err);
	_cleanup_message_fds_ struct message_fds out = {};
	(void)fds;

	if (!m)
		return -ENOENT;
	if (m->out.fd < 0)
		return error_set(err, ESRCH, "the container '%s' is not running", m->sc.spec->name);
	int fd = outlet_tap(&m->out);
	if (fd >= 0)
		out.fd[out.n++] = fd;
	if (m->err.fd >= 0 && (fd = outlet_tap(&m->err)) >= 0)
		out.fd[out.n++] = fd;
	if (r->stdin_wanted && m->sc.in >= 0 && (fd = fcntl(m->sc.in, F_DUPFD_CLOEXEC, 3)) >= 0) {
		out.fd[out.n++] = fd;
		if (m->sc.spec->stdinOnce)
			close_fd(&m->sc.in);
	}
	c->attached = m;
	c->attached_run = m->starts;
	say_ok(c, &out);
	c->keeper->launch->hold = false; /* somebody is attached */
	member_let_go(m);
	return 0;
}

static const struct {
	const char *name;
	verb *run;
} verbs[] = {
	{ "ping", verb_ping },           { "watch", verb_watch },     { "exec", verb_exec },
	{ "attach", verb_attach },       { "kill", verb_kill },       { "stop", verb_stop },
	{ "delete", verb_delete },       { "restart", verb_restart }, { "objects", verb_objects },
	{ "configure", verb_configure }, { "events", verb_events },   { "root", verb_root },
	{ "socket", verb_socket },
};

/* --- connections -------------------------------------------------------------------------------------------------------- */

static int answer(struct connection *c, const struct request *r, struct message_fds *fds, struct error *err)
{
	for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++)
		if (text_is(verbs[i].name, r->verb))
			return verbs[i].run(c, r, fds, err);
	return error_set(err, ENOSYS, "this keeper does not know the request '%.40s'", r->verb);
}

/* While its program runs, a connection takes signals for it. */
static bool forward_signal(struct connection *c, const struct request *r)
{
	int pidfd = c->exec.pidfd >= 0 ? c->exec.pidfd : c->attached ? c->attached->sc.process.pidfd : -1;

	if (!text_is(r->verb, "kill") || r->signal < 1 || pidfd < 0)
		return false;
	process_signal(pidfd, r->signal);
	return true;
}

static void on_readable(struct ev_loop *loop, ev_io *w, int events)
{
	_cleanup_arena_ struct arena *a = arena_new();
	_cleanup_message_fds_ struct message_fds fds = {};
	struct connection *c = w->data;
	struct request request = {};
	struct error err = {};
	int r = request_receive(c->fd, a, &request, &fds, &err);
	(void)events;

	if (r == -EAGAIN)
		return;
	if (r > 0 && c->asked && forward_signal(c, &request))
		return;
	if (r <= 0 || c->asked) { /* gone, not understood, or a second request on one connection */
		if (r < 0)
			say_error(c, &err, 1);
		if (c->exec.pidfd >=
		    0) { /* its audience has gone, and maybe left it pipes that others wait to see closed: as when a terminal is */
			process_signal(c->exec.pidfd, SIGHUP);
			ev_io_stop(loop, &c->readable);
			ev_io_stop(loop, &c->writable);
			close_fd(&c->fd);
		} else {
			connection_close(c);
		}
		return;
	}
	c->asked = true;
	r = answer(c, &request, &fds, &err);
	if (r < 0)
		say_error(c, &err, 125);
}

static struct connection *add_connection(struct keeper *k, int fd)
{
	struct connection *c = memory_one(struct connection);

	*c = (struct connection){
		.next = k->connections, .keeper = k, .fd = fd, .exec = CONTAINER_PROCESS_NONE, .master = -1
	};
	k->connections = c;
	fcntl(fd, F_SETFL, O_NONBLOCK);
	ev_io_init(&c->readable, on_readable, fd, EV_READ);
	ev_io_init(&c->writable, on_writable, fd, EV_WRITE);
	c->readable.data = c->writable.data = c;
	ev_io_start(k->loop, &c->readable);
	return c;
}

static void on_pause_over(struct ev_loop *loop, ev_timer *w, int events)
{
	struct keeper *k = w->data;
	(void)events;

	ev_io_start(loop, &k->control_readable);
}

/* Whoever connects waits in the socket's queue, which would be readable all the time. */
static void pause_accepting(struct keeper *k)
{
	ev_io_stop(k->loop, &k->control_readable);
	ev_timer_set(&k->control_pause, 0.1, 0);
	ev_timer_start(k->loop, &k->control_pause);
}

static void on_connect(struct ev_loop *loop, ev_io *w, int events)
{
	struct keeper *k = w->data;
	int fd = accept4(k->control, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	uid_t uid;
	(void)loop;
	(void)events;

	if (fd < 0) {
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
			pause_accepting(k);
		return;
	}
	if (socket_peer_uid(fd, &uid) < 0 || (uid != 0 && uid != geteuid()))
		close(fd);
	else
		add_connection(k, fd);
}

int control_open(struct keeper *k, int first, struct error *err)
{
	k->control = socket_listen(k->sandbox.dir, "ctl", err);
	if (k->control < 0)
		return k->control;
	ev_io_init(&k->control_readable, on_connect, k->control, EV_READ);
	ev_timer_init(&k->control_pause, on_pause_over, 0, 0);
	k->control_readable.data = k->control_pause.data = k;
	ev_io_start(k->loop, &k->control_readable);
	if (first >= 0) {
		struct connection *c = add_connection(k, first);
		c->asked = c->watching = true;
	}
	return 0;
}

void control_announce(struct keeper *k)
{
	for (struct connection *c = k->connections, *next; c; c = next) {
		next = c->next;
		if (c->watching)
			say_status(c);
		if (c->wants_restart && !keeper_is_restarting(k)) {
			say(c, &(struct reply){ .event = "ended", .phase = "" }, NULL);
			connection_close(c);
			continue;
		}
		const struct member *m = c->attached;
		bool run_over = m && (m->starts != c->attached_run || m->state == CONTAINER_BACKOFF ||
				      m->state == CONTAINER_ENDED);
		if (run_over) {
			say(c, &(struct reply){ .event = "exit", .code = m->exit.code }, NULL);
			connection_close(c);
		}
	}
}

void control_announce_event(struct keeper *k)
{
	for (struct connection *c = k->connections; c; c = c->next)
		if (c->wants_events)
			say_status(c);
}

void control_finish(struct keeper *k)
{
	while (k->connections) {
		struct connection *c = k->connections;
		if (c->wants_end || c->watching)
			say(c, &(struct reply){ .event = "ended", .phase = "" }, NULL);
		connection_close(c);
	}
}
