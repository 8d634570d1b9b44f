/* disk.c — see disk.h. */
#include "sandbox/disk.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "linux/disk_usage.h"
#include "linux/path.h"

/* linux/ioprio.h, which not every header package has */
enum { IO_WHO_PROCESS = 1, IO_IDLE = 3 << 13 };

struct places {
	const struct sandbox *sandbox;
	int root, logs, result; /* ROOT, where all logs are (-1: nowhere), where the answer goes */
};

static int64_t bytes_of(int dir)
{
	bool whole;
	return dir < 0 ? 0 : disk_usage(dir, &whole);
}

static bool is_on_disk(const struct volume *v)
{
	return v->emptyDir && text_empty(v->emptyDir->medium);
}

static int64_t volume_bytes(const struct places *p, const struct volume *v)
{
	char path[PATH_MAX];

	if (!is_on_disk(v))
		return 0;
	snprintf(path, sizeof(path), "pods/%s/volumes/%s", p->sandbox->pod->metadata.uid, v->name);
	return bytes_of(file_open_dir(p->root, path, 0, NULL));
}

static int64_t container_bytes(const struct places *p, const struct container *c)
{
	const struct object_meta *meta = &p->sandbox->pod->metadata;
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "pods/%s/container.%s/upper", meta->uid, c->name);
	int64_t bytes = bytes_of(file_open_dir(p->root, path, 0, NULL));
	snprintf(path, sizeof(path), "%s_%s_%s/%s", meta->namespace, meta->name, meta->uid, c->name);
	return p->logs < 0 ? bytes
			   : bytes + bytes_of(path_open_in_root(p->logs, path, O_RDONLY | O_DIRECTORY, 0));
}

static int by_number(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* The child has all descriptors of its parent; a pipe that is closed there is to be closed. */
static void close_others(const struct places *p)
{
	int kept[] = { p->root, p->logs, p->result }, from = 0;

	qsort(kept, 3, sizeof(*kept), by_number);
	for (int i = 0; i < 3; i++) {
		if (kept[i] > from)
			close_range((unsigned)from, (unsigned)kept[i] - 1, 0);
		if (kept[i] >= 0)
			from = kept[i] + 1;
	}
	close_range((unsigned)from, ~0U, 0);
}

static void measure(const struct places *p, pid_t parent)
{
	const struct pod_spec *spec = &p->sandbox->pod->spec;
	int64_t *bytes =
		memory_new(spec->volumes.n + spec->initContainers.n + spec->containers.n, sizeof(*bytes));
	size_t n = 0;

	signal(SIGTERM, SIG_DFL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		return;
	close_others(p);
	setpriority(PRIO_PROCESS, 0, 19);
	syscall(SYS_ioprio_set, IO_WHO_PROCESS, 0, IO_IDLE);
	list_each(v, &spec->volumes)
		bytes[n++] = volume_bytes(p, v);
	list_each(c, &spec->initContainers)
		bytes[n++] = container_bytes(p, c);
	list_each(c, &spec->containers)
		bytes[n++] = container_bytes(p, c);
	write_all(p->result, bytes, n * sizeof(*bytes));
}

int disk_measure_begin(const struct sandbox *s, struct disk_measure *m, struct error *err)
{
	const struct pod_spec *spec = &s->pod->spec;
	pid_t parent = getpid();
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_errno(err, "cannot make a pipe");
	_cleanup_close_ int result = ends[0], answer = ends[1];
	_cleanup_close_ int logs = open(s->in->log, O_PATH | O_DIRECTORY | O_CLOEXEC);
	const struct places places = { s, s->in->rootfd, logs, answer };
	pid_t pid = process_clone(0, -1, &m->pidfd);
	if (pid == 0) {
		measure(&places, parent);
		_exit(0);
	}
	if (pid < 0)
		return error_set(err, -pid, "cannot measure what the pod takes on disk: %s",
				 error_meaning(-pid));
	m->result = take_fd(&result);
	m->n = spec->volumes.n + spec->initContainers.n + spec->containers.n;
	return 0;
}

int disk_measure_finish(struct disk_measure *m, int64_t *bytes)
{
	struct exit_status status;
	size_t want = m->n * sizeof(*bytes), got = 0;
	ssize_t n;

	while (got < want && (n = read(m->result, (char *)bytes + got, want - got)) > 0)
		got += (size_t)n;
	process_wait(m->pidfd, &status);
	close_fd(&m->pidfd);
	close_fd(&m->result);
	return got == want ? 0 : -EIO;
}

void disk_measure_cancel(struct disk_measure *m)
{
	struct exit_status status;

	if (m->pidfd >= 0) {
		process_signal(m->pidfd, SIGKILL);
		process_wait(m->pidfd, &status);
	}
	close_fd(&m->pidfd);
	close_fd(&m->result);
}
