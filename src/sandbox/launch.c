/* launch.c — see launch.h. */
#include "sandbox/launch.h"

#include "base/cleanup.h"
#include "object/json.h"

static const struct field image_fields[] = {
	VALUE(launch_image, container, .required = true), VALUE(launch_image, reference, .required = true),
	VALUE(launch_image, id, .required = true),        VALUE(launch_image, layers, .required = true),
	OBJECT(launch_image, config, image_config_table),
};
static const struct table image_table = TABLE(launch_image, image_fields, "An image of the launch.");

static const struct field volume_image_fields[] = {
	VALUE(volume_image, volume, .required = true),
	VALUE(volume_image, reference, .required = true),
	VALUE(volume_image, id, .required = true),
	VALUE(volume_image, layers, .required = true),
};
static const struct table volume_image_table =
	TABLE(volume_image, volume_image_fields, "An image that is a volume.");

static const struct field range_fields[] = {
	VALUE(host_range, protocol, .required = true),
	VALUE(host_range, hostIP),
	VALUE(host_range, containerPort, .min = 1, .max = 65535),
	VALUE(host_range, first, .min = 1, .max = 65535),
	VALUE(host_range, last, .min = 1, .max = 65535),
};
static const struct table range_table = TABLE(host_range, range_fields, "Ports of the host to choose from.");

static const struct field launch_fields[] = {
	OBJECT(launch, pod, pod_table, .required = true),
	OBJECTS(launch, images, image_table),
	OBJECTS(launch, volumeImages, volume_image_table),
	OBJECTS(launch, hostRanges, range_table),
	VALUE(launch, cniConfigurations),
	VALUE(launch, cniPlugins),
	VALUE(launch, cniTimeout),
	VALUE(launch, backoff_initial),
	VALUE(launch, backoff_max),
	VALUE(launch, backoff_reset),
	VALUE(launch, publish),
	VALUE(launch, hold),
	VALUE(launch, remove),
};
const struct table launch_table = TABLE(launch, launch_fields, "What a keeper starts.");

struct launch *launch_read(const char *text, size_t size, struct arena *a, struct error *err)
{
	_cleanup_arena_ struct arena *scratch = arena_new();
	struct problems problems = { .arena = scratch };
	struct launch *l = arena_one(a, struct launch);
	struct node *n = node_from_json(scratch, text, size, err);

	if (!n)
		return NULL;
	if (!object_decode(&launch_table, n, l, a, NULL, &problems)) {
		error_set(err, EINVAL, "%s",
			  problems.errors.n ? problems.errors.at[0].text : "the launch is wrong");
		return NULL;
	}
	return l;
}

const struct launch_image *launch_find_image(const struct launch *l, const char *container)
{
	list_each(image, &l->images)
		if (text_is(image->container, container))
			return image;
	return NULL;
}
