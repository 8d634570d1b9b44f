/* etcd.c — the program seapod-etcd and what it says: the sky of the view follows it, and what this machine has is announced by it.
 *
 * It is a child of this process, at the other end of a socket pair (etcd/link.h). If it ends, another one is started after a pause; until that one has the whole
 * list, answers come from the sky that there is. Before the first one, nothing in the domain is said
 * not to exist. RUN/dns.status has one line for each thing that people may ask about; `seapod dns status` prints it.
 */
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "dns/server.h"
#include "dns/sky.h"
#include "etcd/link.h"

enum {
	AGAIN_FIRST_S =
		1, /* before another seapod-etcd is started; twice as long each time, until one has listed all */
	AGAIN_MOST_S = 32,
	STATUS_MS = 200, /* between two writings */
	SAY_AGAIN_US = 60 * 1000 * 1000,
	LAST_MS = 3000,
	STEP_US = 5000,
};

/* How something stands. */
struct standing {
	bool known, well;
	uint64_t said_us; /* when the log was told last */
	char text[700];
};

struct etcd {
	struct server *server;
	pid_t child;
	struct link link;
	ev_io readable, writable;
	ev_timer again, status;
	unsigned again_s;
	struct sky *coming; /* being listed */
	struct standing etcd, announced;
	struct arena *arena; /* of SENT */
	struct announcements sent;
};

/* --- the status --------------------------------------------------------------------------------------------------------- */

static void write_status(struct ev_loop *loop, ev_timer *w, int events)
{
	struct etcd *e = w->data;
	const struct sky *sky = e->server->view.sky;
	_cleanup_text_ struct text t = {};
	(void)loop;
	(void)events;

	text_printf(&t, "etcd:    %s%s\n", e->etcd.well ? "connected to " : "not connected: ",
		    e->etcd.known ? e->etcd.text : "not tried yet");
	text_printf(&t, "records: %zu", sky->records);
	if (sky->refused)
		text_printf(&t, ", and %zu refused (%s)", sky->refused, sky->why.text);
	text_add(&t, "\n");
	if (e->server->settings.registration.on)
		text_printf(&t, "announced as %s: %s%s\n", e->server->settings.registration.machine,
			    !e->announced.known ? "nothing yet"
			    : e->announced.well ? ""
						: "not kept: ",
			    e->announced.text);
	file_write_atomic(e->server->in.runfd, "dns.status", t.at, t.n, 0644, NULL);
}

static void status_changed(struct etcd *e)
{
	if (ev_is_active(&e->status))
		return;
	ev_timer_set(&e->status, STATUS_MS / 1000., 0);
	ev_timer_start(e->server->loop, &e->status);
}

static void take_standing(struct etcd *e, const struct frame *f)
{
	struct standing *s = f->n_key == 4 && memcmp(f->key, "etcd", 4) == 0 ? &e->etcd : &e->announced;

	bool news = !s->known || s->well, well = f->flag;
	uint64_t now = clock_boot_us();
	s->known = true;
	s->well = well;
	snprintf(s->text, sizeof(s->text), "%.*s", (int)f->n_value, f->value);
	if (!well && (news || now > s->said_us + SAY_AGAIN_US)) { /* not at each try */
		log_warning("etcd: %s", s->text);
		s->said_us = now;
	}
	status_changed(e);
}

/* --- stub zones --------------------------------------------------------------------------------------------------------- */

static void add_stub(void *data, const knot_dname_t *zone, const struct address *server)
{
	struct server *s = data;
	struct stub *stub = s->stubs;
	unsigned n = 0;

	if (knot_dname_is_equal(zone, s->apex) ||
	    (s->view.sky && knot_dname_is_equal(zone, s->view.sky->domain)))
		return; /* of these, this server is the one to ask */
	for (; stub && !knot_dname_is_equal(stub->zone, zone); stub = stub->next)
		n++;
	if (!stub && n < STUBS_MAX) {
		stub = memory_one(struct stub);
		name_store(stub->zone, zone);
		stub->next = s->stubs;
		s->stubs = stub;
	}
	if (stub && stub->servers.n < FORWARD_SERVERS)
		stub->servers.at[stub->servers.n++] = (struct forward_server){ .address = *server };
}

static void use_stubs(struct server *s)
{
	knot_dname_storage_t zone;

	for (struct stub *stub = s->stubs; stub; stub = stub->next)
		stub->servers.n = 0;
	list_each(setting, &s->settings.stubs)
		if (name_parse(setting->zone, zone))
			add_stub(s, zone, &setting->server);
	if (s->view.sky)
		sky_stubs(s->view.sky, add_stub, s);
}

/* --- what it says ------------------------------------------------------------------------------------------------------- */

static void put(struct sky *sky, const struct frame *f)
{
	struct error why = {};

	if (sky_put(sky, f->key, f->n_key, f->value, f->n_value, f->flag, &why) < 0 && sky->refused <= 10)
		log_warning("etcd: not a record: %s", why.text);
}

static void take(struct etcd *e, const struct frame *f)
{
	struct server *s = e->server;
	struct sky *sky = e->coming ? e->coming : (struct sky *)s->view.sky;

	switch (f->kind) {
	case LINK_BEGIN:
		sky_free(e->coming);
		e->coming = sky_new(sky->domain);
		break;
	case LINK_PUT:
		put(sky, f);
		break;
	case LINK_DELETE:
		sky_delete(sky, f->key, f->n_key);
		break;
	case LINK_END:
		if (!e->coming)
			break;
		sky_free((struct sky *)s->view.sky);
		s->view.sky = e->coming;
		s->view.sky_known = true;
		e->again_s = AGAIN_FIRST_S;
		e->coming = NULL;
		break;
	case LINK_STATE:
		take_standing(e, f);
	}
}

static void hang_up(struct etcd *e)
{
	ev_io_stop(e->server->loop, &e->readable);
	ev_io_stop(e->server->loop, &e->writable);
	close_fd(&e->link.fd);
	link_free(&e->link);
	e->link = (struct link){ .fd = -1 };
	sky_free(e->coming);
	e->coming = NULL;
}

static void start_later(struct etcd *e)
{
	ev_timer_set(&e->again, e->again_s, 0);
	ev_timer_start(e->server->loop, &e->again);
	e->again_s = e->again_s < AGAIN_MOST_S ? 2 * e->again_s : AGAIN_MOST_S;
}

/* It has ended, or talks nonsense. */
static void lost(struct etcd *e)
{
	static const char ended[] = "the program seapod-etcd has ended";

	hang_up(e);
	kill(e->child, SIGKILL);
	waitpid(e->child, NULL, 0);
	e->child = 0;
	if (!e->etcd.known || e->etcd.well)
		take_standing(e, &(struct frame){ LINK_STATE, false, "etcd", ended, 4, sizeof(ended) - 1 });
	start_later(e);
}

static void on_readable(struct ev_loop *loop, ev_io *w, int events)
{
	struct etcd *e = w->data;
	struct frame f;
	int r = 0;
	bool there = link_receive(&e->link), any = false;
	(void)loop;
	(void)events;

	while ((r = link_next(&e->link, &f)) > 0) {
		take(e, &f);
		any = true;
	}
	if (any) {
		use_stubs(e->server);
		status_changed(e);
	}
	if (!there || r < 0)
		lost(e);
}

/* --- announcing --------------------------------------------------------------------------------------------------------- */

static void flush(struct etcd *e)
{
	if (e->link.fd >= 0 && link_send(&e->link) == 0)
		ev_io_start(e->server->loop, &e->writable);
	else
		ev_io_stop(e->server->loop, &e->writable);
}

static void on_writable(struct ev_loop *loop, ev_io *w, int events)
{
	(void)loop;
	(void)events;

	flush(w->data);
}

static void say(void *data, const struct announcement *one)
{
	struct etcd *e = data;

	link_add(&e->link, &(struct frame){ one->value ? LINK_PUT : LINK_DELETE, false, one->key, one->value,
					    strlen(one->key), one->value ? strlen(one->value) : 0 });
}

void etcd_announce(struct server *s, const struct cluster *c)
{
	struct etcd *e = s->etcd;

	if (!e || !s->settings.registration.on)
		return;
	struct arena *a = arena_new();
	struct announcements now;
	announcements_make(&s->settings.registration, c, a, &now);
	if (e->link.fd >= 0)
		announcements_compare(&e->sent, &now, say, e);
	arena_free(e->arena);
	e->arena = a;
	e->sent = now;
	flush(e);
}

/* --- life --------------------------------------------------------------------------------------------------------------- */

static char **arguments(const struct server *s, struct arena *a)
{
	const struct strings *words = &s->settings.etcd_words;
	char **argv = arena_alloc(a, (words->n + 4) * sizeof(*argv));
	size_t n = 0;

	argv[n++] = (char *)"seapod-etcd";
	argv[n++] = (char *)"--prefix";
	argv[n++] = (char *)SKY_PREFIX;
	list_each(word, words)
		argv[n++] = (char *)*word;
	return argv;
}

static int spawn(struct etcd *e, int theirs)
{
	_cleanup_arena_ struct arena *a = arena_new();
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	char path[PATH_MAX];
	sigset_t none;

	instance_helper("seapod-etcd", path);
	sigemptyset(&none);
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_adddup2(&files, theirs, STDIN_FILENO);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
	posix_spawnattr_setsigmask(&attributes, &none);
	int r = posix_spawn(&e->child, path, &files, &attributes, arguments(e->server, a), environ);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attributes);
	return r;
}

static void start(struct etcd *e)
{
	struct ev_loop *loop = e->server->loop;
	const struct announcements none = {};
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
		pair[0] = pair[1] = -1;
	int r = pair[0] < 0 ? errno : spawn(e, pair[1]);
	close_fd(&pair[1]);
	if (r != 0) {
		log_warning("etcd: cannot start the program seapod-etcd: %s", error_meaning(r));
		close_fd(&pair[0]);
		start_later(e);
		return;
	}
	e->link = (struct link){ .fd = pair[0] };
	ev_io_set(&e->readable, e->link.fd, EV_READ);
	ev_io_set(&e->writable, e->link.fd, EV_WRITE);
	ev_io_start(loop, &e->readable);
	announcements_compare(&none, &e->sent, say, e);
	flush(e);
}

static void on_again(struct ev_loop *loop, ev_timer *w, int events)
{
	(void)loop;
	(void)events;

	start(w->data);
}

int etcd_open(struct server *s, struct error *err)
{
	knot_dname_storage_t domain;
	(void)err;

	unlinkat(s->in.runfd, "dns.status", 0);
	use_stubs(s);
	if (!s->settings.etcd || !name_parse(s->settings.domain, domain))
		return 0;
	struct etcd *e = s->etcd = memory_one(struct etcd);
	e->server = s;
	e->link.fd = -1;
	e->again_s = AGAIN_FIRST_S;
	s->view.sky = sky_new(domain);
	ev_init(&e->readable, on_readable);
	ev_init(&e->writable, on_writable);
	ev_init(&e->again, on_again);
	ev_init(&e->status, write_status);
	e->readable.data = e->writable.data = e->again.data = e->status.data = e;
	start(e);
	write_status(s->loop, &e->status, 0);
	return 0;
}

/* It gives back its lease once the socket is closed; that is waited for. */
static void end_child(struct etcd *e)
{
	uint64_t until = clock_boot_us() + LAST_MS * 1000;

	while (e->child && waitpid(e->child, NULL, WNOHANG) == 0) {
		if (clock_boot_us() > until)
			kill(e->child, SIGKILL);
		usleep(STEP_US);
	}
}

void etcd_close(struct server *s)
{
	struct etcd *e = s->etcd;

	while (s->stubs) {
		struct stub *gone = s->stubs;
		s->stubs = gone->next;
		free(gone);
	}
	if (!e)
		return;
	ev_timer_stop(s->loop, &e->again);
	ev_timer_stop(s->loop, &e->status);
	hang_up(e);
	end_child(e);
	unlinkat(s->in.runfd, "dns.status", 0);
	sky_free((struct sky *)s->view.sky);
	s->view.sky = NULL;
	arena_free(e->arena);
	free(e);
	s->etcd = NULL;
}
