/* layer.c — see layer.h. */
#include "image/layer.h"

#include <stdio.h>

#include "base/file.h"
#include "base/text.h"

int layer_directory(const struct instance *in, const char *diff_id, char path[static PATH_MAX],
		    struct error *err)
{
	if (!text_starts(diff_id, "sha256:") || strlen(diff_id) != 71 ||
	    strspn(diff_id + 7, "0123456789abcdef") != 64)
		return error_set(err, EINVAL, "the image names a layer '%.80s', which is no digest", diff_id);
	snprintf(path, PATH_MAX, "layers/%s", diff_id + 7);
	if (!file_exists(in->rootfd, path))
		return error_set(err, ENOENT, "the layer %.12s is not in the store (load the image again)",
				 diff_id + 7);
	snprintf(path, PATH_MAX, "%s/layers/%s", in->root, diff_id + 7);
	return 0;
}
