/* volume.c — see volume.h. */
#include "volume/volume.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "linux/mount.h"
#include "linux/path.h"

static int prepare(struct prepared_volume *v, const struct volume_set *set, const char *disk,
		   struct error *err)
{
	if (v->volume->emptyDir)
		return empty_dir_prepare(v, set, disk, err);
	if (v->volume->hostPath)
		return host_path_prepare(v, err);
	return payload_prepare(v, set, err);
}

int volumes_prepare(struct volume_set *set, const struct instance *in, const struct pod *pod,
		    const struct pod_facts *facts, const char *disk, struct error *err)
{
	*set = (struct volume_set){ .in = in, .pod = pod, .facts = facts };
	set->at = memory_new(pod->spec.volumes.n, sizeof(*set->at));
	for (; set->n < pod->spec.volumes.n; set->n++) {
		struct prepared_volume *v = &set->at[set->n];
		*v = (struct prepared_volume){ .volume = &pod->spec.volumes.at[set->n], .fd = -1 };
		int r = prepare(v, set, disk, err);
		if (r < 0)
			return error_prefix(err, "the volume '%s'", v->volume->name);
	}
	return 0;
}

int volumes_update(struct volume_set *set, struct error *err)
{
	for (size_t i = 0; i < set->n; i++) {
		int r = is_payload(set->at[i].volume) ? payload_prepare(&set->at[i], set, err) : 0;
		if (r < 0)
			return error_prefix(err, "the volume '%s'", set->at[i].volume->name);
	}
	return 0;
}

void volumes_adopt(struct volume_set *set, const struct pod *pod)
{
	set->pod = pod;
	for (size_t i = 0; i < set->n; i++)
		set->at[i].volume = &pod->spec.volumes.at[i];
}

void volumes_close(struct volume_set *set)
{
	for (size_t i = 0; i < set->n; i++)
		close_fd(&set->at[i].fd);
	free(set->at);
	set->at = NULL;
	set->n = 0;
}

int volume_source(const struct volume_set *set, const struct volume_mount *mount, const char *sub_path,
		  struct volume_source *source, struct error *err)
{
	struct stat st;

	for (size_t i = 0; i < set->n; i++) {
		const struct prepared_volume *v = &set->at[i];
		if (!text_is(v->volume->name, mount->name))
			continue;
		_cleanup_close_ int fd = -1;
		if (text_empty(sub_path)) {
			fd = fcntl(v->fd, F_DUPFD_CLOEXEC, 3);
		} else {
			/* Another container may change the volume meanwhile: the sub-path is resolved inside it, once (CVE-2017-1002101). */
			fd = path_open_in_root(v->fd, sub_path, O_PATH, 0);
			if (fd == -ENOENT)
				fd = path_make_dirs_in_root(v->fd, sub_path, 0755, 0, 0, err);
		}
		if (fd < 0 || fstat(fd, &st) < 0)
			return error_set(err, fd < 0 ? -fd : EIO, "cannot open '%s' in the volume '%s'",
					 sub_path ? sub_path : "", mount->name);
		*source = (struct volume_source){ take_fd(&fd), !S_ISDIR(st.st_mode), is_payload(v->volume) };
		return 0;
	}
	return error_set(err, ENOENT, "there is no volume called '%s'", mount->name);
}
