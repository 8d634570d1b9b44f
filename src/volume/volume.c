/* volume.c — see volume.h. */
#include "volume/volume.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "linux/mount.h"
#include "linux/path.h"
#include "volume/env_file.h"

static int prepare(struct prepared_volume *v, const struct volume_set *set, struct error *err)
{
	const struct volume *volume = v->volume;

	return volume->emptyDir                ? empty_dir_prepare(v, set, err)
	       : volume->hostPath              ? host_path_prepare(v, err)
	       : volume->persistentVolumeClaim ? claim_prepare(v, set, err)
	       : volume->ephemeral             ? ephemeral_prepare(v, set, err)
	       : volume->image                 ? image_prepare(v, set, err)
					       : payload_prepare(v, set, err);
}

/* An object that is not there may still come, as a kubelet sees it ("MountVolume.SetUp failed", and it goes on trying). */
static int prepare_or_wait(struct prepared_volume *v, const struct volume_set *set, struct error *err)
{
	int r = prepare(v, set, err);

	v->waits = r == -ENOENT && is_payload(v->volume);
	if (r < 0)
		close_fd(&v->fd);
	return r < 0 ? error_prefix(err, "the volume '%s'", v->volume->name) : 0;
}

int volumes_prepare(struct volume_set *set, struct error *err)
{
	set->at = memory_new(set->pod->spec.volumes.n, sizeof(*set->at));
	for (set->n = 0; set->n < set->pod->spec.volumes.n; set->n++) {
		struct prepared_volume *v = &set->at[set->n];
		*v = (struct prepared_volume){ .volume = &set->pod->spec.volumes.at[set->n], .fd = -1 };
		int r = prepare_or_wait(v, set, err);
		if (r < 0 && !v->waits)
			return r;
	}
	return 0;
}

int volumes_complete(struct volume_set *set, struct error *err)
{
	for (size_t i = 0; i < set->n; i++) {
		struct prepared_volume *v = &set->at[i];
		int r = v->waits ? prepare_or_wait(v, set, err) : 0;
		if (r < 0) {
			err->code = v->waits ? ENODATA : err->code;
			return -err->code;
		}
	}
	return 0;
}

int volumes_update(struct volume_set *set, struct error *err)
{
	for (size_t i = 0; i < set->n; i++) {
		bool there = is_payload(set->at[i].volume) && !set->at[i].waits;
		int r = there ? payload_prepare(&set->at[i], set, err) : 0;
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

static const struct prepared_volume *find(const struct volume_set *set, const char *name, struct error *err)
{
	for (size_t i = 0; i < set->n; i++)
		if (text_is(set->at[i].volume->name, name))
			return &set->at[i];
	error_set(err, ENOENT, "there is no volume called '%s'", name);
	return NULL;
}

/* Another container may change the volume meanwhile: the sub-path is resolved inside it, once (CVE-2017-1002101). */
static int open_below(const struct prepared_volume *v, const char *sub_path, struct error *err)
{
	int fd = path_open_in_root(v->fd, sub_path, O_PATH, 0);

	return fd == -ENOENT && !v->read_only ? path_make_dirs_in_root(v->fd, sub_path, 0755, 0, 0, err) : fd;
}

int volume_source(const struct volume_set *set, const struct volume_mount *mount, const char *sub_path,
		  struct volume_source *source, struct error *err)
{
	const struct prepared_volume *v = find(set, mount->name, err);
	struct stat st;

	if (!v)
		return -ENOENT;
	_cleanup_close_ int fd =
		text_empty(sub_path) ? fcntl(v->fd, F_DUPFD_CLOEXEC, 3) : open_below(v, sub_path, err);
	if (fd < 0 || fstat(fd, &st) < 0)
		return error_set(err, fd < 0 ? -fd : EIO, "cannot open '%s' in the volume '%s'",
				 sub_path ? sub_path : "", mount->name);
	*source = (struct volume_source){ take_fd(&fd), !S_ISDIR(st.st_mode),
					  v->read_only || is_payload(v->volume) };
	return 0;
}

int volume_file_key(const struct volume_set *set, const struct file_key_selector *selector, struct arena *a,
		    const char **value, struct error *err)
{
	enum { BYTES_MAX = 64 * 1024 };
	const struct prepared_volume *v = find(set, selector->volumeName, err);
	_cleanup_free_ char *text = NULL;

	*value = NULL;
	if (!v)
		return -ENOENT;
	_cleanup_close_ int fd =
		path_open_in_root(v->fd, selector->path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	if (fd == -ENOENT && selector->optional.value)
		return 0;
	if (fd < 0)
		return error_set(err, -fd, "fileKeyRef: the volume '%s' has no file '%s': %s",
				 selector->volumeName, selector->path, error_meaning(-fd));
	int r = file_read_fd(fd, selector->path, BYTES_MAX, &text, NULL, err);
	if (r == 0)
		r = env_file_find(text, selector->key, a, value, err);
	if (r == 0 && !*value && !selector->optional.value)
		r = error_set(err, ENOENT, "there is no '%s'", selector->key);
	return r < 0 ? error_prefix(err, "fileKeyRef: the file '%s' of the volume '%s'", selector->path,
				    selector->volumeName)
		     : 0;
}
