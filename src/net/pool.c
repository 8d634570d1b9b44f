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

enum { RESERVED_LOW = 2 }; /* the network and the gateway */

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

static bool take_lock(int fd)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	return fcntl(fd, F_OFD_SETLK, &whole) == 0;
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
		if (!take_lock(fd))
			return -EBUSY;
		if (!is_there(pool, name, fd, &file))
			continue;
		*left = file.st_size > 0;
		return take_fd(&fd);
	}
}

/* Where to begin; COUNT addresses are in the subnet. */
static uint32_t read_next(int fd, uint32_t subnet, uint32_t count)
{
	char text[INET_ADDRSTRLEN] = "";
	struct in_addr next;

	if (pread(fd, text, sizeof(text) - 1, 0) > 0 && inet_pton(AF_INET, text, &next) == 1 &&
	    ntohl(next.s_addr) - subnet < count - 1)
		return ntohl(next.s_addr) - subnet;
	return RESERVED_LOW;
}

int pool_claim(int pool, struct in_addr subnet, unsigned prefix, struct in_addr *address, bool *left,
	       struct error *err)
{
	const uint32_t first = ntohl(subnet.s_addr), count = UINT32_C(1) << (32 - prefix),
		       usable = count - 1 - RESERVED_LOW;
	char name[INET_ADDRSTRLEN] = {};
	_cleanup_close_ int turn = openat(pool, ".next", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	int fd = -EBUSY;

	if (turn < 0)
		return error_errno(err, "cannot open the address pool");
	uint32_t n = read_next(turn, first, count);
	for (uint32_t tries = 0; fd == -EBUSY && tries < usable; tries++, n++) {
		if (n < RESERVED_LOW || n > count - 2)
			n = RESERVED_LOW;
		address->s_addr = htonl(first + n);
		inet_ntop(AF_INET, address, name, sizeof(name));
		fd = try_claim(pool, name, left);
	}
	if (fd == -EBUSY)
		return error_set(
			err, EADDRNOTAVAIL,
			"all %u addresses of the network are in use (delete pods that are not needed)",
			usable);
	errno = fd < 0 ? -fd : 0;
	if (fd < 0)
		return error_errno(err, "cannot claim the address %s", name);
	inet_ntop(AF_INET, &(struct in_addr){ htonl(first + n) }, name, sizeof(name));
	memset(name + strlen(name), 0, sizeof(name) - strlen(name));
	if (pwrite(turn, name, sizeof(name), 0) != (ssize_t)sizeof(name)) {
		close(fd);
		return error_errno(err, "cannot write the address pool");
	}
	return fd;
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
	if (!take_lock(*fd))
		return 1;
	if (is_there(pool, name, *fd, &file))
		return 0;
	close_fd(fd);
	return -ENOENT;
}

int pool_lock(int pool, int how, struct error *err)
{
	_cleanup_close_ int fd = openat(pool, ".next", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || flock(fd, how) < 0)
		return error_errno(err, "cannot lock the network");
	return take_fd(&fd);
}
