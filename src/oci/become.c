/* become.c — see become.h.
 *
 * The order matters: what needs privileges comes before they go; the filter comes as late as it can (before the change of user when
 * no_new_privs is off, since loading needs CAP_SYS_ADMIN then); the parent-death signal is set again after the change of user, which
 * clears it (prctl(2)).
 */
#include "oci/become.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/text.h"
#include "linux/capability.h"

static const char default_path[] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

static const char *variable(const struct oci_process *p, const char *name)
{
	size_t n = strlen(name);

	list_each(e, &p->env)
		if (strncmp(*e, name, n) == 0 && (*e)[n] == '=')
			return *e + n + 1;
	return NULL;
}

static char **terminated(struct arena *a, const char *const *at, size_t n)
{
	char **copy = arena_alloc(a, (n + 1) * sizeof(*copy));
	for (size_t i = 0; i < n; i++)
		copy[i] = (char *)at[i];
	return copy;
}

/* As execvp(3): a name with a slash is itself, else it is looked for along the container's own PATH. */
static char **candidates(struct arena *a, const struct oci_process *p)
{
	struct LIST(const char *) found = {};
	const char *name = p->args.at[0], *path = variable(p, "PATH");

	if (strchr(name, '/')) {
		*list_add(a, &found) = name;
		return terminated(a, found.at, found.n);
	}
	for (const char *at = path ? path : default_path; *name && at;) {
		size_t n = strcspn(at, ":");
		*list_add(a, &found) = n ? arena_printf(a, "%.*s/%s", (int)n, at, name) : arena_printf(a, "./%s", name);
		at = at[n] ? at + n + 1 : NULL;
	}
	return terminated(a, found.at, found.n);
}

void become_prepare(struct become *b, const struct oci_process *process, struct arena *a)
{
	*b = (struct become){
		.process = process,
		.argv = terminated(a, process->args.at, process->args.n),
		.envp = terminated(a, process->env.at, process->env.n),
		.candidates = candidates(a, process),
	};
}

static int load_filter(const struct oci_filter *f, struct error *err)
{
	struct sock_fprog program = { .len = f->n, .filter = (struct sock_filter *)f->at };

	if (f->n == 0)
		return 0;
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, f->flags, &program) != 0)
		return error_errno(err, "cannot load the system call filter");
	return 0;
}

static int set_limits(const struct oci_process *p, struct error *err)
{
	list_each(limit, &p->rlimits) {
		struct rlimit value = { limit->soft, limit->hard };
		if (setrlimit((__rlimit_resource_t)limit->type, &value) < 0)
			return error_errno(err, "cannot set a resource limit (rlimit %d)", limit->type);
	}
	if (p->has_oom_score_adj) {
		char text[16];
		int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
		int n = snprintf(text, sizeof(text), "%d", p->oomScoreAdj);
		ssize_t written = fd < 0 ? -1 : write(fd, text, (size_t)n);
		if (fd >= 0)
			close(fd);
		/* Lowering needs CAP_SYS_RESOURCE, which the machine may not give: the value is a wish then. */
		if (written < 0 && errno != EACCES && errno != EPERM && errno != ENOENT && errno != EROFS)
			return error_errno(err, "cannot set oom_score_adj");
	}
	return 0;
}

static int set_stdio(const struct become *b, struct error *err)
{
	if (b->process->terminal && ioctl(b->stdio[0], TIOCSCTTY, 0) < 0)
		return error_errno(err, "cannot take the terminal");
	for (int i = 0; i < 3; i++)
		if (dup2(b->stdio[i], i) < 0)
			return error_errno(err, "cannot set standard input and output");
	return 0;
}

static int change_user(const struct oci_process *p, struct error *err)
{
	const struct oci_capabilities *c = &p->capabilities;

	if (capability_bound(c->bounding) < 0)
		return error_errno(err, "cannot drop capabilities");
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0 || setgroups(p->additionalGids.n, p->additionalGids.at) < 0 ||
	    setresgid(p->gid, p->gid, p->gid) < 0 || setresuid(p->uid, p->uid, p->uid) < 0)
		return error_errno(err, "cannot become user %u, group %u", p->uid, p->gid);
	/* Changing into the working directory as the user it is for: what root alone may enter stays closed. */
	int r = capability_set(c->effective, c->permitted, c->inheritable, c->ambient);
	if (r < 0) {
		errno = -r;
		return error_errno(err, "cannot set capabilities");
	}
	if (prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return error_errno(err, "cannot tie the process to its keeper");
	return 0;
}

/* The directory must be in the container: a descriptor of the host that leaked would show as "(unreachable)" (CVE-2024-21626). */
static int enter_cwd(const struct oci_process *p, struct error *err)
{
	char here[PATH_MAX];

	if (chdir(p->cwd) < 0)
		return error_errno(err, "cannot enter the working directory '%s'", p->cwd);
	if (syscall(SYS_getcwd, here, sizeof(here)) < 0 || here[0] != '/')
		return error_set(err, EACCES, "the working directory '%s' is not in the container", p->cwd);
	return 0;
}

static void reset_signals(void)
{
	sigset_t none;

	for (int i = 1; i < NSIG; i++)
		signal(i, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

int become_ready(const struct become *b, struct error *err)
{
	const struct oci_process *p = b->process;

	reset_signals();
	setsid();
	int r = set_limits(p, err);
	if (r == 0)
		r = set_stdio(b, err);
	if (r == 0 && !p->noNewPrivileges)
		r = load_filter(&p->seccomp, err);
	if (r == 0)
		r = change_user(p, err);
	if (r == 0)
		r = enter_cwd(p, err);
	umask(0022);
	return r;
}

int become_execute(const struct become *b, struct error *err)
{
	const struct oci_process *p = b->process;
	int why = ENOENT;

	if (p->noNewPrivileges) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
			return error_errno(err, "cannot set no_new_privs");
		int r = load_filter(&p->seccomp, err);
		if (r < 0)
			return r;
	}
	for (char *const *path = b->candidates; *path; path++) {
		execve(*path, b->argv, b->envp);
		if (errno != ENOENT && errno != ENOTDIR)
			why = errno;
		if (errno != ENOENT && errno != ENOTDIR && errno != EACCES)
			break;
	}
	const char *name = b->argv[0];
	if (why == ENOENT)
		return error_set(err, ENOENT, "the command '%s' is not in the container", name);
	if (why == EACCES)
		return error_set(err, EACCES, "the command '%s' is not executable", name);
	return error_set(err, why, "the command '%s' cannot be executed: %s", name, error_meaning(why));
}
