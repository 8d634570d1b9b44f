/* child_listener.c — a filter that asks an agent about system calls: SCMP_ACT_NOTIFY (child.h; seccomp_unotify(2)).
 *
 * Loading such a filter gives a descriptor, at which an agent answers. It must reach the agent, but whoever has loaded the filter may do
 * nothing any more without being asked about it, not even send a message. So a helper sends it, which shares our descriptors and was
 * cloned before; it is told the number through memory, which takes no system call. What we call then (waitid, execve) may have to wait for the
 * agent, which has its descriptor by then. The process that starts us passes it on (seccomp_agent.h).
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "linux/process.h"
#include "linux/socket.h"
#include "oci/child.h"

enum { FAILED = -1 }; /* 0: not yet; else the descriptor */

static void __attribute__((noreturn)) help(const struct child *c, const atomic_int *listener)
{
	const struct error report = { .code = REPORT_LISTENER };
	int fd;

	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	while ((fd = atomic_load(listener)) == 0)
		nanosleep(&(struct timespec){ .tv_nsec = 100000 }, NULL);
	if (fd == FAILED)
		_exit(0);
	const struct message_fds fds = { .fd = { fd }, .n = 1 };
	_exit(socket_send(c->sync, &report, sizeof(report), &fds) < 0);
}

int child_filter_listening(struct child *c, const struct oci_filter *f, struct error *err)
{
	const struct sock_fprog program = { .len = f->n, .filter = (struct sock_filter *)f->at };
	atomic_int *listener =
		mmap(NULL, sizeof(*listener), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct exit_status status = { .code = 1 };
	int helper = -1;

	if (listener == MAP_FAILED)
		return error_errno(err, "cannot share memory with the helper");
	pid_t pid = process_clone(CLONE_FILES, -1, &helper);
	if (pid == 0)
		help(c, listener);
	if (pid < 0)
		return error_set(err, -pid, "cannot make a helper: %s", error_meaning(-pid));
	long fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, f->flags, &program);
	int why = errno;
	atomic_store(listener, fd < 0 ? FAILED : (int)fd);
	process_wait(helper, &status);
	if (fd < 0)
		return error_set(err, why, "cannot load the filter of system calls: %s", error_meaning(why));
	close((int)fd);
	return status.code == 0 ? 0 : error_set(err, EIO, "cannot hand over the listener of the filter");
}
