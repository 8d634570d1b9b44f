/* arrivals.c — see arrivals.h. */
#include "image/arrivals.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define WHOLE (UINT64_C(1) << 62)

int arrivals_open(void)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

void arrivals_add(int fd, int64_t bytes, bool whole)
{
	uint64_t sum = (uint64_t)bytes + (whole ? WHOLE : 0);

	while (sum > 0 && write(fd, &sum, sizeof(sum)) < 0 && errno == EINTR)
		;
}

int arrivals_wait(int fd, int stop, int64_t *bytes, bool *whole)
{
	struct pollfd fds[] = { { .fd = fd, .events = POLLIN }, { .fd = stop, .events = POLLIN } };
	uint64_t sum;

	while (read(fd, &sum, sizeof(sum)) < 0) {
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			return -errno;
		if (fds[1].revents)
			return -ECANCELED;
	}
	*whole |= sum >= WHOLE;
	*bytes += (int64_t)(sum & (WHOLE - 1));
	return 0;
}
