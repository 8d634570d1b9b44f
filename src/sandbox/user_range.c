/* user_range.c — see user_range.h. */
#include "sandbox/user_range.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "linux/lock.h"

int user_range_claim(uint32_t *first, struct error *err)
{
	_cleanup_close_ int fd = open(USER_RANGE_FILE, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return error_errno(err, "cannot open '" USER_RANGE_FILE
					"', which says whose the ids of user namespaces are");
	for (int n = 0; n < USER_RANGES; n++) {
		if (!lock_take_byte(fd, n))
			continue;
		*first = USER_RANGE_LOWEST + (uint32_t)n * USER_RANGE;
		return take_fd(&fd);
	}
	return error_set(err, EUSERS, "all %d ranges of ids for user namespaces are in use", USER_RANGES);
}

const char *user_range_map(uint32_t first, char text[static USER_RANGE_MAP_SIZE])
{
	snprintf(text, USER_RANGE_MAP_SIZE, "0 %" PRIu32 " %d", first, USER_RANGE);
	return text;
}
