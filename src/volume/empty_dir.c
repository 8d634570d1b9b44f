/* empty_dir.c — emptyDir: a directory on disk, or one tmpfs that all containers of the pod share; see volume.h.
 *
 * fsGroup: the directory belongs to the group and hands it on (setgid), as the kubelet does it (docs "Configure a Security Context").
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "linux/mount.h"
#include "linux/mount_kept.h"
#include "volume/volume.h"

/* KEP-5502: emptyDir.mode. */
static mode_t mode_of(const struct empty_dir_volume *source)
{
	return source->mode.set ? (mode_t)source->mode.value : 0777;
}

static int make_tmpfs(const struct empty_dir_volume *source, struct error *err)
{
	char size[32], mode[16];
	struct mount_option options[] = { { "mode", mode }, { "size", size } };

	snprintf(size, sizeof(size), "%" PRId64, quantity_value(&source->sizeLimit));
	snprintf(mode, sizeof(mode), "%o", mode_of(source));
	int fd = mount_kept(mount_make("tmpfs", options, source->sizeLimit.set ? 2 : 1,
				       MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV));
	if (fd < 0)
		return error_code(err, fd, "cannot make a tmpfs");
	return fd;
}

/* How much of them it may take is the cgroups' to say (hugetlb). */
static int make_hugetlbfs(const struct volume_set *set, const struct empty_dir_volume *source,
			  struct error *err)
{
	char page[32], size[32], mode[16];
	struct mount_option options[] = { { "mode", mode }, { "pagesize", page }, { "size", size } };
	uint64_t bytes;

	if (pod_huge_page_size(&set->pod->spec, source->medium, &bytes) < 0)
		return error_set(err, EINVAL, "no size of huge pages is known");
	snprintf(page, sizeof(page), "%" PRIu64, bytes);
	snprintf(size, sizeof(size), "%" PRId64, quantity_value(&source->sizeLimit));
	snprintf(mode, sizeof(mode), "%o", mode_of(source));
	int fd = mount_kept(mount_make("hugetlbfs", options, source->sizeLimit.set ? 3 : 2,
				       MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV));
	return fd < 0 ? error_code(err, fd, "cannot make a hugetlbfs with pages of %s bytes", page) : fd;
}

static int make_directory(const struct volume_set *set, const struct volume *volume, struct error *err)
{
	_cleanup_free_ char *path = memory_printf("%s/%s", set->disk, volume->name);
	int r = file_make_dirs(set->in->rootfd, path, 0700, err);
	int fd = r < 0 ? r : file_open_dir(set->in->rootfd, path, 0, err);

	if (fd >= 0)
		fchmod(fd, mode_of(volume->emptyDir));
	return fd;
}

int empty_dir_prepare(struct prepared_volume *v, const struct volume_set *set, struct error *err)
{
	const struct empty_dir_volume *source = v->volume->emptyDir;
	const struct pod_security_context *security = set->pod->spec.securityContext;

	v->fd = text_is(source->medium, "Memory") ? make_tmpfs(source, err)
		: text_empty(source->medium)      ? make_directory(set, v->volume, err)
						  : make_hugetlbfs(set, source, err);
	if (v->fd < 0)
		return v->fd;
	if (security && security->fsGroup.set) {
		if (fchownat(v->fd, "", (uid_t)-1, (gid_t)security->fsGroup.value, AT_EMPTY_PATH) < 0)
			return error_errno(err, "cannot give it to the group %" PRId64,
					   security->fsGroup.value);
		if (fchmodat(v->fd, ".", mode_of(source) | 02770, 0) < 0)
			return error_errno(err, "cannot set its mode");
	}
	return 0;
}
