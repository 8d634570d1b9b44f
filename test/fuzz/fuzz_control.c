/* fuzz_control.c — what a stranger may say to a keeper: a real control socket, a real connection, and the real code behind it.
 *
 * The input is a byte of switches and then messages, each to its NUL. The keeper's pod has containers that have ended or are being made in name only,
 * without processes, so that a request can be carried out to its end and nothing is started. Afterwards the keeper must have let go of the
 * connection and of every descriptor that came with it.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "keeper/keeper.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { AS_MEMORY = 1, FDS = 6, RUNS = 8, ENDING = 16 };

static const char launch[] =
	"{\"pod\":{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"web\",\"namespace\":"
	"\"default\",\"uid\":\"1\"},"
	"\"spec\":{\"terminationGracePeriodSeconds\":30,\"restartPolicy\":\"Never\",\"containers\":[{"
	"\"name\":\"a\",\"image\":\"i\"},{\"name\":\"b\",\"image\":\"i\"}]}},"
	"\"images\":[{\"container\":\"a\",\"reference\":\"i\",\"id\":\"x\",\"layers\":[\"/"
	"\"]},{\"container\":\"b\",\"reference\":\"i\",\"id\":\"x\",\"layers\":[\"/\"]}]}";

static void must(bool it_holds)
{
	if (!it_holds)
		abort();
}

static int directory(void)
{
	static char path[] = "/tmp/seapod-fuzz.XXXXXX";
	static int fd = -1;

	if (fd < 0) {
		must(mkdtemp(path));
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		log_to(open("/dev/null", O_WRONLY | O_CLOEXEC), 0, LOG_ERROR);
	}
	return fd;
}

static void make_keeper(struct keeper *k, unsigned switches)
{
	struct error err = {};

	*k = (struct keeper){ .loop = ev_default_loop(0), .arena = arena_new(), .control = -1 };
	k->launch = launch_read(launch, sizeof(launch) - 1, k->arena, &err);
	must(k->launch);
	k->pod = &k->launch->pod;
	k->sandbox = (struct sandbox){
		.in = &k->in, .launch = k->launch, .pod = k->pod, .arena = k->arena, .dir = directory()
	};
	k->ending = switches & ENDING ? ENDING_FINISHED : ENDING_NOT;
	k->n = 2;
	k->members = memory_new(k->n, sizeof(*k->members));
	for (size_t i = 0; i < k->n; i++) {
		struct member *m = &k->members[i];
		m->keeper = k;
		m->kind = KIND_APP;
		m->state = i == 0 && (switches & RUNS) ? CONTAINER_CREATING : CONTAINER_ENDED;
		m->ran = m->tried = true;
		m->sc = (struct sandbox_container){ .spec = &k->pod->spec.containers.at[i],
						    .image = &k->launch->images.at[i],
						    .process = CONTAINER_PROCESS_NONE,
						    .cgroup = CGROUP_NONE,
						    .in = -1,
						    .out = -1,
						    .err = -1,
						    .devpts = -1 };
		m->out.fd = m->err.fd = -1;
		ev_init(&m->timer, NULL);
	}
	ev_init(&k->deadline, NULL);
	status_begin(k);
	must(control_open(k, -1, &err) == 0);
}

static void end_keeper(struct keeper *k)
{
	control_finish(k);
	ev_io_stop(k->loop, &k->control_readable);
	for (size_t i = 0; i < k->n; i++)
		ev_timer_stop(k->loop, &k->members[i].timer);
	ev_timer_stop(k->loop, &k->deadline);
	ev_timer_stop(k->loop, &k->status_again);
	close(k->control);
	free(k->members);
	arena_free(k->arena);
}

static void send_message(int fd, const char *text, size_t n, unsigned switches)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int memory = switches & AS_MEMORY ? memfd_create("message", MFD_CLOEXEC) : -1;
	struct message_fds fds = {};

	for (unsigned i = 0; i < (switches & FDS) / 2; i++)
		fds.fd[fds.n++] = null;
	if (memory >= 0) {
		must(write(memory, text, n) == (ssize_t)n);
		fds.fd[fds.n++] = memory;
		text = "@";
		n = 1;
	}
	socket_send(
		fd, text, n,
		&fds); /* an empty or too large one is refused here, or the connection is closed already */
	close(null);
	if (memory >= 0)
		close(memory);
}

static int count_descriptors(void)
{
	int lowest = open("/dev/null", O_RDONLY | O_CLOEXEC);
	close(lowest);
	return lowest;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct keeper k;
	struct error err = {};
	unsigned switches = size ? data[0] : 0;

	directory();
	ev_default_loop(0);
	int before = count_descriptors();
	make_keeper(&k, switches);
	int fd = socket_connect(k.sandbox.dir, "ctl", &err);
	must(fd >= 0);
	ev_run(k.loop, EVRUN_NOWAIT);
	for (size_t at = 1; at < size;) {
		const void *nul = memchr(data + at, 0, size - at);
		size_t n = nul ? (size_t)((const uint8_t *)nul - data) - at : size - at;
		send_message(fd, (const char *)data + at, n, switches);
		ev_run(k.loop, EVRUN_NOWAIT);
		at += n + 1;
	}
	close(fd);
	ev_run(k.loop, EVRUN_NOWAIT);
	must(!k.connections);
	end_keeper(&k);
	must(count_descriptors() == before);
	return 0;
}
