/* descriptor_list.c — see descriptor_list.h. */
#include "sandbox/descriptor_list.h"

#include <unistd.h>

bool descriptor_list_add(struct descriptor_list *fds, int fd)
{
	if (fds->n == sizeof(fds->at) / sizeof(*fds->at)) {
		close(fd);
		return false;
	}
	fds->at[fds->n++] = fd;
	return true;
}

void descriptor_list_close(struct descriptor_list *fds)
{
	while (fds->n > 0)
		close(fds->at[--fds->n]);
}
