/* make.c — see make.h. */
#include "image/make.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "image/layer.h"
#include "image/store.h"
#include "image/stream.h"

bool layer_is_made(const struct instance *in, const char *diff_id)
{
	char path[PATH_MAX];
	return layer_directory(in, diff_id, path, NULL) == 0;
}

/* The blob at FD into the directory DIR; it must be what both digests say. */
static int unpack_blob(int fd, int dir, const char *digest, const char *diff_id,
		       const struct unpack_limits *limits, struct error *err)
{
	struct stream *s = stream_open(fd, limits->bytes);
	int r = unpack(s, dir, limits, err);

	if (r == 0)
		r = stream_finish(s, err);
	if (r == 0 && !text_is(stream_raw_digest(s), digest))
		r = error_set(err, EBADMSG, "the blob %.19s is damaged: its digest is %s", digest,
			      stream_raw_digest(s));
	if (r == 0 && !text_is(stream_plain_digest(s), diff_id))
		r = error_set(err, EBADMSG,
			      "the layer %.19s unpacks to %s instead of %s: it is damaged or forged", digest,
			      stream_plain_digest(s), diff_id);
	stream_close(s);
	return r;
}

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

/* An empty directory to unpack into, under a lock beside it. */
static int open_scratch(const struct instance *in, const char *path, int *lock, struct error *err)
{
	char name[PATH_MAX];
	int r = file_make_dirs(in->rootfd, "partial", 0700, err);

	if (r == 0)
		r = file_make_dirs(in->rootfd, "layers", 0700, err);
	if (r < 0)
		return r;
	snprintf(name, sizeof(name), "%s.lock", path);
	*lock = take_lock(in, name, err);
	if (*lock < 0)
		return *lock;
	if ((r = file_remove_tree(in->rootfd, path, err)) < 0)
		return r;
	int dir = file_open_dir(in->rootfd, path, 0755, err);
	if (dir >= 0)
		fchmod(dir, 0755);
	return dir;
}

static void close_scratch(const struct instance *in, const char *path)
{
	char name[PATH_MAX];

	file_remove_tree(in->rootfd, path, NULL);
	snprintf(name, sizeof(name), "%s.lock", path);
	unlinkat(in->rootfd, name, 0);
}

int layer_make(const struct instance *in, const char *digest, const char *diff_id,
	       const struct unpack_limits *limits, struct error *err)
{
	_cleanup_arena_ struct arena *a = arena_new();
	const char *blob = store_blob_path(digest, a);
	_cleanup_close_ int lock = -1;

	if (!blob || !store_blob_path(diff_id, a))
		return error_set(err, EINVAL, "'%.80s' is no sha256 digest", blob ? diff_id : digest);
	if (layer_is_made(in, diff_id))
		return 0;
	const char *scratch = arena_printf(a, "partial/layer-%s", diff_id + strlen("sha256:"));
	_cleanup_close_ int dir = open_scratch(in, scratch, &lock, err);
	if (dir < 0)
		return dir;
	if (layer_is_made(in, diff_id)) { /* while we waited for the lock */
		close_scratch(in, scratch);
		return 0;
	}
	_cleanup_close_ int fd = openat(in->rootfd, blob, O_RDONLY | O_CLOEXEC);
	int r = fd < 0 ? error_errno(err, "cannot open the blob %.19s", digest)
		       : unpack_blob(fd, dir, digest, diff_id, limits, err);
	if (r == 0) {
		syncfs(dir);
		if (renameat(in->rootfd, scratch, in->rootfd,
			     arena_printf(a, "layers/%s", diff_id + strlen("sha256:"))) < 0)
			r = error_errno(err, "cannot store a layer");
	}
	close_scratch(in, scratch);
	return r;
}
