/* kept.c — see kept.h. */
#include "sandbox/kept.h"

#include <unistd.h>

bool kept_add(struct kept_fds *fds, int fd)
{
	if (fds->n == sizeof(fds->at) / sizeof(*fds->at)) {
		close(fd);
		return false;
	}
	fds->at[fds->n++] = fd;
	return true;
}

void kept_close(struct kept_fds *fds)
{
	while (fds->n > 0)
		close(fds->at[--fds->n]);
}
