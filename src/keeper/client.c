/* client.c — see client.h. */
#include "keeper/client.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "linux/program.h"
#include "sandbox/name.h"

enum { LAUNCH_FD = 3, WATCH_FD = 4, SAFE_FD = 10 };

int keeper_memory(const char *data, size_t size, struct error *err)
{
	_cleanup_close_ int fd = memfd_create("launch", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return error_errno(err, "cannot make memory for the keeper");
	int r = write_all(fd, data, size);
	if (r < 0)
		return error_code(err, r, "cannot hand the pod to its keeper");
	fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL);
	lseek(fd, 0, SEEK_SET);
	return take_fd(&fd);
}

/* In the child of vfork: only system calls, and what is needed was copied above SAFE_FD. */
static void become_keeper(int program, int null, int launch, int watch, char *const argv[], char *const env[])
{
	sigset_t none;

	setsid();
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		dup2(null, fd);
	dup2(launch, LAUNCH_FD);
	dup2(watch, WATCH_FD);
	close_range(WATCH_FD + 1, ~0U, CLOSE_RANGE_CLOEXEC);
	if (chdir("/") == 0)
		syscall(SYS_execveat, program, "", argv, env, AT_EMPTY_PATH);
}

/* The pid, or negative. A function of its own: what is on the stack around a vfork may be clobbered (vfork(2)). */
static pid_t spawn(int program, int null, int launch, int watch, char *const argv[], struct error *err)
{
#ifdef __SANITIZE_ADDRESS__ /* its options come by the environment */
	char *const *env = environ;
#else
	static char *const env[] = { "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
				     NULL };
#endif
	volatile int failed = 0;
	pid_t pid = vfork();

	if (pid == 0) {
		become_keeper(program, null, launch, watch, argv, env);
		failed = errno;
		_exit(125);
	}
	if (pid < 0)
		return error_errno(err, "cannot start a keeper");
	if (failed) {
		waitpid(pid, NULL, 0);
		errno = failed;
		return error_errno(err, "cannot execute seapod-keeper");
	}
	return pid;
}

int keeper_spawn(const struct instance *in, const char *launch, size_t size, struct error *err)
{
	char path[PATH_MAX];
	int pair[2];

	instance_helper("seapod-keeper", path);
	_cleanup_close_ int program = program_open(path, err);
	if (program < 0)
		return program;
	_cleanup_close_ int memory = keeper_memory(launch, size, err);
	if (memory < 0)
		return memory;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return error_errno(err, "cannot make a socket");
	_cleanup_close_ int mine = pair[0], theirs = pair[1];

	_cleanup_close_ int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	_cleanup_close_ int safe_memory = fcntl(memory, F_DUPFD_CLOEXEC, SAFE_FD);
	_cleanup_close_ int safe_theirs = fcntl(theirs, F_DUPFD_CLOEXEC, SAFE_FD);
	_cleanup_close_ int safe_program = fcntl(program, F_DUPFD_CLOEXEC, SAFE_FD);
	if (null < 0 || safe_memory < 0 || safe_theirs < 0 || safe_program < 0)
		return error_errno(err, "cannot copy a descriptor");

	char *argv[] = { "seapod-keeper", in->root, in->run, path, NULL };
	pid_t pid = spawn(safe_program, null, safe_memory, safe_theirs, argv, err);
	return pid < 0 ? pid : take_fd(&mine);
}

int keeper_connect(const struct instance *in, const char *uid, struct error *err)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "pods/%s/ctl", uid);
	return socket_connect(in->runfd, path, err);
}

int keeper_ask(int fd, struct arena *arena, const struct request *request, const struct message_fds *send,
	       struct reply *reply, struct message_fds *received, struct error *err)
{
	_cleanup_message_fds_ struct message_fds unexpected = {};
	int r = request_send(fd, request, send);

	if (r < 0)
		return error_code(err, r, "cannot ask the pod's keeper");
	r = reply_receive(fd, arena, reply, received ? received : &unexpected, err);
	if (r == 0)
		return error_set(err, ECONNRESET, "the pod's keeper has ended");
	if (r < 0)
		return r;
	if (strcmp(reply->event, "error") == 0)
		return error_set(err, EREMOTEIO, "%s",
				 reply->error ? reply->error : "the keeper gave no reason");
	return 0;
}

bool keeper_alive(const struct instance *in, const char *namespace, const char *name)
{
	char uid[UID_SIZE];
	bool alive;
	return name_holder(in, namespace, name, uid, &alive) == 0 && alive;
}
