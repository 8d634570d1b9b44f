/* load.c — see load.h.
 *
 * The archive says where its members are (archive.h); an image is read from there: manifest -> config -> layers, the layers at once on all
 * processors. Both formats end in the same place: the OCI layout of the store.
 */
#include "image/load.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "image/layer.h"
#include "image/loading.h"
#include "image/reference.h"
#include "image/store.h"
#include "object/json.h"

enum { JSON_MAX = 8 * 1024 * 1024, WORKERS_MAX = 4, LAYERS_MAX = 1000, INDEX_DEPTH = 4 };

/* --- reading the layout --------------------------------------------------------------------------------------------- */

/* The whole member PATH. */
static int read_member(struct loading *l, const char *path, struct text *text)
{
	_cleanup_close_ int fd = -1;
	int64_t offset, size;
	char chunk[16 * 1024];
	int r = image_archive_find(&l->archive, path, &fd, &offset, &size);

	if (r < 0)
		return error_set(l->err, ENOENT, "the archive has no '%.200s'", path);
	if (size > JSON_MAX)
		return error_set(l->err, EFBIG, "'%.200s' of the archive has %lld bytes; at most %d are read",
				 path, (long long)size, JSON_MAX);
	while ((int64_t)text->n < size) {
		int64_t left = size - (int64_t)text->n;
		ssize_t n = pread(fd, chunk, left < (int64_t)sizeof(chunk) ? (size_t)left : sizeof(chunk),
				  offset + (int64_t)text->n);
		if (n <= 0)
			return error_set(l->err, EBADMSG, "the archive is cut off in '%.200s'", path);
		text_add_n(text, chunk, (size_t)n);
	}
	return 0;
}

struct node *loading_json(struct loading *l, const char *path, const char *expected, struct text *text)
{
	_cleanup_text_ struct text own = {};
	struct text *to = text ? text : &own;
	char digest[DIGEST_SIZE];

	if (read_member(l, path, to) < 0)
		return NULL;
	digest_of_bytes(text_str(to), to->n, digest);
	if (expected && !text_is(digest, expected)) {
		error_set(l->err, EBADMSG, "'%.80s' has the digest %s: the archive is damaged or forged",
			  path, digest);
		return NULL;
	}
	return node_from_json(l->arena, text_str(to), to->n, l->err);
}

static const char *blob_path(struct loading *l, const char *digest)
{
	const char *store = store_blob_path(digest, l->arena);

	if (!store)
		error_set(l->err, EINVAL, "the archive names a blob '%.80s', which is no sha256 digest",
			  digest ? digest : "");
	return store ? store + strlen("images/") : NULL;
}

/* --- layers --------------------------------------------------------------------------------------------------------- */

static int make_layer(struct loading *l, struct layer_job *job)
{
	_cleanup_close_ int fd = -1;
	struct layer_source source = {
		.digest = job->digest, .diff_id = job->diff_id, .keep = true, .ahead = l->ahead
	};

	if (image_archive_find(&l->archive, job->member, &fd, &source.offset, &source.size) < 0)
		return error_set(&job->err, ENOENT, "the archive has no layer '%.200s'", job->member);
	source.fd = fd;
	int r = layer_make_from(l->in, &source, l->limits, &job->made, &job->err);
	job->fresh = r > 0;
	return r;
}

struct work {
	struct loading *loading;
	struct layer_jobs *jobs;
	atomic_size_t next;
	atomic_bool failed;
};

static void *make_layers(void *context)
{
	struct work *w = context;
	size_t i;

	while (!w->failed && (i = w->next++) < w->jobs->n)
		if (make_layer(w->loading, &w->jobs->at[i]) < 0)
			w->failed = true;
	return NULL;
}

int loading_layers(struct loading *l, struct layer_jobs *jobs)
{
	struct work w = { .loading = l, .jobs = jobs };
	pthread_t threads[WORKERS_MAX];
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	size_t n = processors < WORKERS_MAX ? (size_t)processors : WORKERS_MAX, started = 0;

	if (jobs->n > LAYERS_MAX)
		return error_set(l->err, EFBIG, "the image has %zu layers; at most %d are taken", jobs->n,
				 LAYERS_MAX);
	l->ahead = jobs->n < n;
	while (started + 1 < n && started + 1 < jobs->n &&
	       pthread_create(&threads[started], NULL, make_layers, &w) == 0)
		started++;
	make_layers(&w);
	while (started > 0)
		pthread_join(threads[--started], NULL);
	list_each(job, jobs) {
		if (job->err.code)
			return error_set(l->err, job->err.code, "%s", job->err.text);
		l->fresh |= job->fresh;
	}
	return 0;
}

/* --- one image ------------------------------------------------------------------------------------------------------ */

const char *loading_architecture(void)
{
	static struct utsname u;

	uname(&u);
	return text_is(u.machine, "x86_64") ? "amd64" : text_is(u.machine, "aarch64") ? "arm64" : u.machine;
}

int loading_check_platform(struct loading *l, const struct node *config)
{
	const char *os = node_get_string(config, "os"), *arch = node_get_string(config, "architecture");

	if (os && *os && !text_is(os, "linux"))
		return error_set(l->err, EINVAL, "the image is for %s; this machine runs linux", os);
	if (arch && *arch && !text_is(arch, loading_architecture()))
		return error_set(l->err, EINVAL, "the image is for %s; this machine is %s", arch,
				 loading_architecture());
	return 0;
}

int loading_keep(struct loading *l, const char *data, size_t n, char digest[static DIGEST_SIZE])
{
	digest_of_bytes(data, n, digest);
	const char *path = store_blob_path(digest, l->arena);
	if (file_exists(l->in->rootfd, path))
		return 0;
	return file_write_synced(l->in->rootfd, path, data, n, 0600, l->err);
}

int loading_record(struct loading *l, const char *name, const char *manifest, int64_t size, const char *id)
{
	const char *reference = reference_complete(name, l->arena, l->err);
	_cleanup_close_ int lock = reference ? store_lock(l->in, l->err) : -1;
	int r = lock < 0 ? -l->err->code : store_name(l->in, reference, manifest, size, l->err);

	if (r == 0)
		*list_add(l->arena, l->out) =
			(struct loaded){ reference, arena_strdup(l->arena, id), l->fresh };
	return r;
}

static void put(struct arena *a, struct node *map, const char *key, const char *value)
{
	node_put(a, map, key, node_string(a, value));
}

static struct node *descriptor(struct arena *a, const char *type, const char *digest, int64_t size)
{
	struct node *n = node_new(a, NODE_MAP);

	put(a, n, "mediaType", type);
	put(a, n, "digest", digest);
	node_put(a, n, "size", node_int(a, size));
	return n;
}

int loading_write_manifest(struct loading *l, const char *id, int64_t config_size,
			   const struct layer_jobs *jobs, char digest[static DIGEST_SIZE], int64_t *size)
{
	struct arena *a = l->arena;
	struct node *manifest = node_new(a, NODE_MAP), *layers = node_new(a, NODE_LIST);
	_cleanup_text_ struct text text = {};

	list_each(job, jobs) {
		const struct layer_made *made = &job->made;
		const char *type = text_is(made->digest, made->diff_id)
					   ? "application/vnd.oci.image.layer.v1.tar"
					   : "application/vnd.oci.image.layer.v1.tar+gzip";
		node_append(a, layers, descriptor(a, type, made->digest, made->size));
	}
	node_put(a, manifest, "schemaVersion", node_int(a, 2));
	put(a, manifest, "mediaType", "application/vnd.oci.image.manifest.v1+json");
	node_put(a, manifest, "config",
		 descriptor(a, "application/vnd.oci.image.config.v1+json", id, config_size));
	node_put(a, manifest, "layers", layers);
	node_to_json(manifest, false, &text);
	*size = (int64_t)text.n;
	return loading_keep(l, text.at, text.n, digest);
}

/* What the manifest and the config say of each layer, as jobs. */
static int list_layers(struct loading *l, const struct node *manifest, const struct node *config,
		       struct layer_jobs *jobs)
{
	const struct node *layers = node_get(manifest, "layers"),
			  *ids = node_get(node_get(config, "rootfs"), "diff_ids");

	if (!layers || layers->kind != NODE_LIST || !ids || ids->kind != NODE_LIST ||
	    layers->items.n != ids->items.n)
		return error_set(l->err, EINVAL,
				 "the image's manifest and config do not agree on its layers");
	for (size_t i = 0; i < layers->items.n; i++) {
		const char *digest = node_get_string(layers->items.at[i], "digest"),
			   *member = blob_path(l, digest);
		const struct node *id = ids->items.at[i];
		if (!member)
			return -EINVAL;
		*list_add(l->arena, jobs) = (struct layer_job){
			.member = member,
			.digest = digest,
			.diff_id = id->kind == NODE_STRING ? id->text : "",
		};
	}
	return 0;
}

/* An OCI manifest from the layout, under NAME. */
static int load_manifest(struct loading *l, const char *digest, const char *name)
{
	_cleanup_text_ struct text text = {}, config_text = {};
	struct layer_jobs jobs = {};
	char real[DIGEST_SIZE];
	const char *path = blob_path(l, digest);
	struct node *manifest = path ? loading_json(l, path, digest, &text) : NULL;
	const char *id = node_get_string(node_get(manifest, "config"), "digest");
	const char *config_path = manifest ? blob_path(l, id) : NULL;
	struct node *config = config_path ? loading_json(l, config_path, id, &config_text) : NULL;

	int r = config ? loading_check_platform(l, config) : -l->err->code;
	if (r == 0)
		r = list_layers(l, manifest, config, &jobs);
	l->fresh = false;
	if (r == 0)
		r = loading_layers(l, &jobs);
	if (r == 0)
		r = loading_keep(l, config_text.at, config_text.n, real);
	if (r == 0)
		r = loading_keep(l, text.at, text.n, real);
	return r < 0 ? r : loading_record(l, name, digest, (int64_t)text.n, id);
}

/* The manifest in an index that fits this machine; NULL: none. */
static const struct node *choose(const struct node *index)
{
	const struct node *manifests = node_get(index, "manifests");

	if (manifests && manifests->kind == NODE_LIST)
		list_each(m, &manifests->items)
			if (text_is(node_get_string(node_get(*m, "platform"), "architecture"),
				    loading_architecture()) &&
			    text_is(node_get_string(node_get(*m, "platform"), "os"), "linux"))
				return *m;
	return NULL;
}

static int load_descriptor(struct loading *l, const struct node *n, const char *name)
{
	const char *type = node_get_string(n, "mediaType"), *digest = node_get_string(n, "digest");

	for (int depth = 0; type && strstr(type, "index") && depth < INDEX_DEPTH; depth++) {
		const char *path = blob_path(l, digest);
		const struct node *index = path ? loading_json(l, path, digest, NULL) : NULL;
		const struct node *fit = choose(index);
		if (!index)
			return -l->err->code;
		if (!fit)
			return error_set(l->err, ENOENT, "the archive has no image for linux/%s",
					 loading_architecture());
		type = node_get_string(fit, "mediaType");
		digest = node_get_string(fit, "digest");
	}
	return load_manifest(l, digest, name);
}

static int load_oci(struct loading *l, const struct node *index, const char *fallback)
{
	const struct node *manifests = node_get(index, "manifests");

	if (!manifests || manifests->kind != NODE_LIST || manifests->items.n == 0)
		return error_set(l->err, EINVAL, "the archive's index.json names no image");
	list_each(m, &manifests->items) {
		const struct node *annotations = node_get(*m, "annotations");
		const char *name = node_get_string(annotations, "io.containerd.image.name");
		if (!name)
			name = node_get_string(annotations, "org.opencontainers.image.ref.name");
		if (name &&
		    !strpbrk(name, "/:.")) /* a bare tag, as skopeo writes it: the file gives the name */
			name = arena_printf(l->arena, "%s:%s", fallback, name);
		int r = load_descriptor(l, *m, name ? name : fallback);
		if (r < 0)
			return r;
	}
	return 0;
}

/* --- the whole ------------------------------------------------------------------------------------------------------ */

/* A name for an image without one: the file's. */
static const char *name_of_file(struct loading *l, const char *file)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789-_";
	_cleanup_text_ struct text name = {};
	const char *base = strrchr(file, '/') ? strrchr(file, '/') + 1 : file;

	for (const char *s = base; *s && *s != '.'; s++)
		text_add_char(&name, (*s >= 'A' && *s <= 'Z') ? (char)(*s | 32)
				     : strchr(allowed, *s)    ? *s
							      : '-');
	return arena_printf(l->arena, "localhost/%s", name.n && name.at[0] != '-' ? name.at : "image");
}

static bool has(struct loading *l, const char *path)
{
	_cleanup_close_ int fd = -1;
	int64_t offset, size;

	return image_archive_find(&l->archive, path, &fd, &offset, &size) == 0;
}

static int load_archive(struct loading *l, const char *file)
{
	const char *fallback = name_of_file(l, file);

	if (has(l, "index.json")) {
		struct node *n = loading_json(l, "index.json", NULL, NULL);
		return n ? load_oci(l, n, fallback) : -l->err->code;
	}
	if (!has(l, "manifest.json"))
		return error_set(l->err, EINVAL,
				 "'%s' is no image archive: neither index.json nor manifest.json is in it "
				 "(seapod image import takes a root file system)",
				 file);
	struct node *n = loading_json(l, "manifest.json", NULL, NULL);
	if (!n || n->kind != NODE_LIST)
		return n ? error_set(l->err, EINVAL, "the archive's manifest.json is no list")
			 : -l->err->code;
	int r = 0;
	list_each(entry, &n->items)
		if (r == 0)
			r = load_docker_entry(l, *entry, fallback);
	return r;
}

/* A directory of our own for what has to be stored before it is read. */
static int scratch_open(const struct instance *in, char name[static 64], struct error *err)
{
	int r = file_make_dirs(in->rootfd, "tmp", 0700, err);

	snprintf(name, 64, "tmp/load-%d", (int)getpid());
	if (r < 0 || (r = file_remove_tree(in->rootfd, name, err)) < 0)
		return r;
	int fd = file_open_dir(in->rootfd, name, 0700, err);
	if (fd >= 0)
		flock(fd, LOCK_SH); /* whose lock can be had alone is a crash's (gc.c) */
	return fd;
}

static void scratch_close(const struct instance *in, const char *name)
{
	file_remove_tree(in->rootfd, name, NULL);
	unlinkat(in->rootfd, "tmp", AT_REMOVEDIR);
}

int image_load(const struct instance *in, const char *file, const struct unpack_limits *limits,
	       struct arena *a, struct loaded_images *out, struct error *err)
{
	struct loading l = {
		.in = in, .limits = limits, .arena = a, .err = err, .out = out, .archive.fd = -1
	};
	char scratch[64];
	_cleanup_close_ int hold = store_hold(in, err);
	_cleanup_close_ int dir = hold < 0 ? -1 : scratch_open(in, scratch, err);

	if (dir < 0)
		return -err->code;
	int r = image_archive_open(&l.archive, file, dir, limits->bytes, a, err);
	if (r == 0)
		r = load_archive(&l, file);
	image_archive_close(&l.archive);
	scratch_close(in, scratch);
	return r;
}

/* --- import --------------------------------------------------------------------------------------------------------- */

/* "{architecture, os, config, rootfs: {type, diff_ids}}" */
static void import_config(struct arena *a, struct node *config, const char *diff_id, struct text *text)
{
	struct node *whole = node_new(a, NODE_MAP), *rootfs = node_new(a, NODE_MAP),
		    *ids = node_new(a, NODE_LIST);
	char now[CLOCK_TEXT_SIZE];

	node_append(a, ids, node_string(a, diff_id));
	put(a, rootfs, "type", "layers");
	node_put(a, rootfs, "diff_ids", ids);
	put(a, whole, "created", clock_rfc3339(clock_wall(), now));
	put(a, whole, "architecture", loading_architecture());
	put(a, whole, "os", "linux");
	node_put(a, whole, "config", config ? config : node_new(a, NODE_MAP));
	node_put(a, whole, "rootfs", rootfs);
	node_to_json(whole, false, text);
}

static int import_layer(struct loading *l, int fd, const char *name, struct node *config)
{
	struct layer_jobs jobs = {};
	struct layer_job *job = list_add(l->arena, &jobs);
	const struct layer_source source = {
		.fd = fd, .offset = -1, .size = -1, .keep = true, .ahead = true
	};
	char id[DIGEST_SIZE], manifest[DIGEST_SIZE];
	_cleanup_text_ struct text text = {};
	int64_t size;

	int r = layer_make_from(l->in, &source, l->limits, &job->made, l->err);
	if (r < 0)
		return r;
	import_config(l->arena, config, job->made.diff_id, &text);
	r = loading_keep(l, text.at, text.n, id);
	if (r == 0)
		r = loading_write_manifest(l, id, (int64_t)text.n, &jobs, manifest, &size);
	l->fresh = true;
	return r < 0 ? r : loading_record(l, name, manifest, size, id);
}

int image_import(const struct instance *in, const char *file, const char *name, struct node *config,
		 const struct unpack_limits *limits, struct arena *a, struct loaded *out, struct error *err)
{
	struct loaded_images loaded = {};
	struct loading l = { .in = in, .limits = limits, .arena = a, .err = err, .out = &loaded };

	if (!reference_complete(name, a, err))
		return -EINVAL;
	_cleanup_close_ int fd = text_is(file, "-") ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
						    : open(file, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return error_errno(err, "cannot open '%s'", file);
	_cleanup_close_ int hold = store_hold(in, err);
	int r = hold < 0 ? hold : import_layer(&l, fd, name, config);
	if (r == 0)
		*out = loaded.at[0];
	return r;
}
