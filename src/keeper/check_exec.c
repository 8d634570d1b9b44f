/* check_exec.c — a command in the container: as the container's user and with its variables and limits, in "/", with an end to its time.
 *
 * core/v1 types.go ExecAction: the working directory is the root, no shell; exit code 0 is success. What it says is the message (kubelet probe/exec).
 * When its time is over it is killed with all of its process group (KEP-1972).
 */
#include <fcntl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "keeper/check_parts.h"

enum { SAID_MAX = 1000 }; /* the kubelet reads 10 KiB, of which an event keeps 1024 bytes */

static void on_report(struct ev_loop *loop, ev_io *w, int events)
{
	struct check *c = w->data;
	(void)events;

	int r = c->process.sync < 0 ? -ENOTCONN : container_report(&c->process, &c->exec.why);

	if (r == 3) {
		check_rewatch(c);
		return;
	}
	if (r != 0)
		ev_io_stop(loop, w); /* what else there is to know comes with its end */
}

static void on_command_exit(struct check *c, struct exit_status status)
{
	char said[SAID_MAX];

	if (ev_is_active(&c->exec.report))
		on_report(c->member->keeper->loop, &c->exec.report, 0);
	const struct error why = c->exec.why;
	ssize_t n = read(c->exec.output, said, sizeof(said) - 1);
	said[n > 0 ? n : 0] = '\0';
	if (why.code)
		check_finish(c, CHECK_ERROR, "%s", why.text);
	else if (status.code == 0)
		check_finish(c, CHECK_SUCCESS, "%s", said);
	else if (*said)
		check_finish(c, CHECK_FAILURE, "%s", said);
	else
		check_finish(c, CHECK_FAILURE, "the command ended with exit code %d", status.code);
}

static int begin(struct check *c, struct error *err)
{
	const struct strings *command = &c->wish.exec->command;
	struct exec_wish wish = { .argv = { command->at, command->n }, .cwd = "/" };
	int pair[2], master;

	c->exec = (struct check_exec){ .output = -1 };
	_cleanup_close_ int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (null < 0 || pipe2(pair, O_CLOEXEC) < 0)
		return error_errno(err, "cannot make a pipe");
	_cleanup_close_ int in = pair[1];
	c->exec.output = pair[0];
	fcntl(c->exec.output, F_SETFL, O_NONBLOCK);
	wish.stdio[0] = null;
	wish.stdio[1] = wish.stdio[2] = in;
	int r = sandbox_exec(&c->member->keeper->sandbox, &c->member->sc, &wish, &c->process, &master, err);
	if (r < 0)
		return r;
	ev_io_init(&c->exec.report, on_report, c->process.sync, EV_READ);
	c->exec.report.data = c;
	ev_io_start(c->member->keeper->loop, &c->exec.report);
	check_watch_process(c, on_command_exit);
	return 0;
}

static void end(struct check *c)
{
	ev_io_stop(c->member->keeper->loop, &c->exec.report);
	close_fd(&c->exec.output);
}

const struct check_kind check_exec = { begin, end, false };
