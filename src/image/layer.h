/* layer.h — a layer, ready to be a lower directory of an overlay.
 *
 * A layer is one of two things on disk, by its diff id:
 *	ROOT/layers/<hex>.tar and <hex>.erofs	the tar as it came and an index of it (erofs.h), which are mounted
 *	ROOT/layers/<hex>/			unpacked, in the form overlayfs wants (whiteouts as devices 0/0, opaque directories marked)
 * The first is the choice where the kernel mounts EROFS from files (Linux 6.12 and newer). It is mounted once, at RUN/layers/<hex>, for all pods and
 * images that have it, so they share its pages; the mount stays until the layer is removed or nothing runs (system prune), because an
 * unmount drops these pages and the next start would read them again.
 */
#pragma once

#include <stdbool.h>

#include "base/instance.h"

enum layer_kind { LAYER_MISSING, LAYER_MOUNTED, LAYER_UNPACKED };

const char *layer_kind_name(enum layer_kind kind); /* "mounted", "unpacked" */

/* Where the files of the layer DIFF_ID ("sha256:…") are once it is ready, into PATH, and its kind; -ENOENT if it is not in the store. */
int layer_directory(const struct instance *in, const char *diff_id, char path[static PATH_MAX],
		    struct error *err);
enum layer_kind layer_kind(const struct instance *in, const char *diff_id);

/* Makes it ready, and says where in PATH: mounts it if it is to be mounted and is not yet. A store that comes from another kernel, which cannot mount it, is helped:
 * the layer is unpacked from its tar. */
int layer_ready(const struct instance *in, const char *diff_id, char path[static PATH_MAX],
		struct error *err);

/* Unmounts the layer of this name (64 digits) if it is mounted; all of them. Containers that run on it keep it. */
void layer_release(const struct instance *in, const char *hex);
void layer_release_all(const struct instance *in);

/* Mounts the index INDEX (a path) of TAR, detached. A descriptor or -errno. */
int layer_mount(const char *index, const char *tar);

/* Are layers mounted here? Tried with a very small one, made below ROOT. $SEAPOD_LAYERS=unpacked says no. *WHY: why not, in words. */
bool layer_can_mount(const struct instance *in, const char **why);
