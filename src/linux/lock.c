/* lock.c — see lock.h. */
#include "linux/lock.h"

#include <fcntl.h>
#include <unistd.h>

static bool take(int fd, int at, int bytes)
{
	struct flock part = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = at, .l_len = bytes };
	return fcntl(fd, F_OFD_SETLK, &part) == 0;
}

bool lock_take(int fd)
{
	return take(fd, 0, 0); /* 0 bytes: to the end, wherever that is */
}

bool lock_take_byte(int fd, int at)
{
	return take(fd, at, 1);
}

bool lock_is_taken(int fd)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	return fcntl(fd, F_OFD_GETLK, &whole) == 0 && whole.l_type != F_UNLCK;
}
