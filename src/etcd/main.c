/* main.c — the program seapod-etcd: what is in etcd, for seapod-dns; and what seapod-dns announces, into etcd.
 *
 *	seapod-etcd --url URL... --prefix PREFIX [--ca FILE] [--cert FILE --key FILE] [--user NAME --password-file FILE] [--lease SECONDS]
 *
 * Its standard input is the socket to seapod-dns (link.h), which started it; when that is closed, it gives back its lease and ends. HTTP, TLS and the JSON
 * of etcd are here and not in the server that strangers send packets to. It knows nothing of names, and it has read its keys, it is
 * nobody: what an etcd that is not to be trusted could do to it stays in it.
 */
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "etcd/announce.h"

enum {
	FILE_MAX = 1024 * 1024,
	NOBODY = 65534,
	LAST_WORDS_MS = 2000,
	LEASE_MAX_S = 3600,
	OUT_MAX = 64 * 1024 * 1024
};

struct program {
	struct arena *arena;
	struct session session;
	struct announcer announcer;
	struct link link;
};

/* --- options ------------------------------------------------------------------------------------------------------------ */

static int read_text(struct text *out, const char *file, struct error *err)
{
	_cleanup_free_ char *text = NULL;
	size_t n;
	int r = file_read(AT_FDCWD, file, FILE_MAX, &text, &n, err);

	if (r == 0)
		text_add_n(out, text, n);
	return r;
}

static int set_password(struct program *p, const char *file, struct error *err)
{
	struct text text = {};
	int r = read_text(&text, file, err);

	while (text.n && (text.at[text.n - 1] == '\n' || text.at[text.n - 1] == '\r'))
		text.at[--text.n] = '\0';
	p->session.password = r < 0 ? NULL : arena_strdup(p->arena, text_str(&text));
	text_free(&text);
	return r;
}

static int set_option(struct program *p, const char *name, const char *value, struct error *err)
{
	struct session *s = &p->session;
	long long seconds;

	if (text_is(name, "--url"))
		*list_add(p->arena, &s->urls) = value;
	else if (text_is(name, "--prefix"))
		s->prefix = value;
	else if (text_is(name, "--user"))
		s->user = value;
	else if (text_is(name, "--password-file"))
		return set_password(p, value, err);
	else if (text_is(name, "--ca"))
		return read_text(&s->trust.ca, value, err);
	else if (text_is(name, "--cert"))
		return read_text(&s->trust.certificate, value, err);
	else if (text_is(name, "--key"))
		return read_text(&s->trust.key, value, err);
	else if (text_is(name, "--lease") && text_to_int(value, 1, LEASE_MAX_S, &seconds) == 0)
		p->announcer.ttl_s = seconds;
	else
		return error_set(err, EINVAL, "seapod-etcd has no option '%.60s' with the value '%.60s'",
				 name, value);
	return 0;
}

static int read_options(struct program *p, int argc, char **argv, struct error *err)
{
	int r = 0;

	for (int i = 1; r == 0 && i + 1 < argc; i += 2)
		r = set_option(p, argv[i], argv[i + 1], err);
	if (r == 0 && (argc % 2 == 0 || !p->session.urls.n || text_empty(p->session.prefix)))
		r = error_set(err, EINVAL,
			      "seapod-etcd is started by seapod-dns (seapod dns serve --etcd URL)");
	if (r == 0 && p->session.user && !p->session.password)
		r = error_set(err, EINVAL, "a user needs a password (--etcd-password-file)");
	return r;
}

/* Root is not needed once all files are read. */
static int become_nobody(struct error *err)
{
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (geteuid() == 0 && (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
			       setresuid(NOBODY, NOBODY, NOBODY) < 0))
		return error_errno(err, "seapod-etcd cannot give up root's rights");
	return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

/* --- the loop ----------------------------------------------------------------------------------------------------------- */

/* False: seapod-dns is gone, or does not say what it should. */
static bool take_frames(struct program *p)
{
	struct frame f;
	int r;

	if (!link_receive(&p->link))
		return false;
	while ((r = link_next(&p->link, &f)) > 0) {
		if (f.kind == LINK_PUT)
			announce_want(&p->announcer, &f);
		else if (f.kind == LINK_DELETE)
			announce_drop(&p->announcer, &f);
	}
	return r == 0;
}

static void on_seen(struct session *s, const struct etcd_item *item)
{
	struct program *p = (struct program *)((char *)s - offsetof(struct program, session));
	announce_seen(&p->announcer, item);
}

static void run(struct program *p)
{
	struct session *s = &p->session;

	session_begin(s);
	for (;;) {
		uint64_t now = clock_boot_us(), left = session_tick(s, now);
		uint64_t others = announce_tick(&p->announcer, clock_boot_us());
		int sent = link_send(&p->link);
		if (sent < 0 || p->link.out.n > OUT_MAX)
			return;
		if (http_step(&s->http, p->link.fd, sent == 0,
			      (int)((left < others ? left : others) / 1000) + 1) &&
		    !take_frames(p))
			return;
	}
}

int main(int argc, char **argv)
{
	static struct program p;
	struct error err = {};

	p.arena = arena_new();
	p.link.fd = STDIN_FILENO;
	p.session.link = &p.link;
	p.session.seen = on_seen;
	p.announcer.session = &p.session;
	p.session.http.trust = &p.session.trust;
	signal(SIGPIPE, SIG_IGN);
	signal(SIGINT, SIG_IGN); /* a terminal's is for seapod-dns, which closes the socket */
	signal(SIGTERM, SIG_IGN);
	int r = read_options(&p, argc, argv, &err);
	if (r == 0 && (r = become_nobody(&err)) == 0 && (r = http_open(&p.session.http, &err)) == 0) {
		run(&p);
		announce_end(&p.announcer, LAST_WORDS_MS);
		session_end(&p.session);
		http_close(&p.session.http);
	}
	if (r < 0) { /* seapod-dns passes it on */
		session_say(&p.session, "etcd", false, "%s", err.text);
		link_send(&p.link);
	}
	link_free(&p.link);
	arena_free(p.arena);
	return r < 0 ? 1 : 0;
}
