/* main.c — the program seapod-image: it reads and writes archives of images.
 *
 *	seapod-image ROOT RUN load FILE
 *	seapod-image ROOT RUN import FILE NAME [CONFIG-JSON]
 *	seapod-image ROOT RUN layer DIGEST DIFF-ID		makes a layer ready from its blob
 *	seapod-image ROOT RUN follow DIGEST DIFF-ID		the same while the blob comes: it is standard input, descriptor 3 tells of its bytes (arrivals.h)
 *	seapod-image ROOT RUN save FILE IMAGE...
 *	seapod-image ROOT RUN unpack DIFF-ID
 *	seapod-image ROOT RUN tar DIR | untar DIR		what is in DIR to standard output; standard input into DIR, which is empty
 *
 * What was loaded goes to standard output, an error to standard error in one line; exit 0 or 1.
 */
#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "image/layer_make.h"
#include "image/load.h"
#include "image/save.h"
#include "image/stream.h"
#include "image/tar_out.h"
#include "image/unpack.h"
#include "object/json.h"

enum { ARRIVALS = 3 };

static int load(const struct instance *in, int argc, char **argv, struct arena *a, struct error *err)
{
	struct loaded_images images = {};
	(void)argc;
	int r = image_load(in, argv[0], &unpack_default_limits, a, &images, err);

	if (r == 0)
		list_each(image, &images)
			printf("image/%s %s\n", image->reference, image->fresh ? "loaded" : "unchanged");
	return r;
}

static int import(const struct instance *in, int argc, char **argv, struct arena *a, struct error *err)
{
	struct loaded image;
	struct node *config = argc > 2 ? node_from_json(a, argv[2], strlen(argv[2]), err) : NULL;

	if (argc > 2 && !config)
		return -EINVAL;
	int r = image_import(in, argv[0], argv[1], config, &unpack_default_limits, a, &image, err);
	if (r == 0)
		printf("image/%s loaded\n", image.reference);
	return r;
}

static int layer(const struct instance *in, int argc, char **argv, struct arena *a, struct error *err)
{
	(void)argc;
	(void)a;
	return layer_make(in, argv[0], argv[1], &unpack_default_limits, err);
}

static int follow(const struct instance *in, int argc, char **argv, struct arena *a, struct error *err)
{
	(void)argc;
	(void)a;
	return layer_make_following(in, STDIN_FILENO, ARRIVALS, argv[0], argv[1], &unpack_default_limits,
				    err);
}

static int unpack_layer(const struct instance *in, int argc, char **argv, struct arena *a, struct error *err)
{
	(void)argc;
	(void)a;
	return layer_unpack(in, argv[0], &unpack_default_limits, err);
}

static int save(const struct instance *in, int argc, char **argv, struct arena *a, struct error *err)
{
	return image_save(in, argv[0], (const char *const *)argv + 1, argc - 1, a, err);
}

static int write_tar(const struct instance *in, int argc, char **argv, struct arena *a, struct error *err)
{
	(void)in, (void)argc, (void)a;
	return tar_out(argv[0], STDOUT_FILENO, err);
}

static int read_tar(const struct instance *in, int argc, char **argv, struct arena *a, struct error *err)
{
	_cleanup_close_ int dir = open(argv[0], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stream *s = stream_open(STDIN_FILENO, -1, -1, unpack_default_limits.bytes);
	int r = dir < 0 ? error_errno(err, "cannot open '%s'", argv[0])
			: unpack(s, dir, &unpack_default_limits, err);

	(void)in, (void)argc, (void)a;
	if (r == 0)
		r = stream_finish(s, err);
	stream_close(s);
	return r;
}

static const struct {
	const char *name;
	int arguments; /* at least */
	int (*run)(const struct instance *in, int argc, char **argv, struct arena *a, struct error *err);
} verbs[] = { { "load", 1, load },     { "import", 2, import }, { "save", 2, save },
	      { "layer", 2, layer },   { "follow", 2, follow }, { "unpack", 1, unpack_layer },
	      { "tar", 1, write_tar }, { "untar", 1, read_tar } };

int main(int argc, char **argv)
{
	_cleanup_(instance_close) struct instance in = { .rootfd = -1, .runfd = -1 };
	struct error err = {};
	_cleanup_arena_ struct arena *a = arena_new();

	setlocale(LC_CTYPE, "C.UTF-8"); /* of names in pax archives; libarchive drops them in other locales */
	for (size_t i = 0; argc >= 5 && i < sizeof(verbs) / sizeof(*verbs); i++) {
		if (strcmp(argv[3], verbs[i].name) != 0 || argc - 4 < verbs[i].arguments)
			continue;
		int r = instance_open(&in, argv[1], argv[2], &err);
		if (r == 0)
			r = verbs[i].run(&in, argc - 4, argv + 4, a, &err);
		if (r < 0)
			fprintf(stderr, "seapod: %s\n", err.text);
		return r < 0 ? 1 : 0;
	}
	return 2;
}
