/* pack.h — what a container has changed, as a layer's tar: an overlay's upper directory in the form of image-spec layer.md.
 *
 * A device 0/0 is a file that was removed (".wh.NAME"), a directory marked trusted.overlay.opaque one that was replaced (".wh..wh..opq";
 * overlayfs.rst "whiteouts and opaque directories"). Names are sorted, times are whole seconds, ids are numbers, so the same files make the same
 * bytes; with a limit of times (SOURCE_DATE_EPOCH) also those of another day. Files with several names, holes, user.* attributes and capabilities stay.
 */
#pragma once

#include <stdint.h>

#include "base/error.h"

/* Writes the tar of the directory UPPER to FD. Nothing in it is younger than EPOCH; -1: as it is. */
int pack(int upper, int64_t epoch, int fd, struct error *err);
