/* image.c — image and its verbs. What reads or writes archives is done by the program seapod-image; showing and removing is here
 * (image_show.c, image_remove.c). */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/help.h"
#include "cli/image.h"
#include "cli/obtain.h"
#include "cli/registry.h"
#include "image/reference.h"
#include "image/store.h"

#define IMAGE_VERBS "ls, inspect, pull, push, load, import, save, tag, rm, prune, tags, catalog, referrers"

/* Becomes seapod-image: it says the rest. */
static int become_worker(struct context *x, const char *verb, struct options *o, int first, struct error *err)
{
	char path[PATH_MAX];
	char *argv[256 + 8] = { "seapod-image", x->in.root, x->in.run, (char *)verb };
	int n = 4;

	for (int i = first; i < o->count; i++)
		argv[n++] = (char *)o->positional[i];
	instance_helper("seapod-image", path);
	fflush(stdout);
	execv(path, argv);
	return error_errno(err, "cannot execute '%s'", path);
}

const struct option_spec image_options[] = {
	{ "all", 'a', NULL, "prune: all that no pod has; ls: no effect" },
	{ "quiet", 'q', NULL, "ls: ids only" },
	{ "no-trunc", 0, NULL, "ls: ids as they are" },
	{ "digests", 0, NULL, "ls: the manifests' digests, too" },
	{ "output", 'o', "json|FILE", "ls: how to print; save: the archive" },
	{ "force", 'f', NULL, "rm: with all its names; prune: no effect" },
	{ "filter", 0, "until=TIME", "prune: made before TIME (24h, or RFC 3339)" },
	{ "high", 0, "PERCENT", "prune: only if the disk is as full as this" },
	{ "low", 0, "PERCENT", "prune: until it is no fuller than this" },
	{ "min-age", 0, "DURATION", "prune: keep what was used since" },
	{},
};

const struct option_spec images_options[] = {
	{ "all", 'a', NULL, "has no effect: all are listed" },
	{ "quiet", 'q', NULL, "ids only" },
	{ "no-trunc", 0, NULL, "ids as they are" },
	{ "digests", 0, NULL, "the manifests' digests, too" },
	{ "output", 'o', "json", "how to print" },
	{},
};

const struct option_spec save_options[] = {
	{ "output", 'o', "FILE", "the archive; without it, standard output" },
	{},
};

int image_option(struct image_arguments *o, const struct option_spec **option, const char **value,
		 struct error *err)
{
	int r = options_next(&o->options, option, value, err);

	if (r > 0 && !strstr(o->verb->takes, (*option)->name))
		return usage_error(err, "image %s has no option '--%s' (see seapod image --help)",
				   o->verb->name, (*option)->name);
	return r;
}

int image_names(struct image_arguments *o, struct error *err)
{
	const struct option_spec *option;
	const char *value;
	int r = image_option(o, &option, &value, err);

	return r < 0 || !need(&o->options, 0, text_is(o->verb->name, "load") ? "an archive" : "an image", err)
		       ? -EXIT_USAGE
		       : 0;
}

static int image_tag(struct context *x, struct image_arguments *o, struct error *err)
{
	struct image image;
	int r = image_names(o, err);

	if (r < 0 || !need(&o->options, 1, "a new name", err))
		return -EXIT_USAGE;
	r = image_find(x, o->options.positional[0], &image, err);
	const char *name = r < 0 ? NULL : reference_complete(o->options.positional[1], x->arena, err);
	if (name && strchr(name, '@'))
		return error_set(err, EINVAL, "'%s' has a digest; a name and a tag are expected", name);
	_cleanup_close_ int lock = name ? store_lock(&x->in, err) : -1;
	if (lock < 0)
		return -err->code;
	r = store_name(&x->in, name, image.digest, image.manifest_size, err);
	if (r == 0)
		printf("image/%s tagged\n", name);
	return r;
}

static int image_load_verb(struct context *x, struct image_arguments *o, struct error *err)
{
	int r = image_names(o, err);
	return r < 0 ? r : become_worker(x, "load", &o->options, 0, err);
}

static int image_import_verb(struct context *x, struct image_arguments *o, struct error *err)
{
	int r = image_names(o, err);
	return r < 0 || !need(&o->options, 1, "a tar and a name", err)
		       ? -EXIT_USAGE
		       : become_worker(x, "import", &o->options, 0, err);
}

static int image_save(struct context *x, struct image_arguments *o, struct error *err)
{
	const struct option_spec *option;
	const char *value, *file = "-";
	int r;

	while ((r = image_option(o, &option, &value, err)) > 0)
		file = value;
	if (r < 0 || !need(&o->options, 0, "an image", err))
		return -EXIT_USAGE;
	if (text_is(file, "-") && isatty(STDOUT_FILENO))
		return usage_error(err, "an archive is not for a terminal (-o FILE, or a pipe)");
	memmove(&o->options.positional[1], &o->options.positional[0],
		(size_t)o->options.count * sizeof(*o->options.positional));
	o->options.positional[0] = file;
	o->options.count++;
	return become_worker(x, "save", &o->options, 0, err);
}

static const struct image_verb verbs[] = {
	{ "ls", "list", "all quiet no-trunc digests output", image_ls },
	{ "inspect", NULL, "", image_inspect },
	{ "load", NULL, "", image_load_verb },
	{ "import", NULL, "", image_import_verb },
	{ "save", NULL, "output", image_save },
	{ "tag", NULL, "", image_tag },
	{ "rm", "remove", "force", image_rm },
	{ "prune", NULL, "all force filter high low min-age", image_prune },
};

static int run_verb(struct context *x, const char *name, int argc, char **argv, struct error *err)
{
	struct image_arguments o = {};

	for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++)
		if (text_is(name, verbs[i].name) || text_is(name, verbs[i].other)) {
			o.verb = &verbs[i];
			options_begin(&o.options, command_find("image", err), argc, argv);
			return verbs[i].run(x, &o, err);
		}
	return usage_error(err, "image has no verb '%.60s' (" IMAGE_VERBS ")", name);
}

int run_image(struct context *x, int argc, char **argv, struct error *err)
{
	if (argc == 0)
		return usage_error(err, "image needs a verb (" IMAGE_VERBS ")");
	if (registry_has_verb(argv[0]))
		return registry_verb(x, argc, argv, err);
	return run_verb(x, argv[0], argc - 1, argv + 1, err);
}

int run_images(struct context *x, int argc, char **argv, struct error *err)
{
	return run_verb(x, "ls", argc, argv, err);
}

int run_save(struct context *x, int argc, char **argv, struct error *err)
{
	return run_verb(x, "save", argc, argv, err);
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
