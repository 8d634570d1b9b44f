/* load_docker.c — what `docker save` writes (docker image specification v1.2): manifest.json names configs and layers by their places in the
 * archive, and no digest of a layer but that of its contents. */
#include "base/cleanup.h"
#include "base/text.h"
#include "image/loading.h"

/* docker stores layers plain, so what a layer unpacks to is its digest, too: then one that is here is known to be. */
static int list_layers(struct loading *l, const struct node *entry, const struct node *config,
		       struct layer_jobs *jobs)
{
	const struct node *files = node_get(entry, "Layers"),
			  *ids = node_get(node_get(config, "rootfs"), "diff_ids");

	if (!files || files->kind != NODE_LIST || !ids || ids->kind != NODE_LIST ||
	    files->items.n != ids->items.n)
		return error_set(l->err, EINVAL,
				 "the archive's manifest.json and config do not agree on the layers");
	for (size_t i = 0; i < files->items.n; i++) {
		const struct node *file = files->items.at[i], *id = ids->items.at[i];
		*list_add(l->arena, jobs) = (struct layer_job){
			.member = file->kind == NODE_STRING ? file->text : "",
			.diff_id = id->kind == NODE_STRING ? id->text : "",
		};
	}
	return 0;
}

static int record(struct loading *l, const struct node *tags, const char *fallback, const char *manifest,
		  int64_t size, const char *id)
{
	int r = 0;

	if (!tags || tags->kind != NODE_LIST || tags->items.n == 0)
		return loading_record(l, fallback, manifest, size, id);
	list_each(tag, &tags->items)
		if (r == 0 && (*tag)->kind == NODE_STRING)
			r = loading_record(l, (*tag)->text, manifest, size, id);
	return r;
}

int load_docker_entry(struct loading *l, const struct node *entry, const char *fallback)
{
	const char *file = node_get_string(entry, "Config");
	char id[DIGEST_SIZE], manifest[DIGEST_SIZE];
	_cleanup_text_ struct text text = {};
	struct layer_jobs jobs = {};
	int64_t size;

	if (!file)
		return error_set(l->err, EINVAL, "the archive's manifest.json names no config");
	struct node *config = loading_json(l, file, NULL, &text);
	int r = config ? loading_check_platform(l, config) : -l->err->code;
	if (r == 0)
		r = list_layers(l, entry, config, &jobs);
	l->fresh = false;
	if (r == 0)
		r = loading_layers(l, &jobs);
	if (r == 0)
		r = loading_keep(l, text.at, text.n, id);
	if (r == 0)
		r = loading_write_manifest(l, id, (int64_t)text.n, &jobs, manifest, &size);
	return r < 0 ? r : record(l, node_get(entry, "RepoTags"), fallback, manifest, size, id);
}
