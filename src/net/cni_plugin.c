/* cni_plugin.c — see cni_plugin.h. */
#include "net/cni_plugin.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "net/cni_list.h"
#include "object/json.h"

enum { NOT_STARTED = 127, ENV_MOST = 8 };

/* The plugin's path, in A. */
static const char *find_plugin(const struct cni_call *call, struct arena *a, struct error *err)
{
	char *copy = arena_strdup(a, call->plugins), *state;

	for (char *dir = strtok_r(copy, ":", &state); dir; dir = strtok_r(NULL, ":", &state)) {
		const char *path = arena_printf(a, "%s/%s", dir, call->type);
		if (*dir == '/' && access(path, X_OK) == 0)
			return path;
	}
	error_set(err, ENOENT,
		  "the CNI plugin '%s' of the network '%s' is not in %s (the package "
		  "containernetworking-plugins has "
		  "the usual ones)",
		  call->type, call->network, call->plugins);
	return NULL;
}

static void make_environment(const struct cni_call *call, struct arena *a, char **env)
{
	const struct {
		const char *name, *value;
	} all[] = { { "CNI_COMMAND", call->command },
		    { "CNI_CONTAINERID", call->id },
		    { "CNI_NETNS", call->netns },
		    { "CNI_IFNAME", call->interface },
		    { "CNI_ARGS", call->args },
		    { "CNI_PATH", call->plugins },
		    { "PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" } };
	size_t n = 0;

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		if (all[i].value)
			env[n++] = arena_printf(a, "%s=%s", all[i].name, all[i].value);
	env[n] = NULL;
}

/* In the child; does not return. */
static void become(const struct cni_call *call, const char *path, char **env, const int std[3])
{
	char *const argv[] = { (char *)path, NULL };
	sigset_t none;

	setsid();
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	umask(0022);
	if ((call->host >= 0 && setns(call->host, CLONE_NEWNET) < 0) || chdir("/") < 0)
		_exit(NOT_STARTED);
	for (int i = 0; i < 3; i++)
		if (dup2(std[i], i) < 0)
			_exit(NOT_STARTED);
	syscall(SYS_close_range, 3, ~0u, 0);
	execve(path, argv, env);
	_exit(NOT_STARTED);
}

/* Its exit status; -ETIMEDOUT, and it is gone. */
static int wait_for(pid_t pid, const struct cni_call *call)
{
	_cleanup_close_ int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd end = { .fd = fd, .events = POLLIN };
	int status = 0, n;

	do
		n = fd < 0 ? 1 : poll(&end, 1, call->timeout_s * 1000);
	while (n < 0 && errno == EINTR);
	kill(-pid, SIGKILL); /* nothing that it started stays, in time or not */
	if (n == 0)
		kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	return n == 0 ? -ETIMEDOUT : status;
}

/* What it printed, in A. */
static const char *read_back(int fd, struct arena *a)
{
	_cleanup_free_ char *text = NULL;
	size_t size;

	if (lseek(fd, 0, SEEK_SET) < 0 || file_read_fd(fd, "output", CNI_TEXT_MOST, &text, &size, NULL) < 0)
		return NULL;
	return arena_strdup(a, text);
}

/* One line of what people are to read. */
static const char *first_line(const char *text, struct arena *a)
{
	char *line = arena_strndup(a, text, strcspn(text, "\n") < 300 ? strcspn(text, "\n") : 300);

	for (char *c = line; *c; c++)
		if ((unsigned char)*c < ' ')
			*c = ' ';
	return line;
}

static int has_failed(const struct cni_call *call, int status, const char *out, const char *errors,
		      struct arena *a, struct error *err)
{
	struct node *said = out ? node_from_json(a, out, strlen(out), NULL) : NULL;
	const char *msg = node_get_string(said, "msg"), *details = node_get_string(said, "details");

	if (WIFSIGNALED(status))
		return error_set(err, EREMOTEIO,
				 "the CNI plugin '%s' of the network '%s' was killed by signal %d at %s",
				 call->type, call->network, WTERMSIG(status), call->command);
	if (text_empty(msg))
		msg = !text_empty(errors) ? errors : !text_empty(out) ? out : "it does not say why";
	return error_set(err, EREMOTEIO, "the CNI plugin '%s' of the network '%s' fails at %s: %s%s%s",
			 call->type, call->network, call->command, first_line(msg, a),
			 text_empty(details) ? "" : ": ", text_empty(details) ? "" : first_line(details, a));
}

static int take_result(const struct cni_call *call, const char *out, struct arena *a, struct node **result,
		       struct error *err)
{
	bool add = text_is(call->command, "ADD");

	*result = out && out[strspn(out, " \t\r\n")] ? node_from_json(a, out, strlen(out), NULL) : NULL;
	if (!add || (*result && (*result)->kind == NODE_MAP))
		return 0;
	return error_set(
		err, EBADMSG,
		"the CNI plugin '%s' of the network '%s' answers ADD with what is no result: '%.60s'",
		call->type, call->network, out ? first_line(out, a) : "more than a mebibyte");
}

int cni_call(const struct cni_call *call, const struct node *request, struct arena *a, struct node **result,
	     struct error *err)
{
	_cleanup_close_ int in = memfd_create("request", MFD_CLOEXEC),
			    out = memfd_create("result", MFD_CLOEXEC),
			    errors = memfd_create("errors", MFD_CLOEXEC);
	_cleanup_text_ struct text text = {};
	char *env[ENV_MOST];
	const char *path = find_plugin(call, a, err);

	*result = NULL;
	if (!path)
		return -ENOENT;
	node_to_json(request, false, &text);
	if (in < 0 || out < 0 || errors < 0 || write_all(in, text.at, text.n) < 0 ||
	    lseek(in, 0, SEEK_SET) < 0)
		return error_errno(err, "cannot ask the CNI plugin '%s'", call->type);
	make_environment(call, a, env);
	pid_t pid = fork();
	if (pid == 0)
		become(call, path, env, (const int[]){ in, out, errors });
	if (pid < 0)
		return error_errno(err, "cannot start the CNI plugin '%s'", call->type);
	int status = wait_for(pid, call);
	if (status == -ETIMEDOUT)
		return error_set(
			err, ETIMEDOUT,
			"the CNI plugin '%s' of the network '%s' has not answered %s for %d s, and was ended",
			call->type, call->network, call->command, call->timeout_s);
	if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_STARTED && lseek(out, 0, SEEK_END) == 0)
		return error_set(err, ENOEXEC, "the CNI plugin '%s' cannot be executed", path);
	const char *said = read_back(out, a);
	return status != 0 ? has_failed(call, status, said, read_back(errors, a), a, err)
			   : take_result(call, said, a, result, err);
}
