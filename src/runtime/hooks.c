/* hooks.c — see hooks.h. */
#include "runtime/hooks.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "linux/process.h"

static char **terminated(const struct strings *from, const char *first)
{
	char **list = memory_new(from->n + 2, sizeof(*list));

	if (first && from->n == 0)
		list[0] = (char *)first;
	for (size_t i = 0; i < from->n; i++)
		list[i] = (char *)from->at[i];
	return list;
}

static void __attribute__((noreturn)) become(const char *path, char **argv, char **envp, int in, pid_t parent)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (getppid() != parent) /* it has died before it could be asked for */
		_exit(126);
	if (dup2(in, 0) >= 0)
		execve(path, argv, envp);
	_exit(errno == ENOENT ? 127 : 126);
}

static int state_file(const char *state, struct error *err)
{
	int fd = memfd_create("state", MFD_CLOEXEC);

	if (fd >= 0 && write_all(fd, state, strlen(state)) == 0 && lseek(fd, 0, SEEK_SET) == 0)
		return fd;
	error_errno(err, "cannot hand over the state");
	close_fd(&fd);
	return -err->code;
}

static int run(const struct config_hook *hook, const char *state, struct error *err)
{
	_cleanup_free_ char **argv = terminated(&hook->args, hook->path),
			    **envp = terminated(&hook->env, NULL);
	_cleanup_close_ int in = state_file(state, err), pidfd = -1;
	struct exit_status status;

	if (in < 0)
		return in;
	pid_t parent = getpid(), pid = process_clone(0, -1, &pidfd);
	if (pid == 0)
		become(hook->path, argv, envp, in, parent);
	if (pid < 0)
		return error_set(err, -pid, "cannot run '%s': %s", hook->path, error_meaning(-pid));
	struct pollfd end = { .fd = pidfd, .events = POLLIN };
	int64_t seconds = hook->timeout.set ? hook->timeout.value : -1;
	bool late = poll(&end, 1,
			 seconds < 0         ? -1
			 : seconds > 2000000 ? 2000000000
					     : (int)seconds * 1000) == 0;
	if (late)
		process_signal(pidfd, SIGKILL);
	int r = process_wait(pidfd, &status);
	if (late)
		return error_set(err, ETIMEDOUT, "'%s' did not end in %lld s", hook->path,
				 (long long)seconds);
	if (r < 0 || status.code != 0)
		return error_set(err, ECANCELED, "'%s' failed with exit status %d", hook->path,
				 r < 0 ? -1 : status.code);
	return 0;
}

int oci_hooks_run(const struct config_hook_list *hooks, const char *name, const char *state,
		  struct error *err)
{
	for (size_t i = 0; i < hooks->n; i++)
		if (run(&hooks->at[i], state, err) < 0)
			return error_prefix(err, "hooks.%s[%zu]", name, i);
	return 0;
}
