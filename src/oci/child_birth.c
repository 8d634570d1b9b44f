/* child_birth.c — how a process comes into a process namespace that others see (child.h).
 *
 * Only a child can come into it, and from its first moment whoever has SYS_PTRACE in there may read its memory, take its descriptors and have it
 * do what it may do. So the process that has entered everything else stays outside of it, gives away all that the new one must not have, and
 * only then has a child, which does no more than execute the program: it has the rights that the program has, no descriptors but the program's
 * and the socket for reports, and of our memory nothing: everything private is empty for it (MADV_WIPEONFORK) but a block with what it needs.
 *
 * So `born` may use no memory but its block: no allocated, no variable, no stdio, no errno text; its sentences are made before.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "linux/bare.h"
#include "oci/child.h"

/* A sanitizer's own books are in memory, too; and where `bare` is the C library's, its memory has to stay. */
#ifdef __SANITIZE_ADDRESS__
enum { WIPES = 0 };
#else
enum { WIPES = HAS_BARE };
#endif

static const int reasons[] = { ENOENT,  EACCES, ENOEXEC, ENOMEM, ELOOP,        E2BIG, ETXTBSY, EPERM,
			       ELIBBAD, EINVAL, EISDIR,  EAGAIN, ENAMETOOLONG, EIO,   ENOTDIR };
enum { REASONS = sizeof(reasons) / sizeof(*reasons), NO_LOADER = REASONS, SENTENCES, STACK = 64 * 1024 };

struct block {
	char stack[STACK];
	int sync;
	bool outlives, terminal;
	const struct rlimit *processes;
	struct rlimit limit;
	char *const *argv, *const *envp, *const *candidates;
	struct error sentences[SENTENCES];
	char words[];
};

/* --- what it must not have --- */

/* One line of proc_pid_maps(5): "from-to rw-p offset device inode". Private memory without a file is to be empty; what is shared is not to be there. */
static void forget_mapping(const char *line)
{
	unsigned long from, to, inode;
	char mode[8];

	if (sscanf(line, "%lx-%lx %7s %*s %*s %lu", &from, &to, mode, &inode) != 4)
		return;
	if (mode[3] == 's')
		madvise((void *)from, to - from, MADV_DONTFORK);
	else if (inode == 0)
		madvise((void *)from, to - from, MADV_WIPEONFORK); /* the kernel's own ones refuse */
}

int child_forget(struct child *c, const struct step *s, struct error *err)
{
	_cleanup_close_ int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	char text[4096];
	size_t n = 0;
	ssize_t more = 0;
	(void)c;
	(void)s;

	while (fd >= 0 && WIPES && (more = read(fd, text + n, sizeof(text) - 1 - n)) > 0) {
		char *line = text, *end;
		n += (size_t)more;
		text[n] = '\0';
		for (; (end = strchr(line, '\n')); line = end + 1) {
			*end = '\0';
			forget_mapping(line);
		}
		n = (size_t)(text + n - line);
		memmove(text, line, n);
	}
	return fd < 0 || more < 0 ? error_errno(err, "cannot read which memory is in use") : 0;
}

/* --- the child --- */

static void __attribute__((noreturn, no_stack_protector)) fail(const struct block *b, int sentence)
{
	bare(SYS_sendto, b->sync, (long)&b->sentences[sentence], sizeof(struct error), MSG_NOSIGNAL, 0);
	for (;;)
		bare(SYS_exit_group, 125, 0, 0, 0, 0);
}

static int __attribute__((no_stack_protector)) sentence_of(long why)
{
	for (int i = 0; i < REASONS; i++)
		if (reasons[i] == why)
			return i;
	return REASONS - 1;
}

/* As child_execute. */
static void __attribute__((noreturn, no_stack_protector)) execute(const struct block *b)
{
	long why = ENOENT;

	for (char *const *path = b->candidates; *path; path++) {
		long code = -bare(SYS_execve, (long)*path, (long)b->argv, (long)b->envp, 0, 0);
		if (code == ENOENT && bare(SYS_faccessat, AT_FDCWD, (long)*path, F_OK, 0, 0) == 0)
			fail(b, NO_LOADER);
		if (code == ENOENT || code == ENOTDIR)
			continue;
		why = code;
		if (code != EACCES)
			break;
	}
	fail(b, sentence_of(why));
}

static int __attribute__((no_stack_protector)) born(void *argument)
{
	const struct block *b = argument;
	char go;

	bare(SYS_prctl, PR_SET_PDEATHSIG, b->outlives ? 0 : SIGKILL, 0, 0, 0);
	bare(SYS_setsid, 0, 0, 0, 0, 0);
	if (b->terminal)
		bare(SYS_ioctl, 0, TIOCSCTTY, 0, 0, 0);
	if (b->processes)
		bare(SYS_prlimit64, 0, RLIMIT_NPROC, (long)b->processes, 0, 0);
	if (bare(SYS_recvfrom, b->sync, (long)&go, 1, 0, 0) == 1)
		execute(b);
	for (;;)
		bare(SYS_exit_group, 125, 0, 0, 0, 0);
	return 125;
}

/* --- its block --- */

static size_t size_of(char *const *list)
{
	size_t size = sizeof(char *);

	for (; *list; list++)
		size += sizeof(char *) + strlen(*list) + 1;
	return (size + sizeof(char *) - 1) & ~(sizeof(char *) - 1);
}

static char **copy(char *const *list, char **at)
{
	char **to = (char **)(void *)*at, *words;
	size_t n = 0;

	while (list[n])
		n++;
	words = (char *)(to + n + 1);
	for (size_t i = 0; i < n; i++) {
		to[i] = words;
		words = stpcpy(words, list[i]) + 1;
	}
	*at += size_of(list);
	return to;
}

static struct block *make_block(const struct child *c)
{
	const struct plan *p = c->plan;
	size_t size = sizeof(struct block) + size_of(p->argv) + size_of(p->envp) + size_of(p->candidates);
	struct block *b = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *at;

	if (b == MAP_FAILED)
		return NULL;
	madvise(b, size, MADV_KEEPONFORK);
	b->sync = c->sync;
	b->outlives = p->outlives;
	b->terminal = p->takes_terminal;
	if (p->processes) {
		b->limit = (struct rlimit){ p->processes->soft, p->processes->hard };
		b->processes = &b->limit;
	}
	at = b->words + (-(uintptr_t)b->words & (sizeof(char *) - 1));
	b->argv = copy(p->argv, &at);
	b->envp = copy(p->envp, &at);
	b->candidates = copy(p->candidates, &at);
	for (int i = 0; i < REASONS; i++)
		child_not_executed(reasons[i], p->argv[0], &b->sentences[i]);
	child_no_loader(p->argv[0], &b->sentences[NO_LOADER]);
	return b;
}

/* The parent learns the child's number, looks at it while we are still there, and lets both of us go. */
int child_birth(struct child *c, const struct step *s, struct error *err)
{
	struct error news = { .code = REPORT_BORN };
	struct block *b = make_block(c);
	char go;
	(void)s;

	if (!b)
		return error_errno(err, "cannot prepare the process");
	int pid = clone(born, b->stack + STACK, CLONE_PARENT | SIGCHLD, b);
	if (pid < 0)
		return error_errno(err, "cannot make a process in the container");
	memcpy(news.text, &pid, sizeof(pid));
	if (send(c->sync, &news, sizeof(news), MSG_NOSIGNAL) == sizeof(news))
		(void)!recv(c->sync, &go, 1, 0);
	_exit(0);
}
