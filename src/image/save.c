/* save.c — see save.h. */
#include "image/save.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "image/store.h"

struct saving {
	const struct instance *in;
	struct arena *arena;
	struct archive *archive;
	struct strings written; /* digests */
	struct error *err;
};

static int refuse(struct saving *s)
{
	return error_set(s->err, EIO, "cannot write the archive: %s", archive_error_string(s->archive));
}

static int begin_file(struct saving *s, const char *name, int64_t size)
{
	struct archive_entry *e = archive_entry_new();

	archive_entry_set_pathname(e, name);
	archive_entry_set_filetype(e, AE_IFREG);
	archive_entry_set_perm(e, 0644);
	archive_entry_set_size(e, size);
	archive_entry_set_mtime(e, 0, 0); /* the same images make the same archive */
	int r = archive_write_header(s->archive, e);
	archive_entry_free(e);
	return r == ARCHIVE_OK ? 0 : refuse(s);
}

static int add_text(struct saving *s, const char *name, const struct node *n)
{
	_cleanup_text_ struct text text = {};

	node_to_json(n, false, &text);
	int r = begin_file(s, name, (int64_t)text.n);
	return r == 0 && archive_write_data(s->archive, text.at, text.n) != (la_ssize_t)text.n ? refuse(s)
											       : r;
}

static int add_blob(struct saving *s, const char *digest)
{
	static char chunk[256 * 1024];
	const char *path = store_blob_path(digest, s->arena);
	struct stat st;
	ssize_t n = 0;

	list_each(done, &s->written)
		if (text_is(*done, digest))
			return 0;
	*list_add(s->arena, &s->written) = digest;
	_cleanup_close_ int fd = path ? openat(s->in->rootfd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) : -1;
	if (fd < 0 || fstat(fd, &st) < 0)
		return error_set(s->err, ENOENT, "the blob %.80s is not in the store (load the image again)",
				 digest ? digest : "");
	int r = begin_file(s, path + strlen("images/"), st.st_size);
	while (r == 0 && (n = read(fd, chunk, sizeof(chunk))) > 0)
		if (archive_write_data(s->archive, chunk, (size_t)n) != n)
			r = refuse(s);
	return n < 0 ? error_errno(s->err, "cannot read a blob") : r;
}

static void put(struct arena *a, struct node *map, const char *key, const char *value)
{
	node_put(a, map, key, node_string(a, value));
}

/* The names as containerd, and as skopeo and docker look for them. */
static struct node *descriptor_of(const struct image *image, const char *tag, struct arena *a)
{
	struct node *n = node_new(a, NODE_MAP), *annotations = node_new(a, NODE_MAP);

	put(a, n, "mediaType", "application/vnd.oci.image.manifest.v1+json");
	put(a, n, "digest", image->digest);
	node_put(a, n, "size", node_int(a, image->manifest_size));
	if (image->reference) {
		put(a, annotations, "io.containerd.image.name", image->reference);
		put(a, annotations, "org.opencontainers.image.ref.name", tag);
		node_put(a, n, "annotations", annotations);
	}
	return n;
}

static const char *blob_name(const char *digest, struct arena *a)
{
	const char *path = store_blob_path(digest, a);
	return path ? path + strlen("images/") : "";
}

/* One of docker's manifest.json. */
static struct node *docker_entry(const struct image *image, struct arena *a)
{
	struct node *n = node_new(a, NODE_MAP), *tags = node_new(a, NODE_LIST),
		    *layers = node_new(a, NODE_LIST);

	put(a, n, "Config", blob_name(image->id, a));
	if (image->reference && !strchr(image->reference, '@'))
		node_append(a, tags, node_string(a, image->reference));
	list_each(blob, &image->blobs)
		node_append(a, layers, node_string(a, blob_name(*blob, a)));
	node_put(a, n, "RepoTags", tags);
	node_put(a, n, "Layers", layers);
	return n;
}

static int add_image(struct saving *s, const char *name, struct node *manifests, struct node *docker)
{
	struct image image;
	int r = image_resolve(s->in, name, s->arena, &image, s->err);

	if (r < 0)
		return r;
	const char *colon = image.reference ? strrchr(image.reference, ':') : NULL;
	node_append(s->arena, manifests, descriptor_of(&image, colon ? colon + 1 : "latest", s->arena));
	node_append(s->arena, docker, docker_entry(&image, s->arena));
	r = add_blob(s, image.digest);
	if (r == 0)
		r = add_blob(s, image.id);
	list_each(blob, &image.blobs)
		if (r == 0)
			r = add_blob(s, *blob);
	return r;
}

static int add_all(struct saving *s, const char *const *names, int n)
{
	struct arena *a = s->arena;
	struct node *layout = node_new(a, NODE_MAP), *index = node_new(a, NODE_MAP);
	struct node *manifests = node_new(a, NODE_LIST), *docker = node_new(a, NODE_LIST);

	put(a, layout, "imageLayoutVersion", "1.0.0");
	int r = add_text(s, "oci-layout", layout);
	for (int i = 0; r == 0 && i < n; i++)
		r = add_image(s, names[i], manifests, docker);
	node_put(a, index, "schemaVersion", node_int(a, 2));
	put(a, index, "mediaType", "application/vnd.oci.image.index.v1+json");
	node_put(a, index, "manifests", manifests);
	if (r == 0)
		r = add_text(s, "index.json", index);
	return r < 0 ? r : add_text(s, "manifest.json", docker);
}

static int write_archive(struct saving *s, int fd, const char *const *names, int n)
{
	s->archive = archive_write_new();
	archive_write_set_format_pax_restricted(s->archive);
	archive_write_set_bytes_in_last_block(s->archive, 1);
	int r = archive_write_open_fd(s->archive, fd) == ARCHIVE_OK ? add_all(s, names, n) : refuse(s);
	if (r == 0 && archive_write_close(s->archive) != ARCHIVE_OK)
		r = refuse(s);
	archive_write_free(s->archive);
	return r;
}

int image_save(const struct instance *in, const char *file, const char *const *names, int n, struct arena *a,
	       struct error *err)
{
	struct saving s = { .in = in, .arena = a, .err = err };
	bool standard = text_is(file, "-");

	for (int i = 0; i < n; i++) { /* nothing is written before each is known to be here */
		struct image image;
		int r = image_resolve(in, names[i], a, &image, err);
		if (r < 0)
			return r;
	}
	_cleanup_close_ int fd = standard ? fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3)
					  : open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		return error_errno(err, "cannot write '%s'", file);
	int r = write_archive(&s, fd, names, n);
	if (r < 0 && !standard)
		unlink(file);
	return r;
}
