/* host_path.c — hostPath: a path of the host, checked or made by its type; see volume.h (core/v1 HostPathType). */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "volume/volume.h"

static const struct {
	const char *type, *what;
	mode_t format;
	bool make;
} types[] = {
	{ "DirectoryOrCreate", "a directory", S_IFDIR, true },
	{ "Directory", "a directory", S_IFDIR, false },
	{ "FileOrCreate", "a file", S_IFREG, true },
	{ "File", "a file", S_IFREG, false },
	{ "Socket", "a socket", S_IFSOCK, false },
	{ "CharDevice", "a character device", S_IFCHR, false },
	{ "BlockDevice", "a block device", S_IFBLK, false },
};

static int make(const char *path, mode_t format, struct error *err)
{
	if (format == S_IFDIR)
		return file_make_dirs(AT_FDCWD, path, 0755, err);
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	return fd < 0 ? error_errno(err, "cannot make the file '%s'", path) : 0;
}

int host_path_prepare(struct prepared_volume *v, struct error *err)
{
	const struct host_path_volume *source = v->volume->hostPath;
	struct stat st;
	int kind = -1;

	for (int i = 0; i < (int)(sizeof(types) / sizeof(*types)); i++)
		if (text_is(types[i].type, source->type))
			kind = i;
	v->fd = open(source->path, O_PATH | O_CLOEXEC);
	if (v->fd < 0 && errno == ENOENT && kind >= 0 && types[kind].make) {
		int r = make(source->path, types[kind].format, err);
		if (r < 0)
			return r;
		v->fd = open(source->path, O_PATH | O_CLOEXEC);
	}
	if (v->fd < 0 || fstat(v->fd, &st) < 0)
		return error_errno(err, "the host has no '%s'", source->path);
	if (kind >= 0 && (st.st_mode & S_IFMT) != types[kind].format)
		return error_set(err, EINVAL, "'%s' on the host is not %s (the hostPath type is %s)",
				 source->path, types[kind].what, source->type);
	v->is_file = !S_ISDIR(st.st_mode);
	return 0;
}
