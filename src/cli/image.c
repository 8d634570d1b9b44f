/* image.c — images: listing and removing here, reading archives by the program seapod-image. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/obtain.h"
#include "cli/registry.h"
#include "cli/table.h"
#include "image/reference.h"
#include "image/store.h"

/* Becomes seapod-image: it says the rest. */
static int become_worker(struct context *x, const char *verb, struct options *o, int first, struct error *err)
{
	char path[PATH_MAX];
	char *argv[16] = { "seapod-image", x->in.root, x->in.run, (char *)verb };
	int n = 4;

	for (int i = first; i < o->count && n < 15; i++)
		argv[n++] = (char *)o->positional[i];
	instance_helper("seapod-image", path);
	fflush(stdout);
	execv(path, argv);
	return error_errno(err, "cannot execute '%s'", path);
}

static const char *human_size(int64_t bytes, struct arena *a)
{
	static const char *const units[] = { "B", "kB", "MB", "GB", "TB" };
	double size = (double)bytes;
	int unit = 0;

	for (; size >= 1000 && unit < 4; unit++)
		size /= 1000;
	return arena_printf(a, size < 10 && unit ? "%.1f%s" : "%.0f%s", size, units[unit]);
}

static int list_images(struct context *x, struct error *err)
{
	struct table_view t = { .arena = x->arena };
	struct images images = {};
	int r = image_list(&x->in, x->arena, &images, err);

	if (r < 0)
		return r;
	table_row(&t, "IMAGE", "ID", "SIZE", NULL, NULL, NULL, NULL, NULL);
	list_each(image, &images)
		table_row(&t, image->reference, arena_strndup(x->arena, image->id + 7, 12),
			  human_size(image->size, x->arena), NULL, NULL, NULL, NULL, NULL);
	table_print(&t);
	return 0;
}

static int remove_images(struct context *x, struct options *o, struct error *err)
{
	for (int i = 1; i < o->count; i++) {
		struct image image;
		int r = image_find(x, o->positional[i], &image, err);
		_cleanup_close_ int lock = r < 0 ? -1 : store_lock(&x->in, err);
		if (lock < 0 || (r = store_unname(&x->in, image.reference, err)) < 0)
			return -err->code;
		printf("image/%s removed\n", image.reference);
	}
	return 0;
}

static int tag_image(struct context *x, struct options *o, struct error *err)
{
	struct image image;
	const char *from = need(o, 1, "an image", err), *to = from ? need(o, 2, "a new name", err) : NULL;
	if (!to)
		return -EXIT_USAGE;
	int r = image_find(x, from, &image, err);
	const char *name = r < 0 ? NULL : reference_complete(to, x->arena, err);
	_cleanup_close_ int lock = name ? store_lock(&x->in, err) : -1;
	if (lock < 0)
		return -err->code;
	r = store_name(&x->in, name, image.digest, 0, err);
	if (r == 0)
		printf("image/%s tagged\n", name);
	return r;
}

static int parse(struct context *x, struct options *o, int argc, char **argv, struct error *err)
{
	const struct option_spec *option;
	const char *value;

	options_begin(o, x->command, argc, argv);
	return options_next(o, &option, &value, err);
}

int run_image(struct context *x, int argc, char **argv, struct error *err)
{
	struct options o;
	if (argc > 0 && registry_has_verb(argv[0]))
		return registry_verb(x, argc, argv, err);
	int r = parse(x, &o, argc, argv, err);
	const char *verb = r < 0 ? NULL : need(&o, 0, "a verb (ls, load, import, tag, rm)", err);

	if (!verb)
		return -EXIT_USAGE;
	if (text_is(verb, "ls") || text_is(verb, "list"))
		return list_images(x, err);
	if (text_is(verb, "rm"))
		return remove_images(x, &o, err);
	if (text_is(verb, "tag"))
		return tag_image(x, &o, err);
	if (text_is(verb, "load"))
		return need(&o, 1, "an archive", err) ? become_worker(x, verb, &o, 1, err) : -EXIT_USAGE;
	if (text_is(verb, "import"))
		return need(&o, 2, "a tar and a name", err) ? become_worker(x, verb, &o, 1, err)
							    : -EXIT_USAGE;
	return usage_error(err, "image has no verb '%s' (ls, load, import, tag, rm)", verb);
}

const struct option_spec load_options[] = {
	{ "input", 'i', "FILE", "the archive" },
	{},
};

int run_load(struct context *x, int argc, char **argv, struct error *err)
{
	const struct option_spec *option;
	const char *value;
	struct options o;
	int r;

	options_begin(&o, x->command, argc, argv);
	while ((r = options_next(&o, &option, &value, err)) > 0)
		o.positional[o.count++] = value;
	if (r < 0 || !need(&o, 0, "an archive", err))
		return -EXIT_USAGE;
	return become_worker(x, "load", &o, 0, err);
}

int run_images(struct context *x, int argc, char **argv, struct error *err)
{
	struct options o;
	int r = parse(x, &o, argc, argv, err);
	return r < 0 ? r : list_images(x, err);
}
