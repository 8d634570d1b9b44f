/* wait.c — see wait.h. */
#include "runtime_cli/wait.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "command/terminal.h"

static sigset_t forwarded;

void oci_wait_prepare(void)
{
	static const int numbers[] = {
		SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2, SIGTERM, SIGALRM, SIGWINCH
	};

	sigemptyset(&forwarded);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		sigaddset(&forwarded, numbers[i]);
	sigprocmask(SIG_BLOCK, &forwarded, NULL);
}

static void forward(int signals, const struct container_process *p, int master)
{
	struct signalfd_siginfo info;

	while (read(signals, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGWINCH && master >= 0)
			terminal_copy_size(master);
		else
			process_signal(p->pidfd, (int)info.ssi_signo);
	}
}

/* What the terminal still has when its program has ended. */
static void drain(int master)
{
	struct pollfd one = { .fd = master, .events = POLLIN };

	while (master >= 0 && poll(&one, 1, 0) == 1 && one.revents & POLLIN &&
	       terminal_move(master, STDOUT_FILENO))
		;
}

int oci_wait(struct container_process *p, int master)
{
	_cleanup_close_ int signals = signalfd(-1, &forwarded, SFD_CLOEXEC | SFD_NONBLOCK);
	struct pollfd fds[] = {
		{ .fd = p->pidfd, .events = POLLIN },
		{ .fd = signals, .events = POLLIN },
		{ .fd = master, .events = POLLIN },
		{ .fd = master >= 0 ? STDIN_FILENO : -1, .events = POLLIN },
	};
	struct exit_status status = { .code = 255 };

	if (master >= 0) {
		terminal_make_raw();
		terminal_copy_size(master);
	}
	while (!(fds[0].revents & POLLIN)) {
		if (poll(fds, 4, -1) < 0 && errno != EINTR)
			break;
		if (fds[1].revents)
			forward(signals, p, master);
		if (fds[2].revents && !terminal_move(master, STDOUT_FILENO))
			fds[2].fd = -1;
		if (fds[3].revents && !terminal_move(STDIN_FILENO, master))
			fds[3].fd = -1;
	}
	drain(master);
	terminal_restore();
	process_wait(p->pidfd, &status);
	return status.code;
}
