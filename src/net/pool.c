/* pool.c — see pool.h. */
#include "net/pool.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"

enum { RESERVED_LOW = 2 };

/* 0: locked; 1: somebody has it, *END is the first number after the range that is taken; -errno. */
static int try_lock(int fd, uint32_t number, uint32_t *end)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = number, .l_len = 1 };

	if (fcntl(fd, F_OFD_SETLK, &lock) == 0)
		return 0;
	if (errno != EAGAIN && errno != EACCES)
		return -errno;
	if (fcntl(fd, F_OFD_GETLK, &lock) < 0)
		return -errno;
	*end = lock.l_type == F_UNLCK ? number : (uint32_t)(lock.l_start + lock.l_len);
	return 1;
}

int pool_claim(const struct instance *in, const char *name, uint32_t count, uint32_t *number, struct error *err)
{
	char path[300];
	uint32_t next = 0, last = count - 2;
	int r = file_make_dirs(in->runfd, "networks", 0700, err);

	if (r < 0)
		return r;
	snprintf(path, sizeof(path), "networks/%s.pool", name);
	_cleanup_close_ int fd = openat(in->runfd, path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return error_errno(err, "cannot open the address pool '%s'", path);
	if (pread(fd, &next, sizeof(next), 0) != (ssize_t)sizeof(next) || next < RESERVED_LOW || next > last)
		next = RESERVED_LOW;
	uint32_t n = next;
	for (uint32_t tries = 0; tries <= count; tries++) {
		uint32_t end = n + 1;
		r = try_lock(fd, n, &end);
		if (r < 0)
			break;
		if (r == 0) {
			uint32_t after = n + 1;
			*number = n;
			if (pwrite(fd, &after, sizeof(after), 0) < 0)
				return error_errno(err, "cannot write the address pool");
			return take_fd(&fd);
		}
		bool wrapped = n < next;
		n = end > n ? end : n + 1;
		if (n > last && !wrapped)
			n = RESERVED_LOW;
		else if (wrapped && n >= next)
			break;
		if (n > last)
			break;
	}
	return error_set(err, EADDRNOTAVAIL, "the network '%s' has no free address: all %u are in use", name, last - 1);
}
