/* oci_main.c — the program seapod-oci: it executes seapod-runtime, which is the OCI runtime, from where nobody can write to it.
 *
 * A container can have the kernel execute again what runs in it before its own program (CVE-2019-5736), so seapod-runtime has to run from a
 * read-only mount of its own (linux/program.h). It could go there by executing itself once more, and then pays twice for the start of a C library,
 * which costs more than all that is done here: this has none. Where the mount cannot be made, seapod-runtime is executed as it is, and
 * protects itself.
 *
 * It allocates nothing, reads nothing and knows no option.
 */
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <sys/mount.h>

#include "linux/bare.h"

#define RUNTIME  "seapod-runtime"
#define VARIABLE "SEAPOD_PROGRAM="

enum { VARIABLES_MAX = 16384 };

static size_t length(const char *s)
{
	size_t n = 0;

	while (s[n])
		n++;
	return n;
}

/* Up to the end of TO; where it ends. */
static char *append(char *to, const char *end, const char *text)
{
	while (*text && to < end - 1)
		*to++ = *text++;
	*to = '\0';
	return to;
}

static int starts(const char *s, const char *prefix)
{
	while (*prefix)
		if (*s++ != *prefix++)
			return 0;
	return 1;
}

/* "SEAPOD_PROGRAM=" and our path into VARIABLE_; RUNTIME beside us into PATH. 0: nobody says where we are. */
static int find_self(char variable[static PATH_MAX + 64], char path[static PATH_MAX + 64])
{
	char *at = append(variable, variable + PATH_MAX + 64, VARIABLE), *slash;
	long n = bare(SYS_readlinkat, AT_FDCWD, (long)"/proc/self/exe", (long)at, PATH_MAX - 1, 0);

	if (n <= 0)
		return 0;
	at[n] = '\0';
	slash = append(path, path + PATH_MAX, at);
	while (slash > path && *slash != '/')
		slash--;
	append(slash, path + PATH_MAX + 64, "/" RUNTIME);
	return 1;
}

/* A read-only mount of the file PATH that is attached nowhere; negative when there is none to be had. */
static long protect(const char *path)
{
	struct mount_attr change = { .attr_set = MOUNT_ATTR_RDONLY };
	long fd = bare(SYS_open_tree, AT_FDCWD, (long)path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC, 0, 0);
	long r = fd < 0 ? fd
			: bare(SYS_mount_setattr, fd, (long)"", AT_EMPTY_PATH, (long)&change, sizeof(change));

	return r < 0 ? r : fd;
}

/* ENVP with VARIABLE_ instead of what it says of that. */
static int make_environment(char **to, char **envp, char *variable)
{
	int n = 0;

	for (; *envp && n < VARIABLES_MAX - 2; envp++)
		if (!starts(*envp, VARIABLE))
			to[n++] = *envp;
	to[n++] = variable;
	to[n] = NULL;
	return *envp == NULL;
}

static void try(const char *path, char **argv, char **envp, char *variable)
{
	char *environment[VARIABLES_MAX];
	long fd = protect(path);

	if (fd >= 0 && make_environment(environment, envp, variable))
		bare(SYS_execveat, fd, (long)"", (long)argv, (long)environment, AT_EMPTY_PATH);
	bare(SYS_execve, (long)path, (long)argv, (long)envp, 0, 0);
}

static void say(const char *text)
{
	bare(SYS_write, 2, (long)text, (long)length(text), 0, 0);
}

static int launch(char **argv, char **envp)
{
	static const char elsewhere[] = SEAPOD_LIBEXEC "/" RUNTIME;
	char variable[PATH_MAX + 64], path[PATH_MAX + 64];

	if (find_self(variable, path)) {
		try(path, argv, envp, variable);
		try(elsewhere, argv, envp, variable);
	}
	bare(SYS_execve, (long)elsewhere, (long)argv, (long)envp, 0, 0);
	say("seapod-oci: cannot execute '");
	say(elsewhere);
	say("', which is a part of it\n");
	return 1;
}

#if defined(__x86_64__) || defined(__aarch64__)
/* STACK: the number of arguments, these, NULL, the environment, NULL (the processors' ELF ABI, "Process Initialization"). */
void __attribute__((noreturn, used)) begin(long *stack);

void begin(long *stack)
{
	char **argv = (char **)(stack + 1);
	int code = launch(argv, argv + *stack + 1);

	for (;;)
		bare(SYS_exit_group, code, 0, 0, 0, 0);
}

#if defined(__x86_64__)
__asm__(".globl _start\n_start:\n\txor %ebp, %ebp\n\tmov %rsp, %rdi\n\tand $-16, %rsp\n\tcall begin\n");
#else
__asm__(".globl _start\n_start:\n\tmov x29, #0\n\tmov x30, #0\n\tmov x0, sp\n\tb begin\n");
#endif
#else
int main(int argc, char **argv, char **envp)
{
	(void)argc;
	return launch(argv, envp);
}
#endif
