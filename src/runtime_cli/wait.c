/* wait.c — see wait.h. */
#include "runtime_cli/wait.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"

static sigset_t forwarded;
static struct termios cooked;
static bool is_raw;

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

static void make_cooked(void)
{
	if (is_raw)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &cooked);
	is_raw = false;
}

static void make_raw(void)
{
	struct termios raw;

	if (tcgetattr(STDIN_FILENO, &cooked) < 0)
		return;
	raw = cooked;
	cfmakeraw(&raw);
	is_raw = tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) == 0;
	atexit(make_cooked);
}

static void copy_size(int master)
{
	struct winsize size;

	if (ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0)
		ioctl(master, TIOCSWINSZ, &size);
}

/* False: FROM has ended. */
static bool move(int from, int to)
{
	char chunk[16384];
	ssize_t n = read(from, chunk, sizeof(chunk));

	return n > 0 ? write_all(to, chunk, (size_t)n) == 0 : n < 0 && (errno == EAGAIN || errno == EINTR);
}

static void forward(int signals, const struct container_process *p, int master)
{
	struct signalfd_siginfo info;

	while (read(signals, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGWINCH && master >= 0)
			copy_size(master);
		else
			process_signal(p->pidfd, (int)info.ssi_signo);
	}
}

/* What the terminal still has when its program has ended. */
static void drain(int master)
{
	struct pollfd one = { .fd = master, .events = POLLIN };

	while (master >= 0 && poll(&one, 1, 0) == 1 && one.revents & POLLIN && move(master, STDOUT_FILENO))
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
		make_raw();
		copy_size(master);
	}
	while (!(fds[0].revents & POLLIN)) {
		if (poll(fds, 4, -1) < 0 && errno != EINTR)
			break;
		if (fds[1].revents)
			forward(signals, p, master);
		if (fds[2].revents && !move(master, STDOUT_FILENO))
			fds[2].fd = -1;
		if (fds[3].revents && !move(STDIN_FILENO, master))
			fds[3].fd = -1;
	}
	drain(master);
	make_cooked();
	process_wait(p->pidfd, &status);
	return status.code;
}
