/* proc.c — see proc.h. */
#include "linux/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "linux/path.h"

static bool is_procfs(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC;
}

int proc_open(const char *path, int flags)
{
	enum { ROOT = 1 }; /* the kernel's PROC_ROOT_INO */
	_cleanup_close_ int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct stat st;

	if (proc < 0 || !is_procfs(proc) || fstat(proc, &st) < 0 || st.st_ino != ROOT)
		return -ENOSYS;
	int fd = path_open_in_root(proc, path + strlen("/proc"), (uint64_t)(unsigned)flags, 0);
	if (fd >= 0 && !is_procfs(fd)) {
		close(fd);
		return -EXDEV;
	}
	return fd;
}

int proc_write(const char *path, const char *text)
{
	_cleanup_close_ int fd = proc_open(path, O_WRONLY);

	return fd < 0 ? fd : write(fd, text, strlen(text)) < 0 ? -errno : 0;
}
