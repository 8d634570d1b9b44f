/* load.c — see load.h.
 *
 * An archive is first laid out as files in a scratch directory (a tar of blobs cannot be read in the order one needs), then each
 * image is read from there: manifest -> config -> layers. Both formats end in the same place: the OCI layout of the store.
 */
#include "image/load.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "image/digest.h"
#include "image/reference.h"
#include "image/store.h"
#include "linux/path.h"
#include "object/json.h"

enum { JSON_MAX = 8 * 1024 * 1024, NAMES_MAX = 20000 };

struct loading {
	const struct instance *in;
	const struct unpack_limits *limits;
	struct arena *arena;
	struct error *err;
	struct loaded_images *out;
	char scratch[64]; /* "tmp/<unique>" below ROOT */
	int source;       /* the layout: a directory */
	int scratch_fd;
};

/* --- the scratch directory ------------------------------------------------------------------------------------------ */

static int scratch_open(struct loading *l)
{
	/* The store's lock is held: whatever is in tmp is a crash's. */
	file_remove_tree(l->in->rootfd, "tmp", NULL);
	int r = file_make_dirs(l->in->rootfd, "tmp", 0700, l->err);
	if (r < 0)
		return r;
	snprintf(l->scratch, sizeof(l->scratch), "tmp/load-%d", (int)getpid());
	l->scratch_fd = file_open_dir(l->in->rootfd, l->scratch, 0700, l->err);
	return l->scratch_fd < 0 ? l->scratch_fd : 0;
}

static void scratch_close(struct loading *l)
{
	close_fd(&l->scratch_fd);
	file_remove_tree(l->in->rootfd, "tmp", NULL);
}

/* Lays out the tar from FD in the scratch directory's "in": regular files with harmless names only. */
static int lay_out(struct loading *l, int fd, const char *name)
{
	struct archive *archive = archive_read_new();
	struct archive_entry *e;
	uint64_t entries = 0;
	int r = 0, result = 0;
	_cleanup_close_ int dir = file_open_dir(l->scratch_fd, "in", 0700, l->err);

	if (dir < 0)
		return dir;
	archive_read_support_format_tar(archive);
	archive_read_support_filter_all(archive);
	if (archive_read_open_fd(archive, fd, 256 * 1024) != ARCHIVE_OK)
		result = error_set(l->err, EBADMSG, "'%s' is no image archive: %s", name,
				   archive_error_string(archive));
	while (result == 0 && (r = archive_read_next_header(archive, &e)) == ARCHIVE_OK) {
		const char *path = archive_entry_pathname(e);
		if (++entries > NAMES_MAX) {
			result = error_set(
				l->err, EFBIG,
				"'%s' is no image archive: it has more than %d files (seapod image import "
				"takes a root file system)",
				name, NAMES_MAX);
			break;
		}
		const char *link = archive_entry_filetype(e) == AE_IFLNK ? archive_entry_symlink(e) : NULL;
		if (link &&
		    strstr(path,
			   "layer.tar")) { /* docker save of old: layers shared by links "../<id>/layer.tar" */
			_cleanup_close_ int parent = path_make_dirs_in_root(
				dir, dirname(arena_strdup(l->arena, path)), 0700, 0, 0, l->err);
			if (parent < 0 || symlinkat(link, parent, "layer.tar") < 0)
				result = error_set(l->err, EIO, "cannot lay out '%s' of the archive '%s'",
						   path, name);
			continue;
		}
		if (archive_entry_filetype(e) != AE_IFREG)
			continue;
		_cleanup_close_ int file = path_make_file_in_root(dir, path, 0600, l->err);
		if (file < 0) {
			result = error_prefix(l->err, "the archive '%s'", name);
			break;
		}
		_cleanup_close_ int out = path_reopen(file, O_WRONLY | O_TRUNC);
		if (out < 0 || archive_read_data_into_fd(archive, out) != ARCHIVE_OK)
			result = error_set(l->err, EIO, "cannot read '%s' from the archive '%s': %s", path,
					   name,
					   archive_errno(archive) == ENOSPC ? "no space is left on the device"
					   : archive_error_string(archive)  ? archive_error_string(archive)
									    : "it is cut off");
	}
	if (result == 0 && r != ARCHIVE_EOF && r != ARCHIVE_OK)
		result = error_set(l->err, EBADMSG, "'%s' is no image archive, or it is cut off: %s", name,
				   archive_error_string(archive));
	archive_read_free(archive);
	if (result == 0)
		l->source = take_fd(&dir);
	return result;
}

static int open_source(struct loading *l, const char *file)
{
	struct stat st;
	_cleanup_close_ int fd = text_is(file, "-") ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
						    : open(file, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st) < 0)
		return error_errno(l->err, "cannot open '%s'", file);
	if (!S_ISDIR(st.st_mode))
		return lay_out(l, fd, file);
	l->source = take_fd(&fd);
	return 0;
}

/* --- reading the layout --------------------------------------------------------------------------------------------- */

static int open_member(struct loading *l, const char *path)
{
	int fd = path_open_in_root(l->source, path, O_RDONLY | O_NOCTTY | O_NONBLOCK, 0);
	struct stat st;

	if (fd >= 0 && (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))) {
		close(fd);
		fd = -EINVAL;
	}
	return fd;
}

static struct node *read_json(struct loading *l, const char *path, const char *expected)
{
	_cleanup_free_ char *text = NULL;
	char digest[DIGEST_SIZE];
	size_t size;
	_cleanup_close_ int fd = open_member(l, path);

	if (fd < 0) {
		error_set(l->err, ENOENT, "the archive has no '%.200s'", path);
		return NULL;
	}
	if (file_read_fd(fd, path, JSON_MAX, &text, &size, l->err) < 0)
		return NULL;
	digest_of_bytes(text, size, digest);
	if (expected && !text_is(digest, expected)) {
		error_set(l->err, EBADMSG, "'%.80s' has the digest %s: the archive is damaged or forged",
			  path, digest);
		return NULL;
	}
	return node_from_json(l->arena, text, size, l->err);
}

static const char *blob_path(struct loading *l, const char *digest)
{
	const char *store = store_blob_path(digest, l->arena);
	if (!store)
		error_set(l->err, EINVAL, "the archive names a blob '%.80s', which is no sha256 digest",
			  digest ? digest : "");
	return store ? store + strlen("images/") : NULL;
}

/* --- layers ------------------------------------------------------------------------------------------------------------- */

/* A blob into the store: copied while it is read, renamed when it is whole. */
static int keep_blob(struct loading *l, const char *member, const char *digest)
{
	const char *to = store_blob_path(digest, l->arena);
	static char chunk[256 * 1024];
	ssize_t n;

	if (file_exists(l->in->rootfd, to))
		return 0;
	_cleanup_close_ int from = open_member(l, member);
	_cleanup_close_ int out =
		openat(l->scratch_fd, "blob", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (from < 0 || out < 0)
		return error_errno(l->err, "cannot store a blob");
	while ((n = read(from, chunk, sizeof(chunk))) > 0) {
		int r = write_all(out, chunk, (size_t)n);
		if (r < 0) {
			errno = -r;
			return error_errno(l->err, "cannot store a blob");
		}
	}
	if (n < 0 || renameat(l->scratch_fd, "blob", l->in->rootfd, to) < 0)
		return error_errno(l->err, "cannot store a blob");
	return 0;
}

static int keep_bytes(struct loading *l, const char *data, size_t size, char digest[static DIGEST_SIZE])
{
	digest_of_bytes(data, size, digest);
	return file_write_atomic(l->in->rootfd, store_blob_path(digest, l->arena), data, size, 0600, l->err);
}

/* Unpacks the layer MEMBER unless it is there. DIGEST (may be NULL) and DIFF_ID are what it must have; the real ones come back. */
static int keep_layer(struct loading *l, const char *member, const char *digest, const char *diff_id,
		      char real_digest[static DIGEST_SIZE], char real_diff_id[static DIGEST_SIZE],
		      int64_t *size)
{
	_cleanup_close_ int fd = open_member(l, member);
	if (fd < 0)
		return error_set(l->err, ENOENT, "the archive has no layer '%.200s'", member);
	file_remove_tree(l->scratch_fd, "layer", NULL);
	_cleanup_close_ int dir = file_open_dir(l->scratch_fd, "layer", 0755, l->err);
	if (dir < 0)
		return dir;
	fchmod(dir, 0755);
	struct stream *s = stream_open(fd, l->limits->bytes);
	int r = unpack(s, dir, l->limits, l->err);
	if (r == 0)
		r = stream_finish(s, l->err);
	if (r == 0) {
		strcpy(real_digest, stream_raw_digest(s));
		strcpy(real_diff_id, stream_plain_digest(s));
		*size = (int64_t)stream_raw_size(s);
	}
	stream_close(s);
	if (r < 0)
		return r;
	if (digest && !text_is(digest, real_digest))
		return error_set(l->err, EBADMSG,
				 "a layer has the digest %s instead of %s: the archive is damaged or forged",
				 real_digest, digest);
	if (diff_id && !text_is(diff_id, real_diff_id))
		return error_set(l->err, EBADMSG,
				 "a layer unpacks to %s instead of %s: the archive is damaged or forged",
				 real_diff_id, diff_id);
	char path[PATH_MAX];
	snprintf(path, sizeof(path), "layers/%s", real_diff_id + 7);
	if (!file_exists(l->in->rootfd, path)) {
		syncfs(dir);
		if (renameat(l->scratch_fd, "layer", l->in->rootfd, path) < 0)
			return error_errno(l->err, "cannot store a layer");
	}
	return 0;
}

static bool layer_is_here(struct loading *l, const char *digest, const char *diff_id)
{
	const char *blob = store_blob_path(digest, l->arena), *id = store_blob_path(diff_id, l->arena);
	return blob && id && file_exists(l->in->rootfd, blob) &&
	       file_exists(l->in->rootfd, arena_printf(l->arena, "layers/%s", diff_id + 7));
}

/* --- one image ------------------------------------------------------------------------------------------------------------ */

static const char *architecture(void)
{
	static struct utsname u;
	uname(&u);
	return text_is(u.machine, "x86_64") ? "amd64" : text_is(u.machine, "aarch64") ? "arm64" : u.machine;
}

static int check_platform(struct loading *l, const struct node *config)
{
	const char *os = node_get_string(config, "os"), *arch = node_get_string(config, "architecture");

	if (os && *os && !text_is(os, "linux"))
		return error_set(l->err, EINVAL, "the image is for %s; this machine runs linux", os);
	if (arch && *arch && !text_is(arch, architecture()))
		return error_set(l->err, EINVAL, "the image is for %s; this machine is %s", arch,
				 architecture());
	return 0;
}

static int record(struct loading *l, const char *name, const char *manifest, int64_t size, const char *id,
		  bool fresh)
{
	const char *reference = reference_complete(name, l->arena, l->err);
	int r = reference ? store_name(l->in, reference, manifest, size, l->err) : -EINVAL;

	if (r == 0)
		*list_add(l->arena, l->out) = (struct loaded){ reference, id, fresh };
	return r;
}

/* An OCI manifest from the layout, under NAME. */
static int load_manifest(struct loading *l, const char *digest, const char *name)
{
	const char *path = blob_path(l, digest);
	struct node *manifest = path ? read_json(l, path, digest) : NULL;
	const char *id = node_get_string(node_get(manifest, "config"), "digest");
	const char *config_path = manifest ? blob_path(l, id) : NULL;
	struct node *config = config_path ? read_json(l, config_path, id) : NULL;
	const struct node *layers = node_get(manifest, "layers"),
			  *ids = node_get(node_get(config, "rootfs"), "diff_ids");
	bool fresh = false;
	struct stat st = {};
	int r = config ? check_platform(l, config) : -l->err->code;

	if (r < 0)
		return r;
	if (!layers || layers->kind != NODE_LIST || !ids || ids->kind != NODE_LIST ||
	    layers->items.n != ids->items.n)
		return error_set(l->err, EINVAL,
				 "the image's manifest and config do not agree on its layers");
	for (size_t i = 0; i < layers->items.n; i++) {
		const char *layer = node_get_string(layers->items.at[i], "digest"),
			   *member = blob_path(l, layer);
		const char *diff_id = ids->items.at[i]->kind == NODE_STRING ? ids->items.at[i]->text : "";
		char real[DIGEST_SIZE], real_id[DIGEST_SIZE];
		int64_t size;
		if (!member)
			return -EINVAL;
		if (layer_is_here(l, layer, diff_id))
			continue;
		fresh = true;
		if ((r = keep_layer(l, member, layer, diff_id, real, real_id, &size)) < 0 ||
		    (r = keep_blob(l, member, layer)) < 0)
			return r;
	}
	if ((r = keep_blob(l, config_path, id)) < 0 || (r = keep_blob(l, path, digest)) < 0)
		return r;
	fstatat(l->source, path, &st, 0);
	return record(l, name, digest, st.st_size, id, fresh);
}

/* The manifest in an index that fits this machine; NULL: none. */
static const struct node *choose(const struct node *index)
{
	const struct node *manifests = node_get(index, "manifests");

	if (manifests && manifests->kind == NODE_LIST)
		list_each(m, &manifests->items)
			if (text_is(node_get_string(node_get(*m, "platform"), "architecture"),
				    architecture()) &&
			    text_is(node_get_string(node_get(*m, "platform"), "os"), "linux"))
				return *m;
	return NULL;
}

static int load_descriptor(struct loading *l, const struct node *descriptor, const char *name)
{
	const char *type = node_get_string(descriptor, "mediaType"),
		   *digest = node_get_string(descriptor, "digest");

	for (int depth = 0; type && strstr(type, "index") && depth < 4; depth++) {
		const char *path = blob_path(l, digest);
		const struct node *index = path ? read_json(l, path, digest) : NULL;
		const struct node *fit = choose(index);
		if (!index)
			return -l->err->code;
		if (!fit)
			return error_set(l->err, ENOENT, "the archive has no image for linux/%s",
					 architecture());
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

/* --- docker save -------------------------------------------------------------------------------------------------------- */

static int docker_layers(struct loading *l, const struct node *entry, const struct node *config,
			 struct node *layers, bool *fresh)
{
	const struct node *files = node_get(entry, "Layers"),
			  *ids = node_get(node_get(config, "rootfs"), "diff_ids");

	if (!files || files->kind != NODE_LIST || !ids || ids->kind != NODE_LIST ||
	    files->items.n != ids->items.n)
		return error_set(l->err, EINVAL,
				 "the archive's manifest.json and config do not agree on the layers");
	for (size_t i = 0; i < files->items.n; i++) {
		char digest[DIGEST_SIZE], diff_id[DIGEST_SIZE];
		int64_t size = 0;
		const char *file = files->items.at[i]->kind == NODE_STRING ? files->items.at[i]->text : "";
		const char *wanted = ids->items.at[i]->kind == NODE_STRING ? ids->items.at[i]->text : "";
		if (layer_is_here(l, wanted,
				  wanted)) { /* docker save stores layers plain: both digests are one */
			struct stat st = {};
			strcpy(digest, wanted);
			fstatat(l->in->rootfd, store_blob_path(wanted, l->arena), &st, 0);
			size = st.st_size;
		} else {
			int r = keep_layer(l, file, NULL, wanted, digest, diff_id, &size);
			if (r == 0)
				r = keep_blob(l, file, digest);
			if (r < 0)
				return r;
			*fresh = true;
		}
		struct node *layer = node_new(l->arena, NODE_MAP);
		bool plain = text_is(digest, wanted);
		node_put(l->arena, layer, "mediaType",
			 node_string(l->arena, plain ? "application/vnd.oci.image.layer.v1.tar"
						     : "application/vnd.oci.image.layer.v1.tar+gzip"));
		node_put(l->arena, layer, "digest", node_string(l->arena, digest));
		node_put(l->arena, layer, "size", node_int(l->arena, size));
		node_append(l->arena, layers, layer);
	}
	return 0;
}

/* Writes a manifest for CONFIG (its blob has ID and SIZE) with LAYERS; its digest and size come back. */
static int write_manifest(struct loading *l, const char *id, int64_t config_size, struct node *layers,
			  char digest[static DIGEST_SIZE], int64_t *size)
{
	struct arena *a = l->arena;
	struct node *manifest = node_new(a, NODE_MAP), *config = node_new(a, NODE_MAP);
	_cleanup_text_ struct text text = {};

	node_put(a, config, "mediaType", node_string(a, "application/vnd.oci.image.config.v1+json"));
	node_put(a, config, "digest", node_string(a, id));
	node_put(a, config, "size", node_int(a, config_size));
	node_put(a, manifest, "schemaVersion", node_int(a, 2));
	node_put(a, manifest, "mediaType", node_string(a, "application/vnd.oci.image.manifest.v1+json"));
	node_put(a, manifest, "config", config);
	node_put(a, manifest, "layers", layers);
	node_to_json(manifest, false, &text);
	*size = (int64_t)text.n;
	return keep_bytes(l, text.at, text.n, digest);
}

static int load_docker_entry(struct loading *l, const struct node *entry, const char *fallback)
{
	const char *file = node_get_string(entry, "Config");
	const struct node *tags = node_get(entry, "RepoTags");
	struct node *config = file ? read_json(l, file, NULL) : NULL, *layers = node_new(l->arena, NODE_LIST);
	char digest[DIGEST_SIZE], manifest[DIGEST_SIZE];
	size_t config_size;
	int64_t size;
	bool fresh = false;

	if (!config)
		return l->err->code
			       ? -l->err->code
			       : error_set(l->err, EINVAL, "the archive's manifest.json names no config");
	_cleanup_close_ int fd = open_member(l, file);
	int r = check_platform(l, config);
	if (r == 0)
		r = docker_layers(l, entry, config, layers, &fresh);
	if (r == 0)
		r = digest_of_file(fd, digest, &config_size, l->err);
	if (r == 0)
		r = keep_blob(l, file, digest);
	if (r == 0)
		r = write_manifest(l, digest, (int64_t)config_size, layers, manifest, &size);
	if (r < 0)
		return r;
	const char *id = arena_strdup(l->arena, digest);
	if (!tags || tags->kind != NODE_LIST || tags->items.n == 0)
		return record(l, fallback, manifest, size, id, fresh);
	list_each(tag, &tags->items)
		if (r == 0 && (*tag)->kind == NODE_STRING)
			r = record(l, (*tag)->text, manifest, size, id, fresh);
	return r;
}

/* A name for an image without one: the file's. */
static const char *name_of_file(struct loading *l, const char *file)
{
	_cleanup_text_ struct text name = {};
	const char *base = strrchr(file, '/') ? strrchr(file, '/') + 1 : file;

	for (const char *s = base; *s && *s != '.'; s++)
		text_add_char(&name, (*s >= 'A' && *s <= 'Z')                               ? (char)(*s | 32)
				     : strchr("abcdefghijklmnopqrstuvwxyz0123456789-_", *s) ? *s
											    : '-');
	return arena_printf(l->arena, "localhost/%s", name.n ? name.at : "image");
}

static int load_source(struct loading *l, const char *file)
{
	_cleanup_close_ int index = open_member(l, "index.json"), docker = open_member(l, "manifest.json");
	const char *fallback = name_of_file(l, file);

	if (index >= 0) {
		struct node *n = read_json(l, "index.json", NULL);
		return n ? load_oci(l, n, fallback) : -l->err->code;
	}
	if (docker < 0)
		return error_set(l->err, EINVAL,
				 "'%s' is no image archive: neither index.json nor manifest.json is in it "
				 "(seapod image import takes a root file system)",
				 file);
	struct node *n = read_json(l, "manifest.json", NULL);
	if (!n || n->kind != NODE_LIST)
		return n ? error_set(l->err, EINVAL, "the archive's manifest.json is no list")
			 : -l->err->code;
	int r = 0;
	list_each(entry, &n->items)
		if (r == 0)
			r = load_docker_entry(l, *entry, fallback);
	return r;
}

static int begin(struct loading *l, const struct instance *in, const struct unpack_limits *limits,
		 struct arena *a, struct error *err)
{
	*l = (struct loading){
		.in = in, .limits = limits, .arena = a, .err = err, .source = -1, .scratch_fd = -1
	};
	int lock = store_lock(in, err);
	if (lock < 0)
		return lock;
	int r = scratch_open(l);
	if (r < 0) {
		close(lock);
		return r;
	}
	return lock;
}

int image_load(const struct instance *in, const char *file, const struct unpack_limits *limits,
	       struct arena *a, struct loaded_images *out, struct error *err)
{
	struct loading l;
	_cleanup_close_ int lock = begin(&l, in, limits, a, err);
	if (lock < 0)
		return lock;

	l.out = out;
	int r = open_source(&l, file);
	if (r == 0)
		r = load_source(&l, file);
	close_fd(&l.source);
	scratch_close(&l);
	return r;
}

/* "{architecture, os, config, rootfs: {type, diff_ids}}" */
static void import_config(struct loading *l, struct node *config, const char *diff_id, struct text *text)
{
	struct arena *a = l->arena;
	struct node *whole = node_new(a, NODE_MAP), *rootfs = node_new(a, NODE_MAP),
		    *ids = node_new(a, NODE_LIST);
	char now[CLOCK_TEXT_SIZE];

	node_append(a, ids, node_string(a, diff_id));
	node_put(a, rootfs, "type", node_string(a, "layers"));
	node_put(a, rootfs, "diff_ids", ids);
	node_put(a, whole, "created", node_string(a, clock_rfc3339(clock_wall(), now)));
	node_put(a, whole, "architecture", node_string(a, architecture()));
	node_put(a, whole, "os", node_string(a, "linux"));
	node_put(a, whole, "config", config ? config : node_new(a, NODE_MAP));
	node_put(a, whole, "rootfs", rootfs);
	node_to_json(whole, false, text);
}

static int import_layer(struct loading *l, const char *file, const char *name, struct node *config,
			struct loaded *out)
{
	char digest[DIGEST_SIZE], diff_id[DIGEST_SIZE], id[DIGEST_SIZE], manifest[DIGEST_SIZE];
	_cleanup_text_ struct text text = {};
	struct node *layer = node_new(l->arena, NODE_MAP), *layers = node_new(l->arena, NODE_LIST);
	int64_t size, manifest_size;
	struct loaded_images loaded = {};

	int r = keep_layer(l, file, NULL, NULL, digest, diff_id, &size);
	if (r == 0)
		r = keep_blob(l, file, digest);
	if (r < 0)
		return r;
	import_config(l, config, diff_id, &text);
	node_put(l->arena, layer, "mediaType",
		 node_string(l->arena, text_is(digest, diff_id)
					       ? "application/vnd.oci.image.layer.v1.tar"
					       : "application/vnd.oci.image.layer.v1.tar+gzip"));
	node_put(l->arena, layer, "digest", node_string(l->arena, digest));
	node_put(l->arena, layer, "size", node_int(l->arena, size));
	node_append(l->arena, layers, layer);
	r = keep_bytes(l, text.at, text.n, id);
	if (r == 0)
		r = write_manifest(l, id, (int64_t)text.n, layers, manifest, &manifest_size);
	l->out = &loaded;
	if (r == 0)
		r = record(l, name, manifest, manifest_size, arena_strdup(l->arena, id), true);
	if (r == 0)
		*out = loaded.at[0];
	return r;
}

int image_import(const struct instance *in, const char *file, const char *name, struct node *config,
		 const struct unpack_limits *limits, struct arena *a, struct loaded *out, struct error *err)
{
	struct loading l;
	_cleanup_free_ char *copy = memory_strdup(file);
	char *slash = strrchr(copy, '/');

	if (!reference_complete(name, a, err))
		return -EINVAL;
	_cleanup_close_ int lock = begin(&l, in, limits, a, err);
	if (lock < 0)
		return lock;
	if (slash)
		*slash = '\0';
	l.source = open(!slash ? "." : slash == copy ? "/" : copy, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = l.source < 0 ? error_errno(err, "cannot open '%s'", file)
			     : import_layer(&l, slash ? slash + 1 : file, name, config, out);
	close_fd(&l.source);
	scratch_close(&l);
	return r;
}
