/* ownership.c — see ownership.h. */
#include "volume/ownership.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"

enum { DEPTH_MAX = 256, FILE_BITS = 0660, DIRECTORY_BITS = 02770 };

/* The kernel clears set-user-id at chown(2), so the mode comes after it. */
static int give(int dir, const char *name, const struct stat *st, gid_t group)
{
	mode_t mode = (st->st_mode & 07777) | (S_ISDIR(st->st_mode) ? DIRECTORY_BITS : FILE_BITS);

	if (fchownat(dir, name, (uid_t)-1, group, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (S_ISLNK(st->st_mode))
		return 0;
	return fchmodat(dir, name, mode, 0) < 0 ? -errno : 0;
}

static int give_all(int fd, gid_t group, unsigned depth)
{
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
	_cleanup_closedir_ DIR *d = copy < 0 ? NULL : fdopendir(copy);
	struct stat st;

	for (struct dirent *e; d && r == 0 && (e = readdir(d));) {
		if (text_is(e->d_name, ".") || text_is(e->d_name, "..") ||
		    fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		if (S_ISDIR(st.st_mode) && depth < DEPTH_MAX) {
			_cleanup_close_ int below =
				openat(fd, e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
			r = below < 0 ? -errno : give_all(below, group, depth + 1);
		}
		if (r == 0)
			r = give(fd, e->d_name, &st, group);
	}
	return d ? r : -errno;
}

/* kubernetes pkg/volume/volume_linux.go requiresPermissionChange */
static bool is_right(const struct stat *st, gid_t group)
{
	return st->st_gid == group && (st->st_mode & DIRECTORY_BITS) == DIRECTORY_BITS;
}

int ownership_apply(int dir, const struct pod *pod, struct error *err)
{
	const struct pod_security_context *security = pod->spec.securityContext;
	struct stat st;

	if (!security || !security->fsGroup.set)
		return 0;
	gid_t group = (gid_t)security->fsGroup.value;
	if (fstat(dir, &st) < 0)
		return error_errno(err, "cannot look at the volume");
	if (text_is(security->fsGroupChangePolicy, "OnRootMismatch") && is_right(&st, group))
		return 0;
	int r = give_all(dir, group, 0);
	if (r == 0) /* the top is the last: until it is right, the next start does all of it again */
		r = fchown(dir, (uid_t)-1, group) < 0 ||
				    fchmod(dir, (st.st_mode & 07777) | DIRECTORY_BITS) < 0
			    ? -errno
			    : 0;
	return r < 0 ? error_set(err, -r, "cannot give the volume to the group %" PRId64 ": %s",
				 security->fsGroup.value, error_meaning(-r))
		     : 0;
}
