/* copy_tar.c — see copy_tar.h. The program seapod-image writes and reads archives. */
#include "cli/copy_tar.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"

int staging_make(struct context *x, const char **path, struct error *err)
{
	char *name = arena_printf(x->arena, "partial/cp-%d", (int)getpid());
	int r = file_make_dirs(x->in.rootfd, "partial", 0700, err);

	if (r < 0)
		return r;
	file_remove_tree(x->in.rootfd, name, NULL); /* of a process that had our number before a crash */
	if (mkdirat(x->in.rootfd, name, 0700) < 0)
		return error_errno(err, "cannot make the directory '%s'", name);
	*path = name;
	int fd = openat(x->in.rootfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? error_errno(err, "cannot open the directory '%s'", name) : fd;
}

void staging_remove(struct context *x, const char *path)
{
	if (path)
		file_remove_tree(x->in.rootfd, path, NULL);
}

static int run_worker(struct context *x, const char *verb, const char *path, struct error *err)
{
	char program[PATH_MAX], *where = arena_printf(x->arena, "%s/%s", x->in.root, path);
	char *argv[] = { "seapod-image", x->in.root, x->in.run, (char *)verb, where, NULL };
	int status;

	instance_helper("seapod-image", program);
	fflush(stdout);
	pid_t child = fork();
	if (child < 0)
		return error_errno(err, "cannot start a process");
	if (child == 0) {
		execv(program, argv);
		_exit(127);
	}
	if (waitpid(child, &status, 0) < 0)
		return error_errno(err, "cannot wait for seapod-image");
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		return error_set(err, ENOENT, "cannot execute '%s'", program);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (!WIFEXITED(status))
		return error_set(err, EIO, "seapod-image was ended by signal %d", WTERMSIG(status));
	err->code = 0; /* it has said why */
	return -EXIT_FAILED;
}

int staging_write_tar(struct context *x, const char *path, struct error *err)
{
	return run_worker(x, "tar", path, err);
}

int staging_read_tar(struct context *x, const char *path, struct error *err)
{
	return run_worker(x, "untar", path, err);
}
