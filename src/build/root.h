/* root.h — the root file system of a step: its layers, and a directory that takes what is changed.
 *
 * It is an overlay that only this process sees (a mount namespace of its own), so it ends with the process, however that ends. Whoever works in
 * it goes by descriptors below FD (linux/path.h).
 */
#pragma once

#include "base/error.h"
#include "base/instance.h"
#include "object/field.h"

struct build_root {
	int fd;    /* the top; -1 */
	int upper; /* what has been changed, as overlayfs keeps it */
};

/* Mounts the layers with these DIFF_IDS (the lowest first; there may be none), with SCRATCH (an absolute path, empty) for what is changed. Calls
 * mount_leave once. */
int build_root_open(struct build_root *root, const struct instance *in, const struct strings *diff_ids,
		    const char *scratch, struct arena *a, struct error *err);
void build_root_close(struct build_root *root);
