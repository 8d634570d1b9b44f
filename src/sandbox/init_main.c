/* init_main.c — the program seapod-init: the first process of a process namespace that containers share.
 *
 * With shareProcessNamespace no container is process 1, so somebody must be: it reaps what others leave and, when it dies, everybody in the
 * namespace does (pid_namespaces(7)). It has no capabilities, no files but its own, and sleeps in one system call.
 */
#include <signal.h>
#include <sys/wait.h>

int main(void)
{
	sigset_t children;

	sigemptyset(&children);
	sigaddset(&children, SIGCHLD);
	sigprocmask(SIG_BLOCK, &children, NULL);
	for (int number;; sigwait(&children, &number))
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
}
