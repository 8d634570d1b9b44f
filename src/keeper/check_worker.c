/* check_worker.c — checks that are done by seapod-probe (probe_main.c): what needs TLS, HTTP/2 or a resolver.
 *
 * It is started in the keeper's namespaces, so it has the pod's network; it takes its privileges off before it speaks to anybody. With a conversation
 * it is only a better connection: what the keeper writes goes to the container's server by TLS, what that answers comes back, and HTTP stays
 * in one place (check_http.c).
 */
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "keeper/check_parts.h"

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
