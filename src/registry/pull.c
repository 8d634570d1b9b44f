/* pull.c — see pull.h. */
#include "registry/pull.h"

#include "base/cleanup.h"
#include "registry/signature.h"
#include "registry/transfer.h"

enum { INDEX_DEPTH_MAX = 4 };

struct pull {
	struct registry_session *session;
	const char *reference;
	struct reference ref;
	struct clients clients;
	struct policy_requirements requirements;
	size_t client; /* the one that has the manifest */
	const char
		*origin; /* the digest that the registry has for the name: of an index, or of the manifest */
	char digest[DIGEST_SIZE];
	struct manifest manifest;
};

/* --- the manifest --------------------------------------------------------------------------------------- */

/* One manifest or index NAME from C. */
static int get_one(struct pull *p, struct client *c, const char *name, struct error *err)
{
	char digest[DIGEST_SIZE];
	struct ask ask;
	int r = session_manifest(c, name, &ask, p->digest, err);
	const struct text *text = &ask.q.answer;

	if (r == 0)
		r = manifest_parse(text_str(text), text->n, http_header(&ask.q, "content-type"),
				   p->session->arena, &p->manifest, err);
	if (r == 0 && !p->manifest.is_index)
		r = blob_put(p->session->in, text_str(text), text->n, digest, err);
	client_release(&ask);
	return r;
}

/* The manifest NAME from client C, through indexes, into P->manifest. */
static int get_manifest(struct pull *p, struct client *c, const char *name, struct error *err)
{
	const struct platform *want = &p->session->platform;
	struct arena *a = p->session->arena;

	for (int depth = 0; depth <= INDEX_DEPTH_MAX; depth++) {
		int r = get_one(p, c, name, err);
		if (r < 0)
			return r;
		if (depth == 0)
			p->origin = arena_strdup(a, p->digest);
		if (!p->manifest.is_index)
			return 0;
		const struct descriptor *fit = manifest_choose(&p->manifest, want);
		if (!fit)
			return error_set(err, ENOEXEC, "it is not for %s/%s, but for: %s", want->os,
					 want->architecture, manifest_platforms(&p->manifest, a));
		name = fit->digest;
	}
	return error_set(err, ELOOP, "its indexes are nested deeper than %d", INDEX_DEPTH_MAX);
}

/* From the first place that has it. */
static int find_manifest(struct pull *p, struct error *err)
{
	const char *name = p->ref.digest ? p->ref.digest : p->ref.tag;
	int r = -ENOENT;

	for (p->client = 0; p->client < p->clients.n; p->client++) {
		*err = (struct error){};
		r = get_manifest(p, &p->clients.at[p->client], name, err);
		if (r == 0)
			return 0;
	}
	return r;
}

static int check_platform(const struct pull *p, const struct node *config, struct error *err)
{
	const char *os = node_get_string(config, "os"),
		   *architecture = node_get_string(config, "architecture");
	const struct platform *want = &p->session->platform;

	if ((text_empty(os) || text_is(os, want->os)) &&
	    (text_empty(architecture) || text_is(architecture, want->architecture)))
		return 0;
	return error_set(err, ENOEXEC, "it is for %.40s/%.40s, not for %s/%s", os ? os : "?",
			 architecture ? architecture : "?", want->os, want->architecture);
}

/* Is what the registry has for the name what is here? One HEAD says so. */
static bool is_current(struct pull *p)
{
	struct image image;

	if (image_resolve(p->session->in, p->reference, p->session->arena, &image, NULL) < 0 ||
	    !text_is(image.reference, p->reference))
		return false;
	struct node *config = store_read_json(p->session->in, image.id, p->session->arena, NULL);
	if (check_platform(p, config, NULL) < 0)
		return false;
	if (p->ref.digest)
		return true;
	list_each(client, &p->clients) {
		const char *there = session_head(client, p->ref.tag);
		if (there)
			return text_is(there, image.origin) || text_is(there, image.digest);
	}
	return false;
}

/* --- the blobs ------------------------------------------------------------------------------------------ */

/* Each layer's diff_id is in the config, in the same order. */
static int on_config(struct transfers *t, void *with, struct error *err)
{
	struct pull *p = with;
	struct node *config =
		store_read_json(p->session->in, p->manifest.config->digest, p->session->arena, err);
	const struct node *ids = node_get(node_get(config, "rootfs"), "diff_ids");
	int r = config ? check_platform(p, config, err) : -err->code;

	if (r < 0)
		return r;
	if (!ids || ids->kind != NODE_LIST || ids->items.n != p->manifest.layers.n)
		return error_set(err, EPROTO, "its manifest and config do not agree on its layers");
	for (size_t i = 0; i < ids->items.n; i++) {
		const struct node *id = ids->items.at[i];
		if (id->kind != NODE_STRING || !digest_is_right(id->text))
			return error_set(err, EPROTO, "its config names a layer that is no sha256 digest");
		list_each(one, &t->items)
			if ((*one)->is_layer && text_is((*one)->blob.digest, p->manifest.layers.at[i].digest))
				(*one)->diff_id = id->text;
	}
	return 0;
}

/* An image, and not one of the many other things that registries keep (OCI artifacts, charts, signatures). */
static int check_kind(const struct pull *p, struct error *err)
{
	const struct manifest *m = &p->manifest;
	const char *type = m->config->mediaType;

	if (!text_empty(type) && !strstr(type, ".image."))
		return error_set(err, EINVAL, "it is no image but an artifact of the type '%.100s'",
				 text_empty(m->artifactType) ? type : m->artifactType);
	list_each(layer, &m->layers) {
		const char *kind = text_empty(layer->mediaType) ? "tar" : layer->mediaType;
		if (strstr(kind, "encrypted"))
			return error_set(err, EINVAL, "its layers are encrypted, which is not supported");
		if (!strstr(kind, "tar") && !strstr(kind, "rootfs.diff"))
			return error_set(err, EINVAL,
					 "it has a layer of the type '%.100s', which is not known", kind);
	}
	return 0;
}

static int get_blobs(struct pull *p, bool *fresh, struct error *err)
{
	struct clients rest = { p->clients.at + p->client, p->clients.n - p->client };
	struct transfers t = { .session = p->session, .clients = &rest };

	transfers_add(&t, p->manifest.config, false);
	list_each(layer, &p->manifest.layers)
		transfers_add(&t, layer, true);
	int r = transfers_run(&t, on_config, p, err);
	*fresh = t.fetched;
	return r;
}

/* --- one reference -------------------------------------------------------------------------------------- */

/* Does the name stand for this manifest already? */
static bool has_name(const struct pull *p)
{
	struct image image;
	return image_resolve(p->session->in, p->reference, p->session->arena, &image, NULL) == 0 &&
	       text_is(image.reference, p->reference) && text_is(image.digest, p->digest);
}

static int pull_whole(struct pull *p, struct pulled *out, struct error *err)
{
	const struct instance *in = p->session->in;
	_cleanup_close_ int hold = store_hold(in, err);

	if (hold < 0)
		return hold;
	progress_begin(&p->session->progress, p->reference);
	int r = find_manifest(p, err);
	if (r == 0)
		r = signature_check(&p->clients.at[p->client], &p->requirements, &p->ref, p->digest,
				    p->origin, err);
	if (r == 0)
		r = check_kind(p, err);
	if (r == 0)
		r = get_blobs(p, &out->fresh, err);
	out->fresh = out->fresh || (r == 0 && !has_name(p));
	if (r == 0)
		r = image_commit(in, p->digest, p->reference, p->origin, err);
	out->digest = arena_strdup(p->session->arena, p->digest);
	return r;
}

/* What is here already came in under a policy, but perhaps under an older one: only where everything is accepted is it taken unseen. */
static bool has_requirement(const struct pull *p, bool of_any_kind)
{
	list_each(r, &p->requirements)
		if (r->kind == POLICY_REJECT || (of_any_kind && r->kind != POLICY_ACCEPT))
			return true;
	return false;
}

static int pull_reference(struct registry_session *s, const char *reference, struct pulled *out,
			  struct error *err)
{
	struct pull p = { .session = s, .reference = reference, .ref = reference_split(reference, s->arena) };
	int r = policy_find(&p.ref, s->arena, &p.requirements, err);

	*out = (struct pulled){ .reference = reference };
	if (r == 0 && has_requirement(&p, false))
		r = error_set(err, EKEYREJECTED, "policy.json rejects it");
	if (r == 0)
		r = session_clients(s, &p.ref, "pull", &p.clients, err);
	if (r == 0 && (has_requirement(&p, true) || !is_current(&p)))
		r = pull_whole(&p, out, err);
	session_end_clients(&p.clients);
	return r < 0 ? error_prefix(err, "cannot pull '%s'", reference) : 0;
}

int image_pull(struct registry_session *s, const char *name, struct pulled *out, struct error *err)
{
	struct strings candidates = {};
	int r = registries_candidates(&s->registries, name, s->arena, &candidates, err);

	if (r < 0)
		return r;
	list_each(candidate, &candidates) {
		*err = (struct error){};
		if ((r = pull_reference(s, *candidate, out, err)) == 0)
			return 0;
	}
	return r;
}
