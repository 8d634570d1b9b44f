/* oci_world.c — see oci_world.h. */
#include "oci_world.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "linux/capability.h"

static const char *const applets[] = { "sh",      "cat",   "ls",      "id",   "true", "echo",     "mount",
				       "touch",   "mkdir", "sleep",   "stat", "tty",  "pwd",      "umask",
				       "mknod",   "chown", "false",   "grep", "test", "readlink", "wc",
				       "sed",     "kill",  "nc",      "head", "ps",   "tr",       "su",
				       "adduser", "chmod", "unshare", "rm",   "ln",   "sysctl",   "sort" };

const char *world_path(struct world *w, const char *name)
{
	return arena_printf(w->a, "%s/%s", w->dir, name);
}

static bool copy_busybox(const char *to)
{
	_cleanup_close_ int in = open("/usr/bin/busybox", O_RDONLY | O_CLOEXEC);
	_cleanup_close_ int out = open(to, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
	char buffer[65536];

	for (ssize_t n; in >= 0 && (n = read(in, buffer, sizeof(buffer))) > 0;)
		if (write_all(out, buffer, (size_t)n) < 0)
			return false;
	return in >= 0;
}

static void make_spec(struct world *w)
{
	struct oci_spec *s = &w->spec;

	*list_add(w->a, &s->process.env) = "PATH=/sbin:/bin";
	s->process.cwd = "/";
	s->process.capabilities.bounding = default_capabilities & capability_all();
	s->process.capabilities.effective = s->process.capabilities.permitted =
		s->process.capabilities.bounding;
	s->namespaces = CLONE_NEWPID | CLONE_NEWCGROUP;
	*list_add(w->a, &s->root.lower) = world_path(w, "lower");
	s->root.upper = w->dir; /* one of its own for each start */
	oci_default_files(s, false, w->a);
	w->setting = (struct container_setting){ .cgroup_fd = -1, .pid_namespace = -1 };
}

bool world_make(struct world *w)
{
	static const char *const below[] = { "lower", "lower/bin", "lower/etc", "upper",
					     "work",  "point",     "host" };
	struct error err = {};

	*w = (struct world){ .a = arena_new(),
			     .dir = "/tmp/oci-test-XXXXXX",
			     .process = CONTAINER_PROCESS_NONE };
	if (geteuid() != 0 || access("/usr/bin/busybox", X_OK) < 0 || !mkdtemp(w->dir))
		return false;
	chmod(w->dir, 0755);
	for (size_t i = 0; i < sizeof(below) / sizeof(*below); i++)
		if (file_make_dirs(AT_FDCWD, world_path(w, below[i]), 0755, &err) < 0)
			return false;
	if (!copy_busybox(world_path(w, "lower/bin/busybox")))
		return false;
	for (size_t i = 0; i < sizeof(applets) / sizeof(*applets); i++)
		if (symlink("busybox", arena_printf(w->a, "%s/lower/bin/%s", w->dir, applets[i])) < 0)
			return false;
	const char users[] = "root:x:0:0::/:/bin/sh\nu:x:1000:1000::/:/bin/sh\n";
	if (file_write_atomic(AT_FDCWD, world_path(w, "lower/etc/passwd"), users, strlen(users), 0644, &err) <
	    0)
		return false;
	make_spec(w);
	return true;
}

void world_end(struct world *w)
{
	container_process_close(&w->process);
	text_free(&w->out);
	if (w->dir[0])
		file_remove_tree(AT_FDCWD, w->dir, NULL);
	arena_free(w->a);
}

int world_report(struct container_process *p, struct error *err)
{
	struct pollfd one = { .fd = p->sync, .events = POLLIN };

	if (poll(&one, 1, 10000) != 1)
		return error_set(err, ETIMEDOUT, "no report");
	return container_report(p, err);
}

static void set_script(struct world *w, struct oci_process *p, const char *script)
{
	if (!script)
		return;
	p->args.n = 0;
	*list_add(w->a, &p->args) = "/bin/sh";
	*list_add(w->a, &p->args) = "-c";
	*list_add(w->a, &p->args) = script;
}

static void collect(struct world *w, int out)
{
	char buffer[4096];

	for (ssize_t n; (n = read(out, buffer, sizeof(buffer))) > 0;)
		text_add_n(&w->out, buffer, (size_t)n);
	close(out);
}

static int reap(struct world *w, struct container_process *p)
{
	struct exit_status status = {};

	if (p->pidfd >= 0)
		process_wait(p->pidfd, &status);
	container_process_close(p);
	if (w->status >= 0)
		w->status = status.code;
	return w->status;
}

/* An upper directory is for one mount only: it is mounted with "volatile". */
static void fresh_upper(struct world *w)
{
	if (!w->spec.root.upper)
		return;
	const char *dir = w->root_in ? w->root_in : w->dir;
	w->spec.root.upper = arena_printf(w->a, "%s/upper%u", dir, w->starts);
	w->spec.root.work = arena_printf(w->a, "%s/work%u", dir, w->starts++);
	mkdir(w->spec.root.upper, 0755);
	mkdir(w->spec.root.work, 0755);
}

int world_start(struct world *w, const char *script)
{
	int out[2];

	text_free(&w->out);
	w->status = 0;
	w->err = (struct error){};
	set_script(w, &w->spec.process, script);
	fresh_upper(w);
	if (pipe2(out, O_CLOEXEC) < 0)
		return -1;
	_cleanup_close_ int theirs = out[1], null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (!w->spec.process.terminal) {
		w->setting.stdio[0] = null;
		w->setting.stdio[1] = w->setting.stdio[2] = theirs;
	}
	if (container_create(&w->spec, &w->setting, &w->process, &w->err) < 0 ||
	    world_report(&w->process, &w->err) < 0)
		w->status = -1;
	else if (container_start(&w->process, &w->err) < 0 || world_report(&w->process, &w->err) < 0)
		w->status = -2;
	return out[0];
}

int world_finish(struct world *w, int out)
{
	collect(w, out);
	return reap(w, &w->process);
}

int world_run(struct world *w, const char *script)
{
	return world_finish(w, world_start(w, script));
}

int world_exec(struct world *w, const char *script)
{
	struct oci_process process = w->spec.process;
	struct container_process p;
	char path[40];
	int out[2];

	process.args = (__typeof__(process.args)){};
	set_script(w, &process, script);
	text_free(&w->out);
	w->status = 0;
	snprintf(path, sizeof(path), "/proc/%d/ns/pid", (int)w->process.pid);
	_cleanup_close_ int pid_namespace = open(path, O_RDONLY | O_CLOEXEC),
			    null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (pipe2(out, O_CLOEXEC) < 0)
		return -1;
	const struct exec_setting setting = { .stdio = { null, out[1], out[1] },
					      .cgroup_fd = -1,
					      .target_pidfd = w->process.pidfd,
					      .pid_namespace = pid_namespace };
	if (container_exec(&process, &setting, &p, &w->err) < 0 || world_report(&p, &w->err) < 0)
		w->status = -2;
	close(out[1]);
	collect(w, out[0]);
	return reap(w, &p);
}

struct fixture {
	struct world w;
	unsigned fds, mounts;
};

static unsigned count_lines(const char *path)
{
	_cleanup_free_ char *text = NULL;
	unsigned n = 0;

	if (file_read(AT_FDCWD, path, 16 * 1024 * 1024, &text, NULL, NULL) == 0)
		for (const char *c = text; (c = strchr(c, '\n')); c++)
			n++;
	return n;
}

static unsigned count_fds(void)
{
	_cleanup_closedir_ DIR *d = opendir("/proc/self/fd");
	unsigned n = 0;

	while (readdir(d))
		n++;
	return n;
}

int world_set_up(void **state)
{
	struct fixture *f = memory_one(struct fixture);

	f->fds = count_fds();
	f->mounts = count_lines("/proc/self/mountinfo");
	*state = f;
	return world_make(&f->w) ? 0 : -1;
}

int world_tear_down(void **state)
{
	struct fixture *f = *state;

	world_end(&f->w);
	int left = count_fds() != f->fds || count_lines("/proc/self/mountinfo") != f->mounts;
	int children = waitpid(-1, NULL, WNOHANG) != -1;
	free(f);
	return left || children;
}

struct world *world_of(void **state)
{
	return &((struct fixture *)*state)->w;
}

void ends(struct world *w, int status)
{
	if (w->status != status)
		fail_msg("status %d, not %d; error '%s'; output '%s'", w->status, status, w->err.text,
			 text_str(&w->out));
}

/* SCRIPT ends with 0. */
void succeeds(struct world *w, const char *script)
{
	world_run(w, script);
	ends(w, 0);
}

void prints(struct world *w, const char *script, const char *output)
{
	succeeds(w, script);
	assert_string_equal(text_str(&w->out), output);
}

void refuses(struct world *w, const char *words)
{
	if (w->status >= 0 || !strstr(w->err.text, words))
		fail_msg("status %d, error '%s' does not say '%s'", w->status, w->err.text, words);
}

void bind_host(struct world *w, const char *name, const char *destination, uint64_t attributes)
{
	*list_add(w->a, &w->spec.mounts) = (struct oci_mount){ .destination = destination,
							       .source = world_path(w, name),
							       .source_fd = -1,
							       .attributes = attributes,
							       .recursive = true };
}

void write_host(struct world *w, const char *name, const char *text)
{
	assert_int_equal(file_write_atomic(AT_FDCWD, world_path(w, name), text, strlen(text), 0644, NULL), 0);
}

bool world_possible(void)
{
	struct world w;
	bool possible = world_make(&w);

	world_end(&w);
	if (!possible)
		puts("skipped: needs root and busybox-static");
	return possible;
}
