/* pool.c — see pool.h. */
#include "net/pool.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "linux/lock.h"
#include "net/record.h"

int pool_open(const struct instance *in, const char *network, struct error *err)
{
	char path[300];

	snprintf(path, sizeof(path), "networks/%s", network);
	int fd = openat(in->runfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	int r = file_make_dirs(in->runfd, path, 0700, err);
	return r < 0 ? r : file_open_dir(in->runfd, path, 0, err);
}

/* It may have been removed between open and lock. */
static bool is_there(int pool, const char *name, int fd, struct stat *file)
{
	struct stat there;
	return fstat(fd, file) == 0 && fstatat(pool, name, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
	       file->st_ino == there.st_ino;
}

/* The claim's descriptor; -EBUSY: somebody has it. */
static int try_claim(int pool, const char *name, bool *left)
{
	struct stat file;

	for (;;) {
		_cleanup_close_ int fd = openat(pool, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (fd < 0)
			return -errno;
		if (!lock_take(fd))
			return -EBUSY;
		if (!is_there(pool, name, fd, &file))
			continue;
		*left = file.st_size > 0;
		return take_fd(&fd);
	}
}

/* Where to begin. */
static uint32_t read_next(int fd, const struct pool_range *range)
{
	char text[INET_ADDRSTRLEN] = "";
	struct in_addr next;

	if (pread(fd, text, sizeof(text) - 1, 0) > 0 && inet_pton(AF_INET, text, &next) == 1 &&
	    ntohl(next.s_addr) >= range->first && ntohl(next.s_addr) <= range->last)
		return ntohl(next.s_addr);
	return range->first;
}

static int write_next(int fd, uint32_t next, struct error *err)
{
	char text[INET_ADDRSTRLEN] = {};

	inet_ntop(AF_INET, &(struct in_addr){ htonl(next) }, text, sizeof(text));
	memset(text + strlen(text), 0, sizeof(text) - strlen(text));
	return pwrite(fd, text, sizeof(text), 0) == (ssize_t)sizeof(text)
		       ? 0
		       : error_errno(err, "cannot write the address pool");
}

static int claim_one(int pool, struct in_addr address, bool *left, struct error *err)
{
	_cleanup_arena_ struct arena *a = arena_new();
	char name[INET_ADDRSTRLEN];
	struct endpoint_record r = {};
	int fd = try_claim(pool, inet_ntop(AF_INET, &address, name, sizeof(name)), left);

	if (fd >= 0)
		return fd;
	if (fd != -EBUSY)
		return error_code(err, fd, "cannot claim the address %s", name);
	_cleanup_close_ int held = openat(pool, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	bool known = held >= 0 && record_read(held, &r, a);
	return error_set(err, EADDRINUSE, "the address %s is in use%s%s%s (choose another one)", name,
			 known ? " by the pod '" : "", known ? record_pod_name(&r, a) : "", known ? "'" : "");
}

int pool_claim(int pool, const struct pool_range *range, struct in_addr *address, bool *left,
	       struct error *err)
{
	const uint32_t count = range->last - range->first + 1;
	_cleanup_close_ int turn = openat(pool, ".next", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	char name[INET_ADDRSTRLEN];
	int fd = -EBUSY;

	if (turn < 0)
		return error_errno(err, "cannot open the address pool");
	if (address->s_addr)
		return claim_one(pool, *address, left, err);
	uint32_t n = read_next(turn, range);
	for (uint32_t tries = 0; fd == -EBUSY && tries < count; tries++, n++) {
		if (n > range->last)
			n = range->first;
		if (n == range->gateway)
			continue;
		address->s_addr = htonl(n);
		fd = try_claim(pool, inet_ntop(AF_INET, address, name, sizeof(name)), left);
	}
	if (fd == -EBUSY)
		return error_set(
			err, EADDRNOTAVAIL,
			"all %u addresses of the network are in use (delete pods that are not needed)",
			count - (range->gateway >= range->first && range->gateway <= range->last));
	errno = fd < 0 ? -fd : 0;
	if (fd < 0)
		return error_errno(err, "cannot claim the address %s", name);
	int r = write_next(turn, n, err);
	if (r == 0)
		return fd;
	close(fd);
	return r;
}

void pool_release(int pool, struct in_addr address)
{
	char name[INET_ADDRSTRLEN];
	unlinkat(pool, inet_ntop(AF_INET, &address, name, sizeof(name)), 0);
}

int pool_look(int pool, const char *name, int *fd)
{
	struct stat file;

	*fd = openat(pool, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (*fd < 0)
		return -errno;
	if (!lock_take(*fd))
		return 1;
	if (is_there(pool, name, *fd, &file))
		return 0;
	close_fd(fd);
	return -ENOENT;
}

int pool_lock(const struct instance *in, int how, struct error *err)
{
	_cleanup_close_ int fd = openat(in->runfd, "networks/.rules", O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0 && errno == ENOENT && file_make_dirs(in->runfd, "networks", 0700, NULL) == 0)
		fd = openat(in->runfd, "networks/.rules", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || flock(fd, how) < 0)
		return error_errno(err, "cannot lock the networks' rules");
	return take_fd(&fd);
}
