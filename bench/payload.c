/* payload.c — the program in the containers that are measured: it does as little as a program can, for every peer alike.
 *
 *	pause      waits for TERM and reaps what it inherits, as the first process of a pid namespace should
 *	true       ends at once
 *
 * One static program, told apart by its name. It is not part of Seapod: what it uses is never counted as Seapod's.
 */
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	const char *slash = strrchr(argv[0], '/');
	sigset_t set;
	int signal;
	(void)argc;

	if (strcmp(slash ? slash + 1 : argv[0], "true") == 0)
		return 0;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set,
		    NULL); /* a blocked signal reaches the first process, too (pid_namespaces(7)) */
	while (sigwait(&set, &signal) == 0 && signal == SIGCHLD)
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
	return 0;
}
