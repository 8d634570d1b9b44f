/* program.c — see program.h. */
#include "linux/program.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/instance.h"
#include "linux/mount.h"

#define SELF "/proc/self/exe"

enum { SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE };

/* Where the program is: the file that it runs from has no path. */
static const char variable[] = "SEAPOD_PROGRAM";

static int make_memory(void)
{
	enum { EXECUTABLE = 0x10 }; /* MFD_EXEC, asked for since Linux 6.3 */
	int fd = memfd_create("program", MFD_CLOEXEC | MFD_ALLOW_SEALING | EXECUTABLE);

	return fd < 0 && errno == EINVAL ? memfd_create("program", MFD_CLOEXEC | MFD_ALLOW_SEALING) : fd;
}

static int copy_to_memory(const char *path, struct error *err)
{
	_cleanup_close_ int from = open(path, O_RDONLY | O_CLOEXEC), to = make_memory();
	ssize_t n = 1;

	while (from >= 0 && to >= 0 && n > 0)
		n = sendfile(to, from, NULL, 1 << 20);
	if (from < 0 || to < 0 || n < 0 || fcntl(to, F_ADD_SEALS, SEALS) < 0)
		return error_errno(err, "cannot copy the program '%s'", path);
	return take_fd(&to);
}

int program_open(const char *path, struct error *err)
{
	_cleanup_close_ int fd = mount_copy(AT_FDCWD, path, false);

	if (fd == -EPERM || fd == -ENOSYS)
		return copy_to_memory(path, err);
	int r = fd < 0 ? fd : mount_change(fd, MOUNT_ATTR_RDONLY, 0, false);
	return r < 0 ? error_set(err, -r, "cannot make a read-only mount of the program '%s': %s", path,
				 error_meaning(-r))
		     : take_fd(&fd);
}

static bool is_protected(void)
{
	struct statvfs fs;

	if (statvfs(SELF, &fs) == 0 && fs.f_flag & ST_RDONLY)
		return true;
	_cleanup_close_ int fd = open(SELF, O_RDONLY | O_CLOEXEC);
	return fd >= 0 && (fcntl(fd, F_GET_SEALS) & F_SEAL_WRITE) && fcntl(fd, F_GET_SEALS) > 0;
}

bool program_is_protected(void)
{
	bool is = is_protected();

	if (is)
		instance_program(getenv(variable));
	return is;
}

int program_protect(char **argv, struct error *err)
{
	char path[PATH_MAX];

	if (program_is_protected())
		return 0;
	ssize_t n = readlink(SELF, path, sizeof(path) - 1);
	path[n > 0 ? n : 0] = '\0';
	_cleanup_close_ int fd = program_open(SELF, err);
	if (fd < 0)
		return fd;
	setenv(variable, path, 1);
	syscall(SYS_execveat, fd, "", argv, environ, AT_EMPTY_PATH);
	return error_errno(err, "cannot execute '%s' from where it cannot be written to", path);
}
