/* systemd.c — see systemd.h: names, and talking with the worker. */
#include "runtime/systemd.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "oci/helper.h"

/* --- names --- */

static bool is_unit_name(const char *s)
{
	size_t n = strlen(s);

	return n > 0 && n < 256 &&
	       strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:-_.\\@") == n;
}

/* systemd.slice(5): "-.slice" is the root; "a-b.slice" is in "a.slice". */
static bool is_slice_name(const char *s)
{
	if (text_is(s, "-.slice"))
		return true;
	return is_unit_name(s) && text_ends(s, ".slice") && *s != '-' && *s != '.' && !strstr(s, "--") &&
	       !strstr(s, "-.slice");
}

int systemd_unit_read(const char *path, const char *id, bool user, struct arena *a, struct oci_unit *unit,
		      struct error *err)
{
	char *slice, *prefix, *name;

	*unit = (struct oci_unit){ .slice = user ? "user.slice" : "system.slice", .user = user };
	if (text_empty(path)) {
		unit->name = arena_printf(a, "seapod-oci-%s.scope", id);
		return 0;
	}
	slice = arena_strdup(a, path);
	if (!(prefix = strchr(slice, ':')) || !(name = strchr(prefix + 1, ':')) || strchr(name + 1, ':'))
		return error_set(err, EINVAL,
				 "linux.cgroupsPath: '%s' is not of the form SLICE:PREFIX:NAME, which "
				 "--systemd-cgroup needs",
				 path);
	*prefix++ = *name++ = '\0';
	if (*slice)
		unit->slice = slice;
	if (!is_slice_name(unit->slice))
		return error_set(err, EINVAL, "linux.cgroupsPath: '%s' is not the name of a slice of systemd",
				 unit->slice);
	unit->name = text_ends(name, ".slice") ? name
		     : *prefix                 ? arena_printf(a, "%s-%s.scope", prefix, name)
					       : arena_printf(a, "%s.scope", name);
	if (!is_unit_name(unit->name) || (text_ends(unit->name, ".slice") && !is_slice_name(unit->name)))
		return error_set(err, EINVAL, "linux.cgroupsPath: '%s' is not the name of a unit of systemd",
				 unit->name);
	return 0;
}

/* "a-b-c.slice" is /a.slice/a-b.slice/a-b-c.slice. */
static const char *slice_path(const char *slice, struct arena *a)
{
	const char *path = "";

	if (text_is(slice, "-.slice"))
		return path;
	for (const char *at = slice; (at = strpbrk(at, "-.")); at++) {
		path = arena_printf(a, "%s/%.*s.slice", path, (int)(at - slice), slice);
		if (*at == '.')
			break;
	}
	return path;
}

const char *systemd_unit_path(const struct oci_unit *unit, struct arena *a)
{
	return text_ends(unit->name, ".slice")
		       ? slice_path(unit->name, a)
		       : arena_printf(a, "%s/%s", slice_path(unit->slice, a), unit->name);
}

/* --- talking --- */

/* It ends when our end of the socket is closed. */
void systemd_release(struct systemd_worker *w)
{
	close_fd(&w->socket);
	while (w->pid > 0 && waitpid(w->pid, NULL, 0) < 0 && errno == EINTR)
		;
	w->pid = 0;
}

/* Starts it for VERB and hands it TEXT; ANSWER is what it says. */
static int ask(struct systemd_worker *w, const char *verb, const struct oci_unit *unit, const char *text,
	       char answer[static SYSTEMD_MESSAGE_MAX], struct error *err)
{
	char *argv[] = { (char *)"seapod-systemd",
			 (char *)verb,
			 (char *)unit->name,
			 (char *)unit->slice,
			 unit->user ? (char *)"--user" : NULL,
			 NULL };
	int pair[2];

	*w = (struct systemd_worker){ .socket = -1 };
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return error_errno(err, "cannot make a socket");
	w->socket = pair[0];
	int r = helper_spawn(argv, environ, pair[1], pair[1], &w->pid, err);
	close(pair[1]);
	if (r < 0)
		return error_prefix(err, "--systemd-cgroup");
	if (send(w->socket, text, strlen(text) + 1, MSG_NOSIGNAL) < 0)
		return error_errno(err, "--systemd-cgroup: cannot talk with seapod-systemd");
	ssize_t n = recv(w->socket, answer, SYSTEMD_MESSAGE_MAX - 1, 0);
	if (n <= 0)
		return error_set(err, EIO, "--systemd-cgroup: seapod-systemd has ended without an answer");
	answer[n] = '\0';
	return *answer == SYSTEMD_FINE ? 0 : error_set(err, EIO, "--systemd-cgroup: %.900s", answer + 1);
}

int systemd_start(const struct oci_unit *unit, const char *properties, struct arena *a, const char **path,
		  struct systemd_worker *w, struct error *err)
{
	char *answer = arena_alloc(a, SYSTEMD_MESSAGE_MAX);
	int r = ask(w, "start", unit, properties, answer, err);

	if (r < 0)
		systemd_release(w);
	*path = answer + 1;
	return r;
}

static int tell(const char *verb, const struct oci_unit *unit, const char *text, struct error *err)
{
	_cleanup_free_ char *answer = memory_new(1, SYSTEMD_MESSAGE_MAX);
	struct systemd_worker w;
	int r = ask(&w, verb, unit, text, answer, err);

	systemd_release(&w);
	return r;
}

int systemd_set(const struct oci_unit *unit, const char *properties, struct error *err)
{
	return *properties ? tell("set", unit, properties, err) : 0;
}

int systemd_stop(const struct oci_unit *unit, struct error *err)
{
	return tell("stop", unit, "", err);
}
