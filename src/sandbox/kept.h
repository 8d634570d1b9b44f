/* kept.h — descriptors that one creation needs and that are closed after the clone; not for other rooms. */
#pragma once

#include <stdbool.h>

/* More than the soft limit of descriptors usually lets a process have; the kernel says so first. */
struct kept_fds {
	int at[1024];
	unsigned n;
};

/* Takes FD over. False, and it is closed: there is no room. */
bool kept_add(struct kept_fds *fds, int fd);
void kept_close(struct kept_fds *fds);
