/* session.c — see session.h. */
#include "registry/session.h"

static const char *const accept_header =
	"Accept: " MANIFEST_TYPE_OCI ", " INDEX_TYPE_OCI ", " MANIFEST_TYPE_DOCKER ", " INDEX_TYPE_DOCKER;

int session_open(struct registry_session *s, struct error *err)
{
	int r = registries_read(&s->registries, s->arena, err);

	s->sources.helpers = s->registries.helpers;
	if (!s->platform.os)
		s->platform = platform_own();
	s->progress.arena = s->arena;
	return r < 0 ? r : http_open(&s->http, err);
}

void session_close(struct registry_session *s)
{
	if (s->http.multi)
		http_close(&s->http);
}

int session_clients(struct registry_session *s, const struct reference *ref, const char *actions,
		    struct clients *out, struct error *err)
{
	struct locations locations = {};
	int r = registries_locate(&s->registries, ref, s->arena, &locations, err);

	*out = (struct clients){};
	list_each(location, &locations) {
		if (r < 0)
			break;
		location->insecure = location->insecure || s->insecure;
		r = client_open(list_add(s->arena, out), &s->http, location, actions, &s->sources, s->arena,
				err);
	}
	if (r < 0)
		session_end_clients(out);
	return r;
}

void session_end_clients(struct clients *clients)
{
	list_each(client, clients)
		client_close(client);
	clients->n = 0;
}

static struct ask manifest_ask(struct client *c, const char *method, const char *name)
{
	return (struct ask){
		.method = method,
		.path = arena_printf(c->arena, "manifests/%s", name),
		.what = digest_is_right(name) ? arena_printf(c->arena, "the manifest '%.19s…'", name)
					      : arena_printf(c->arena, "'%s'", name),
		.headers = { (const char **)&accept_header, 1 },
		.q = { .answer_max = MANIFEST_MAX, .body_size = -1 },
	};
}

int session_manifest(struct client *c, const char *name, struct ask *ask, char digest[static DIGEST_SIZE],
		     struct error *err)
{
	*ask = manifest_ask(c, "GET", name);
	int r = client_ask(c, ask, err);
	if (r < 0)
		return r;
	digest_of_bytes(text_str(&ask->q.answer), ask->q.answer.n, digest);
	const char *said = http_header(&ask->q, "docker-content-digest");
	const char *wanted = digest_is_right(name) ? name : digest_is_right(said) ? said : digest;
	if (!text_is(digest, wanted))
		return error_set(err, EBADMSG,
				 "the registry '%s' sends a manifest with the digest %s instead of %s: it is "
				 "damaged or "
				 "forged",
				 c->location.name, digest, wanted);
	return 0;
}

const char *session_head(struct client *c, const char *name)
{
	struct ask ask = manifest_ask(c, "HEAD", name);
	const char *digest =
		client_ask(c, &ask, NULL) == 0 ? http_header(&ask.q, "docker-content-digest") : NULL;

	digest = digest_is_right(digest) ? arena_strdup(c->arena, digest) : NULL;
	client_release(&ask);
	return digest;
}
