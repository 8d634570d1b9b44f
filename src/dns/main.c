/* main.c — the program seapod-dns: names of this machine's pods and Services, and of all others by asking.
 *
 *	seapod-dns --root DIR --run DIR [--pods|--check] [OPTION VALUE]...
 *
 * `seapod dns serve` is this program in the foreground; with --pods it was started for pods that have DNS on, and ends with the last of them. It never
 * forks, has no thread, and is the only program that is linked with the DNS library.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "dns/claim.h"
#include "dns/config.h"
#include "dns/server.h"

struct words {
	const char *root, *run;
	bool check; /* only say whether the options are right */
};

/* --- options ------------------------------------------------------------------------------------------------------------ */

static int set_listen(struct settings *s, const char *value, struct error *err)
{
	return address_parse(value, 0, list_add(s->arena, &s->listen), err);
}

static int set_allow(struct settings *s, const char *value, struct error *err)
{
	return prefix_parse(value, list_add(s->arena, &s->allowed), err);
}

static int set_upstream(struct settings *s, const char *value, struct error *err)
{
	if (s->upstream.n == FORWARD_SERVERS)
		return error_set(err, E2BIG, "more than %d servers to ask", FORWARD_SERVERS);
	return address_parse(value, DNS_PORT, &s->upstream.at[s->upstream.n++].address, err);
}

static int set_zone(struct settings *s, const char *value, struct error *err)
{
	knot_dname_storage_t name;

	s->zone = value;
	return name_parse(value, name) && name[0]
		       ? 0
		       : error_set(err, EINVAL, "'%.100s' is no zone (cluster.local)", value);
}

static int set_rate(struct settings *s, const char *value, struct error *err)
{
	long long rate;

	if (text_to_int(value, 0, 1000000, &rate) < 0)
		return error_set(err, EINVAL, "'%.100s' is no number of queries a second (0 to 1000000)",
				 value);
	s->rate = (uint32_t)rate;
	return 0;
}

static int set_port(struct settings *s, const char *value, struct error *err)
{
	long long port;

	if (text_to_int(value, 1, 65535, &port) < 0)
		return error_set(err, EINVAL, "'%.100s' is no port (1 to 65535)", value);
	s->port = (uint16_t)port;
	return 0;
}

static const struct {
	const char *name;
	int (*set)(struct settings *s, const char *value, struct error *err);
} options[] = {
	{ "--listen", set_listen }, { "--allow", set_allow }, { "--upstream", set_upstream },
	{ "--zone", set_zone },     { "--rate", set_rate },   { "--port", set_port },
};

static int set_option(struct settings *s, const char *name, const char *value, struct error *err)
{
	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++)
		if (text_is(name, options[i].name))
			return options[i].set(s, value, err);
	return error_set(err, EINVAL, "dns serve has no option '%.60s'", name);
}

static int read_words(struct settings *s, struct words *w, int argc, char **argv, struct error *err)
{
	int r = 0;

	for (int i = 1; r == 0 && i < argc; i++) {
		const char *name = argv[i];
		if (text_is(name, "--pods")) {
			s->on_demand = true;
			continue;
		}
		if (text_is(name, "--check")) {
			w->check = true;
			continue;
		}
		if (++i == argc)
			return error_set(err, EINVAL, "the option '%.60s' needs a value", name);
		if (text_is(name, "--root"))
			w->root = argv[i];
		else if (text_is(name, "--run"))
			w->run = argv[i];
		else
			r = set_option(s, name, argv[i], err);
	}
	return r;
}

/* --- the server --------------------------------------------------------------------------------------------------------- */

static void on_end(struct ev_loop *loop, ev_signal *w, int events)
{
	(void)w;
	(void)events;

	ev_break(loop, EVBREAK_ALL);
}

/* A pidfd a pod and a socket a question: as many descriptors as there may be. */
static void raise_limits(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
}

static int open_server(struct server *s, struct error *err)
{
	static uint8_t wire[MESSAGE_MAX];

	s->loop = ev_loop_new(EVBACKEND_EPOLL);
	s->forwarder.loop = s->loop;
	s->limit.rate = s->settings.rate;
	s->out = knot_pkt_new(wire, sizeof(wire), NULL);
	name_parse(s->settings.zone, s->apex);
	if (getrandom(s->secret.secret, sizeof(s->secret.secret), 0) != sizeof(s->secret.secret))
		return error_errno(err, "cannot make a secret");
	return source_open(s, err);
}

static void close_server(struct server *s)
{
	resolve_close(s);
	stream_close_all(s);
	listen_close(s);
	source_close(s);
	knot_pkt_free(s->out);
	if (s->loop)
		ev_loop_destroy(s->loop);
}

static int serve(struct server *s, struct error *err)
{
	ev_signal term, interrupt;
	_cleanup_close_ int claim = dns_claim(&s->in, s->settings.on_demand, err);

	if (claim < 0)
		return claim == -EBUSY && s->settings.on_demand ? 0 : claim;
	int r = open_server(s, err);
	if (r == 0) {
		ev_signal_init(&term, on_end, SIGTERM);
		ev_signal_init(&interrupt, on_end, SIGINT);
		ev_signal_start(s->loop, &term);
		ev_signal_start(s->loop, &interrupt);
		ev_run(s->loop, 0);
	}
	close_server(s);
	return r;
}

int main(int argc, char **argv)
{
	static struct server s;
	_cleanup_arena_ struct arena *arena = arena_new();
	struct error err = {};
	struct words w = {};
	int r;

	s.settings =
		(struct settings){ .arena = arena, .zone = DNS_ZONE, .port = DNS_PORT, .rate = LIMIT_RATE };
	if (read_words(&s.settings, &w, argc, argv, &err) < 0) {
		fprintf(stderr, "seapod: %s\n", err.text);
		return 2;
	}
	if (w.check)
		return 0;
	address_parse(DNS_HOST_ADDRESS, 0, list_add(arena, &s.settings.listen), NULL);
	signal(SIGPIPE, SIG_IGN);
	raise_limits();
	if ((r = instance_open(&s.in, w.root, w.run, &err)) == 0) {
		r = serve(&s, &err);
		instance_close(&s.in);
	}
	if (r < 0)
		fprintf(stderr, "seapod: %s\n", err.text);
	return r < 0 ? 1 : 0;
}
