/* logs.c — seapod logs: a container's output from its CRI log files, and on as it comes. */
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/commands.h"
#include "cli/pods.h"
#include "linux/path.h"

const struct option_spec logs_options[] = {
	{ "container", 'c', "NAME", "the container; the only one by default" },
	{ "follow", 'f', NULL, "go on as more comes" },
	{ "previous", 'p', NULL, "of the run before the last" },
	{ "tail", 0, "N", "only the last N lines" },
	{ "timestamps", 0, NULL, "with the time of each line" },
	{ "namespace", 'n', "NAME", "the namespace" },
	{},
};

struct reading {
	bool follow, previous, timestamps;
	long long tail; /* -1: all */
};

/* "<time> <stream> <tag> text": prints the text. Both streams go to standard output, as with kubectl: in the order in which they came. */
static void print_line(const struct reading *r, const char *line, size_t n)
{
	const char *stream = memchr(line, ' ', n), *end = line + n;
	const char *tag = stream ? memchr(stream + 1, ' ', (size_t)(end - stream - 1)) : NULL;
	const char *text = tag ? memchr(tag + 1, ' ', (size_t)(end - tag - 1)) : NULL;

	if (!text)
		return;
	if (r->timestamps)
		printf("%.*s ", (int)(stream - line), line);
	fwrite(text + 1, 1, (size_t)(end - text - 1), stdout);
	if (tag[1] == 'F')
		putchar('\n');
}

/* Prints the whole lines of what FD has from *AT on. */
static void print_new(const struct reading *r, int fd, off_t *at)
{
	char chunk[65536];
	ssize_t n;

	while ((n = pread(fd, chunk, sizeof(chunk), *at)) > 0) {
		const char *start = chunk, *end;
		while ((end = memchr(start, '\n', (size_t)(chunk + n - start)))) {
			print_line(r, start, (size_t)(end - start));
			start = end + 1;
		}
		if (start == chunk)
			break;
		*at += start - chunk;
	}
	fflush(stdout);
}

/* Where the last N lines of FD begin. */
static off_t tail_start(int fd, long long n)
{
	char chunk[65536];
	off_t at = lseek(fd, 0, SEEK_END);
	long long lines = -1; /* the last newline ends the last line */

	while (at > 0) {
		off_t from = at > (off_t)sizeof(chunk) ? at - (off_t)sizeof(chunk) : 0;
		ssize_t size = pread(fd, chunk, (size_t)(at - from), from);
		for (ssize_t i = size; i-- > 0;)
			if (chunk[i] == '\n' && ++lines == n)
				return from + i + 1;
		at = from;
	}
	return 0;
}

/* The log NAME. A container may have the host's log directory, to ship logs or by mistake: no link there leads us to another file. */
static int open_log(int dir, const char *name)
{
	struct stat st;
	int fd = path_open_beneath(dir, name, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);

	if (fd >= 0 && (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))) {
		close(fd);
		return -EINVAL;
	}
	return fd;
}

/* The directory of a container's logs, in the same way. */
static int open_logs(const struct instance *in, const char *path)
{
	_cleanup_close_ int top = open(in->log, O_PATH | O_DIRECTORY | O_CLOEXEC);

	return top < 0 ? -errno : path_open_beneath(top, path, O_RDONLY | O_DIRECTORY, 0);
}

static int newest_run(int dir)
{
	int newest = -1;
	int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_closedir_ DIR *d = copy < 0 ? NULL : fdopendir(copy);

	for (struct dirent *e; d && (e = readdir(d));)
		if (text_ends(e->d_name, ".log") && atoi(e->d_name) > newest)
			newest = atoi(e->d_name);
	return newest;
}

static bool by_time(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name) > 0;
}

static int compare(const struct dirent **a, const struct dirent **b)
{
	return by_time(a, b) ? 1 : -1;
}

/* Rotated files of the run first, the oldest first. */
static void print_rotated(const struct reading *r, int dir, int run)
{
	struct dirent **entries;
	char prefix[32];
	int n = scandirat(dir, ".", &entries, NULL, compare);

	snprintf(prefix, sizeof(prefix), "%d.log.", run);
	for (int i = 0; i < n; i++) {
		_cleanup_close_ int fd =
			text_starts(entries[i]->d_name, prefix) ? open_log(dir, entries[i]->d_name) : -1;
		off_t at = 0;
		if (fd >= 0)
			print_new(r, fd, &at);
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
}

static bool still_runs(struct context *x, const char *name)
{
	struct found_pod found;
	return pods_find(&x->in, x->namespace, name, x->arena, &found, NULL) == 0 && found.alive;
}

static bool same_file(int a, int b)
{
	struct stat first, second;
	return fstat(a, &first) == 0 && fstat(b, &second) == 0 && first.st_ino == second.st_ino;
}

static void follow(struct context *x, const struct reading *r, const char *pod, int dir, int run, int fd,
		   off_t at)
{
	_cleanup_close_ int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	char events[4096], name[32], path[32];

	inotify_add_watch(watch, path_of_fd(dir, path),
			  IN_MODIFY | IN_CREATE | IN_MOVED_FROM | IN_DELETE_SELF);
	for (bool last = false; !last;) {
		last = !still_runs(x, pod);
		struct pollfd p = { .fd = watch, .events = POLLIN };
		print_new(r, fd, &at);
		int newest = newest_run(dir);
		snprintf(name, sizeof(name), "%d.log", newest > run ? newest : run);
		_cleanup_close_ int now = open_log(dir, name);
		if (newest > run ||
		    (now >= 0 &&
		     !same_file(now, fd))) { /* another run, or rotated: the old file is whole now */
			print_new(r, fd, &at);
			run = newest;
			close(fd);
			fd = take_fd(&now);
			at = 0;
			continue;
		}
		if (!last && poll(&p, 1, 1000) > 0)
			(void)!read(watch, events, sizeof(events));
	}
	print_new(r, fd, &at);
	close(fd);
}

static int show(struct context *x, const struct reading *r, const struct pod *pod, const char *container,
		struct error *err)
{
	const struct object_meta *m = &pod->metadata;
	char name[32];
	const char *path = arena_printf(x->arena, "%s_%s_%s/%s", m->namespace, m->name, m->uid, container);
	_cleanup_close_ int dir = open_logs(&x->in, path);
	int run = dir < 0 ? -1 : newest_run(dir);

	if (run < 0 || (r->previous && run == 0))
		return error_set(err, ENOENT, "the container '%s' has no %slog", container,
				 r->previous ? "earlier " : "");
	run -= r->previous;
	snprintf(name, sizeof(name), "%d.log", run);
	_cleanup_close_ int fd = open_log(dir, name);
	if (fd < 0)
		return error_set(err, -fd, "cannot open the container's log: %s", error_meaning(-fd));
	if (r->tail < 0)
		print_rotated(r, dir, run);
	off_t at = r->tail >= 0 ? tail_start(fd, r->tail) : 0;
	if (r->follow)
		follow(x, r, m->name, dir, run, take_fd(&fd), at);
	else
		print_new(r, fd, &at);
	return 0;
}

int run_logs(struct context *x, int argc, char **argv, struct error *err)
{
	const struct option_spec *option;
	const char *value, *container = NULL;
	struct reading reading = { .tail = -1 };
	struct found_pod found;
	struct options o;
	int r;

	options_begin(&o, x->command, argc, argv);
	while ((r = options_next(&o, &option, &value, err)) > 0) {
		if (option->letter == 'c')
			container = value;
		else if (option->letter == 'f')
			reading.follow = true;
		else if (option->letter == 'p')
			reading.previous = true;
		else if (option->letter == 'n')
			use_namespace(x, value);
		else if (text_is(option->name, "timestamps"))
			reading.timestamps = true;
		else if (text_to_int(value, 0, INT32_MAX, &reading.tail) < 0)
			return usage_error(err, "'%s' is no number of lines", value);
	}
	if (r < 0)
		return r;
	const char *name = need(&o, 0, "a pod's name", err);
	if (!name)
		return -EXIT_USAGE;
	if ((r = pods_find(&x->in, x->namespace, name, x->arena, &found, err)) < 0)
		return r;
	if (o.count > 1)
		container = o.positional[1];
	if (!container && found.pod->spec.containers.n > 1) {
		const char *names = "";
		list_each(c, &found.pod->spec.containers)
			names = arena_printf(x->arena, "%s%s%s", names, *names ? ", " : "", c->name);
		return error_set(err, EINVAL, "the pod '%s' has several containers; choose one with -c (%s)",
				 name, names);
	}
	if (!container)
		container = found.pod->spec.containers.at[0].name;
	if (!pod_find_container(found.pod, container))
		return error_set(err, ENOENT, "the pod '%s' has no container '%s'", name, container);
	return show(x, &reading, found.pod, container, err);
}
