/* session.c — see session.h.
 *
 * exec without a terminal hands our own descriptors to the process: nothing is copied here. With a terminal, its master is handed to us and
 * bytes are moved both ways. The person's terminal is set back on every path. Signals are the program's: they are sent on to it.
 */
#include "cli/session.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/file.h"
#include "command/terminal.h"

struct flows {
	int in;         /* where our standard input goes; -1: nowhere */
	int out, err;   /* what is to be shown; -1: nothing */
	int connection; /* says "exit" */
	bool tty;
	int signals; /* signalfd(2) */
	int patience_ms; /* how long the outputs may be silent after the end before they are left, if they do not end themselves */
	unsigned refused; /* how often the program was asked to end, and did not */
};

/* Of exec: a process that outlives the first one may hold the terminal open, and is not waited for. Of attach: the keeper closes what it has
 * given, so silence means that it is slow. */
enum { PATIENCE = 3, EXEC_PATIENCE_MS = 200, ATTACH_PATIENCE_MS = 30000 };

/* From here on signals are read, not suffered. */
static int catch_signals(void)
{
	static const int numbers[] = { SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2, SIGTERM, SIGWINCH };
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		sigaddset(&set, numbers[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

/* Sends the signal that came on to the program. False: it was asked to end for the third time, so the person wants out, as with docker. */
static bool forward_signal(struct flows *f)
{
	struct signalfd_siginfo info;

	if (read(f->signals, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return true;
	if (info.ssi_signo == SIGWINCH) {
		if (f->tty && f->in >= 0)
			terminal_copy_size(f->in);
		return true;
	}
	request_send(f->connection, &(struct request){ .verb = "kill", .signal = (int32_t)info.ssi_signo },
		     NULL);
	return (info.ssi_signo != SIGINT && info.ssi_signo != SIGTERM) || ++f->refused < PATIENCE;
}

/* The exit code that the connection tells; -1: nothing yet; other negative: it broke. */
static int read_end(struct context *x, struct flows *f, struct error *err)
{
	_cleanup_message_fds_ struct message_fds fds = {};
	struct reply reply = {};
	int r = reply_receive(f->connection, x->arena, &reply, &fds, err);

	if (r > 0 && text_is(reply.event, "exit"))
		return reply.code;
	if (r > 0 && !text_is(reply.event, "error"))
		return -1;
	return error_set(err, ECONNRESET, "the pod's keeper has ended");
}

/* Until the connection says how it ended and the outputs are empty. */
static int move_all(struct context *x, struct flows *f, struct error *err)
{
	bool input = f->in >= 0;
	int code = -1;

	f->signals = catch_signals();
	if (f->tty && input)
		terminal_make_raw();
	while (code == -1 || (code >= 0 && (f->out >= 0 || f->err >= 0))) {
		bool ended = code != -1;
		struct pollfd p[] = {
			{ .fd = f->out, .events = POLLIN },
			{ .fd = f->err, .events = POLLIN },
			{ .fd = ended ? -1 : f->connection, .events = POLLIN },
			{ .fd = input && !ended ? STDIN_FILENO : -1, .events = POLLIN },
			{ .fd = f->signals, .events = POLLIN },
		};
		int n = poll(p, 5, ended ? f->patience_ms : -1);
		if (n == 0)
			break;
		if (p[0].revents && !terminal_move(f->out, STDOUT_FILENO))
			close_fd(&f->out);
		if (p[1].revents && !terminal_move(f->err, STDERR_FILENO))
			close_fd(&f->err);
		if (p[3].revents && !terminal_move(STDIN_FILENO, f->in)) {
			input = false;
			if (!f->tty)
				close_fd(&f->in);
		}
		if (p[2].revents)
			code = read_end(x, f, err);
		if (p[4].revents && !forward_signal(f))
			code = error_set(err, EINTR, "the program does not end; it was left running");
	}
	terminal_restore();
	close_fd(&f->signals);
	return code;
}

int session_exec(struct context *x, int fd, struct request *request, struct error *err)
{
	_cleanup_message_fds_ struct message_fds received = {};
	struct message_fds mine = { .fd = { 0, 1, 2 }, .n = request->tty ? 0 : 3 };
	struct reply reply = {};
	struct winsize size;

	if (request->tty && ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0) {
		request->rows = size.ws_row;
		request->cols = size.ws_col;
	}
	_cleanup_close_ int null = -1;
	if (!request->stdin_wanted && !request->tty) {
		null = open("/dev/null", O_RDONLY | O_CLOEXEC);
		mine.fd[0] = null;
	}
	int r = keeper_ask(fd, x->arena, request, &mine, &reply, &received, err);
	if (r < 0)
		return reply.code ? -EXIT_WITH(reply.code) : -EXIT_SEAPOD;
	struct flows flows = { .in = -1,
			       .out = -1,
			       .err = -1,
			       .connection = fd,
			       .tty = request->tty,
			       .patience_ms = EXEC_PATIENCE_MS };
	if (request->tty && received.n == 1) {
		flows.out = take_fd(&received.fd[0]);
		received.n = 0;
		if (request->stdin_wanted)
			flows.in = fcntl(flows.out, F_DUPFD_CLOEXEC, 3);
	}
	r = move_all(x, &flows, err);
	close_fd(&flows.in);
	return r < 0 ? -EXIT_SEAPOD : r;
}

int session_attach(struct context *x, int fd, const char *container, bool stdin_wanted, bool tty,
		   struct error *err)
{
	_cleanup_message_fds_ struct message_fds received = {};
	const struct request request = { .verb = "attach",
					 .container = container,
					 .stdin_wanted = stdin_wanted };
	struct reply reply = {};
	int r = keeper_ask(fd, x->arena, &request, NULL, &reply, &received, err);

	if (r < 0)
		return -EXIT_SEAPOD;
	struct flows flows = { .in = -1,
			       .out = -1,
			       .err = -1,
			       .connection = fd,
			       .tty = tty,
			       .patience_ms = ATTACH_PATIENCE_MS };
	int outputs = tty ? 1 : 2;
	for (int i = 0; i < received.n; i++) {
		int *to = i == 0 ? &flows.out : i < outputs ? &flows.err : &flows.in;
		*to = take_fd(&received.fd[i]);
	}
	if (tty && flows.in >= 0)
		terminal_copy_size(flows.in);
	r = move_all(x, &flows, err);
	close_fd(&flows.in);
	return r < 0 ? -EXIT_SEAPOD : r;
}

/* The signal by which a person or the machine wants this command to end; 0: another one. */
static int read_interrupt(int signals)
{
	struct signalfd_siginfo info;
	bool ends = read(signals, &info, sizeof(info)) == (ssize_t)sizeof(info) &&
		    (info.ssi_signo == SIGINT || info.ssi_signo == SIGTERM || info.ssi_signo == SIGHUP ||
		     info.ssi_signo == SIGQUIT);

	return ends ? (int)info.ssi_signo : 0;
}

int session_wait_end(struct context *x, int fd, struct error *err)
{
	_cleanup_close_ int signals = catch_signals();
	struct pollfd p[] = { { .fd = fd, .events = POLLIN }, { .fd = signals, .events = POLLIN } };

	for (;;) {
		_cleanup_message_fds_ struct message_fds fds = {};
		struct reply reply = {};
		int number, r;
		if (poll(p, 2, -1) < 0)
			return error_errno(err, "cannot wait for the pod's keeper");
		if (p[1].revents && (number = read_interrupt(signals)) > 0)
			return 128 + number;
		if (!p[0].revents)
			continue;
		r = reply_receive(fd, x->arena, &reply, &fds, err);
		if (r <= 0 || text_is(reply.event, "ended"))
			return r < 0 ? r : 0;
	}
}
