/* push.c — see push.h. */
#include "registry/push.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "registry/upload.h"

enum { ANSWER_MAX = 64 * 1024 };

struct push {
	struct registry_session *session;
	struct image image;
	const char *reference;
	struct reference ref;
	char *text; /* the manifest, as it is in the store */
	size_t size;
	struct manifest manifest;
};

static int read_manifest(struct push *p, struct error *err)
{
	struct arena *a = p->session->arena;
	const char *path = store_blob_path(p->image.digest, a);
	int r = path ? file_read(p->session->in->rootfd, path, MANIFEST_MAX, &p->text, &p->size, err)
		     : -EINVAL;

	return r < 0 ? r : manifest_parse(p->text, p->size, NULL, a, &p->manifest, err);
}

/* Another repository of the same registry, from which blobs can be mounted: where the image came from. */
static const char *other_repository(const struct push *p)
{
	struct reference own = reference_split(p->image.reference, p->session->arena);
	bool other =
		p->image.origin && text_is(own.registry, p->ref.registry) && !text_is(own.path, p->ref.path);
	return other ? own.path : NULL;
}

static int push_blobs(struct push *p, struct client *c, unsigned *sent, struct error *err)
{
	struct descriptors blobs = {};

	*list_add(p->session->arena, &blobs) = *p->manifest.config;
	list_each(layer, &p->manifest.layers)
		*list_add(p->session->arena, &blobs) = *layer;
	return uploads_run(p->session, c, &blobs, sent, err);
}

/* Is the manifest there, under that name? Then so is all that it needs. */
static bool is_current(const struct push *p, struct client *c)
{
	return text_is(session_head(c, p->ref.tag), p->image.digest);
}

static int push_manifest(struct push *p, struct client *c, struct error *err)
{
	struct arena *a = p->session->arena;
	const char *type = text_empty(p->manifest.mediaType) ? MANIFEST_TYPE_OCI : p->manifest.mediaType;
	const char *header = arena_printf(a, "Content-Type: %s", type);
	struct ask ask = {
		.method = "PUT",
		.path = arena_printf(a, "manifests/%s", p->ref.tag),
		.what = arena_printf(a, "the manifest '%s'", p->ref.tag),
		.headers = { &header, 1 },
		.q = { .body = p->text, .body_size = (int64_t)p->size, .answer_max = ANSWER_MAX },
	};
	int r = client_ask(c, &ask, err);
	const char *said = r < 0 ? NULL : http_header(&ask.q, "docker-content-digest");

	if (said && !text_is(said, p->image.digest))
		r = error_set(err, EBADMSG,
			      "the registry '%s' has stored the manifest as %.80s instead of %s",
			      c->location.name, said, p->image.digest);
	client_release(&ask);
	return r;
}

static int push_to(struct push *p, struct client *c, struct pushed *out, struct error *err)
{
	unsigned sent = 0;

	if (is_current(p, c))
		return 0;
	out->fresh = true;
	c->also_from = other_repository(p);
	progress_begin(&p->session->progress, p->reference);
	int r = push_blobs(p, c, &sent, err);
	return r < 0 ? r : push_manifest(p, c, err);
}

/* The image of the store that NAME means, by the same rules as for a pull. */
static int find_image(struct registry_session *s, const char *name, struct image *out, struct error *err)
{
	struct strings candidates = {};

	if (registries_candidates(&s->registries, name, s->arena, &candidates, NULL) == 0)
		list_each(candidate, &candidates)
			if (image_resolve(s->in, *candidate, s->arena, out, NULL) == 0)
				return 0;
	return image_resolve(s->in, name, s->arena, out, err);
}

int image_push(struct registry_session *s, const char *name, const char *destination, struct pushed *out,
	       struct error *err)
{
	struct push p = { .session = s };
	struct clients clients;
	int r = find_image(s, name, &p.image, err);

	if (r < 0)
		return r;
	p.reference = destination ? reference_complete(destination, s->arena, err) : p.image.reference;
	if (!p.reference)
		return -EINVAL;
	p.ref = reference_split(p.reference, s->arena);
	*out = (struct pushed){ .reference = p.reference, .digest = p.image.digest };
	if (!p.ref.tag)
		return error_set(err, EINVAL,
				 "cannot push to '%s': a name to push to has a tag, not a digest",
				 p.reference);
	_cleanup_close_ int hold = store_hold(s->in, err);
	r = hold < 0 ? hold : read_manifest(&p, err);
	if (r == 0)
		r = session_clients(s, &p.ref, "pull,push", &clients, err);
	if (r == 0) {
		r = push_to(&p, &clients.at[clients.n - 1], out,
			    err); /* to the registry itself, not to a mirror */
		session_end_clients(&clients);
	}
	free(p.text);
	return r < 0 ? error_prefix(err, "cannot push '%s'", p.reference) : 0;
}
