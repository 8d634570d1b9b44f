/* copy_up.c — see copy_up.h. */
#include "oci/copy_up.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "linux/process.h"

enum { DEPTH_MAX = 64 };

static int copy_file(int from, int to, const char *name, const struct stat *st)
{
	_cleanup_close_ int in = openat(from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	_cleanup_close_ int out =
		openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	ssize_t n;

	if (in < 0 || out < 0)
		return -errno;
	while ((n = sendfile(out, in, NULL, 1 << 20)) > 0)
		;
	if (n < 0 || fchown(out, st->st_uid, st->st_gid) < 0 || fchmod(out, st->st_mode & 07777) < 0)
		return -errno;
	return 0;
}

static int copy_link(int from, int to, const char *name, const struct stat *st)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(from, name, target, sizeof(target) - 1);

	if (n < 0)
		return -errno;
	target[n] = '\0';
	if (symlinkat(target, to, name) < 0 ||
	    fchownat(to, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	return 0;
}

static int copy_directory(int from, int to, dev_t dev, unsigned depth);

static int copy_below(int from, int to, const char *name, dev_t dev, unsigned depth)
{
	_cleanup_close_ int in = openat(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (in < 0 || mkdirat(to, name, 0700) < 0)
		return -errno;
	_cleanup_close_ int out = openat(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return out < 0 ? -errno : copy_directory(in, out, dev, depth + 1);
}

static int copy_entry(int from, int to, const char *name, dev_t dev, unsigned depth)
{
	struct stat st;

	if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (S_ISREG(st.st_mode))
		return copy_file(from, to, name, &st);
	if (S_ISLNK(st.st_mode))
		return copy_link(from, to, name, &st);
	if (S_ISDIR(st.st_mode) && st.st_dev == dev && depth < DEPTH_MAX)
		return copy_below(from, to, name, dev, depth);
	return 0; /* devices and sockets have no contents */
}

static int copy_directory(int from, int to, dev_t dev, unsigned depth)
{
	int copy = fcntl(from, F_DUPFD_CLOEXEC, 3);
	_cleanup_closedir_ DIR *d = copy < 0 ? NULL : fdopendir(copy);
	struct stat st;
	int r = d ? 0 : -errno;

	for (struct dirent *e; r == 0 && (e = readdir(d));)
		if (!text_is(e->d_name, ".") && !text_is(e->d_name, ".."))
			r = copy_entry(from, to, e->d_name, dev, depth);
	if (r == 0 && (fstat(from, &st) < 0 || fchown(to, st.st_uid, st.st_gid) < 0 ||
		       fchmod(to, st.st_mode & 07777) < 0))
		r = -errno;
	return r;
}

int copy_up(int from, int to, struct error *err)
{
	_cleanup_close_ int out = openat(to, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;
	int r = out < 0 || fstat(from, &st) < 0 ? -errno : copy_directory(from, out, st.st_dev, 0);

	return r < 0 ? error_set(err, -r, "cannot copy the image's files: %s", error_meaning(-r)) : 0;
}

static int write_map(pid_t pid, const char *name, const struct id_mappings *map)
{
	_cleanup_text_ struct text text = {};
	char path[40];

	list_each(m, map)
		text_printf(&text, "%lld %lld %lld\n", (long long)m->containerID, (long long)m->hostID,
			    (long long)m->size);
	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);
	return fd < 0 || write(fd, text.at, text.n) < 0 ? -errno : 0;
}

int user_namespace_with(const struct id_mappings *uids, const struct id_mappings *gids, struct error *err)
{
	_cleanup_close_ int pidfd = -1;
	struct exit_status status;
	char path[40];
	pid_t pid = process_clone(CLONE_NEWUSER, -1, &pidfd);

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		for (;;)
			pause();
	}
	if (pid < 0)
		return error_set(err, -pid, "cannot make a user namespace: %s", error_meaning(-pid));
	int r = write_map(pid, "uid_map", uids);
	if (r == 0)
		r = write_map(pid, "gid_map", gids);
	snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)pid);
	int fd = r < 0 ? r : open(path, O_RDONLY | O_CLOEXEC);
	if (r == 0 && fd < 0)
		fd = -errno;
	process_signal(pidfd, SIGKILL);
	process_wait(pidfd, &status);
	return fd < 0 ? error_set(err, -fd, "cannot map ids: %s", error_meaning(-fd)) : fd;
}
