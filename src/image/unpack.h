/* unpack.h — a layer's tar as a directory that overlayfs takes as a lower one.
 *
 * The archive is hostile until proven otherwise: every entry is made relative to a descriptor of its parent, which was opened inside the
 * layer's root; names with ".." and hard links that lead out are errors; nothing is ever written through a link.
 *
 * Whiteouts (image-spec layer.md): ".wh.NAME" becomes a character device 0/0 called NAME, ".wh..wh..opq" marks its directory with
 * trusted.overlay.opaque (Documentation/filesystems/overlayfs.rst).
 */
#pragma once

#include <stdint.h>

#include "base/error.h"
#include "image/stream.h"

struct unpack_limits {
	uint64_t entries, bytes;
};

extern const struct unpack_limits unpack_default_limits;

/* Unpacks the tar that comes from S into the empty directory DIR. */
int unpack(struct stream *s, int dir, const struct unpack_limits *limits, struct error *err);
