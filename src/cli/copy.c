/* copy.c — seapod cp: files and directories from a container, and into one.
 *
 * Nothing of the container is executed for it (kubectl runs the image's tar and believes what that says: CVE-2019-1002101). The keeper hands over
 * the container's root; a path in it is resolved there (linux/path.h), once, and all below goes by descriptors: names come from readdir(3),
 * links are never followed, what is written is a new file each time, so a program in the container that changes names meanwhile can
 * neither lead out of the container nor out of the directory that is copied to.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/commands.h"
#include "cli/container.h"
#include "cli/copy_tar.h"
#include "cli/pods.h"
#include "keeper/client.h"
#include "linux/path.h"

const struct option_spec copy_options[] = {
	{ "container", 'c', "NAME", "the container; the first by default" },
	{ "namespace", 'n', "NAME", "the namespace" },
	{},
};

enum { LEFT_OUT_SHOWN = 5, DEPTH_MAX = 200, CHUNK = 1 << 16 };

struct copying {
	bool out; /* from a container: its links stay behind */
	unsigned left_out;
	struct error *err;
};

static int copy_tree(struct copying *c, int from, int to, const char *name, unsigned depth);

static int leave_out(struct copying *c, const char *name, const char *what)
{
	if (c->left_out++ < LEFT_OUT_SHOWN)
		fprintf(stderr, "seapod: warning: '%s' is %s and was left out\n", name, what);
	return 0;
}

static int copy_bytes(struct copying *c, int in, int out, const char *name)
{
	static char data[CHUNK];
	ssize_t n;

	while ((n = read(in, data, sizeof(data))) > 0)
		if (write_all(out, data, (size_t)n) < 0)
			return error_errno(c->err, "cannot write '%s'", name);
	return n < 0 ? error_errno(c->err, "cannot read '%s'", name) : 0;
}

static int copy_file(struct copying *c, int from, int to, const char *name, mode_t mode)
{
	_cleanup_close_ int in = path_reopen(from, O_RDONLY | O_NONBLOCK);

	if (in < 0)
		return error_set(c->err, -in, "cannot read '%s': %s", name, error_meaning(-in));
	if (unlinkat(to, name, 0) < 0 && errno != ENOENT)
		return error_errno(c->err, "cannot replace '%s'", name);
	_cleanup_close_ int out =
		openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	int r = out < 0 ? error_errno(c->err, "cannot write '%s'", name) : copy_bytes(c, in, out, name);
	if (r == 0 && fchmod(out, mode & 0777) < 0) /* without set-user-id bits */
		r = error_errno(c->err, "cannot set the mode of '%s'", name);
	return r;
}

static int copy_link(struct copying *c, int from, int to, const char *name)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(from, "", target, sizeof(target) - 1);

	if (c->out)
		return leave_out(c, name, "a symbolic link");
	if (n < 0)
		return error_errno(c->err, "cannot read the link '%s'", name);
	target[n] = '\0';
	unlinkat(to, name, 0);
	return symlinkat(target, to, name) < 0 ? error_errno(c->err, "cannot make the link '%s'", name) : 0;
}

static int copy_directory(struct copying *c, int from, int to, const char *name, mode_t mode, unsigned depth)
{
	if (depth > DEPTH_MAX)
		return error_set(c->err, ELOOP, "'%s' is more than %d directories deep", name, DEPTH_MAX);
	if (mkdirat(to, name, (mode & 0777) | 0700) < 0 && errno != EEXIST)
		return error_errno(c->err, "cannot make the directory '%s'", name);
	_cleanup_close_ int below = openat(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int fd = path_reopen(from, O_RDONLY | O_DIRECTORY);
	_cleanup_closedir_ DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	int r = 0;

	if (below < 0 || !dir)
		return error_errno(c->err, "cannot open the directory '%s'", name);
	while (r == 0 && (entry = readdir(dir))) {
		if (text_is(entry->d_name, ".") || text_is(entry->d_name, ".."))
			continue;
		_cleanup_close_ int one = openat(fd, entry->d_name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
		if (one >= 0) /* else it has gone meanwhile */
			r = copy_tree(c, one, below, entry->d_name, depth + 1);
	}
	return r;
}

/* What the O_PATH descriptor FROM is becomes NAME in the directory TO. */
static int copy_tree(struct copying *c, int from, int to, const char *name, unsigned depth)
{
	struct stat st;

	if (fstat(from, &st) < 0)
		return error_errno(c->err, "cannot look at '%s'", name);
	switch (st.st_mode & S_IFMT) {
	case S_IFREG:
		return copy_file(c, from, to, name, st.st_mode);
	case S_IFDIR:
		return copy_directory(c, from, to, name, st.st_mode, depth);
	case S_IFLNK:
		return copy_link(c, from, to, name);
	default:
		return leave_out(c, name, "a device, pipe or socket");
	}
}

/* --- the two ends ------------------------------------------------------------------------------------------------------ */

/* One end: a path of this machine, or of a container. */
struct end {
	const char *pod; /* NULL: this machine */
	const char *namespace;
	const char *path;
	int root; /* the container's; -1 */
};

/* "pod:/path", "pod/web:/path", kubectl's "namespace/pod:/path"; "./a:b" and "/a:b" are files of this machine, as with scp(1). */
static struct end end_of(struct context *x, const char *text)
{
	const char *colon = strchr(text, ':'), *slash = strchr(text, '/'), *pod = text;
	struct end e = { .namespace = x->namespace, .path = text, .root = -1 };

	if (!colon || *text == '/' || *text == '.')
		return e;
	if (slash && slash < colon) { /* one slash: a kind or a namespace is before it */
		if (memchr(slash + 1, '/', (size_t)(colon - slash - 1)))
			return e;
		pod = slash + 1;
		if (!text_starts(text, "pod/") && !text_starts(text, "pods/"))
			e.namespace = arena_strndup(x->arena, text, (size_t)(slash - text));
	}
	e.pod = arena_strndup(x->arena, pod, (size_t)(colon - pod));
	e.path = colon + 1;
	return e;
}

static int open_root(struct context *x, struct end *e, const char *container, struct error *err)
{
	_cleanup_message_fds_ struct message_fds fds = {};
	struct found_pod found;
	struct reply reply = {};
	int r = pods_find(&x->in, e->namespace, e->pod, x->arena, &found, err);

	if (r < 0)
		return r;
	const struct container *c = container_choose(found.pod, container, x->arena, err);
	if (!c || need_alive(found.alive, e->pod, err) < 0)
		return -err->code;
	_cleanup_close_ int fd = keeper_connect(&x->in, found.pod->metadata.uid, err);
	const struct request request = { .verb = "root", .container = c->name };
	r = fd < 0 ? fd : keeper_ask(fd, x->arena, &request, NULL, &reply, &fds, err);
	if (r < 0)
		return error_prefix(err, "the pod '%s'", e->pod);
	if (fds.n != 1)
		return error_set(err, EPROTO, "the pod's keeper sent no directory");
	e->root = take_fd(&fds.fd[0]);
	return 0;
}

static int open_at(const struct end *e, const char *path, int flags)
{
	int fd = e->root >= 0 ? path_open_in_root(e->root, path, (uint64_t)flags, 0)
			      : open(path, flags | O_CLOEXEC);
	return fd < 0 && e->root < 0 ? -errno : fd;
}

/* PATH without the slashes at its end; its last part in *NAME, and the directory above it. */
static const char *split(struct context *x, const char *path, const char **name)
{
	size_t n = strlen(path);

	while (n > 1 && path[n - 1] == '/')
		n--;
	char *copy = arena_strndup(x->arena, path, n), *slash = strrchr(copy, '/');
	*name = slash ? slash + 1 : copy;
	if (!slash)
		return ".";
	if (slash == copy)
		return "/";
	*slash = '\0';
	return copy;
}

/* Where it is to become what, as cp(1): into a directory that is there under its own name, else under the name given. */
static int open_target(struct context *x, const struct end *from, const struct end *to, const char **name,
		       struct error *err)
{
	const char *new, *above = split(x, to->path, &new);
	int fd = open_at(to, to->path, O_RDONLY | O_DIRECTORY);

	split(x, from->path, name);
	if (fd < 0) {
		*name = new;
		fd = open_at(to, above, O_RDONLY | O_DIRECTORY);
	}
	if (fd < 0)
		return error_set(err, -fd, "cannot open '%s': %s", above, error_meaning(-fd));
	if (text_empty(*name) || text_is(*name, ".") || text_is(*name, "..") || text_is(*name, "/")) {
		close(fd);
		return error_set(err, EINVAL,
				 "'%s' gives no name for the copy (write it at the end of the target)",
				 from->path);
	}
	return fd;
}

/* What FD is, when it is neither file, directory nor link; NULL. */
static const char *special(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return NULL;
	return S_ISCHR(st.st_mode)    ? "a device"
	       : S_ISBLK(st.st_mode)  ? "a block device"
	       : S_ISFIFO(st.st_mode) ? "a pipe"
	       : S_ISSOCK(st.st_mode) ? "a socket"
				      : NULL;
}

static int open_source(const struct end *from, struct error *err)
{
	_cleanup_close_ int source = open_at(from, from->path, O_PATH);
	const char *what = source < 0 ? NULL : special(source);

	if (source < 0)
		return error_set(err, -source, "cannot open '%s': %s", from->path, error_meaning(-source));
	if (what)
		return error_set(err, EINVAL, "'%s' is %s, which cannot be copied", from->path, what);
	return take_fd(&source);
}

static int copy(struct context *x, const struct end *from, const struct end *to, struct error *err)
{
	struct copying c = { .out = from->pod != NULL, .err = err };
	const char *name;
	_cleanup_close_ int source = open_source(from, err);

	if (source < 0)
		return source;
	_cleanup_close_ int target = open_target(x, from, to, &name, err);
	int r = target < 0 ? target : copy_tree(&c, source, target, name, 0);
	if (c.left_out > LEFT_OUT_SHOWN)
		fprintf(stderr, "seapod: warning: %u more were left out (cp %s:%s - has links, too)\n",
			c.left_out - LEFT_OUT_SHOWN, from->pod ? from->pod : "POD",
			from->pod ? from->path : "PATH");
	return r;
}

/* docker's "cp POD:PATH -": a tar with what PATH is, by its own name. */
static int copy_to_tar(struct context *x, const struct end *from, struct error *err)
{
	struct copying c = { .err = err };
	const char *name, *path = NULL;
	_cleanup_close_ int source = open_source(from, err);
	_cleanup_close_ int staging = source < 0 ? -1 : staging_make(x, &path, err);
	int r = staging < 0 ? -err->code : 0;

	split(x, from->path, &name);
	if (text_empty(name) || text_is(name, ".") || text_is(name, "..") || text_is(name, "/"))
		name = "files"; /* of the root */
	if (r == 0 && isatty(STDOUT_FILENO))
		r = usage_error(err, "a tar is not written to a terminal (seapod cp ... - | tar t)");
	if (r == 0)
		r = copy_tree(&c, source, staging, name, 0);
	if (r == 0)
		r = staging_write_tar(x, path, err);
	staging_remove(x, path);
	return r;
}

/* docker's "cp - POD:DIR": what the tar on standard input has comes into DIR. */
static int copy_from_tar(struct context *x, const struct end *to, struct error *err)
{
	struct copying c = { .err = err };
	const char *path = NULL;
	_cleanup_close_ int target = open_at(to, to->path, O_RDONLY | O_DIRECTORY);

	if (target < 0)
		return error_set(err, -target, "cannot open the directory '%s': %s", to->path,
				 error_meaning(-target));
	_cleanup_close_ int staging = staging_make(x, &path, err);
	int r = staging < 0 ? staging : staging_read_tar(x, path, err);
	int fd = r < 0 ? -1 : openat(staging, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_closedir_ DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	while (r == 0 && dir && (entry = readdir(dir))) {
		if (text_is(entry->d_name, ".") || text_is(entry->d_name, ".."))
			continue;
		_cleanup_close_ int one = openat(fd, entry->d_name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
		if (one >= 0)
			r = copy_tree(&c, one, target, entry->d_name, 0);
	}
	staging_remove(x, path);
	return r;
}

static int copy_between(struct context *x, const struct end *from, const struct end *to, struct error *err)
{
	if (text_is(to->path, "-") && !to->pod)
		return copy_to_tar(x, from, err);
	if (text_is(from->path, "-") && !from->pod)
		return copy_from_tar(x, to, err);
	return copy(x, from, to, err);
}

int run_copy(struct context *x, int argc, char **argv, struct error *err)
{
	const char *container = NULL;
	struct options o;
	int r;

	options_begin(&o, x->command, argc, argv);
	if (options_of_pod(x, &o, &container, err) < 0 || !need(&o, 0, "a source", err) ||
	    !need(&o, 1, "a target", err))
		return -EXIT_USAGE;
	struct end from = end_of(x, o.positional[0]), to = end_of(x, o.positional[1]);
	if (!from.pod == !to.pod)
		return usage_error(err,
				   "one of source and target is POD:PATH, the other a path of this machine");
	if (!*from.path || !*to.path)
		return usage_error(err, "cp needs a path after the colon (%s/path)",
				   from.pod ? o.positional[0] : o.positional[1]);
	r = open_root(x, from.pod ? &from : &to, container, err);
	if (r == 0)
		r = copy_between(x, &from, &to, err);
	close_fd(&from.root);
	close_fd(&to.root);
	return r;
}
