/* pack.h — what a container has changed, as a layer's tar: an overlay's upper directory in the form of image-spec layer.md.
 *
 * A device 0/0 is a file that was removed (".wh.NAME"), a directory marked trusted.overlay.opaque one that was replaced (".wh..wh..opq";
 * overlayfs.rst "whiteouts and opaque directories"). Names are sorted, times are whole seconds, ids are numbers, so the same files make the same
 * bytes; with a limit of times (SOURCE_DATE_EPOCH) also those of another day. Files with several names, holes, user.* attributes and capabilities stay.
 */
#pragma once

#include <stdint.h>

#include "object/field.h"

struct pack_options {
	int64_t epoch;                 /* nothing in the tar is younger; -1: it is as it is */
	const struct strings *without; /* paths that are left out ("a/b") */
	bool mapped; /* the files have the ids of a pod's user namespace (sandbox/user_range.h); the tar has those that the pod sees */
};

/* Writes the tar of the directory UPPER to FD. */
int pack(int upper, const struct pack_options *options, int fd, struct error *err);
