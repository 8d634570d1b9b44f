/* claim_volume.c — persistentVolumeClaim; see claim_volume.h and volume.h.
 *
 * A pod whose claim is missing is refused: `seapod apply` stores claims before it starts pods, so what is missing then is a mistake, and a
 * pod that waits for it, as in a cluster, would only hide that.
 */
#include "volume/claim_volume.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/store.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "volume/ownership.h"
#include "volume/volume.h"

static const char kind[] = "persistentvolumeclaims";

int claim_read(const struct instance *in, const char *namespace, const char *name, struct arena *a,
	       struct claim *claim, struct error *err)
{
	struct problems ignored = { .arena = a };
	struct node *n = store_get(in, kind, namespace, name, a, err);

	if (!n)
		return -err->code;
	object_decode(&claim_table, n, claim, a, NULL, &ignored);
	return 0;
}

int claim_storage_make(const struct instance *in, const struct claim *claim, struct error *err)
{
	char path[CLAIM_DIRECTORY_SIZE];

	claim_directory(claim->metadata.namespace, claim->metadata.name, path);
	if (file_exists(in->rootfd, path))
		return 0;
	int r = file_make_dirs(in->rootfd, path, 0700, err);
	return r == 0 && fchmodat(in->rootfd, path, 0777, 0) < 0
		       ? error_errno(err, "cannot make '%s/%s'", in->root, path)
		       : r;
}

int claim_storage_remove(const struct instance *in, const char *namespace, const char *name,
			 struct error *err)
{
	char path[CLAIM_DIRECTORY_SIZE];
	_cleanup_close_ int fd = openat(in->rootfd, claim_directory(namespace, name, path),
					O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT ? 0 : error_errno(err, "cannot open '%s/%s'", in->root, path);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return error_set(err, EBUSY, "the volume '%s' is in use", name);
	return file_remove_tree(in->rootfd, path, err);
}

/* It may have been removed between open and lock. */
static bool is_still_there(const struct instance *in, const char *path, int fd)
{
	struct stat mine, there;

	return fstat(fd, &mine) == 0 && fstatat(in->rootfd, path, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
	       mine.st_ino == there.st_ino;
}

int claim_prepare(struct prepared_volume *v, const struct volume_set *set, struct error *err)
{
	_cleanup_arena_ struct arena *a = arena_new();
	const struct claim_volume *source = v->volume->persistentVolumeClaim;
	const char *namespace = set->pod->metadata.namespace;
	struct claim claim = {};
	char path[CLAIM_DIRECTORY_SIZE];
	int r = claim_read(set->in, namespace, source->claimName, a, &claim, err);

	if (r == 0)
		r = claim_storage_make(set->in, &claim, err);
	if (r < 0)
		return r;
	bool alone = claim_has_mode(&claim.spec, "ReadWriteOncePod");
	v->fd = openat(set->in->rootfd, claim_directory(namespace, source->claimName, path),
		       O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (v->fd < 0)
		return error_errno(err, "cannot open '%s/%s'", set->in->root, path);
	if (flock(v->fd, (alone ? LOCK_EX : LOCK_SH) | LOCK_NB) < 0)
		return error_set(err, EBUSY, "the claim '%s' is used by another pod%s", source->claimName,
				 alone ? ", and it is ReadWriteOncePod" : "");
	if (!is_still_there(set->in, path, v->fd))
		return error_set(err, ENOENT, "the claim '%s' was removed meanwhile", source->claimName);
	v->read_only = source->readOnly;
	return source->readOnly ? 0 : ownership_apply(v->fd, set->pod, err);
}

int ephemeral_prepare(struct prepared_volume *v, const struct volume_set *set, struct error *err)
{
	_cleanup_free_ char *path = memory_printf("%s/%s", set->disk, v->volume->name);
	int r = file_make_dirs(set->in->rootfd, path, 0700, err);

	v->fd = r < 0 ? r : file_open_dir(set->in->rootfd, path, 0, err);
	if (v->fd < 0)
		return v->fd;
	fchmod(v->fd, 0777);
	return ownership_apply(v->fd, set->pod, err);
}
