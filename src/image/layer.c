/* layer.c — see layer.h. */
#include "image/layer.h"

#include <dirent.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "image/erofs.h"
#include "linux/mount.h"

enum { HEX = 64, PROBE_TAR = 1024 };

static const char *hex_of(const char *diff_id)
{
	const char *hex = text_starts(diff_id, "sha256:") ? diff_id + strlen("sha256:") : "";
	return strlen(hex) == HEX && strspn(hex, "0123456789abcdef") == HEX ? hex : NULL;
}

const char *layer_kind_name(enum layer_kind kind)
{
	return kind == LAYER_MOUNTED ? "mounted" : kind == LAYER_UNPACKED ? "unpacked" : "missing";
}

enum layer_kind layer_kind(const struct instance *in, const char *diff_id)
{
	const char *hex = hex_of(diff_id);
	char path[HEX + 32];

	if (!hex)
		return LAYER_MISSING;
	snprintf(path, sizeof(path), "layers/%s",
		 hex); /* unpacked from a tar because this kernel cannot mount it: that is what is used */
	if (file_exists(in->rootfd, path))
		return LAYER_UNPACKED;
	snprintf(path, sizeof(path), "layers/%s.erofs", hex);
	return file_exists(in->rootfd, path) ? LAYER_MOUNTED : LAYER_MISSING;
}

int layer_directory(const struct instance *in, const char *diff_id, char path[static PATH_MAX],
		    struct error *err)
{
	const char *hex = hex_of(diff_id);
	enum layer_kind kind = layer_kind(in, diff_id);

	if (!hex)
		return error_set(err, EINVAL, "the image names a layer '%.80s', which is no digest", diff_id);
	if (kind == LAYER_MISSING)
		return error_set(err, ENOENT, "the layer %.12s is not in the store (load the image again)",
				 hex);
	snprintf(path, PATH_MAX, "%s/layers/%s", kind == LAYER_MOUNTED ? in->run : in->root, hex);
	return 0;
}

/* --- mounting ------------------------------------------------------------------------------------------------------------- */

int layer_mount(const char *index, const char *tar)
{
	const struct mount_option options[] = { { "source", index }, { "device", tar } };

	return mount_make("erofs", options, 2, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
}

static bool is_mounted(int dir, const char *hex)
{
	struct statx st;

	return statx(dir, hex, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_TYPE, &st) == 0 &&
	       (st.stx_attributes & STATX_ATTR_MOUNT_ROOT);
}

static int attach(const struct instance *in, int dir, const char *hex)
{
	_cleanup_free_ char *index = memory_printf("%s/layers/%s.erofs", in->root, hex);
	_cleanup_free_ char *tar = memory_printf("%s/layers/%s.tar", in->root, hex);
	_cleanup_close_ int fd = layer_mount(index, tar);

	if (fd < 0)
		return fd;
	if (mkdirat(dir, hex, 0700) < 0 && errno != EEXIST)
		return -errno;
	_cleanup_close_ int point = openat(dir, hex, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return point < 0 ? -errno : mount_attach(fd, point);
}

/* seapod-image, the only program that reads archives, unpacks the layer's tar. */
static int unpack_instead(const struct instance *in, const char *diff_id, struct error *err)
{
	char path[PATH_MAX];
	char *argv[] = { "seapod-image", in->root, in->run, "unpack", (char *)diff_id, NULL };
	pid_t pid;
	int status = -1, r;

	instance_helper("seapod-image", path);
	if ((r = posix_spawn(&pid, path, NULL, NULL, argv, environ)) != 0)
		return error_set(err, r, "cannot execute '%s': %s", path, error_meaning(r));
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status == 0
		       ? 0
		       : error_set(err, EIO, "the layer %.19s can neither be mounted nor unpacked", diff_id);
}

int layer_ready(const struct instance *in, const char *diff_id, char path[static PATH_MAX], struct error *err)
{
	const char *hex = hex_of(diff_id);
	int r = layer_directory(in, diff_id, path, err);

	if (r < 0 || layer_kind(in, diff_id) != LAYER_MOUNTED)
		return r;
	_cleanup_close_ int dir = file_open_dir(in->runfd, "layers", 0700, err);
	if (dir < 0)
		return dir;
	if (is_mounted(dir, hex))
		return 0;
	if (flock(dir, LOCK_EX) < 0) /* two starts at once mount it once */
		return error_errno(err, "cannot lock '%s/layers'", in->run);
	r = is_mounted(dir, hex) ? 0 : attach(in, dir, hex);
	if (r < 0)
		r = unpack_instead(in, diff_id, err);
	return r < 0 ? r : layer_directory(in, diff_id, path, err);
}

void layer_release(const struct instance *in, const char *hex)
{
	char path[PATH_MAX];
	_cleanup_close_ int dir = file_open_dir(in->runfd, "layers", 0, NULL);

	if (dir < 0)
		return;
	flock(dir, LOCK_EX);
	snprintf(path, sizeof(path), "%s/layers/%.64s", in->run, hex); /* umount2(2) knows no descriptors */
	if (is_mounted(dir, hex))
		umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW);
	unlinkat(dir, hex, AT_REMOVEDIR);
}

void layer_release_all(const struct instance *in)
{
	int fd = file_open_dir(in->runfd, "layers", 0, NULL);
	_cleanup_closedir_ DIR *d = fd < 0 ? NULL : fdopendir(fd);

	for (struct dirent *entry; d && (entry = readdir(d));)
		if (strlen(entry->d_name) == HEX)
			layer_release(in, entry->d_name);
}

/* --- probing -------------------------------------------------------------------------------------------------------------- */

static int write_probe(int fd, struct error *err)
{
	struct tree t;

	tree_begin(&t);
	struct tree_node *n = tree_put(&t, "f", S_IFREG | 0644);
	n->size = 1;
	int r = erofs_write(&t, PROBE_TAR, "probe", fd, err);
	tree_end(&t);
	return r;
}

static int try_mount(const struct instance *in)
{
	_cleanup_free_ char *index = memory_printf("%s/layers/.probe-%d", in->root, (int)getpid());
	_cleanup_free_ char *tar = memory_printf("%s.tar", index);
	int r = file_make_dirs(in->rootfd, "layers", 0700, NULL);
	_cleanup_close_ int fd =
		r < 0 ? -1 : open(index, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	_cleanup_close_ int data =
		fd < 0 ? -1 : open(tar, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);

	r = data < 0 ? -errno : ftruncate(data, PROBE_TAR) < 0 ? -errno : write_probe(fd, NULL);
	_cleanup_close_ int mounted = r < 0 ? r : layer_mount(index, tar);
	unlink(index);
	unlink(tar);
	return mounted < 0 ? mounted : 0;
}

bool layer_can_mount(const struct instance *in, const char **why)
{
	const char *wish = getenv("SEAPOD_LAYERS");
	int r = text_is(wish, "unpacked") ? -ECANCELED : try_mount(in);

	*why = r == 0            ? ""
	       : r == -ECANCELED ? "SEAPOD_LAYERS says so"
	       : r == -ENODEV    ? "the kernel has no EROFS"
	       : r == -ENOTBLK
		       ? "the kernel mounts EROFS only from disks; from files it does since Linux 6.12"
		       : error_meaning(-r);
	return r == 0;
}
