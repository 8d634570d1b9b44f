/* gc.c — see gc.h. */
#include "image/gc.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "image/layer.h"
#include "image/store.h"
#include "object/json.h"

enum { HEX = 64, CACHE_ENTRY_MAX = 4096, PARTIAL_SECONDS = 7 * 24 * 3600 };

struct marking {
	const struct instance *in;
	struct arena *arena;
	struct strings names; /* 64 hexadecimal digits each; sorted before the sweep */
	struct error *err;
};

static void mark(struct marking *m, const char *digest)
{
	if (digest && text_starts(digest, "sha256:"))
		digest += strlen("sha256:");
	if (digest && strlen(digest) == HEX)
		*list_add(m->arena, &m->names) = digest;
}

static int mark_image(struct marking *m, const char *digest)
{
	const struct node *manifest = store_read_json(m->in, digest, m->arena, m->err);
	const char *id = node_get_string(node_get(manifest, "config"), "digest");
	const struct node *config = manifest ? store_read_json(m->in, id, m->arena, m->err) : NULL;
	const struct node *layers = node_get(manifest, "layers"),
			  *ids = node_get(node_get(config, "rootfs"), "diff_ids");

	if (!config)
		return error_prefix(m->err,
				    "the image %.80s is damaged, so nothing is removed (load it again)",
				    digest ? digest : "");
	mark(m, digest);
	mark(m, id);
	if (layers)
		list_each(layer, &layers->items)
			mark(m, node_get_string(*layer, "digest"));
	if (ids)
		list_each(diff_id, &ids->items)
			mark(m, (*diff_id)->text);
	return 0;
}

static int mark_all(struct marking *m)
{
	const struct node *index = store_read_index(m->in, m->arena, m->err),
			  *manifests = node_get(index, "manifests");
	int r = index ? 0 : -m->err->code;

	if (manifests)
		list_each(descriptor, &manifests->items)
			if (r == 0)
				r = mark_image(m, node_get_string(*descriptor, "digest"));
	return r;
}

static int compare(const void *a, const void *b)
{
	return memcmp(*(const char *const *)a, *(const char *const *)b, HEX);
}

static bool is_marked(const struct marking *m, const char *name)
{
	return m->names.n > 0 && strlen(name) >= HEX &&
	       bsearch(&name, m->names.at, m->names.n, sizeof(*m->names.at), compare);
}

static void sweep(struct marking *m, const char *directory, struct gc_result *out)
{
	_cleanup_close_ int dir = file_open_dir(m->in->rootfd, directory, 0, NULL);
	int copy = dir < 0 ? -1 : openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_closedir_ DIR *d = copy < 0 ? NULL : fdopendir(copy);

	for (struct dirent *entry; d && (entry = readdir(d));) {
		if (text_is(entry->d_name, ".") || text_is(entry->d_name, "..") ||
		    is_marked(m, entry->d_name))
			continue;
		layer_release(m->in, entry->d_name);
		int64_t bytes = file_tree_bytes(dir, entry->d_name);
		if (file_remove_tree(dir, entry->d_name, NULL) == 0) {
			out->removed++;
			out->bytes += bytes;
		}
	}
}

static bool is_old(int dir, const char *name)
{
	struct stat st;

	return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       clock_wall().tv_sec - st.st_mtime > PARTIAL_SECONDS;
}

/* What killed processes left: nobody holds the store, so nobody is making anything. Blobs that are half here stay a week to be gone on with. */
static void sweep_scratch(const struct instance *in)
{
	int fd = file_open_dir(in->rootfd, "partial", 0, NULL);
	_cleanup_closedir_ DIR *d = fd < 0 ? NULL : fdopendir(fd);

	for (struct dirent *entry; d && (entry = readdir(d));)
		if (text_starts(entry->d_name, "layer-") ||
		    (entry->d_name[0] != '.' && is_old(fd, entry->d_name)))
			file_remove_tree(fd, entry->d_name, NULL);
	file_remove_tree(in->rootfd, "tmp", NULL);
}

/* A build's cache says which layer came of which step (build/step.h): it says nothing more once the layer's blob is gone. */
static bool has_its_layer(const struct instance *in, int dir, const char *name)
{
	_cleanup_arena_ struct arena *a = arena_new();
	_cleanup_free_ char *text = NULL;
	size_t size;
	const struct node *n = file_read(dir, name, CACHE_ENTRY_MAX, &text, &size, NULL) < 0
				       ? NULL
				       : node_from_json(a, text, size, NULL);
	const char *digest = node_get_string(n, "digest"), *path = digest ? store_blob_path(digest, a) : NULL;

	return path && file_exists(in->rootfd, path);
}

static void sweep_build_cache(const struct instance *in)
{
	int fd = file_open_dir(in->rootfd, "cache/build", 0, NULL);
	_cleanup_closedir_ DIR *d = fd < 0 ? NULL : fdopendir(fd);

	for (struct dirent *entry; d && (entry = readdir(d));)
		if (strlen(entry->d_name) == HEX && !has_its_layer(in, fd, entry->d_name))
			unlinkat(fd, entry->d_name, 0);
}

int store_collect(const struct instance *in, const struct strings *pinned, struct gc_result *out,
		  struct error *err)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	struct error local = {};
	struct marking m = { .in = in, .arena = arena, .err = err ? err : &local };
	int r = mark_all(&m);

	if (r < 0)
		return r;
	_cleanup_close_ int alone = store_hold_alone(in);
	if (alone < 0)
		return 0;
	list_each(digest, pinned)
		mark(&m, *digest);
	if (m.names.n > 1)
		qsort(m.names.at, m.names.n, sizeof(*m.names.at), compare);
	sweep(&m, "images/blobs/sha256", out);
	sweep(&m, "layers", out);
	sweep_scratch(in);
	sweep_build_cache(in);
	return 0;
}
