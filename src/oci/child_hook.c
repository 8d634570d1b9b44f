/* child_hook.c — hooks that run in the container's namespaces (child.h).
 *
 * createContainer hooks are the host's programs in the container's namespaces, before the root is changed; startContainer hooks are the
 * container's programs and have no more rights than its process (runtime-spec config.md "POSIX-platform Hooks"). Both get the state as
 * standard input; only this process knows its id as the container sees it.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "linux/process.h"
#include "oci/child.h"

static int state_file(const struct oci_state_text *state)
{
	char pid[16];
	int n = snprintf(pid, sizeof(pid), "%d", (int)getpid());
	int fd = memfd_create("state", MFD_CLOEXEC);

	if (fd < 0 || write_all(fd, state->before, strlen(state->before)) < 0 ||
	    write_all(fd, pid, (size_t)n) < 0 || write_all(fd, state->after, strlen(state->after)) < 0 ||
	    lseek(fd, 0, SEEK_SET) < 0) {
		close_fd(&fd);
		return -EIO;
	}
	return fd;
}

static void __attribute__((noreturn)) become(const struct oci_hook *hook, int in)
{
	if (dup2(in, 0) >= 0) {
		prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
		execve(hook->path, hook->argv, hook->envp);
	}
	_exit(errno == ENOENT ? 127 : 126);
}

int child_hook(struct child *c, const struct step *s, struct error *err)
{
	const struct oci_hook *hook = s->hook->hook;
	_cleanup_close_ int in = state_file(s->hook->state), pidfd = -1;
	struct exit_status status;
	(void)c;

	if (in < 0)
		return error_set(err, EIO, "cannot hand the state to the hook '%s'", hook->path);
	pid_t pid = process_clone(0, -1, &pidfd);
	if (pid == 0)
		become(hook, in);
	if (pid < 0)
		return error_set(err, -pid, "cannot run the hook '%s': %s", hook->path, error_meaning(-pid));
	struct pollfd end = { .fd = pidfd, .events = POLLIN };
	bool late = poll(&end, 1, hook->timeout_ms) == 0;
	if (late)
		process_signal(pidfd, SIGKILL);
	int r = process_wait(pidfd, &status);
	if (late)
		return error_set(err, ETIMEDOUT, "the hook '%s' did not end in time", hook->path);
	if (r < 0 || status.code != 0)
		return error_set(err, ECANCELED, "the hook '%s' failed with exit status %d", hook->path,
				 r < 0 ? -1 : status.code);
	return 0;
}
