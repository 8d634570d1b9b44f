/* store.c — see store.h. */
#include "image/store.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "base/text.h"
#include "image/layer.h"
#include "image/reference.h"
#include "object/json.h"

#define REF_NAME "org.opencontainers.image.ref.name"
#define ORIGIN   "io.seapod.origin"

enum { JSON_MAX = 8 * 1024 * 1024 };

static const struct field config_fields[] = {
	VALUE(image_config, Env),          VALUE(image_config, Entrypoint), VALUE(image_config, Cmd),
	VALUE(image_config, WorkingDir),   VALUE(image_config, User),       VALUE(image_config, StopSignal),
	VALUE(image_config, ExposedPorts), VALUE(image_config, Volumes),    VALUE(image_config, Labels),
};
const struct table image_config_table = TABLE(image_config, config_fields, "How an image wants to be run.");

const char *store_blob_path(const char *digest, struct arena *a)
{
	if (!digest || !text_starts(digest, "sha256:") || strlen(digest) != 71 ||
	    strspn(digest + 7, "0123456789abcdef") != 64)
		return NULL;
	return arena_printf(a, "images/blobs/sha256/%s", digest + 7);
}

struct node *store_read_json(const struct instance *in, const char *digest, struct arena *a,
			     struct error *err)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	const char *path = store_blob_path(digest, a);

	if (!path) {
		error_set(err, EINVAL, "'%.80s' is no digest", digest ? digest : "");
		return NULL;
	}
	if (file_read(in->rootfd, path, JSON_MAX, &text, &size, err) < 0)
		return NULL;
	return node_from_json(a, text, size, err);
}

struct node *store_read_index(const struct instance *in, struct arena *a, struct error *err)
{
	_cleanup_free_ char *text = NULL;
	size_t size;

	if (!file_exists(in->rootfd, "images/index.json")) {
		struct node *empty = node_new(a, NODE_MAP);
		node_put(a, empty, "schemaVersion", node_int(a, 2));
		node_put(a, empty, "manifests", node_new(a, NODE_LIST));
		return empty;
	}
	if (file_read(in->rootfd, "images/index.json", JSON_MAX, &text, &size, err) < 0)
		return NULL;
	return node_from_json(a, text, size, err);
}

/* Image configs come with fields that nobody here needs (Healthcheck, OnBuild …): only the known ones are read. */
static void read_config(const struct node *config, struct image_config *out, struct arena *a)
{
	struct problems ignored = { .arena = a };
	struct node *known = node_new(a, NODE_MAP);

	for (size_t i = 0; i < image_config_table.n; i++) {
		struct node *value = node_get(config, image_config_table.fields[i].name);
		if (value)
			node_put(a, known, image_config_table.fields[i].name, value);
	}
	object_decode(&image_config_table, known, out, a, NULL, &ignored);
}

static int64_t blob_size(const struct node *descriptor)
{
	const struct node *size = node_get(descriptor, "size");
	return size && size->kind == NODE_INT ? size->integer : 0;
}

static int read_layers(const struct instance *in, const struct node *config, struct arena *a,
		       struct image *out, struct error *err)
{
	const struct node *ids = node_get(node_get(config, "rootfs"), "diff_ids");
	char path[PATH_MAX];

	if (!ids || ids->kind != NODE_LIST)
		return error_set(err, EINVAL, "the image's config has no rootfs.diff_ids");
	list_each(id, &ids->items) {
		const char *diff_id = (*id)->kind == NODE_STRING ? (*id)->text : "";
		int r = layer_directory(in, diff_id, path, err);
		if (r < 0)
			return r;
		*list_add(a, &out->layers) = arena_strdup(a, path);
		*list_add(a, &out->diff_ids) = diff_id;
	}
	return 0;
}

static int read_image(const struct instance *in, const struct node *descriptor, struct arena *a,
		      struct image *out, struct error *err)
{
	*out = (struct image){
		.reference = node_get_string(node_get(descriptor, "annotations"), REF_NAME),
		.digest = node_get_string(descriptor, "digest"),
		.origin = node_get_string(node_get(descriptor, "annotations"), ORIGIN),
	};
	const struct node *manifest = store_read_json(in, out->digest, a, err);
	const struct node *layers = node_get(manifest, "layers");
	out->id = node_get_string(node_get(manifest, "config"), "digest");
	const struct node *config = manifest ? store_read_json(in, out->id, a, err) : NULL;
	if (!config)
		return error_prefix(err, "the image '%s' is damaged", out->reference ? out->reference : "?");
	out->created = node_get_string(config, "created");
	out->manifest_size = blob_size(descriptor);
	out->size = out->manifest_size + blob_size(node_get(manifest, "config"));
	if (layers && layers->kind == NODE_LIST)
		list_each(layer, &layers->items) {
			out->size += blob_size(*layer);
			*list_add(a, &out->blobs) = node_get_string(*layer, "digest");
		}
	if (node_get(config, "config"))
		read_config(node_get(config, "config"), &out->config, a);
	return read_layers(in, config, a, out, err);
}

static const struct node *find_by_id(const struct instance *in, const struct node *index, const char *id,
				     struct arena *a)
{
	const struct node *manifests = node_get(index, "manifests"), *found = NULL;
	size_t n = strlen(id);

	if (n < 6 || n > 64 || strspn(id, "0123456789abcdef") != n || !manifests)
		return NULL;
	list_each(m, &manifests->items) {
		struct node *manifest = store_read_json(in, node_get_string(*m, "digest"), a, NULL);
		const char *config = node_get_string(node_get(manifest, "config"), "digest");
		if (config && strncmp(config + 7, id, n) == 0)
			found = *m;
	}
	return found;
}

static const struct node *find_by_name(const struct node *index, const char *reference)
{
	const struct node *manifests = node_get(index, "manifests");
	const char *at = strchr(reference, '@');

	if (!manifests || manifests->kind != NODE_LIST)
		return NULL;
	list_each(m, &manifests->items) {
		if (text_is(node_get_string(node_get(*m, "annotations"), REF_NAME), reference))
			return *m;
		if (at && text_is(node_get_string(*m, "digest"), at + 1))
			return *m;
	}
	return NULL;
}

int image_resolve(const struct instance *in, const char *name, struct arena *a, struct image *out,
		  struct error *err)
{
	const char *id = text_starts(name, "sha256:") ? name + 7 : name;
	const char *reference = id == name ? reference_complete(name, a, err) : NULL;
	struct node *index = reference || id != name ? store_read_index(in, a, err) : NULL;

	if (!index)
		return err ? -err->code : -EINVAL;
	const struct node *found = reference ? find_by_name(index, reference) : NULL;
	if (!found && reference &&
	    text_starts(reference, "docker.io/library/")) /* images made here often have no registry */
		found = find_by_name(
			index, arena_printf(a, "localhost/%s", reference + strlen("docker.io/library/")));
	if (!found)
		found = find_by_id(in, index, id, a);
	if (!found)
		return error_set(err, ENOENT, "the image '%s' is not here (seapod load FILE brings it)",
				 name);
	return read_image(in, found, a, out, err);
}

static int by_name(const void *a, const void *b)
{
	const struct image *x = a, *y = b;
	int r = !x->reference - !y->reference; /* those without a name come last */

	return r ? r
		 : strcmp(x->reference ? x->reference : x->digest, y->reference ? y->reference : y->digest);
}

int image_list(const struct instance *in, struct arena *a, struct images *out, struct error *err)
{
	struct node *index = store_read_index(in, a, err);
	const struct node *manifests = node_get(index, "manifests");

	if (!index)
		return -err->code;
	if (!manifests || manifests->kind != NODE_LIST)
		return 0;
	list_each(m, &manifests->items) {
		struct image image;
		struct error why = {};
		if (read_image(in, *m, a, &image, &why) < 0)
			log_warning("%s", why.text);
		else
			*list_add(a, out) = image;
	}
	if (out->n > 1)
		qsort(out->at, out->n, sizeof(*out->at), by_name);
	return 0;
}

int store_lock(const struct instance *in, struct error *err)
{
	static const char layout[] = "{\"imageLayoutVersion\":\"1.0.0\"}\n";
	int r = file_make_dirs(in->rootfd, "images/blobs/sha256", 0700, err);

	if (r == 0)
		r = file_make_dirs(in->rootfd, "layers", 0700, err);
	if (r == 0 && !file_exists(in->rootfd, "images/oci-layout"))
		r = file_write_atomic(in->rootfd, "images/oci-layout", layout, sizeof(layout) - 1, 0644, err);
	if (r < 0)
		return r;
	_cleanup_close_ int fd = openat(in->rootfd, "images/.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || flock(fd, LOCK_EX) < 0)
		return error_errno(err, "cannot lock the image store");
	return take_fd(&fd);
}

static int open_hold(const struct instance *in)
{
	return openat(in->rootfd, "images/hold", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
}

int store_hold(const struct instance *in, struct error *err)
{
	int r = file_make_dirs(in->rootfd, "images/blobs/sha256", 0700, err);
	int fd = r < 0 ? -1 : open_hold(in);

	if (r == 0 && (fd < 0 || flock(fd, LOCK_SH) < 0))
		r = error_errno(err, "cannot hold the store '%s'", in->root);
	if (r < 0 && fd >= 0)
		close(fd);
	return r < 0 ? r : fd;
}

int store_hold_alone(const struct instance *in)
{
	int fd = open_hold(in);

	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0) {
		int r = -errno;
		close(fd);
		return r;
	}
	return fd < 0 ? -errno : fd;
}

int store_use(const struct instance *in, bool alone, struct error *err)
{
	_cleanup_close_ int fd = file_open_dir(in->rootfd, "images", 0, err);

	if (fd < 0)
		return fd;
	if (flock(fd, alone ? LOCK_EX : LOCK_SH) < 0)
		return error_errno(err, "cannot lock the image store");
	return take_fd(&fd);
}

void image_touch(const struct instance *in, const struct image *image)
{
	char path[128];

	snprintf(path, sizeof(path), "images/blobs/sha256/%s", image->digest + strlen("sha256:"));
	utimensat(in->rootfd, path, NULL, 0);
}

static int write_index(const struct instance *in, const struct node *index, struct error *err)
{
	_cleanup_text_ struct text text = {};
	node_to_json(index, false, &text);
	return file_write_synced(in->rootfd, "images/index.json", text.at, text.n, 0644, err);
}

static const char *name_of(const struct node *descriptor)
{
	return node_get_string(node_get(descriptor, "annotations"), REF_NAME);
}

/* Takes the entry named REFERENCE (NULL: the one of DIGEST without a name) out of INDEX; NULL if there is none. */
static struct node *take_entry(struct node *index, const char *reference, const char *digest)
{
	struct node *manifests = node_get(index, "manifests");

	for (size_t i = 0; manifests && i < manifests->items.n; i++) {
		struct node *m = manifests->items.at[i];
		if (!text_is(name_of(m), reference) ||
		    (!reference && !text_is(node_get_string(m, "digest"), digest)))
			continue;
		memmove(&manifests->items.at[i], &manifests->items.at[i + 1],
			(manifests->items.n - i - 1) * sizeof(m));
		manifests->items.n--;
		return m;
	}
	return NULL;
}

static struct node *new_entry(struct arena *a, const char *reference, const char *digest, int64_t size,
			      const char *origin)
{
	struct node *entry = node_new(a, NODE_MAP);

	node_put(a, entry, "mediaType", node_string(a, "application/vnd.oci.image.manifest.v1+json"));
	node_put(a, entry, "digest", node_string(a, digest));
	node_put(a, entry, "size", node_int(a, size));
	if (reference) {
		struct node *annotations = node_new(a, NODE_MAP);
		node_put(a, annotations, REF_NAME, node_string(a, reference));
		if (origin)
			node_put(a, annotations, ORIGIN, node_string(a, origin));
		node_put(a, entry, "annotations", annotations);
	}
	return entry;
}

static bool has_entry(const struct node *index, const char *digest)
{
	const struct node *manifests = node_get(index, "manifests");

	list_each(m, &manifests->items)
		if (text_is(node_get_string(*m, "digest"), digest))
			return true;
	return false;
}

int store_name(const struct instance *in, const char *reference, const char *digest, int64_t size,
	       struct error *err)
{
	return store_name_from(in, reference, digest, size, NULL, err);
}

int store_name_from(const struct instance *in, const char *reference, const char *digest, int64_t size,
		    const char *origin, struct error *err)
{
	_cleanup_arena_ struct arena *a = arena_new();
	struct node *index = store_read_index(in, a, err);
	struct node *manifests = node_get(index, "manifests");
	if (!index)
		return -err->code;

	if (!manifests || manifests->kind != NODE_LIST)
		node_put(a, index, "manifests", manifests = node_new(a, NODE_LIST));
	struct node *old = take_entry(index, reference, NULL);
	take_entry(index, NULL, digest); /* it has a name now */
	node_append(a, manifests, new_entry(a, reference, digest, size, origin));
	/* What had the name may be in use, so it stays, without one, until it is pruned. */
	const char *was = node_get_string(old, "digest");
	if (was && !has_entry(index, was))
		node_append(a, manifests, new_entry(a, NULL, was, blob_size(old), NULL));
	return write_index(in, index, err);
}

int store_unname_all(const struct instance *in, const struct image *const *images, size_t n,
		     struct error *err)
{
	_cleanup_arena_ struct arena *a = arena_new();
	struct node *index = store_read_index(in, a, err);

	if (!index)
		return -err->code;
	for (size_t i = 0; i < n; i++)
		if (!take_entry(index, images[i]->reference, images[i]->digest))
			return error_set(err, ENOENT, "the image '%s' is not here",
					 images[i]->reference ? images[i]->reference : images[i]->digest);
	return n > 0 ? write_index(in, index, err) : 0;
}

int store_unname(const struct instance *in, const char *reference, const char *digest, struct error *err)
{
	const struct image image = { .reference = reference, .digest = digest }, *one = &image;
	return store_unname_all(in, &one, 1, err);
}
