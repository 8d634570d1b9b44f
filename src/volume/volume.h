/* volume.h — a pod's volumes: made once, mounted by any of its containers.
 *
 * Each becomes a descriptor of the keeper's: of a directory or file of the host (emptyDir on disk, hostPath), or of a tmpfs that is mounted
 * nowhere (emptyDir with medium Memory, configMap, secret, downwardAPI, projected). The latter are in memory only and vanish with
 * the keeper: nothing is to be unmounted, nothing is left (linux/mount_kept.h).
 *
 * Files of objects are laid out as the kubelet's atomic writer does it: ..data is a link to a directory with a time in its name, each file a link
 * through ..data; an update replaces ..data by rename, so a reader sees all of the old or all of the new. Containers get them read-only, whatever
 * their mount says (core/v1 ConfigMapVolumeSource; kubernetes#58720): what is in them is the keeper's to write, and to remove.
 */
#pragma once

#include "api/pod.h"
#include "base/instance.h"
#include "volume/fields.h"

/* Of an image volume: its layers, the lowest first. */
struct volume_image {
	const char *volume;
	const char *reference, *id;
	struct strings layers;
};
struct volume_images LIST(struct volume_image);

struct prepared_volume {
	const struct volume *volume;
	int fd;
	bool is_file, read_only;
	bool waits; /* for an object that is not there */
	unsigned generation;
	char contents
		[40]; /* of objects: the directory that ..data names; never read back from where a container might have written */
};

struct volume_set {
	const struct instance *in;
	const struct pod *pod;
	const struct pod_facts *facts;
	const struct volume_images *images;
	const char *disk;
	struct prepared_volume *at;
	size_t n;
};

/* Volumes of ConfigMaps and Secrets that are not there are left out until volumes_complete finds them.
 *
 * Prepares all volumes of SET->pod. SET: in, pod, facts, images, and disk: the directory (made if missing) for what lives with the pod, relative to
 * ROOT ("pods/<uid>/volumes"), needed until it returns. */
int volumes_prepare(struct volume_set *set, struct error *err);

/* Prepares what could not be before. -ENODATA: something that it needs is still not there, and err says what. */
int volumes_complete(struct volume_set *set, struct error *err);

/* ConfigMaps and Secrets are read again and their volumes updated, but for those that are still to be made. */
int volumes_update(struct volume_set *set, struct error *err);

/* POD is the same pod with other labels or annotations, and takes the old one's place. */
void volumes_adopt(struct volume_set *set, const struct pod *pod);

void volumes_close(struct volume_set *set);

struct volume_source {
	int fd; /* the caller's, to be bound by a copy */
	bool is_file, read_only;
};

/* The source of MOUNT with SUB_PATH resolved inside the volume (made as a directory if missing). 0 or negative. */
int volume_source(const struct volume_set *set, const struct volume_mount *mount, const char *sub_path,
		  struct volume_source *source, struct error *err);

/* The value of SELECTOR's key, from a file of lines NAME='value' in a volume (env_file.h); *VALUE NULL: it is optional and not there. */
int volume_file_key(const struct volume_set *set, const struct file_key_selector *selector, struct arena *a,
		    const char **value, struct error *err);

/* --- the sources, one file each; not for other rooms --- */

int empty_dir_prepare(struct prepared_volume *v, const struct volume_set *set, struct error *err);
int host_path_prepare(struct prepared_volume *v, struct error *err);
int claim_prepare(struct prepared_volume *v, const struct volume_set *set, struct error *err);
/* ephemeral: a directory that lives with the pod, as an emptyDir on disk does, owned as a claim's. */
int ephemeral_prepare(struct prepared_volume *v, const struct volume_set *set, struct error *err);
int image_prepare(struct prepared_volume *v, const struct volume_set *set, struct error *err);
/* configMap, secret, downwardAPI, projected: makes the tmpfs or updates it. */
int payload_prepare(struct prepared_volume *v, const struct volume_set *set, struct error *err);
bool is_payload(const struct volume *volume);
