/* layer_make.c — see layer_make.h. */
#include "image/layer_make.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "image/erofs.h"
#include "image/layer.h"
#include "image/store.h"
#include "image/stream.h"
#include "image/tar_index.h"

struct making {
	const struct instance *in;
	const struct layer_source *source;
	const struct unpack_limits *limits;
	struct layer_made *made;
	struct error *err;
	char scratch[128]; /* below ROOT */
	int lock, dir;
	bool indexed; /* "index" and "tar" are what was made; else "tree" */
	bool has_tar; /* "tar" is whole */
};

bool layer_is_made(const struct instance *in, const char *diff_id)
{
	return layer_kind(in, diff_id) != LAYER_MISSING;
}

/* --- the scratch directory ------------------------------------------------------------------------------------------------ */

/* The lock NAME, once it is ours and still has its name: who had it before has removed it. */
static int take_lock(const struct instance *in, const char *name, struct error *err)
{
	for (;;) {
		struct stat mine, named;
		_cleanup_close_ int fd =
			openat(in->rootfd, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (fd < 0 || flock(fd, LOCK_EX) < 0 || fstat(fd, &mine) < 0)
			return error_errno(err, "cannot lock '%s/%s'", in->root, name);
		if (fstatat(in->rootfd, name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
		    named.st_ino == mine.st_ino)
			return take_fd(&fd);
	}
}

/* What will be the layer's name, if it is known, is the scratch directory's: who makes the same layer waits here. */
static int begin(struct making *m)
{
	const char *name = m->source->diff_id ? m->source->diff_id : m->source->digest;
	char lock[sizeof(m->scratch) + 8];
	int r = file_make_dirs(m->in->rootfd, "partial", 0700, m->err);

	if (r == 0)
		r = file_make_dirs(m->in->rootfd, "layers", 0700, m->err);
	if (r < 0)
		return r;
	if (name)
		snprintf(m->scratch, sizeof(m->scratch), "partial/layer-%s", name + strlen("sha256:"));
	else
		snprintf(m->scratch, sizeof(m->scratch), "partial/layer-%d-%p", (int)getpid(), (void *)m);
	snprintf(lock, sizeof(lock), "%s.lock", m->scratch);
	if ((m->lock = take_lock(m->in, lock, m->err)) < 0 ||
	    (r = file_remove_tree(m->in->rootfd, m->scratch, m->err)) < 0)
		return m->lock < 0 ? m->lock : r;
	m->dir = file_open_dir(m->in->rootfd, m->scratch, 0700, m->err);
	return m->dir < 0 ? m->dir : 0;
}

static void finish(struct making *m)
{
	char lock[sizeof(m->scratch) + 8];

	close_fd(&m->dir);
	if (m->lock >= 0) {
		file_remove_tree(m->in->rootfd, m->scratch, NULL);
		snprintf(lock, sizeof(lock), "%s.lock", m->scratch);
		unlinkat(m->in->rootfd, lock, 0);
	}
	close_fd(&m->lock);
}

/* --- making --------------------------------------------------------------------------------------------------------------- */

static int scratch_file(struct making *m, const char *name)
{
	int fd = openat(m->dir, name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	return fd < 0 ? error_errno(m->err, "cannot store a layer") : fd;
}

static int unpack_into_tree(struct making *m, struct stream *s)
{
	_cleanup_close_ int dir = file_open_dir(m->dir, "tree", 0755, m->err);

	if (dir < 0)
		return dir;
	fchmod(dir, 0755);
	int r = unpack(s, dir, m->limits, m->err);
	if (r == 0)
		r = stream_finish(s, m->err);
	if (r == 0)
		syncfs(dir);
	return r;
}

static int unpack_tar(struct making *m, int tar)
{
	struct stream *s = stream_open(tar, 0, -1, m->limits->bytes);
	int r = unpack_into_tree(m, s);

	stream_close(s);
	return r;
}

static int write_index(struct making *m, struct tree *t, uint64_t bytes, const char *diff_id)
{
	_cleanup_close_ int fd = scratch_file(m, "index");

	if (fd < 0)
		return fd;
	int r = erofs_write(t, bytes, diff_id + strlen("sha256:"), fd, m->err);
	return r == 0 && fdatasync(fd) < 0 ? error_errno(m->err, "cannot store a layer") : r;
}

/* A plain blob is the tar: one file with two names, and what was written a second time need not reach the disk. */
static int keep_tar(struct making *m, int tar, const char *diff_id)
{
	char blob[128];

	m->has_tar = true;
	snprintf(blob, sizeof(blob), "images/blobs/sha256/%s", diff_id + strlen("sha256:"));
	if (!m->source->keep && text_is(m->source->digest, diff_id) &&
	    linkat(m->in->rootfd, blob, m->dir, "same", 0) == 0 &&
	    renameat(m->dir, "same", m->dir, "tar") == 0)
		return 0;
	return fdatasync(tar) < 0 ? error_errno(m->err, "cannot store a layer") : 0;
}

/* The tar and its index; what cannot be had so is unpacked from the tar. */
static int index_blob(struct making *m, struct stream *s)
{
	struct tree tree;
	bool fits = false;
	uint64_t bytes = 0;
	_cleanup_close_ int tar = scratch_file(m, "tar");

	if (tar < 0)
		return tar;
	tree_begin(&tree);
	int r = tar_index(s, tar, m->limits, &tree, &fits, &bytes, m->err);
	if (r == 0)
		r = stream_finish(s, m->err);
	if (r == 0 && fits)
		r = write_index(m, &tree, bytes, stream_plain_digest(s));
	tree_end(&tree);
	if (r == 0)
		r = keep_tar(m, tar, stream_plain_digest(s));
	if (r == 0 && !fits)
		return unpack_tar(m, tar);
	m->indexed = r == 0;
	return r;
}

static int check_digests(struct making *m)
{
	const struct layer_source *source = m->source;

	if (source->digest && !text_is(source->digest, m->made->digest))
		return error_set(m->err, EBADMSG,
				 "a layer has the digest %s instead of %s: it is damaged or forged",
				 m->made->digest, source->digest);
	if (source->diff_id && !text_is(source->diff_id, m->made->diff_id))
		return error_set(m->err, EBADMSG,
				 "a layer unpacks to %s instead of %s: it is damaged or forged",
				 m->made->diff_id, source->diff_id);
	return 0;
}

static struct stream *open_source(const struct making *m, int blob, bool mounts)
{
	const struct layer_source *source = m->source;
	struct stream *s = stream_open(source->fd, source->offset, source->size, m->limits->bytes);

	if (source->keep)
		stream_copy(s, blob, !mounts);
	if (source->trusted)
		stream_trust(s);
	if (source->arrivals > 0)
		stream_follow(s, source->arrivals);
	if (source->ahead)
		stream_run_ahead(s);
	return s;
}

static int make(struct making *m)
{
	const char *why;
	bool mounts = layer_can_mount(m->in, &why);
	_cleanup_close_ int blob = m->source->keep ? scratch_file(m, "blob") : -1;

	if (m->source->keep && blob < 0)
		return -m->err->code;
	struct stream *s = open_source(m, blob, mounts);
	int r = mounts ? index_blob(m, s) : unpack_into_tree(m, s);
	if (r == 0) {
		strcpy(m->made->digest, m->source->trusted ? m->source->digest : stream_raw_digest(s));
		strcpy(m->made->diff_id, stream_plain_digest(s));
		m->made->size = (int64_t)stream_raw_size(s);
		r = check_digests(m);
	}
	stream_close(s);
	return r == 0 && blob >= 0 && fdatasync(blob) < 0 ? error_errno(m->err, "cannot store a blob") : r;
}

/* --- into its place --------------------------------------------------------------------------------------------------------- */

static int place_blob(struct making *m)
{
	char to[128];
	bool plain = m->has_tar && text_is(m->made->digest, m->made->diff_id);

	if (!m->source->keep)
		return 0;
	snprintf(to, sizeof(to), "images/blobs/sha256/%s", m->made->digest + strlen("sha256:"));
	if (file_exists(m->in->rootfd, to))
		return 0;
	int r = plain ? linkat(m->dir, "tar", m->in->rootfd, to, 0)
		      : renameat(m->dir, "blob", m->in->rootfd, to);
	return r < 0 && errno != EEXIST ? error_errno(m->err, "cannot store a blob") : 0;
}

static int place(struct making *m)
{
	char to[128];
	const char *hex = m->made->diff_id + strlen("sha256:");
	int r = place_blob(m);

	if (r < 0 || layer_is_made(m->in, m->made->diff_id))
		return r;
	snprintf(to, sizeof(to), m->indexed ? "layers/%s.tar" : "layers/%s", hex);
	r = renameat(m->dir, m->indexed ? "tar" : "tree", m->in->rootfd, to);
	if (r == 0 && m->indexed) {
		snprintf(to, sizeof(to), "layers/%s.erofs", hex);
		r = renameat(m->dir, "index", m->in->rootfd, to);
	}
	return r < 0 ? error_errno(m->err, "cannot store a layer") : 0;
}

/* Without a digest it may be a plain one, whose digest is that of its contents. */
static bool is_here(const struct making *m)
{
	const char *id = m->source->diff_id, *digest = m->source->digest ? m->source->digest : id;
	struct stat st;
	char blob[128];

	if (!id || !layer_is_made(m->in, id))
		return false;
	snprintf(blob, sizeof(blob), "images/blobs/sha256/%s", digest + strlen("sha256:"));
	if (fstatat(m->in->rootfd, blob, &st, 0) < 0)
		return false;
	strcpy(m->made->digest, digest);
	strcpy(m->made->diff_id, id);
	m->made->size = st.st_size;
	return true;
}

int layer_make_from(const struct instance *in, const struct layer_source *source,
		    const struct unpack_limits *limits, struct layer_made *made, struct error *err)
{
	struct making m = {
		.in = in, .source = source, .limits = limits, .made = made, .err = err, .lock = -1, .dir = -1
	};
	_cleanup_arena_ struct arena *a = arena_new();

	if ((source->digest && !store_blob_path(source->digest, a)) ||
	    (source->diff_id && !store_blob_path(source->diff_id, a)))
		return error_set(err, EINVAL, "'%.80s' is no sha256 digest",
				 source->digest && !store_blob_path(source->digest, a) ? source->digest
										       : source->diff_id);
	if (is_here(&m))
		return 0;
	int r = begin(&m);
	bool here = r == 0 && is_here(&m); /* made while we waited for the lock */
	if (r == 0 && !here)
		r = make(&m);
	if (r == 0 && !here)
		r = place(&m);
	finish(&m);
	return r < 0 ? r : !here;
}

int layer_make(const struct instance *in, const char *digest, const char *diff_id,
	       const struct unpack_limits *limits, struct error *err)
{
	_cleanup_arena_ struct arena *a = arena_new();
	struct layer_made made;
	const char *blob = store_blob_path(digest, a);

	if (!blob)
		return error_set(err, EINVAL, "'%.80s' is no sha256 digest", digest);
	_cleanup_close_ int fd = openat(in->rootfd, blob, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return error_errno(err, "cannot open the blob %.19s", digest);
	const struct layer_source source = {
		.fd = fd, .size = -1, .digest = digest, .diff_id = diff_id, .trusted = true
	};
	int r = layer_make_from(in, &source, limits, &made, err);
	return r < 0 ? r : 0;
}

int layer_make_following(const struct instance *in, int fd, int arrivals, const char *digest,
			 const char *diff_id, const struct unpack_limits *limits, struct error *err)
{
	struct layer_made made;
	const struct layer_source source = { .fd = fd,
					     .size = -1,
					     .digest = digest,
					     .diff_id = diff_id,
					     .trusted = true,
					     .ahead = true,
					     .arrivals = arrivals };
	int r = layer_make_from(in, &source, limits, &made, err);
	return r < 0 ? r : 0;
}

int layer_unpack(const struct instance *in, const char *diff_id, const struct unpack_limits *limits,
		 struct error *err)
{
	struct layer_made made;
	const struct layer_source source = { .diff_id = diff_id };
	struct making m = { .in = in,
			    .source = &source,
			    .limits = limits,
			    .made = &made,
			    .err = err,
			    .lock = -1,
			    .dir = -1 };
	char tar[128], to[128];

	if (layer_kind(in, diff_id) != LAYER_MOUNTED)
		return layer_is_made(in, diff_id)
			       ? 0
			       : error_set(err, ENOENT, "the layer %.80s is not in the store", diff_id);
	snprintf(tar, sizeof(tar), "layers/%s.tar", diff_id + strlen("sha256:"));
	snprintf(to, sizeof(to), "layers/%s", diff_id + strlen("sha256:"));
	_cleanup_close_ int fd = openat(in->rootfd, tar, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return error_errno(err, "cannot open the layer %.19s", diff_id);
	int r = begin(&m);
	if (r == 0 && !file_exists(in->rootfd, to))
		r = unpack_tar(&m, fd);
	if (r == 0 && !file_exists(in->rootfd, to) && renameat(m.dir, "tree", in->rootfd, to) < 0)
		r = error_errno(err, "cannot store a layer");
	finish(&m);
	return r;
}
