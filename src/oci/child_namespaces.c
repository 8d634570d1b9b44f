/* child_namespaces.c — the container's namespaces and what they hold (child.h).
 *
 * Kernel parameters are written through the host's /proc, which nobody in the container has touched: which namespace is meant follows
 * from who opens the file (proc_sys(5)), and the plan has only such as belong to a namespace of the container.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/sched.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "linux/proc.h"
#include "oci/child.h"

/* The user 0 of the namespace, so that what is made belongs to it. Where 0 is not mapped it stays as it is (EINVAL). */
int child_be_root(struct child *c, const struct step *s, struct error *err)
{
	(void)c;
	(void)s;

	if ((setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0) && errno != EINVAL)
		return error_errno(err, "cannot become the root user of the user namespace");
	return 0;
}

int child_enter(struct child *c, const struct step *s, struct error *err)
{
	(void)c;

	if (setns(s->namespace->fd, (int)s->namespace->type) < 0)
		return error_errno(err, "cannot enter a namespace of linux.namespaces");
	return 0;
}

int child_namespaces(struct child *c, const struct step *s, struct error *err)
{
	(void)c;

	if (unshare((int)s->flags) < 0)
		return error_errno(err, "cannot make the container's namespaces");
	return 0;
}

/* Writes TEXT to PATH of the host's /proc. */
static int write_proc(const char *path, const char *text, struct error *err)
{
	int r = proc_write(path, text);

	return r < 0 ? error_code(err, r, "cannot write '%s' to %s", text, path) : 0;
}

/* The new one is for children only until it is entered; and what has been entered has its offsets for ever (time_namespaces(7)). */
int child_time(struct child *c, const struct step *s, struct error *err)
{
	int r = s->path ? write_proc("/proc/self/timens_offsets", s->path, err) : 0;
	(void)c;

	if (r < 0)
		return error_prefix(err, "linux.timeOffsets");
	_cleanup_close_ int fd = open("/proc/self/ns/time_for_children", O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWTIME) < 0)
		return error_errno(err, "cannot enter the time namespace");
	return 0;
}

int child_hostname(struct child *c, const struct step *s, struct error *err)
{
	(void)c;

	return sethostname(s->path, strlen(s->path)) < 0
		       ? error_errno(err, "cannot set the hostname '%s'", s->path)
		       : 0;
}

int child_domainname(struct child *c, const struct step *s, struct error *err)
{
	(void)c;

	return setdomainname(s->path, strlen(s->path)) < 0
		       ? error_errno(err, "cannot set the domainname '%s'", s->path)
		       : 0;
}

int child_loopback(struct child *c, const struct step *s, struct error *err)
{
	_cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	(void)c;
	(void)s;

	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request) < 0)
		return error_errno(err, "cannot bring up the loopback device");
	return 0;
}

int child_sysctl(struct child *c, const struct step *s, struct error *err)
{
	char file[300];
	(void)c;

	snprintf(file, sizeof(file), "/proc/sys/%s", s->sysctl->path);
	return write_proc(file, s->sysctl->value, err) < 0 ? error_prefix(err, "linux.sysctl") : 0;
}
