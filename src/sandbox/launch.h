/* launch.h — what a keeper is given to start a pod: the whole object and, of each container, its image.
 *
 * The command that starts it has read the manifest and resolved the images; the keeper reads only this (JSON, in a sealed memfd).
 */
#pragma once

#include "api/pod.h"
#include "image/store.h"
#include "volume/volume.h"

struct launch_image {
	const char *container;
	const char *reference, *id;
	struct strings layers; /* directories, the lowest first */
	struct image_config config;
};

/* Of the containerPort without a hostPort: the first free one of the host's from FIRST to LAST (`run -p 8000-8010:80`). */
struct host_range {
	const char *protocol, *hostIP;
	int32_t containerPort, first, last;
};

struct host_ranges LIST(struct host_range);

struct launch {
	struct pod pod;
	struct LIST(struct launch_image) images;
	struct volume_images volumeImages;
	/* The waits before a restart, for pods that do not say it themselves (keeper/backoff.h) */
	const char *backoff_initial, *backoff_max, *backoff_reset;
	struct host_ranges hostRanges;
	const char *cniConfigurations, *cniPlugins, *cniTimeout; /* net/cni.h; NULL: as usual */
	bool publish; /* ports without a hostPort get a free one: `run -p 80` */
	bool remove; /* it is deleted when it has ended (`run --rm`), unless it could not be started: who did reads why */
	bool hold; /* `run` in the foreground: the program waits until somebody is attached */
};

extern const struct table launch_table;

/* Reads a launch; all memory in A. NULL with err on bad text. */
struct launch *launch_read(const char *text, size_t size, struct arena *a, struct error *err);

const struct launch_image *launch_find_image(const struct launch *l, const char *container);
