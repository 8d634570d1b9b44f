/* mount_words.h — the options of an entry of `mounts`: which of them are the kernel's own words (config.md "Linux mount options").
 *
 * Everything else is for the file system.
 */
#pragma once

#include "oci/spec.h"

/* What options ask for besides what goes into struct oci_mount itself. */
struct mount_wish {
	bool bind, copy_up, map_ids, map_ids_below;
};

/* Puts the options AT[N] into M and *WISH; later ones win. Memory in A. */
void mount_words_read(const char *const *at, size_t n, struct oci_mount *m, struct mount_wish *wish,
		      struct arena *a);

/* SELinux: gives M, a new file system, the label LABEL, unless its files have labels of their own (proc, sysfs, mqueue, cgroups: their policy
 * says them) or its options say one already. */
void mount_words_label(struct oci_mount *m, const char *label, struct arena *a);

/* The I-th of the words that are known, in alphabetical order; NULL behind the last (for `features`). */
const char *mount_word(size_t i);
