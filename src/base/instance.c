/* instance.c — see instance.h. */
#include "base/instance.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/text.h"

#ifndef SEAPOD_LIBEXEC
#define SEAPOD_LIBEXEC "/usr/local/libexec/seapod"
#endif

static char *absolute(const char *given, const char *variable, const char *fallback)
{
	const char *path = given ? given : getenv(variable);
	if (text_empty(path))
		path = fallback;
	_cleanup_free_ char *here = *path == '/' ? NULL : getcwd(NULL, 0);
	char *whole = *path == '/' ? memory_strdup(path) : memory_printf("%s/%s", here ? here : "", path);
	for (size_t n = strlen(whole); n > 1 && whole[n - 1] == '/'; n--)
		whole[n - 1] = '\0';
	return whole;
}

static int open_dir(const char *path, struct error *err)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	if (errno != ENOENT)
		return error_errno(err, "cannot open the directory '%s'", path);
	int r = file_make_dirs(AT_FDCWD, path, 0711, err);
	if (r < 0)
		return r;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? error_errno(err, "cannot open the directory '%s'", path) : fd;
}

/* The tag only has to differ between the few instances of one machine. */
static void make_tag(struct instance *in)
{
	uint32_t hash = hash_add(HASH_BEGIN, in->root, strlen(in->root) + 1);

	snprintf(in->tag, sizeof(in->tag), "%08x", hash_add(hash, in->run, strlen(in->run) + 1));
}

int instance_open(struct instance *in, const char *root, const char *run, struct error *err)
{
	*in = (struct instance){ .rootfd = -1, .runfd = -1 };
	in->root = absolute(root, "SEAPOD_ROOT", INSTANCE_ROOT);
	in->run = absolute(run, "SEAPOD_RUN", INSTANCE_RUN);

	bool plain = text_is(in->root, INSTANCE_ROOT) && text_is(in->run, INSTANCE_RUN);
	if (!plain)
		make_tag(in);
	in->log = plain ? memory_strdup("/var/log/pods") : memory_printf("%s/log/pods", in->root);
	snprintf(in->bridge, sizeof(in->bridge), plain ? "seapod0" : "sp%s", in->tag);
	snprintf(in->table, sizeof(in->table), plain ? "seapod" : "seapod_%s", in->tag);
	snprintf(in->cgroup, sizeof(in->cgroup), plain ? "seapod" : "seapod-%s", in->tag);

	in->rootfd = open_dir(in->root, err);
	in->runfd = in->rootfd < 0 ? -1 : open_dir(in->run, err);
	if (in->runfd >= 0)
		return 0;
	instance_close(in);
	return err ? -err->code : -EIO;
}

void instance_close(struct instance *in)
{
	close_fd(&in->rootfd);
	close_fd(&in->runfd);
	free(in->root);
	free(in->run);
	free(in->log);
	in->root = in->run = in->log = NULL;
}

static const char *program;

void instance_program(const char *path)
{
	program = path;
}

static bool find_program(char self[static PATH_MAX])
{
	if (program)
		return (size_t)snprintf(self, PATH_MAX, "%s", program) < PATH_MAX;
	ssize_t n = readlink("/proc/self/exe", self, PATH_MAX - 1);
	self[n > 0 ? n : 0] = '\0';
	return n > 0;
}

void instance_helper(const char *name, char path[static PATH_MAX])
{
	char self[PATH_MAX];

	if (find_program(self)) {
		char *slash = strrchr(self, '/');
		*(slash ? slash : self) = '\0';
		if ((size_t)snprintf(path, PATH_MAX, "%s/%s", self, name) < PATH_MAX &&
		    access(path, X_OK) == 0)
			return;
	}
	snprintf(path, PATH_MAX, "%s/%s", SEAPOD_LIBEXEC, name);
}
