/* image_volume.c — image: the files of an image, read-only and not to be executed (KEP-4639); see volume.h.
 *
 * The layers are there already, so it is a mount: of the only layer, or an overlay without an upper directory.
 */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "linux/mount.h"
#include "linux/mount_kept.h"
#include "volume/volume.h"

enum {
	FIXED = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV,
	LAYERS_MAX = 128
};

static int mount_layer(const char *layer)
{
	int fd = mount_copy(AT_FDCWD, layer, false), r = fd < 0 ? fd : mount_change(fd, FIXED, 0, false);

	if (r < 0)
		close_fd(&fd);
	return r < 0 ? r : fd;
}

/* One directory an option (Linux 6.5), the uppermost first, so their number and length are not limited by one option's. */
static int mount_layers(const struct strings *layers)
{
	struct mount_option options[LAYERS_MAX];

	if (layers->n > LAYERS_MAX)
		return -E2BIG;
	for (size_t i = 0; i < layers->n; i++)
		options[i] = (struct mount_option){ "lowerdir+", layers->at[layers->n - 1 - i] };
	return mount_make("overlay", options, (unsigned)layers->n, FIXED);
}

int image_prepare(struct prepared_volume *v, const struct volume_set *set, struct error *err)
{
	const struct volume_image *image = NULL;

	list_each(have, set->images)
		if (text_is(have->volume, v->volume->name))
			image = have;
	if (!image || image->layers.n == 0)
		return error_set(err, ENOENT, "the image '%s' was not given to the keeper",
				 v->volume->image->reference);
	v->read_only = true;
	v->fd = mount_kept(image->layers.n == 1 ? mount_layer(image->layers.at[0])
						: mount_layers(&image->layers));
	if (v->fd >= 0)
		return 0;
	return error_code(err, v->fd, "cannot mount the image '%s'", image->reference);
}
