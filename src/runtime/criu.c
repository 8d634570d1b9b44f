/* criu.c — see criu.h. */
#include "runtime/criu.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "linux/process.h"
#include "linux/socket.h"

enum { LOG_MAX = 64 * 1024 * 1024, TASKS_MAX = 16, REQUEST_FD = 3, NOTIFY = 6, FDS_MAX = 64 };

/* criu_req and criu_resp. */
enum { REQUEST_KIND = 1, REQUEST_OPTIONS = 2, REQUEST_NOTICE_DONE = 3 };
enum { ANSWER_KIND = 1, ANSWER_SUCCESS = 2, ANSWER_RESTORE = 4, ANSWER_NOTICE = 5, ANSWER_MESSAGE = 9 };

/* --- writing (Protocol Buffers "Encoding": a field is its number and the kind of its value, then the value) --- */

enum { VARINT = 0, FIXED64 = 1, BYTES = 2, FIXED32 = 5 };

static void add_varint(struct text *t, uint64_t value)
{
	for (; value > 0x7f; value >>= 7)
		text_add_char(t, (char)(value | 0x80));
	text_add_char(t, (char)value);
}

static void add_number(struct text *t, unsigned field, uint64_t value)
{
	add_varint(t, field << 3 | VARINT);
	add_varint(t, value);
}

static void add_bytes(struct text *t, unsigned field, const char *at, size_t n)
{
	add_varint(t, field << 3 | BYTES);
	add_varint(t, n);
	text_add_n(t, at, n);
}

void criu_number(struct criu_call *c, enum criu_option option, uint64_t value)
{
	add_number(&c->options, option, value);
}

void criu_text(struct criu_call *c, enum criu_option option, const char *value)
{
	add_bytes(&c->options, option, value, strlen(value));
}

void criu_pair(struct criu_call *c, enum criu_option option, const char *first, const char *second)
{
	_cleanup_text_ struct text t = {};

	add_bytes(&t, 1, first, strlen(first));
	add_bytes(&t, 2, second, strlen(second));
	add_bytes(&c->options, option, t.at, t.n);
}

void criu_inherit(struct criu_call *c, const char *key, int fd)
{
	_cleanup_text_ struct text t = {};

	add_bytes(&t, 1, key, strlen(key));
	add_number(&t, 2, CRIU_FIRST_FD + c->fds.n);
	add_bytes(&c->options, CRIU_INHERIT_FD, t.at, t.n);
	*list_add(c->arena, &c->fds) = fd;
}

/* --- reading --- */

struct span {
	const unsigned char *at, *end;
};

struct wire_field {
	unsigned number, kind;
	uint64_t value;
	struct span bytes;
};

static bool take_varint(struct span *b, uint64_t *value)
{
	*value = 0;
	for (unsigned shift = 0; b->at < b->end && shift < 64; shift += 7) {
		*value |= (uint64_t)(*b->at & 0x7f) << shift;
		if (!(*b->at++ & 0x80))
			return true;
	}
	return false;
}

static bool take_field(struct span *b, struct wire_field *f)
{
	uint64_t key;

	*f = (struct wire_field){};
	if (!take_varint(b, &key))
		return false;
	f->number = (unsigned)(key >> 3);
	f->kind = key & 7;
	if (f->kind == VARINT)
		return take_varint(b, &f->value);
	uint64_t n = f->kind == FIXED64 ? 8 : 4;
	if (f->kind == BYTES ? !take_varint(b, &n) : f->kind != FIXED64 && f->kind != FIXED32)
		return false;
	if (n > (uint64_t)(b->end - b->at))
		return false;
	f->bytes = (struct span){ b->at, b->at + n };
	b->at += n;
	return true;
}

static void copy_text(const struct wire_field *f, char *to, size_t space)
{
	size_t n = f->bytes.at ? (size_t)(f->bytes.end - f->bytes.at) : 0;

	n = n < space ? n : space - 1;
	if (n > 0)
		memcpy(to, f->bytes.at, n);
	to[n] = '\0';
	text_tame(to);
}

/* criu_restore_resp and criu_notify: the first has a process as its field 1, the second a name as 1 and a process as 2. */
static bool read_part(struct span b, bool is_notice, struct criu_answer *a)
{
	struct wire_field f;

	while (b.at < b.end) {
		if (!take_field(&b, &f))
			return false;
		if (is_notice && f.number == 1)
			copy_text(&f, a->script, sizeof(a->script));
		else if (f.number == (is_notice ? 2 : 1))
			a->pid = f.value;
	}
	return true;
}

bool criu_read_answer(const void *bytes, size_t size, struct criu_answer *a)
{
	struct span b = { bytes, (const unsigned char *)bytes + size };
	struct wire_field f;

	*a = (struct criu_answer){};
	while (b.at < b.end) {
		if (!take_field(&b, &f))
			return false;
		if (f.number == ANSWER_KIND)
			a->kind = f.value;
		else if (f.number == ANSWER_SUCCESS)
			a->success = f.value;
		else if (f.number == ANSWER_MESSAGE)
			copy_text(&f, a->message, sizeof(a->message));
		else if ((f.number == ANSWER_RESTORE || f.number == ANSWER_NOTICE) &&
			 !read_part(f.bytes, f.number == ANSWER_NOTICE, a))
			return false;
	}
	return a->kind != 0;
}

/* --- the program --- */

/* Along PATH, and where administrators' programs are: a caller's PATH may be a user's. */
static const char *find_program(const struct criu_call *c)
{
	static const char sbin[] = "/usr/local/sbin:/usr/sbin:/sbin";
	const char *path = getenv("PATH");
	const char *all =
		arena_printf(c->arena, "%s%s%s", path ? path : "", text_empty(path) ? "" : ":", sbin);

	if (c->program && strchr(c->program, '/'))
		return access(c->program, X_OK) == 0 ? c->program : NULL;
	while (*all) {
		size_t n = strcspn(all, ":");
		const char *one =
			arena_printf(c->arena, "%.*s/%s", (int)n, all, c->program ? c->program : "criu");
		if (n > 0 && access(one, X_OK) == 0)
			return one;
		all += n + (all[n] == ':');
	}
	return NULL;
}

/* The numbers are given: first all out of the way, then each to its place. */
static int place_descriptors(const struct criu_call *c, int socket)
{
	int high[FDS_MAX];

	if ((socket = fcntl(socket, F_DUPFD_CLOEXEC, 2 * FDS_MAX)) < 0)
		return -1;
	for (size_t i = 0; i < c->fds.n; i++)
		if ((high[i] = fcntl(c->fds.at[i], F_DUPFD_CLOEXEC, 2 * FDS_MAX)) < 0)
			return -1;
	for (size_t i = 0; i < c->fds.n; i++)
		if (dup2(high[i], CRIU_FIRST_FD + (int)i) < 0)
			return -1;
	return dup2(socket, REQUEST_FD);
}

static void __attribute__((noreturn))
become_criu(const struct criu_call *c, const char *program, int socket, const int *tasks, int task_count)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	for (int i = 0; i < task_count; i++)
		if (write(tasks[i], "0", 1) < 0)
			_exit(126);
	if (place_descriptors(c, socket) >= 0)
		execl(program, "criu", "swrk", "3", (char *)NULL);
	_exit(126);
}

static int start(struct criu_call *c, int *socket, int *pidfd, struct error *err)
{
	const char *program = find_program(c);
	int tasks[TASKS_MAX], pair[2];

	if (!program)
		return error_set(err, ENOENT,
				 "the program '%s' is not there, which checkpoints are made with (install "
				 "criu, or name it by --criu)",
				 c->program ? c->program : "criu");
	if (c->fds.n > FDS_MAX)
		return error_set(err, EMFILE, "too many descriptors for criu");
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return error_errno(err, "cannot make a socket for criu");
	int count = c->cgroup ? oci_cgroup_tasks(c->cgroup, tasks, TASKS_MAX) : 0;
	pid_t pid = process_clone(0, c->cgroup ? oci_cgroup_directory(c->cgroup) : -1, pidfd);
	if (pid == 0)
		become_criu(c, program, pair[1], tasks, count);
	close(pair[1]);
	for (int i = 0; i < count; i++)
		close(tasks[i]);
	*socket = pair[0];
	return pid < 0 ? error_set(err, -pid, "cannot run '%s': %s", program, error_meaning(-pid)) : 0;
}

/* --- the conversation --- */

static int ask(const struct criu_call *c, int socket)
{
	_cleanup_text_ struct text t = {};

	add_number(&t, REQUEST_KIND, c->kind);
	add_bytes(&t, REQUEST_OPTIONS, c->options.at, c->options.n);
	return socket_send(socket, t.at, t.n, NULL);
}

static int answer_notice(struct criu_call *c, int socket, const struct criu_answer *a,
			 struct message_fds *fds, struct error *err)
{
	_cleanup_text_ struct text t = {};
	int master = fds->n > 0 ? fds->fd[0] : -1;
	int r = 0;

	if (c->notice) {
		if (fds->n > 0)
			fds->fd[0] = -1;
		r = c->notice(c->context, a->script, master, err);
	}
	add_number(&t, REQUEST_KIND, NOTIFY);
	add_number(&t, REQUEST_NOTICE_DONE, r >= 0);
	socket_send(socket, t.at, t.n, NULL);
	return r;
}

/* 0: criu says that it is done. 1: that it is not, or nothing; A has what it says. */
static int converse(struct criu_call *c, int socket, struct criu_answer *a, struct error *err)
{
	_cleanup_free_ char *message = memory_new(SOCKET_MESSAGE_MAX, 1);
	int r = ask(c, socket);

	while (r >= 0) {
		struct message_fds fds = {};
		ssize_t n = socket_receive(socket, message, SOCKET_MESSAGE_MAX, &fds);
		bool whole = n > 0 && criu_read_answer(message, (size_t)n, a);
		bool notice = whole && a->kind == NOTIFY;
		if (notice)
			r = answer_notice(c, socket, a, &fds, err);
		message_fds_close(&fds);
		if (!notice)
			return whole && a->success ? 0 : 1;
	}
	return err && err->code ? r : 1;
}

/* The last line of the log that has "Error", without its time, and before it gives up ("Dumping FAILED"): what comes then is of its cleaning. Else
 * the answer's own words. */
static int tell(const struct criu_call *c, const struct criu_answer *a, struct error *err)
{
	_cleanup_free_ char *log = NULL;
	const char *why = *a->message ? a->message : "it ended without a word";

	if (file_read(AT_FDCWD, c->log, LOG_MAX, &log, NULL, NULL) < 0)
		return error_set(err, EIO, "criu failed: %s", why);
	for (char *state, *line = strtok_r(log, "\n", &state); line; line = strtok_r(NULL, "\n", &state)) {
		char *at = strstr(line, "Error (");
		if (at && strstr(at, " FAILED"))
			break;
		if (at && (at = strstr(at, "): ")))
			why = at + 3;
	}
	char *tame = arena_printf(c->arena, "%.500s", why);
	text_tame(tame);
	return error_set(err, EIO, "criu failed: %s (its log is '%s')", tame, c->log);
}

int criu_call(struct criu_call *c, struct error *err)
{
	_cleanup_close_ int socket = -1, pidfd = -1;
	struct criu_answer a = {};
	struct exit_status status;
	struct error none = {};

	err = err ? err : &none;
	unlink(c->log); /* of an attempt before */
	int r = start(c, &socket, &pidfd, err);
	if (r < 0)
		return r;
	r = converse(c, socket, &a, err);
	close_fd(&socket);
	process_wait(pidfd, &status);
	c->pid = (pid_t)a.pid;
	return r > 0 ? tell(c, &a, err) : r;
}

void criu_close(struct criu_call *c)
{
	text_free(&c->options);
}
