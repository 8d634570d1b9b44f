/* descriptor_list.h — descriptors that one creation needs and that are closed after the clone; not for other rooms. */
#pragma once

#include <stdbool.h>

/* More than the soft limit of descriptors usually lets a process have; the kernel says so first. */
struct descriptor_list {
	int at[1024];
	unsigned n;
};

/* Takes FD over. False, and it is closed: there is no room. */
bool descriptor_list_add(struct descriptor_list *fds, int fd);
void descriptor_list_close(struct descriptor_list *fds);
