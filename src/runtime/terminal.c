/* terminal.c — see terminal.h. */
#include "runtime/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <termios.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "linux/path.h"
#include "linux/socket.h"

static int open_pair(int master, struct oci_terminal *t, struct error *err)
{
	int unlock = 0;

	t->master = master;
	if (master < 0 || ioctl(master, TIOCSPTLCK, &unlock) < 0)
		return error_errno(err, "cannot open a terminal");
	t->slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	return t->slave < 0 ? error_errno(err, "cannot open a terminal") : 0;
}

int oci_terminal_open(int devpts, struct oci_terminal *t, struct error *err)
{
	*t = (struct oci_terminal){ -1, -1 };
	return open_pair(openat(devpts, "ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC), t, err);
}

int oci_terminal_open_of(pid_t pid, struct oci_terminal *t, struct error *err)
{
	char path[40];
	struct statfs fs;
	struct stat st;

	*t = (struct oci_terminal){ -1, -1 };
	snprintf(path, sizeof(path), "/proc/%d/root", (int)pid);
	_cleanup_close_ int root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	_cleanup_close_ int ptmx = root < 0 ? -1 : path_open_beneath(root, "dev/pts/ptmx", O_PATH, 0);
	if (ptmx < 0)
		return error_set(err, ENOENT, "the container has no terminals: there is no /dev/pts/ptmx");
	if (fstatfs(ptmx, &fs) < 0 || fs.f_type != DEVPTS_SUPER_MAGIC || fstat(ptmx, &st) < 0 ||
	    !S_ISCHR(st.st_mode) || st.st_rdev != makedev(5, 2))
		return error_set(err, EINVAL, "the container's /dev/pts is not a devpts file system");
	int master = path_reopen(ptmx, O_RDWR | O_NOCTTY);
	errno = master < 0 ? -master : 0;
	return open_pair(master, t, err);
}

void oci_terminal_close(struct oci_terminal *t)
{
	close_fd(&t->master);
	close_fd(&t->slave);
}

void oci_terminal_size(const struct oci_terminal *t, uint16_t rows, uint16_t columns)
{
	const struct winsize size = { .ws_row = rows, .ws_col = columns };

	ioctl(t->master, TIOCSWINSZ, &size);
}

int oci_terminal_send(const struct oci_terminal *t, const char *path, struct error *err)
{
	_cleanup_close_ int fd = socket_connect_stream(path, err);

	if (fd < 0)
		return error_prefix(err, "--console-socket");
	const struct message_fds master = { .fd = { t->master }, .n = 1 };
	int r = socket_send(fd, "/dev/ptmx", 9, &master);
	return r < 0 ? error_set(err, -r, "cannot send the terminal to '%s': %s", path, error_meaning(-r))
		     : 0;
}
