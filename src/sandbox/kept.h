/* kept.h — descriptors that one creation needs and that are closed after the clone; not for other rooms. */
#pragma once

#include <stdbool.h>

struct kept_fds {
	int at[256];
	unsigned n;
};

/* Takes FD over. False, and it is closed: there is no room. */
bool kept_add(struct kept_fds *fds, int fd);
void kept_close(struct kept_fds *fds);
