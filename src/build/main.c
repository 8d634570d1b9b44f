/* main.c — the program seapod-build: what a build writes, layers and images (step.h).
 *
 *	seapod-build ROOT RUN find|copy|pack|commit STEP
 *
 * The result goes to standard output as JSON (commit: the image's id), an error to standard error in one line; exit 0 or 1.
 */
#include <dirent.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "build/copy.h"
#include "build/layer_of.h"
#include "build/root.h"
#include "build/step.h"
#include "image/blob.h"
#include "image/stream.h"
#include "image/unpack.h"
#include "linux/path.h"
#include "object/json.h"
#include "sandbox/user.h"

struct work {
	const struct instance *in;
	const struct build_step *step;
	struct arena *arena;
	struct error *err;
};

static void print(struct work *w, const struct built_layer *layer)
{
	_cleanup_text_ struct text text = {};

	node_to_json(object_encode(&built_layer_table, layer, w->arena), false, &text);
	printf("%s\n", text_str(&text));
}

static const char *scratch(struct work *w, const char *name)
{
	return arena_printf(w->arena, "%s/%s", w->step->scratch, name);
}

static int find(struct work *w)
{
	struct built_layer layer = {};

	if (layer_cached(w->in, w->step, w->step->key, w->arena, &layer))
		print(w, &layer);
	return 0;
}

/* --- copy ------------------------------------------------------------------------------------------------------------------- */

/* --chown: without a group the user's number is the group's (Dockerfile reference "COPY --chown"). */
static int find_owner(struct work *w, int root, struct copy *c)
{
	const struct user_wish wish = { .name = w->step->owner };
	struct user user;

	if (text_empty(w->step->owner))
		return 0;
	int r = user_find(&root, 1, &wish, w->arena, &user, w->err);
	c->uid = user.uid;
	c->gid = strchr(w->step->owner, ':') ? user.gid : user.uid;
	return r < 0 ? error_prefix(w->err, "--chown=%s", w->step->owner) : 0;
}

/* The here-documents as files of a directory of their own. */
static int write_texts(struct work *w)
{
	const char *directory = scratch(w, "texts");
	int r = file_make_dirs(AT_FDCWD, directory, 0755, w->err);

	list_each(text, &w->step->texts)
		if (r == 0)
			r = file_write_atomic(AT_FDCWD, arena_printf(w->arena, "%s/%s", directory, text->key),
					      text->value, strlen(text->value), 0644, w->err);
	return r < 0 ? r : file_open_dir(AT_FDCWD, directory, 0, w->err);
}

/* The tree that is copied from. ROOT stays open as long as it is. */
static int open_source(struct work *w, struct build_root *root)
{
	const struct build_step *s = w->step;

	if (s->texts.n > 0)
		return write_texts(w);
	if (s->context)
		return file_open_dir(AT_FDCWD, s->context, 0, w->err);
	int r = build_root_open(root, w->in, &s->from, scratch(w, "source"), w->arena, w->err);
	return r < 0 ? r : fcntl(root->fd, F_DUPFD_CLOEXEC, 3);
}

enum packed { PACKED_NOT, PACKED_TAR, PACKED_OTHER };

/* What ADD unpacks: tar, plain or in gzip or zstd; told by its first bytes. */
static enum packed is_archive(int fd)
{
	unsigned char head[512];
	ssize_t n = pread(fd, head, sizeof(head), 0);

	if (n > 4 && (memcmp(head, "\x1f\x8b", 2) == 0 || memcmp(head, "\x28\xb5\x2f\xfd", 4) == 0))
		return PACKED_TAR;
	if (n > 6 && (memcmp(head, "BZh", 3) == 0 || memcmp(head,
							    "\xfd"
							    "7zXZ",
							    5) == 0))
		return PACKED_OTHER;
	return n == sizeof(head) && memcmp(head + 257, "ustar", 5) == 0 ? PACKED_TAR : PACKED_NOT;
}

/* Unpacks the archive FD into a directory of its own, and copies its contents. */
static int copy_archive(struct work *w, int fd, struct copy c, int root)
{
	struct stream *s = stream_open(fd, 0, -1, unpack_default_limits.bytes);
	static const char *const all[] = { "." };
	int r = file_make_dirs(AT_FDCWD, scratch(w, "unpacked"), 0755, w->err);
	_cleanup_close_ int dir = r < 0 ? -1 : file_open_dir(AT_FDCWD, scratch(w, "unpacked"), 0, w->err);

	if (dir >= 0 && (r = unpack(s, dir, &unpack_default_limits, w->err)) == 0) {
		c.sources = (struct strings){ (const char **)all, 1 };
		c.keeps_owner = text_empty(w->step->owner);
		c.ignore = NULL;
		r = copy_files(&c, dir, root, w->err);
	}
	stream_close(s);
	file_remove_tree(AT_FDCWD, scratch(w, "unpacked"), NULL);
	return dir < 0 ? -w->err->code : r;
}

/* ADD: each source that is an archive is unpacked, the others are copied. */
static int add_files(struct work *w, const struct copy *c, int from, int root)
{
	int r = 0;

	list_each(source, &c->sources) {
		_cleanup_close_ int fd = path_open_in_root(from, *source, O_RDONLY | O_NONBLOCK, 0);
		struct copy one = *c;
		struct stat st;
		enum packed kind =
			fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? is_archive(fd) : PACKED_NOT;
		one.sources = (struct strings){ source, 1 };
		if (r == 0 && kind == PACKED_OTHER)
			r = error_set(
				w->err, EINVAL,
				"'%s' is an archive in a form that is not unpacked (gzip, zstd and plain "
				"are)",
				*source);
		else if (r == 0)
			r = kind == PACKED_TAR ? copy_archive(w, fd, one, root)
					       : copy_files(&one, from, root, w->err);
	}
	return r;
}

static int make_directory(struct work *w, int root)
{
	int fd = path_make_dirs_in_root(root, w->step->target, 0755, 0, 0, w->err);

	close_fd(&fd);
	return w->err->code ? -w->err->code : 0;
}

static const char *key_of_files(struct work *w, const struct copy *c, int from)
{
	char digest[DIGEST_SIZE];
	struct digest sum;

	digest_begin(&sum);
	int r = c->sources.n > 0 ? copy_digest(c, from, &sum, w->err) : 0;
	digest_end(&sum, digest);
	return r < 0 ? NULL : arena_printf(w->arena, "%s\n%s", w->step->key, digest);
}

static int copy_step(struct work *w, struct copy *c, int from, const char *key)
{
	_cleanup_(build_root_close) struct build_root root = { -1, -1 };
	struct built_layer layer = {};
	int r = build_root_open(&root, w->in, &w->step->lower, scratch(w, "target"), w->arena, w->err);

	if (r == 0)
		r = find_owner(w, root.fd, c);
	if (r == 0)
		r = c->sources.n == 0  ? make_directory(w, root.fd)
		    : w->step->unpacks ? add_files(w, c, from, root.fd)
				       : copy_files(c, from, root.fd, w->err);
	if (r == 0)
		r = layer_of(w->in, w->step, root.upper, key, w->arena, &layer, w->err);
	if (r == 0)
		print(w, &layer);
	return r;
}

static int copy(struct work *w)
{
	const struct build_step *s = w->step;
	_cleanup_(build_root_close) struct build_root source = { -1, -1 };
	struct ignore ignore = {};
	struct built_layer layer = {};
	struct copy c = { .sources = s->sources,
			  .target = s->target,
			  .mode = s->mode,
			  .ignore = s->context ? &ignore : NULL,
			  .keeps_owner = !s->context && s->texts.n == 0 && text_empty(s->owner) };

	ignore_parse(s->ignore ? s->ignore : "", w->arena, &ignore);
	list_each(text, &s->texts)
		*list_add(w->arena, &c.sources) = text->key;
	_cleanup_close_ int from = c.sources.n > 0 ? open_source(w, &source) : -1;
	const char *key = c.sources.n > 0 && from < 0 ? NULL : key_of_files(w, &c, from);
	if (!key)
		return -w->err->code;
	if (layer_cached(w->in, s, key, w->arena, &layer)) {
		print(w, &layer);
		return 0;
	}
	return copy_step(w, &c, from, key);
}

/* --- pack ------------------------------------------------------------------------------------------------------------------- */

/* Is PATH a directory of LOWER, and what is in UPPER only a copy of it? */
static bool is_copy(int lower, int upper, const char *path)
{
	_cleanup_close_ int below = path_open_in_root(lower, path, O_PATH | O_NOFOLLOW, 0);
	_cleanup_close_ int copy = path_open_beneath(upper, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	struct stat a, b;
	char opaque;

	if (below < 0)
		return true; /* no layer has it: the mount alone has made it */
	return copy >= 0 && fstat(below, &a) == 0 && fstat(copy, &b) == 0 && a.st_mode == b.st_mode &&
	       a.st_uid == b.st_uid && a.st_gid == b.st_gid &&
	       fgetxattr(copy, "trusted.overlay.opaque", &opaque, 1) < 0;
}

static bool directory_is_empty(int dir)
{
	int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_closedir_ DIR *d = copy < 0 ? NULL : fdopendir(copy);
	const struct dirent *entry;

	while (d && (entry = readdir(d)))
		if (!text_is(entry->d_name, ".") && !text_is(entry->d_name, ".."))
			return false;
	return d != NULL;
}

/* An empty PATH that no layer has goes from the upper directory, and so do the directories above it that hold nothing else. */
static void remove_stub(struct work *w, int lower, int upper, const char *stub)
{
	char *path = arena_strdup(w->arena, stub + strspn(stub, "/"));

	for (;;) {
		char *slash = strrchr(path, '/');
		const char *name = slash ? slash + 1 : path;
		struct stat st;
		if (!*path || !is_copy(lower, upper, path))
			return;
		const char *above = slash ? arena_strndup(w->arena, path, (size_t)(slash - path)) : ".";
		_cleanup_close_ int dir = path_open_beneath(upper, above, O_RDONLY | O_DIRECTORY, 0);
		if (dir >= 0 && fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    ((!S_ISDIR(st.st_mode) && (!S_ISREG(st.st_mode) || st.st_size > 0)) ||
		     unlinkat(dir, name, S_ISDIR(st.st_mode) ? AT_REMOVEDIR : 0) < 0))
			return;
		if (!slash)
			return;
		*slash = '\0';
	}
}

/* The same without touching it: it is only left out. */
static void leave_out_stub(struct work *w, struct build_step *step, int lower, int upper, const char *stub)
{
	const char *path = stub + strspn(stub, "/");
	_cleanup_close_ int below = path_open_in_root(lower, path, O_PATH | O_NOFOLLOW, 0);
	_cleanup_close_ int file = path_open_beneath(upper, path, O_PATH | O_NOFOLLOW, 0);
	_cleanup_close_ int dir =
		path_open_beneath(upper, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK, 0);
	struct stat st;

	if (below < 0 && file >= 0 && fstat(file, &st) == 0 &&
	    (S_ISDIR(st.st_mode) ? dir >= 0 && directory_is_empty(dir)
				 : S_ISREG(st.st_mode) && st.st_size == 0))
		*list_add(w->arena, &step->without) = path;
}

static int pack_step(struct work *w)
{
	struct build_step step = *w->step;
	_cleanup_(build_root_close) struct build_root root = { -1, -1 };
	struct built_layer layer = {};
	int r = build_root_open(&root, w->in, &w->step->lower, scratch(w, "lower"), w->arena, w->err);
	_cleanup_close_ int upper = r < 0 ? -1 : file_open_dir(AT_FDCWD, w->step->upper, 0, w->err);

	if (upper < 0)
		return -w->err->code;
	list_each(stub, &w->step->stubs)
		if (step.lives)
			leave_out_stub(w, &step, root.fd, upper, *stub);
		else
			remove_stub(w, root.fd, upper, *stub);
	r = layer_of(w->in, &step, upper, w->step->key, w->arena, &layer, w->err);
	if (r == 0)
		print(w, &layer);
	return r;
}

/* --- commit ------------------------------------------------------------------------------------------------------------------ */

static struct node *descriptor(struct arena *a, const char *type, const char *digest, size_t size)
{
	struct node *n = node_new(a, NODE_MAP);

	node_put(a, n, "mediaType", node_string(a, type));
	node_put(a, n, "digest", node_string(a, digest));
	node_put(a, n, "size", node_int(a, (int64_t)size));
	return n;
}

static int commit(struct work *w)
{
	struct arena *a = w->arena;
	struct node *manifest = node_new(a, NODE_MAP);
	_cleanup_text_ struct text config = {}, text = {};
	char id[DIGEST_SIZE], digest[DIGEST_SIZE];

	node_to_json(w->step->config, false, &config);
	int r = blob_put(w->in, config.at, config.n, id, w->err);
	node_put(a, manifest, "schemaVersion", node_int(a, 2));
	node_put(a, manifest, "mediaType", node_string(a, "application/vnd.oci.image.manifest.v1+json"));
	node_put(a, manifest, "config",
		 descriptor(a, "application/vnd.oci.image.config.v1+json", id, config.n));
	node_put(a, manifest, "layers", w->step->layers);
	node_to_json(manifest, false, &text);
	if (r == 0)
		r = blob_put(w->in, text.at, text.n, digest, w->err);
	if (r == 0)
		r = image_commit(w->in, digest, w->step->name, NULL, w->err);
	if (r == 0)
		printf("%s\n", id);
	return r;
}

static const struct {
	const char *name;
	int (*run)(struct work *w);
} verbs[] = { { "find", find }, { "copy", copy }, { "pack", pack_step }, { "commit", commit } };

static int run(struct work *w, const char *verb, const char *text)
{
	struct problems problems = { .arena = w->arena };
	struct build_step *step = arena_one(w->arena, struct build_step);
	struct node *n = node_from_json(w->arena, text, strlen(text), w->err);

	if (!n || !object_decode(&build_step_table, n, step, w->arena, NULL, &problems))
		return error_set(w->err, EINVAL, "the step is wrong: %s",
				 problems.errors.n ? problems.errors.at[0].text : w->err->text);
	w->step = step;
	for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++)
		if (text_is(verb, verbs[i].name))
			return verbs[i].run(w);
	return error_set(w->err, EINVAL, "there is no verb '%s'", verb);
}

int main(int argc, char **argv)
{
	_cleanup_(instance_close) struct instance in = { .rootfd = -1, .runfd = -1 };
	_cleanup_arena_ struct arena *a = arena_new();
	struct error err = {};
	struct work w = { .in = &in, .arena = a, .err = &err };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setlocale(LC_CTYPE, "C.UTF-8"); /* of names in pax archives; libarchive drops them in other locales */
	umask(0);
	if (argc != 5)
		return 2;
	int r = instance_open(&in, argv[1], argv[2], &err);
	if (r == 0)
		r = run(&w, argv[3], argv[4]);
	if (r < 0)
		fprintf(stderr, "%s", err.text);
	return r < 0 ? 1 : 0;
}
