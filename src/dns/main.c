/* main.c — the program seapod-dns: names of this machine's pods and Services, and of all others by asking.
 *
 *	seapod-dns --root DIR --run DIR [--pods|--check] [OPTION VALUE]...
 *
 * `seapod dns serve` is this program in the foreground; with --pods it was started for pods that have DNS on, and ends with the last of them. It has no
 * thread, starts no program but seapod-etcd (etcd.c), and is the only one that is linked with the DNS library.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"
#include "dns/claim.h"
#include "dns/config.h"
#include "dns/options.h"

/* --- the server --------------------------------------------------------------------------------------------------------- */

enum { MACHINE_ID_MAX = 4096 };

static void on_end(struct ev_loop *loop, ev_signal *w, int events)
{
	(void)w;
	(void)events;

	ev_break(loop, EVBREAK_ALL);
}

/* A machine's label is its host name, and something that no other machine nor instance has: its machine-id(5) and the directories, hashed. */
static void name_machine(struct server *s)
{
	struct registration *r = &s->settings.registration;
	_cleanup_free_ char *id = NULL;
	char host[256] = "";
	uint32_t hash = HASH_BEGIN;

	r->domain = s->settings.domain;
	if (r->machine)
		return;
	gethostname(host, sizeof(host) - 1);
	file_read(AT_FDCWD, "/etc/machine-id", MACHINE_ID_MAX, &id, NULL, NULL);
	const char *parts[] = { id ? id : "", host, s->in.root, s->in.run };
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
		hash = hash_add(hash, parts[i], strlen(parts[i]));
	r->machine = machine_label(s->settings.arena, host, arena_printf(s->settings.arena, "%08x", hash));
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
	name_machine(s);
	s->limit.rate = s->settings.rate;
	s->out = knot_pkt_new(wire, sizeof(wire), NULL);
	name_parse(s->settings.zone, s->apex);
	if (getrandom(s->secret.secret, sizeof(s->secret.secret), 0) != sizeof(s->secret.secret))
		return error_errno(err, "cannot make a secret");
	int r = etcd_open(s, err);
	return r < 0 ? r : source_open(s, err);
}

static void close_server(struct server *s)
{
	resolve_close(s);
	stream_close_all(s);
	listen_close(s);
	etcd_close(s);
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

	s.settings = (struct settings){
		.arena = arena, .zone = DNS_ZONE, .domain = DNS_DOMAIN, .port = DNS_PORT, .rate = LIMIT_RATE
	};
	if (options_read(&s.settings, &w, argc, argv, &err) < 0) {
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
