/* own_log.c — keeper.log in the pod's directory: what the keeper did, one line a step. It lies in memory (RUN is a tmpfs as a rule) and a pod may
 * crash and start for years, so it is begun anew when it has become large.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "keeper/keeper.h"

enum { MOST_BYTES = 256 * 1024 };

void own_log_open(struct keeper *k)
{
	static int fd = -1;

	close_fd(&fd);
	fd = openat(k->sandbox.dir, "keeper.log", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
	log_to(fd, 1, LOG_INFO);
}

void own_log_limit(struct keeper *k)
{
	struct stat st;

	if (fstatat(k->sandbox.dir, "keeper.log", &st, 0) < 0 || st.st_size < MOST_BYTES)
		return;
	renameat(k->sandbox.dir, "keeper.log", k->sandbox.dir, "keeper.log.1");
	own_log_open(k);
}
