/* main.c — the program seapod-keeper: one for each pod, started by a command with a launch (fd 3) and a connection (fd 4).
 *
 *	seapod-keeper ROOT RUN PATH
 *
 * PATH is where the program is: it runs from a mount of its own that has no path (client.c).
 * It makes the sandbox, lets policy run in one event loop, and gives all back at the end. It has no terminal; it logs to keeper.log in the
 * pod's directory. It is not to be dumped or traced by what runs in the pod.
 */
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "keeper/check.h"
#include "keeper/keeper.h"
#include "linux/proc.h"

enum { LAUNCH_FD = 3, WATCH_FD = 4, QUIET_S = 1, READER_MS = 10000 };

static int read_launch(struct keeper *k, struct error *err)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	int r = file_read_fd(LAUNCH_FD, "launch", NODE_BYTES_MAX, &text, &size, err);

	close(LAUNCH_FD);
	if (r < 0)
		return r;
	k->launch = launch_read(text, size, k->arena, err);
	if (!k->launch)
		return -err->code;
	k->pod = &k->launch->pod;
	const char *const backoff[] = { k->launch->backoff_initial, k->launch->backoff_max,
					k->launch->backoff_reset };
	if ((r = backoff_limits_of(k->pod, backoff, &k->backoff, err)) < 0)
		return r;
	list_each(c, &k->pod->spec.initContainers)
		if (!launch_find_image(k->launch, c->name))
			return error_set(err, EINVAL, "the container '%s' has no image", c->name);
	list_each(c, &k->pod->spec.containers)
		if (!launch_find_image(k->launch, c->name))
			return error_set(err, EINVAL, "the container '%s' has no image", c->name);
	return 0;
}

static void on_signal(struct ev_loop *loop, ev_signal *w, int events)
{
	struct keeper *k = w->data;
	(void)loop;
	(void)events;

	k->machine_ends = true;
	keeper_end(k, ENDING_STOPPED, keeper_grace(k));
}

/* The start is over, and now the pod may run for a year. */
static void on_quiet(struct ev_loop *loop, ev_timer *w, int events)
{
	(void)loop;
	(void)events;

	restore_note(w->data);
	memory_give_back();
}

static int fail(const struct error *err)
{
	reply_send(WATCH_FD, &(struct reply){ .event = "error", .error = err->text, .code = 1 }, NULL);
	return 1;
}

/* What comes while the first containers are being set up. A start that fails here leaves all as it was. */
static int connect_sandbox(struct keeper *k)
{
	struct error err = {};

	if (k->over || sandbox_connect(&k->sandbox, &err) == 0)
		return 0;
	for (size_t i = 0; i < k->n; i++)
		member_abandon(keeper_member(k, i));
	storage_end(k);
	sandbox_destroy(&k->sandbox, !k->sandbox.again);
	sandbox_erase(&k->sandbox);
	return fail(&err);
}

/* Without its object nobody could find the pod. */
static void write_objects(struct keeper *k)
{
	struct error err = {};

	if (keeper_write_objects(k, &err) == 0)
		return;
	fail(&err);
	keeper_end(k, k->sandbox.again ? ENDING_STOPPED : ENDING_DELETED, 0);
}

static int run(struct keeper *k)
{
	ev_signal term;
	ev_timer quiet;

	ev_signal_init(&term, on_signal, SIGTERM);
	term.data = k;
	ev_signal_start(k->loop, &term);
	ev_timer_init(&quiet, on_quiet, QUIET_S, 0);
	quiet.data = k;
	ev_timer_start(k->loop, &quiet);
	keeper_begin(k);
	if (connect_sandbox(k) != 0)
		return 1;
	write_objects(k);
	k->connected = true;
	for (size_t i = 0; i < k->n; i++)
		member_let_go(keeper_member(k, i));
	forwarding_begin(k);
	heal_begin(k);
	if (!k->over)
		ev_run(k->loop, 0);
	return 0;
}

static bool is_to_be_deleted(const struct keeper *k)
{
	bool started = true;

	for (size_t i = 0; i < k->n; i++)
		started = started && !text_is(keeper_member(k, i)->reason, "StartError");
	return k->ending == ENDING_DELETED || (k->launch->remove && started);
}

/* The last to be killed for lack of memory, as a container's shim is: the pod would go with it. Containers get scores of their own; lowering one
 * needs CAP_SYS_RESOURCE, and without it this is a wish (proc_pid_oom_score_adj(5)). */
static void stay_alive(void)
{
	static const char score[] = "-998";
	_cleanup_close_ int fd = proc_open("/proc/self/oom_score_adj", O_WRONLY);

	if (fd >= 0)
		(void)!write(fd, score, sizeof(score) - 1);
}

int main(int argc, char **argv)
{
	static struct keeper k = { .control = -1,
				   .probe_server = -1,
				   .probe_server_process = CONTAINER_PROCESS_NONE };
	struct error err = {};

	if (argc != 4)
		return 2;
	fcntl(LAUNCH_FD, F_SETFD, FD_CLOEXEC);
	fcntl(WATCH_FD, F_SETFD, FD_CLOEXEC);
	signal(SIGPIPE, SIG_IGN);
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	stay_alive();
	umask(0022);
	instance_program(argv[3]);
	prctl(PR_SET_NAME, "seapod-keeper", 0, 0, 0);
	k.arena = arena_new();
	if (instance_open(&k.in, argv[1], argv[2], &err) < 0 || read_launch(&k, &err) < 0 ||
	    sandbox_create(&k.sandbox, &k.in, k.launch, k.arena, &err) < 0)
		return fail(&err);
	own_log_open(&k);
	k.loop = ev_loop_new(EVBACKEND_EPOLL);
	if (control_open(&k, WATCH_FD, &err) < 0) {
		fail(&err);
		sandbox_destroy(&k.sandbox, !k.sandbox.again);
		sandbox_erase(&k.sandbox);
		return 1;
	}
	if (run(&k) != 0)
		return 1;
	worker_server_end(&k); /* it is in the pod's network */
	bool delete = is_to_be_deleted(&k);
	restore_forget(&k);
	storage_end(&k);
	forwarding_end(&k);
	if (!delete) {
		status_write(&k);
		events_write(&k);
	}
	sandbox_destroy(&k.sandbox, delete);
	control_finish(&k);
	outlets_finish(READER_MS);
	sandbox_erase(&k.sandbox);
	return 0;
}
