/* helper.c — see helper.h. */
#include "registry/helper.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "object/json.h"

enum { ANSWER_MAX = 64 * 1024 };

static const char *server_of(const char *registry)
{
	return text_is(registry, "docker.io") ? "https://index.docker.io/v1/" : registry;
}

/* Input and output are files in memory: no pipe can fill up, nothing can block but the helper itself. The exit code, or negative. */
static int run(const char *name, const char *verb, const char *input, char **output, struct error *err)
{
	_cleanup_free_ char *program = memory_printf("docker-credential-%s", name);
	_cleanup_close_ int in = memfd_create("question", MFD_CLOEXEC),
			    out = memfd_create("answer", MFD_CLOEXEC);
	int status;

	if (strchr(name, '/') || !*name)
		return error_set(err, EINVAL, "'%s' is no name of a credential helper", name);
	if (in < 0 || out < 0 || write_all(in, input, strlen(input)) < 0 || lseek(in, 0, SEEK_SET) < 0)
		return error_errno(err, "cannot ask the credential helper '%s'", program);
	pid_t pid = fork();
	if (pid == 0) {
		dup2(in, STDIN_FILENO);
		dup2(out, STDOUT_FILENO);
		execlp(program, program, verb, (char *)NULL);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return error_errno(err, "cannot start the credential helper '%s'", program);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		return error_set(err, ENOENT, "the credential helper '%s' is not installed", program);
	lseek(out, 0, SEEK_SET);
	int r = file_read_fd(out, program, ANSWER_MAX, output, NULL, err);
	return r < 0 ? r : WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static int failed(const char *name, char *answer, struct error *err)
{
	answer[strcspn(answer, "\n")] = '\0';
	return error_set(err, EACCES, "the credential helper 'docker-credential-%s' says: %.300s", name,
			 *answer ? answer : "nothing, and fails");
}

int helper_get(const char *name, const char *registry, struct arena *a, struct credentials *out,
	       struct error *err)
{
	_cleanup_free_ char *answer = NULL;
	int r = run(name, "get", server_of(registry), &answer, err);

	if (r < 0)
		return r;
	if (r > 0 && strcasestr(answer, "credentials not found"))
		return 0;
	if (r > 0)
		return failed(name, answer, err);
	struct node *n = node_from_json(a, answer, strlen(answer), err);
	const char *username = node_get_string(n, "Username"), *secret = node_get_string(n, "Secret");
	if (!n)
		return error_prefix(err, "the answer of the credential helper 'docker-credential-%s'", name);
	*out = text_is(username, "<token>")
		       ? (struct credentials){ .identity_token = secret }
		       : (struct credentials){ .username = username, .password = secret };
	return username && secret ? 1 : 0;
}

int helper_store(const char *name, const char *registry, const struct credentials *c, struct error *err)
{
	_cleanup_arena_ struct arena *a = arena_new();
	_cleanup_free_ char *answer = NULL;
	_cleanup_text_ struct text question = {};
	struct node *n = node_new(a, NODE_MAP);

	node_put(a, n, "ServerURL", node_string(a, server_of(registry)));
	node_put(a, n, "Username", node_string(a, c->identity_token ? "<token>" : c->username));
	node_put(a, n, "Secret", node_string(a, c->identity_token ? c->identity_token : c->password));
	node_to_json(n, false, &question);
	int r = run(name, "store", question.at, &answer, err);
	return r > 0 ? failed(name, answer, err) : r;
}

int helper_erase(const char *name, const char *registry, struct error *err)
{
	_cleanup_free_ char *answer = NULL;
	int r = run(name, "erase", server_of(registry), &answer, err);
	return r > 0 ? failed(name, answer, err) : r;
}
