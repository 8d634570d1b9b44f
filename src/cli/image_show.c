/* image_show.c — image ls and inspect: the columns and the objects that docker and podman print. */
#include <fnmatch.h>
#include <stdio.h>

#include "cli/image.h"
#include "cli/obtain.h"
#include "cli/words.h"
#include "command/table.h"
#include "image/layer.h"
#include "image/reference.h"

const char *human_size(int64_t bytes, struct arena *a)
{
	static const char *const units[] = { "B", "kB", "MB", "GB", "TB" };
	double size = (double)bytes;
	int unit = 0;

	for (; size >= 1000 && unit < 4; unit++)
		size /= 1000;
	return arena_printf(a, size < 10 && unit ? "%.1f%s" : "%.0f%s", size, units[unit]);
}

void split_reference(const char *reference, struct arena *a, const char **repository, const char **tag)
{
	const char *slash = reference ? strrchr(reference, '/') : NULL,
		   *at = reference ? strchr(reference, '@') : NULL;
	const char *colon = reference && !at ? strchr(slash ? slash : reference, ':') : NULL;
	const char *end = at ? at : colon;

	*repository = !reference ? "<none>"
		      : end      ? arena_strndup(a, reference, (size_t)(end - reference))
				 : reference;
	*tag = colon ? colon + 1 : "<none>";
}

static struct node *strings(const struct strings *list, struct arena *a)
{
	struct node *out = node_new(a, NODE_LIST);

	list_each(s, list)
		node_append(a, out, node_string(a, *s));
	return out;
}

static void put_text(struct arena *a, struct node *n, const char *key, const char *value)
{
	node_put(a, n, key, node_string(a, value ? value : ""));
}

/* The names of every image in ALL that is the one of DIGEST; the second as "docker.io/library/nginx@sha256:…". */
static void put_names(struct arena *a, struct node *n, const struct images *all, const char *digest)
{
	struct strings tags = {}, digests = {};
	const char *repository, *tag;

	list_each(image, all)
		if (image->reference && text_is(image->digest, digest)) {
			split_reference(image->reference, a, &repository, &tag);
			*list_add(a, &tags) = image->reference;
			*list_add(a, &digests) = arena_printf(a, "%s@%s", repository, digest);
		}
	node_put(a, n, "RepoTags", strings(&tags, a));
	node_put(a, n, "RepoDigests", strings(&digests, a));
}

static struct node *summary(const struct images *all, const struct image *image, struct arena *a)
{
	struct node *n = node_new(a, NODE_MAP);

	put_text(a, n, "Id", image->id);
	put_names(a, n, all, image->digest);
	put_text(a, n, "Digest", image->digest);
	put_text(a, n, "Created", image->created);
	node_put(a, n, "Size", node_int(a, image->size));
	return n;
}

static void print_json(const struct node *n)
{
	_cleanup_text_ struct text text = {};

	node_to_json(n, true, &text);
	fputs(text_str(&text), stdout);
}

static bool seen_before(const struct images *all, const struct image *image)
{
	for (const struct image *i = all->at; i < image; i++)
		if (text_is(i->digest, image->digest))
			return true;
	return false;
}

struct listing {
	bool quiet, whole, digests, json;
	const char *name; /* only this one: without a tag any, and the shell's patterns, as docker has them */
};

static bool is_wanted(const struct listing *l, const struct image *image, struct arena *a)
{
	const char *repository, *tag;

	if (!l->name)
		return true;
	if (!image->reference)
		return false;
	split_reference(image->reference, a, &repository, &tag);
	const char *full = reference_complete(l->name, a, NULL), *bare, *wanted_tag;
	split_reference(full, a, &bare, &wanted_tag);
	bool any_tag = !strchr(strrchr(l->name, '/') ? strrchr(l->name, '/') : l->name, ':');
	bool same = text_is(bare, repository) ||
		    (text_starts(repository, "localhost/") && text_starts(bare, "docker.io/library/") &&
		     text_is(bare + strlen("docker.io/library/"), repository + strlen("localhost/")));
	return (same && (any_tag || text_is(wanted_tag, tag))) || fnmatch(l->name, repository, 0) == 0 ||
	       fnmatch(l->name, image->reference, 0) == 0;
}

static void add_row(struct table_view *t, const struct listing *l, const struct image *image, struct arena *a)
{
	const char *repository, *tag;

	split_reference(image->reference, a, &repository, &tag);
	table_cell(t, repository);
	table_cell(t, tag);
	if (l->digests)
		table_cell(t, image->digest);
	table_cell(t, l->whole ? image->id : arena_strndup(a, image->id + strlen("sha256:"), 12));
	const char *age = age_word(image->created, a);
	table_cell(t, text_is(age, "<unknown>") ? age : arena_printf(a, "%s ago", age));
	table_cell(t, human_size(image->size, a));
	table_end_row(t);
}

static int print_list(struct context *x, const struct listing *l, struct error *err)
{
	struct table_view t = { .arena = x->arena };
	struct images images = {};
	struct node *list = node_new(x->arena, NODE_LIST);
	int r = image_list(&x->in, x->arena, &images, err);

	if (r < 0)
		return r;
	table_row(&t, "REPOSITORY", "TAG", l->digests ? "DIGEST" : NULL, "IMAGE ID", "CREATED", "SIZE", NULL,
		  NULL);
	list_each(image, &images) {
		if (!is_wanted(l, image, x->arena) || ((l->json || l->quiet) && seen_before(&images, image)))
			continue;
		if (l->json)
			node_append(x->arena, list, summary(&images, image, x->arena));
		else if (l->quiet)
			printf("%.*s\n", l->whole ? -1 : 12, image->id + (l->whole ? 0 : strlen("sha256:")));
		else
			add_row(&t, l, image, x->arena);
	}
	if (l->json)
		print_json(list);
	else if (!l->quiet)
		table_print(&t);
	return 0;
}

int image_ls(struct context *x, struct image_arguments *o, struct error *err)
{
	const struct option_spec *option;
	const char *value;
	struct listing l = {};
	int r;

	while ((r = image_option(o, &option, &value, err)) > 0) {
		l.quiet |= option->letter == 'q';
		l.whole |= text_is(option->name, "no-trunc");
		l.digests |= text_is(option->name, "digests");
		if (option->letter == 'o' && !text_is(value, "json"))
			return usage_error(err, "there is no format '%s' (json)", value);
		l.json |= option->letter == 'o';
	}
	if (r < 0)
		return r;
	if (o->options.count > 1)
		return usage_error(err, "at most one name is expected");
	l.name = o->options.count ? o->options.positional[0] : NULL;
	return print_list(x, &l, err);
}

/* Where the files of each layer are or will be when it is used, the lowest first, and whether they are mounted or unpacked. */
static struct node *layers_of(const struct instance *in, const struct image *image, struct arena *a)
{
	struct node *driver = node_new(a, NODE_MAP), *data = node_new(a, NODE_MAP);
	struct strings kinds = {};

	list_each(diff_id, &image->diff_ids)
		*list_add(a, &kinds) = layer_kind_name(layer_kind(in, *diff_id));
	put_text(a, driver, "Name", "overlay");
	node_put(a, data, "LowerDirs", strings(&image->layers, a));
	node_put(a, data, "LowerKinds", strings(&kinds, a));
	node_put(a, driver, "Data", data);
	return driver;
}

static struct node *details(struct context *x, const struct images *all, const struct image *image)
{
	struct arena *a = x->arena;
	struct node *n = summary(all, image, a), *rootfs = node_new(a, NODE_MAP);
	struct node *config = store_read_json(&x->in, image->id, a, NULL);
	static const struct {
		const char *key, *from;
	} kept[] = { { "Architecture", "architecture" },
		     { "Variant", "variant" },
		     { "Os", "os" },
		     { "Author", "author" },
		     { "Config", "config" },
		     { "History", "history" } };

	for (size_t i = 0; i < sizeof(kept) / sizeof(*kept); i++)
		if (node_get(config, kept[i].from))
			node_put(a, n, kept[i].key, node_get(config, kept[i].from));
	put_text(a, rootfs, "Type", "layers");
	node_put(a, rootfs, "Layers", strings(&image->diff_ids, a));
	node_put(a, n, "RootFS", rootfs);
	node_put(a, n, "GraphDriver", layers_of(&x->in, image, a));
	return n;
}

int image_inspect(struct context *x, struct image_arguments *o, struct error *err)
{
	struct node *list = node_new(x->arena, NODE_LIST);
	struct images all = {};
	int r = image_names(o, err);

	if (r == 0)
		r = image_list(&x->in, x->arena, &all, err);
	for (int i = 0; r == 0 && i < o->options.count; i++) {
		struct image image;
		r = image_find(x, o->options.positional[i], &image, err);
		if (r == 0)
			node_append(x->arena, list, details(x, &all, &image));
	}
	if (r == 0)
		print_json(list);
	return r;
}
