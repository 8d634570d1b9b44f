/* name.c — see name.h. */
#include "sandbox/name.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "linux/lock.h"

void uid_make(char uid[static UID_SIZE])
{
	unsigned char b[16];

	while (getrandom(b, sizeof(b), 0) != (ssize_t)sizeof(b))
		;
	b[6] = (b[6] & 0x0f) | 0x40;
	b[8] = (b[8] & 0x3f) | 0x80;
	snprintf(uid, UID_SIZE, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0],
		 b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14],
		 b[15]);
}

/* "names/<namespace>_<name>"; both are DNS names, so no slash and no underscore is in them. */
static int file_name(const char *namespace, const char *name, char path[static PATH_MAX])
{
	return snprintf(path, PATH_MAX, "names/%s_%s", namespace, name) < PATH_MAX ? 0 : -ENAMETOOLONG;
}

static bool read_holder(int fd, char holder[static UID_SIZE])
{
	ssize_t n = pread(fd, holder, UID_SIZE - 1, 0);
	holder[n > 0 ? n : 0] = '\0';
	return n == UID_SIZE - 1;
}

static bool is_pod(const struct instance *in, const char *uid)
{
	char path[PATH_MAX];
	snprintf(path, sizeof(path), "pods/%s/pod.json", uid);
	return file_exists(in->runfd, path);
}

int name_claim(const struct instance *in, const char *namespace, const char *name, const char *uid,
	       char holder[static UID_SIZE], bool *alive, struct error *err)
{
	char path[PATH_MAX];
	int r = file_name(namespace, name, path);

	if (r < 0)
		return error_set(err, -r, "the pod's name is too long");
	if (mkdirat(in->runfd, "names", 0700) < 0 && errno != EEXIST)
		return error_errno(err, "cannot make the directory '%s/names'", in->run);
	for (;;) {
		_cleanup_close_ int fd =
			openat(in->runfd, path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (fd < 0)
			return error_errno(err, "cannot open '%s/%s'", in->run, path);
		*alive = !lock_take(fd);
		bool held = read_holder(fd, holder);
		if (*alive || (held && strcmp(holder, uid) != 0 && is_pod(in, holder)))
			return error_set(err, EEXIST, "the pod '%s' exists in the namespace '%s'", name,
					 namespace);

		struct stat mine,
			there; /* it may have been removed between open and lock: then begin again */
		if (fstat(fd, &mine) < 0 || fstatat(in->runfd, path, &there, AT_SYMLINK_NOFOLLOW) < 0 ||
		    mine.st_ino != there.st_ino)
			continue;
		if (ftruncate(fd, 0) < 0 || pwrite(fd, uid, UID_SIZE - 1, 0) != UID_SIZE - 1)
			return error_errno(err, "cannot write '%s/%s'", in->run, path);
		return take_fd(&fd);
	}
}

void name_release(const struct instance *in, const char *namespace, const char *name)
{
	char path[PATH_MAX];
	if (file_name(namespace, name, path) == 0)
		unlinkat(in->runfd, path, 0);
}

static int gone_name(const char *namespace, const char *name, const char *uid, char path[static PATH_MAX])
{
	return snprintf(path, PATH_MAX, "gone/%s_%s_%s", namespace, name, uid) < PATH_MAX ? 0 : -ENAMETOOLONG;
}

int name_retire(const struct instance *in, const char *namespace, const char *name, const char *uid)
{
	char from[PATH_MAX], to[PATH_MAX];

	if (file_name(namespace, name, from) < 0 || gone_name(namespace, name, uid, to) < 0)
		return -ENAMETOOLONG;
	if (renameat(in->runfd, from, in->runfd, to) == 0)
		return 0;
	if (mkdirat(in->runfd, "gone", 0700) < 0 && errno != EEXIST)
		return -errno;
	return renameat(in->runfd, from, in->runfd, to) < 0 ? -errno : 0;
}

void name_forget(const struct instance *in, const char *namespace, const char *name, const char *uid)
{
	char path[PATH_MAX];

	if (gone_name(namespace, name, uid, path) == 0)
		unlinkat(in->runfd, path, 0);
}

static bool is_left(int dir, const char *file)
{
	_cleanup_close_ int fd = openat(dir, file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	return fd >= 0 && !lock_is_taken(fd);
}

void names_left(const struct instance *in, struct arena *a, struct left_names *out)
{
	int dir = file_open_dir(in->runfd, "gone", 0, NULL);
	_cleanup_closedir_ DIR *entries = dir < 0 ? NULL : fdopendir(dir);
	const struct dirent *entry;

	while (entries && (entry = readdir(entries))) {
		char *namespace = arena_strdup(a, entry->d_name), *name = strchr(namespace, '_'),
		     *uid = strrchr(namespace, '_');
		if (!name || name == uid || strlen(uid) != UID_SIZE || !is_left(dir, entry->d_name))
			continue;
		*name = *uid = '\0';
		*list_add(a, out) = (struct left_name){ namespace, name + 1, uid + 1 };
	}
}

int name_holder(const struct instance *in, const char *namespace, const char *name,
		char holder[static UID_SIZE], bool *alive)
{
	char path[PATH_MAX];
	int r = file_name(namespace, name, path);

	if (r < 0)
		return r;
	_cleanup_close_ int fd = openat(in->runfd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -errno;
	if (!read_holder(fd, holder))
		return -ENOENT;
	*alive = lock_is_taken(fd);
	return 0;
}
