/* check_worker.c — checks that are done by seapod-probe (probe_main.c): what needs TLS, HTTP/2 or a resolver.
 *
 * It is started in the keeper's namespaces, so it has the pod's network; it takes its privileges off before it speaks to anybody. With a conversation
 * it is only a better connection: what the keeper writes goes to the container's server by TLS, what that answers comes back, and HTTP stays
 * in one place (check_http.c).
 *
 * Probes come again and again, and most of what such a check costs is to load OpenSSL. So the first one starts a server that has loaded it, stays as long as the
 * pod, and makes a copy of itself for each check (probe_main.c). Without an answer from it the check has a program of its own, as a hook's has.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "keeper/check_parts.h"

enum { SERVER_WORDS_MAX = 4096 }; /* probe_main.c takes no more */

static int spawn(const char *argv[], int stream, int complaint, pid_t *pid, struct error *err)
{
	char path[PATH_MAX];
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t defaults;

	argv[0] = "seapod-probe";
	instance_helper(argv[0], path);
	sigfillset(&defaults);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigdefault(&attributes, &defaults);
	posix_spawnattr_setpgroup(&attributes, 0);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, stream, STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, stream, STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, complaint, STDERR_FILENO);
	int r = posix_spawn(pid, path, &actions, &attributes, (char *const *)argv, (char *const[]){ NULL });
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	return r == 0 ? 0
		      : error_set(err, r == ENOENT ? EIO : r, "cannot run '%s': %s", path, error_meaning(r));
}

/* --- the server ------------------------------------------------------------------------------------------------------------ */

void worker_server_end(struct keeper *k)
{
	struct exit_status status;

	close_fd(&k->probe_server);
	if (k->probe_server_process.pidfd < 0)
		return;
	process_signal(k->probe_server_process.pidfd, SIGKILL);
	process_wait(k->probe_server_process.pidfd, &status);
	container_process_close(&k->probe_server_process);
}

static int start_server(struct keeper *k, struct error *err)
{
	const char *argv[] = { NULL, "serve", NULL };
	const struct timeval patience = { .tv_sec = 1 };
	int ours[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ours) < 0)
		return error_errno(err, "cannot make a socket");
	k->probe_server = ours[0];
	_cleanup_close_ int its = ours[1];
	_cleanup_close_ int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	setsockopt(k->probe_server, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	int r = spawn(argv, its, null, &k->probe_server_process.pid, err);
	if (r == 0)
		k->probe_server_process.pidfd = r = process_open(k->probe_server_process.pid);
	return r < 0 ? r : 0;
}

/* A copy of the server does the check. Negative: it must be done otherwise. */
static int ask_server(struct check *c, const char *argv[], int stream, int complaint)
{
	struct keeper *k = c->member->keeper;
	_cleanup_message_fds_ struct message_fds back = {};
	const struct message_fds fds = { .fd = { stream, complaint }, .n = 2 };
	char words[SERVER_WORDS_MAX];
	size_t n = 0;
	pid_t pid = -1;

	for (int i = 1; argv[i]; i++) {
		size_t size = strlen(argv[i]) + 1;
		if (size > sizeof(words) - n)
			return -E2BIG;
		memcpy(words + n, argv[i], size);
		n += size;
	}
	if (k->probe_server < 0 && start_server(k, NULL) < 0) {
		worker_server_end(k);
		return -EIO;
	}
	if (socket_send(k->probe_server, words, n, &fds) < 0 ||
	    socket_receive(k->probe_server, &pid, sizeof(pid), &back) != sizeof(pid) || back.n != 1) {
		worker_server_end(k); /* the next one starts another */
		return -EIO;
	}
	c->process.pid = pid;
	c->process.pidfd = back.fd[0];
	back.n = 0;
	return 0;
}

/* --- checks ------------------------------------------------------------------------------------------------------------------ */

int worker_begin(struct check *c, const char *argv[], bool conversation, struct error *err)
{
	int stream[2], complaint[2];

	if (pipe2(complaint, O_CLOEXEC | O_NONBLOCK) < 0)
		return error_errno(err, "cannot make a pipe");
	c->complaint = complaint[0];
	_cleanup_close_ int said = complaint[1];
	_cleanup_close_ int other = -1;
	if (!conversation) {
		other = open("/dev/null", O_RDWR | O_CLOEXEC);
	} else if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, stream) == 0) {
		other = stream[1];
		c->fd = stream[0];
		fcntl(c->fd, F_SETFL, O_NONBLOCK);
	}
	if (other < 0)
		return error_errno(err, "cannot make a socket");
	if (!c->wish.any_answer && ask_server(c, argv, other, said) == 0) /* a probe */
		return 0;
	int r = spawn(argv, other, said, &c->process.pid, err);
	if (r < 0)
		return r;
	c->process.pidfd = process_open(c->process.pid);
	return c->process.pidfd < 0 ? error_set(err, -c->process.pidfd, "cannot watch seapod-probe") : 0;
}

const char *worker_complaint(struct check *c, char text[static 512])
{
	ssize_t n = c->complaint < 0 ? 0 : read(c->complaint, text, 511);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

void worker_end(struct check *c)
{
	if (c->fd >= 0)
		ev_io_stop(c->member->keeper->loop, &c->io);
	close_fd(&c->fd);
	close_fd(&c->complaint);
}
