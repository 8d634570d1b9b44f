/* layer.h — a layer, ready to be a lower directory of an overlay.
 *
 * Today a layer is unpacked to ROOT/layers/<diff-id> in the form overlayfs wants (whiteouts as devices 0/0, opaque directories marked).
 * A later store may mount it instead: whoever needs a layer asks here and gets a directory.
 */
#pragma once

#include "base/instance.h"

/* The path of the layer DIFF_ID ("sha256:…") into PATH; -ENOENT if it is not in the store. */
int layer_directory(const struct instance *in, const char *diff_id, char path[static PATH_MAX],
		    struct error *err);
