/* blob.c — see blob.h. */
#include "image/blob.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "image/store.h"

enum {
	WRITE_BACK = 8 * 1024 * 1024
}; /* begin to write to the disk after so many bytes, so that the end has little to wait for */

static int partial_path(const char *digest, char path[static PATH_MAX])
{
	return snprintf(path, PATH_MAX, "partial/%s", digest + strlen("sha256:"));
}

static bool place_of(const char *digest, char path[static PATH_MAX])
{
	_cleanup_arena_ struct arena *a = arena_new();
	const char *place = store_blob_path(digest, a);

	snprintf(path, PATH_MAX, "%s", place ? place : "");
	return place;
}

bool blob_is_here(const struct instance *in, const char *digest)
{
	char path[PATH_MAX];
	return place_of(digest, path) && file_exists(in->rootfd, path);
}

/* Is FD still what the name says? The one who had the lock before may have renamed or removed it. */
static bool is_still(const struct blob_writer *w, const char *path)
{
	struct stat mine, named;
	return fstat(w->fd, &mine) == 0 && fstatat(w->in->rootfd, path, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
	       mine.st_ino == named.st_ino && mine.st_dev == named.st_dev;
}

/* Reads what an earlier time has left, for the digest. */
static int read_again(struct blob_writer *w, struct error *err)
{
	static char chunk[256 * 1024];
	ssize_t n;

	while ((n = read(w->fd, chunk, sizeof(chunk))) > 0) {
		digest_add(&w->sum, chunk, (size_t)n);
		w->at += n;
	}
	if (n < 0)
		return error_errno(err, "cannot read a partial blob");
	w->resumed = w->at > 0;
	return w->size >= 0 && w->at > w->size ? blob_restart(w, err) : 0;
}

int blob_begin(struct blob_writer *w, const struct instance *in, const char *digest, int64_t size,
	       struct error *err)
{
	char path[PATH_MAX], place[PATH_MAX];

	*w = (struct blob_writer){ .in = in, .digest = digest, .size = size };
	if (!place_of(digest, place))
		return error_set(err, EINVAL, "'%.80s' is no sha256 digest", digest ? digest : "");
	if (file_exists(in->rootfd, place))
		return BLOB_HERE;
	int r = file_make_dirs(in->rootfd, "partial", 0700, err);
	if (r == 0)
		r = file_make_dirs(in->rootfd, "images/blobs/sha256", 0700, err);
	if (r < 0)
		return r;
	partial_path(digest, path);
	w->fd = openat(in->rootfd, path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (w->fd < 0) {
		w->fd = 0;
		return error_errno(err, "cannot make the file '%s/%s'", in->root, path);
	}
	bool locked = flock(w->fd, LOCK_EX | LOCK_NB) == 0;
	if (!locked || !is_still(w, path)) {
		close(w->fd);
		w->fd = 0;
		return file_exists(in->rootfd, place) ? BLOB_HERE : BLOB_BUSY;
	}
	digest_begin(&w->sum);
	r = read_again(w, err);
	return r < 0 ? r : BLOB_WANTED;
}

static void drop(struct blob_writer *w)
{
	char path[PATH_MAX];

	partial_path(w->digest, path);
	unlinkat(w->in->rootfd, path, 0);
	blob_end(w);
}

int blob_add(struct blob_writer *w, const void *data, size_t n, struct error *err)
{
	if (w->size >= 0 && (int64_t)n > w->size - w->at)
		return error_set(err, EBADMSG,
				 "the blob %.19s is larger than the %lld bytes that its manifest says",
				 w->digest, (long long)w->size);
	int r = write_all(w->fd, data, n);
	if (r < 0) {
		r = error_code(err, r, "cannot store the blob %.19s", w->digest);
		if (r == -ENOSPC || r == -EDQUOT)
			drop(w);
		return r;
	}
	digest_add(&w->sum, data, n);
	if (w->at / WRITE_BACK != (w->at + (int64_t)n) / WRITE_BACK)
		sync_file_range(w->fd, w->at - w->at % WRITE_BACK, WRITE_BACK, SYNC_FILE_RANGE_WRITE);
	w->at += (int64_t)n;
	return 0;
}

int blob_restart(struct blob_writer *w, struct error *err)
{
	char ignored[DIGEST_SIZE];

	digest_end(&w->sum, ignored);
	digest_begin(&w->sum);
	w->at = 0;
	w->resumed = false;
	if (ftruncate(w->fd, 0) < 0 || lseek(w->fd, 0, SEEK_SET) < 0)
		return error_errno(err, "cannot begin the blob %.19s again", w->digest);
	return 0;
}

int blob_finish(struct blob_writer *w, struct error *err)
{
	char digest[DIGEST_SIZE], path[PATH_MAX], place[PATH_MAX];

	if (w->size >= 0 && w->at != w->size)
		return error_set(err, EBADMSG,
				 "the blob %.19s has %lld bytes, not the %lld that its manifest says",
				 w->digest, (long long)w->at, (long long)w->size);
	digest_end(&w->sum, digest);
	if (!text_is(digest, w->digest)) {
		drop(w);
		return error_set(err, EBADMSG,
				 "a blob has the digest %s instead of %s: it is damaged or forged", digest,
				 w->digest);
	}
	partial_path(w->digest, path);
	place_of(w->digest, place);
	int r = fdatasync(w->fd) < 0 || renameat(w->in->rootfd, path, w->in->rootfd, place) < 0
			? error_errno(err, "cannot store the blob %.19s", w->digest)
			: 0;
	blob_end(w);
	return r;
}

void blob_end(struct blob_writer *w)
{
	char ignored[DIGEST_SIZE];

	if (w->sum.context)
		digest_end(&w->sum, ignored);
	if (w->fd > 0)
		close(w->fd);
	w->fd = 0;
}

int blob_put(const struct instance *in, const void *data, size_t n, char digest[static DIGEST_SIZE],
	     struct error *err)
{
	char place[PATH_MAX];

	digest_of_bytes(data, n, digest);
	place_of(digest, place);
	return file_exists(in->rootfd, place) ? 0 : file_write_synced(in->rootfd, place, data, n, 0600, err);
}

int image_commit(const struct instance *in, const char *digest, const char *reference, const char *origin,
		 struct error *err)
{
	_cleanup_arena_ struct arena *a = arena_new();
	const char *path = store_blob_path(digest, a);
	_cleanup_close_ int lock = path ? store_lock(in, err) : -1;
	struct stat st;

	if (!path)
		return error_set(err, EINVAL, "'%.80s' is no sha256 digest", digest);
	if (lock < 0)
		return lock;
	if (fstatat(in->rootfd, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return error_errno(err, "the manifest %.19s is not in the store", digest);
	return store_name_from(in, reference, digest, st.st_size, origin, err);
}
