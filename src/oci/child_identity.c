/* child_identity.c — who the container's process is, and its program (child.h). */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/magic.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "linux/capability.h"
#include "linux/proc.h"
#include "oci/child.h"

/* What a child is born with later on may be more (child_birth.c): until then the soft limit is not in its way. */
static struct rlimit until_birth(const struct oci_rlimit *limit)
{
	struct rlimit now = { 0 };

	getrlimit(RLIMIT_NPROC, &now);
	rlim_t hard = limit->hard > now.rlim_max ? limit->hard : now.rlim_max;
	return (struct rlimit){ hard, hard };
}

int child_rlimit(struct child *c, const struct step *s, struct error *err)
{
	const struct rlimit value = s->limit == c->plan->processes
					    ? until_birth(s->limit)
					    : (struct rlimit){ s->limit->soft, s->limit->hard };

	if (setrlimit((__rlimit_resource_t)s->limit->type, &value) < 0)
		return error_errno(err, "cannot set the resource limit number %d to %llu", s->limit->type,
				   (unsigned long long)s->limit->hard);
	return 0;
}

/* By the host's /proc: the container's is the image's business. Lowering needs CAP_SYS_RESOURCE, which the machine may not give: the
 * value is a wish then (proc_pid_oom_score_adj(5)). */
int child_oom_score(struct child *c, const struct step *s, struct error *err)
{
	char text[16];
	int n = snprintf(text, sizeof(text), "%d", s->process->oomScoreAdj);
	_cleanup_close_ int fd = proc_open("/proc/self/oom_score_adj", O_WRONLY);
	(void)c;

	errno = fd < 0 ? -fd : 0;
	if ((fd < 0 || write(fd, text, (size_t)n) < 0) &&
	    (s->process->strict_oom_score || (errno != EACCES && errno != EPERM)))
		return error_errno(err, "cannot set oom_score_adj to %s", text);
	return 0;
}

/* From a directory of the host there is a way to all others: openat(0, ".."). */
static bool leads_out(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISDIR(st.st_mode);
}

/* A pipe of ours is given to the user, so that a program may open /dev/stdout anew; files of others are left alone. */
static void give_stdio(int fd, const struct oci_process *p)
{
	struct stat st;
	struct statfs fs;

	if (fstat(fd, &st) < 0 || st.st_uid == p->uid)
		return;
	if (p->terminal || (S_ISFIFO(st.st_mode) && fstatfs(fd, &fs) == 0 && fs.f_type == PIPEFS_MAGIC))
		(void)!fchown(fd, p->uid, (gid_t)-1);
}

int child_stdio(struct child *c, const struct step *s, struct error *err)
{
	int from[3];

	for (int i = 0; i < 3; i++) { /* away from 0, 1, 2, so that none is overwritten before it is used */
		from[i] = c->plan->stdio[i] < 3 ? fcntl(c->plan->stdio[i], F_DUPFD_CLOEXEC, 3)
						: c->plan->stdio[i];
		if (from[i] < 0)
			return error_errno(err, "cannot set standard input and output");
		if (leads_out(from[i]))
			return error_set(
				err, EISDIR,
				"standard input or output is a directory of the host, through which the "
				"container could leave");
	}
	if (s->process->terminal && !c->plan->takes_terminal && ioctl(from[0], TIOCSCTTY, 0) < 0)
		return error_errno(err, "cannot take the terminal");
	for (int i = 0; i < 3; i++) {
		if (dup2(from[i], i) < 0)
			return error_errno(err, "cannot set standard input and output");
		give_stdio(i, s->process);
	}
	return 0;
}

int child_bound(struct child *c, const struct step *s, struct error *err)
{
	int r = capability_bound(s->process->capabilities.bounding);
	(void)c;

	if (r < 0)
		return error_code(err, r, "cannot drop capabilities");
	return 0;
}

/* As root first, as every runtime does: an image may have its working directory where only root may enter. If root may not (NFS), the
 * user tries. The directory must be in the container: with a descriptor of the host it would show as "(unreachable)" (CVE-2024-21626). */
int child_cwd(struct child *c, const struct step *s, struct error *err)
{
	const char *cwd = s->process->cwd;
	char here[PATH_MAX];

	if (c->in_cwd)
		return 0;
	if (chdir(cwd) < 0) {
		if ((errno == EACCES || errno == EPERM) && !c->is_user)
			return 0;
		return error_errno(err, "cannot enter the working directory '%s'", cwd);
	}
	if (syscall(SYS_getcwd, here, sizeof(here)) < 0 || here[0] != '/')
		return error_set(err, EACCES, "the working directory '%s' is not in the container", cwd);
	c->in_cwd = true;
	return 0;
}

/* Keeps the permitted capabilities for the steps that follow. */
int child_user(struct child *c, const struct step *s, struct error *err)
{
	const struct oci_process *p = s->process;

	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0 ||
	    (!p->no_groups && setgroups(p->additionalGids.n, p->additionalGids.at) < 0) ||
	    setresgid(p->gid, p->gid, p->gid) < 0 || setresuid(p->uid, p->uid, p->uid) < 0)
		return error_errno(err, "cannot become user %u, group %u", p->uid, p->gid);
	umask(p->has_umask ? p->umask : p->keep_umask ? c->umask : 0022);
	c->is_user = true;
	return 0;
}

int child_no_new_privs(struct child *c, const struct step *s, struct error *err)
{
	(void)c;
	(void)s;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return error_errno(err, "cannot set no_new_privs");
	return 0;
}

int child_capabilities(struct child *c, const struct step *s, struct error *err)
{
	const struct oci_capabilities *set = &s->process->capabilities;
	int r = capability_set(set->effective, set->permitted, set->inheritable, set->ambient);
	(void)c;

	if (r < 0)
		return error_code(err, r, "cannot set capabilities");
	return 0;
}

int child_filter(struct child *c, const struct step *s, struct error *err)
{
	const struct oci_filter *f = &s->process->seccomp;
	const struct sock_fprog program = { .len = f->n, .filter = (struct sock_filter *)f->at };

	if (!s->process->noNewPrivileges)
		capability_raise(CAPABILITY(CAP_SYS_ADMIN)); /* if not: the kernel says so next */
	if (f->flags & SECCOMP_FILTER_FLAG_NEW_LISTENER)
		return child_filter_listening(c, f, err);
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, f->flags, &program) != 0)
		return error_errno(err, "cannot load the filter of system calls");
	return 0;
}

int child_not_executed(int why, const char *name, struct error *err)
{
	if (why == ENOENT)
		return error_set(err, ENOENT, "the command '%s' is not in the container", name);
	if (why == EACCES)
		return error_set(err, EACCES, "the command '%s' is not executable", name);
	return error_set(err, why, "the command '%s' cannot be executed: %s", name, error_meaning(why));
}

int child_no_loader(const char *name, struct error *err)
{
	return error_set(err, ENOENT,
			 "the command '%s' is in the container but its interpreter or loader is not", name);
}

/* What would certainly fail at the start fails at the creation already, as callers of crun and runc are used to. */
int child_find(struct child *c, const struct step *s, struct error *err)
{
	struct stat st;
	int why = ENOENT;
	(void)s;

	for (char *const *path = c->plan->candidates; *path; path++) {
		if (faccessat(AT_FDCWD, *path, X_OK, AT_EACCESS) == 0 && stat(*path, &st) == 0 &&
		    S_ISREG(st.st_mode))
			return 0;
		if (faccessat(AT_FDCWD, *path, F_OK, 0) == 0)
			why = EACCES;
	}
	return child_not_executed(why, c->plan->argv[0], err);
}

/* As execvp(3) tries: what is not there or may not be executed is passed over, and remembered. */
int child_execute(struct child *c, const struct step *s, struct error *err)
{
	const char *name = c->plan->argv[0];
	int why = ENOENT;
	(void)s;

	for (char *const *path = c->plan->candidates; *path; path++) {
		execve(*path, c->plan->argv, c->plan->envp);
		if (errno == ENOENT && faccessat(AT_FDCWD, *path, F_OK, 0) == 0)
			return child_no_loader(name, err);
		if (errno == ENOENT || errno == ENOTDIR)
			continue;
		why = errno;
		if (errno != EACCES)
			break;
	}
	return child_not_executed(why, name, err);
}
