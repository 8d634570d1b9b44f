/* worker.c — the program seapod-image: the only one that reads archives.
 *
 *	seapod-image ROOT RUN load FILE
 *	seapod-image ROOT RUN import FILE NAME [CONFIG-JSON]
 *	seapod-image ROOT RUN layer DIGEST DIFF-ID		makes a layer ready from its blob
 *
 * What was loaded goes to standard output, an error to standard error in one line; exit 0 or 1.
 */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "image/make.h"
#include "object/json.h"

static int load(const struct instance *in, char **argv, struct arena *a, struct error *err)
{
	struct loaded_images images = {};
	int r = image_load(in, argv[0], &unpack_default_limits, a, &images, err);

	if (r == 0)
		list_each(image, &images)
			printf("image/%s %s\n", image->reference, image->fresh ? "loaded" : "unchanged");
	return r;
}

static int import(const struct instance *in, char **argv, struct arena *a, struct error *err)
{
	struct loaded image;
	struct node *config = argv[2] ? node_from_json(a, argv[2], strlen(argv[2]), err) : NULL;

	if (argv[2] && !config)
		return -EINVAL;
	int r = image_import(in, argv[0], argv[1], config, &unpack_default_limits, a, &image, err);
	if (r == 0)
		printf("image/%s loaded\n", image.reference);
	return r;
}

static int layer(const struct instance *in, char **argv, struct error *err)
{
	return layer_make(in, argv[0], argv[1], &unpack_default_limits, err);
}

int main(int argc, char **argv)
{
	_cleanup_(instance_close) struct instance in = { .rootfd = -1, .runfd = -1 };
	struct error err = {};
	_cleanup_arena_ struct arena *a = arena_new();

	if (argc < 5)
		return 2;
	int r = instance_open(&in, argv[1], argv[2], &err);
	if (r == 0 && strcmp(argv[3], "load") == 0)
		r = load(&in, argv + 4, a, &err);
	else if (r == 0 && strcmp(argv[3], "import") == 0 && argc >= 6)
		r = import(&in, argv + 4, a, &err);
	else if (r == 0 && strcmp(argv[3], "layer") == 0 && argc >= 6)
		r = layer(&in, argv + 4, &err);
	else if (r == 0)
		return 2;
	if (r < 0)
		fprintf(stderr, "seapod: %s\n", err.text);
	return r < 0 ? 1 : 0;
}
