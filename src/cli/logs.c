/* logs.c — seapod logs: a container's output from its CRI log files, and on as it comes. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/duration.h"
#include "base/file.h"
#include "cli/commands.h"
#include "cli/container.h"
#include "cli/select.h"
#include "linux/path.h"

const struct option_spec logs_options[] = {
	{ "container", 'c', "NAME", "the container; the first by default" },
	{ "all-containers", 0, NULL, "of every container of the pod" },
	{ "selector", 'l', "LABELS", "of every pod with labels (color=red)" },
	{ "follow", 'f', NULL, "go on as more comes" },
	{ "previous", 'p', NULL, "of the run before the last" },
	{ "tail", 0, "N", "only the last N lines (-1: all; 10 with -l)" },
	{ "since", 0, "DURATION", "only what is not older (30s, 10m, 2h)" },
	{ "since-time", 0, "TIME", "only what came since (2026-01-31T12:00:00Z)" },
	{ "timestamps", 't', NULL, "with the time of each line" },
	{ "prefix", 0, NULL, "with the pod and the container before each line" },
	{ "namespace", 'n', "NAME", "the namespace" },
	{},
};

struct reading {
	bool follow, previous, timestamps;
	long long tail;              /* -1: all */
	char since[CLOCK_TEXT_SIZE]; /* lines before this second are left out; "": none */
	const char *prefix;          /* before each line; "" */
};

enum { SECOND = sizeof("2026-01-31T12:00:00") - 1 };

/* "<time> <stream> <tag> text": prints the text. Both streams go to standard output, as with kubectl: in the order in which they came. */
static void print_line(const struct reading *r, const char *line, size_t n)
{
	const char *stream = memchr(line, ' ', n), *end = line + n;
	const char *tag = stream ? memchr(stream + 1, ' ', (size_t)(end - stream - 1)) : NULL;
	const char *text = tag ? memchr(tag + 1, ' ', (size_t)(end - tag - 1)) : NULL;

	if (!text || (*r->since && (stream - line < SECOND || memcmp(line, r->since, SECOND) < 0)))
		return;
	fputs(r->prefix, stdout);
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

/* --- which logs ----------------------------------------------------------------------------------------------------------- */

/* One container of one pod. */
struct source {
	const struct pod *pod;
	const char *container;
};

struct sources LIST(struct source);

struct logs_wish {
	struct selection selection;
	struct reading reading;
	const char *container;
	bool every, prefix, tail_given;
};

static int add_sources(struct context *x, const struct logs_wish *w, const struct pod *pod,
		       struct sources *out, struct error *err)
{
	const struct container *c = w->every ? NULL : container_choose(pod, w->container, x->arena, err);

	if (!w->every && !c)
		return -err->code;
	if (c)
		*list_add(x->arena, out) = (struct source){ pod, c->name };
	for (size_t i = 0; w->every && i < pod->spec.initContainers.n; i++)
		*list_add(x->arena, out) = (struct source){ pod, pod->spec.initContainers.at[i].name };
	for (size_t i = 0; w->every && i < pod->spec.containers.n; i++)
		*list_add(x->arena, out) = (struct source){ pod, pod->spec.containers.at[i].name };
	return 0;
}

static int show_source(struct context *x, const struct logs_wish *w, const struct source *s,
		       struct error *err)
{
	struct reading r = w->reading;

	r.prefix =
		w->prefix ? arena_printf(x->arena, "[pod/%s/%s] ", s->pod->metadata.name, s->container) : "";
	return show(x, &r, s->pod, s->container, err);
}

/* Each in a process of its own, so that their lines come as they are written; they end with this one. */
static int follow_all(struct context *x, const struct logs_wish *w, const struct sources *all,
		      struct error *err)
{
	enum { MOST = 64 };
	pid_t parent = getpid();

	if (all->n > MOST)
		return error_set(err, E2BIG, "these are %zu logs; at most %d can be followed at once", all->n,
				 MOST);
	fflush(stdout);
	list_each(s, all) {
		pid_t child = fork();
		if (child < 0)
			return error_errno(err, "cannot start a process");
		if (child > 0)
			continue;
		prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
		setvbuf(stdout, NULL, _IOFBF, 1 << 16); /* whole lines at once */
		int r = getppid() == parent ? show_source(x, w, s, err) : -1;
		if (r < 0)
			fprintf(stderr, "seapod: %s\n", err->text);
		fflush(stdout);
		_exit(r < 0);
	}
	while (wait(NULL) > 0 || errno == EINTR)
		;
	return 0;
}

static int show_all(struct context *x, const struct logs_wish *w, struct choice *pods, struct error *err)
{
	struct sources sources = {};
	int r = 0;

	for (size_t i = 0; r == 0 && i < pods->items.n; i++)
		r = add_sources(x, w, pods->items.at[i].pod.pod, &sources, err);
	if (r < 0)
		return r;
	if (w->reading.follow && sources.n > 1)
		return follow_all(x, w, &sources, err);
	list_each(s, &sources) {
		struct error why = {};
		if (show_source(x, w, s, &why) == 0)
			continue;
		if (sources.n == 1) {
			*err = why;
			return -why.code;
		}
		fflush(stdout);
		fprintf(stderr, "seapod: %s\n", why.text); /* one of many: the others are shown */
	}
	return select_end(pods, err);
}

/* --- the command ---------------------------------------------------------------------------------------------------------- */

static int take_since(const char *value, bool is_time, struct reading *r, struct error *err)
{
	struct timespec t = clock_wall();
	int64_t seconds;

	if (is_time ? clock_parse_rfc3339(value, &t) < 0 : duration_seconds(value, &seconds) < 0)
		return usage_error(err, "'%.60s' is not a %s", value,
				   is_time ? "time (2026-01-31T12:00:00Z)" : "duration (30s, 10m, 2h)");
	t.tv_sec -= is_time ? 0 : seconds;
	clock_rfc3339(t, r->since);
	return 0;
}

static int take_option(struct context *x, struct logs_wish *w, const struct option_spec *option,
		       const char *value, struct error *err)
{
	int taken = select_option(x, &w->selection, option, value, err);

	if (taken != 0)
		return taken;
	if (option->letter == 'c')
		w->container = value;
	else if (option->letter == 'f')
		w->reading.follow = true;
	else if (option->letter == 'p')
		w->reading.previous = true;
	else if (option->letter == 't')
		w->reading.timestamps = true;
	else if (text_is(option->name, "all-containers"))
		w->every = true;
	else if (text_is(option->name, "prefix"))
		w->prefix = true;
	else if (text_starts(option->name, "since"))
		return take_since(value, text_is(option->name, "since-time"), &w->reading, err);
	else if (text_to_int(value, -1, INT32_MAX, &w->reading.tail) < 0)
		return usage_error(err, "'%s' is not a number of lines", value);
	else
		w->tail_given = true;
	return 0;
}

int run_logs(struct context *x, int argc, char **argv, struct error *err)
{
	const struct option_spec *option;
	const char *value;
	struct logs_wish w = { .selection = { .pods = true }, .reading = { .tail = -1 } };
	struct choice pods = {};
	struct options o;
	int r;

	options_begin(&o, x->command, argc, argv);
	while ((r = options_next(&o, &option, &value, err)) > 0)
		if ((r = take_option(x, &w, option, value, err)) < 0)
			return r;
	if (r < 0 || (!w.selection.labels.n && !need(&o, 0, "a pod's name", err)))
		return -EXIT_USAGE;
	if (o.count > (w.selection.labels.n ? 0 : 2))
		return usage_error(err, "logs is of one pod, or of those with labels (-l)");
	if (o.count > 1)
		w.container = o.positional[1];
	if (w.every && w.container)
		return usage_error(err, "--all-containers and the container '%s' exclude each other",
				   w.container);
	if (w.selection.labels.n && !w.tail_given)
		w.reading.tail = 10; /* kubectl's */
	const char *name = o.count ? o.positional[0] : NULL;
	if (name && !strchr(name, '/'))
		name = arena_printf(x->arena, "pod/%s", name);
	if ((r = select_words(x, &w.selection, &name, name != NULL, err)) < 0 ||
	    (r = select_only_pods(x, &w.selection, err)) < 0 ||
	    (r = select_find(x, &w.selection, x->arena, &pods, err)) < 0)
		return r;
	if (pods.items.n == 0 && pods.missing.n == 0)
		select_say_none(x, &w.selection);
	return pods.items.n ? show_all(x, &w, &pods, err) : select_end(&pods, err);
}
