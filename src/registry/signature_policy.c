/* signature_policy.c — see signature_policy.h. */
#include "registry/signature_policy.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "object/json.h"

enum { POLICY_MAX = 1024 * 1024, KEY_MAX = 64 * 1024 };

/* --- scopes ---------------------------------------------------------------------------------------------- */

static const struct node *scope(const struct node *docker, const char *name)
{
	const struct node *found = node_get(docker, name);
	return found && found->kind == NODE_LIST ? found : NULL;
}

/* The narrowest first: host/path:tag, host/path, each path above it, host, *.domain …, "", the default. */
static const struct node *find_scope(const struct node *policy, const struct reference *ref, struct arena *a)
{
	const struct node *docker = node_get(node_get(policy, "transports"), "docker"), *found;
	char *name = arena_printf(a, "%s/%s", ref->registry, ref->path);
	const char *full = ref->digest ? arena_printf(a, "%s@%s", name, ref->digest)
				       : arena_printf(a, "%s:%s", name, ref->tag);

	if ((found = scope(docker, full)))
		return found;
	for (char *slash = name; slash;) {
		if ((found = scope(docker, name)))
			return found;
		if ((slash = strrchr(name, '/')))
			*slash = '\0';
	}
	for (const char *dot = strchr(name, '.'); dot; dot = strchr(dot + 1, '.'))
		if ((found = scope(docker, arena_printf(a, "*%s", dot))))
			return found;
	found = scope(docker, "");
	return found ? found : scope(policy, "default");
}

/* --- requirements ---------------------------------------------------------------------------------------- */

static int read_key(const struct node *n, const char *file, struct arena *a, struct policy_requirement *r,
		    struct error *err)
{
	const char *path = node_get_string(n, "keyPath"), *data = node_get_string(n, "keyData");
	_cleanup_free_ char *text = NULL;

	if (!text_empty(path)) {
		int result = file_read(AT_FDCWD, path, KEY_MAX, &text, NULL, err);
		r->key = result < 0 ? NULL : arena_strdup(a, text);
		return result < 0 ? error_prefix(err, "%s", file) : 0;
	}
	size_t size = data ? strlen(data) : 0;
	unsigned char *plain = arena_alloc(a, size + 4);
	if (size == 0 || size > KEY_MAX || size % 4 ||
	    EVP_DecodeBlock(plain, (const unsigned char *)data, (int)size) < 0)
		return error_set(err, ENOTSUP,
				 "%s: sigstoreSigned needs a public key, keyPath or keyData in base64 "
				 "(others, such as fulcio, "
				 "are not supported)",
				 file);
	r->key = (const char *)plain;
	return 0;
}

static int read_identity(const struct node *n, const char *file, struct policy_requirement *r,
			 struct error *err)
{
	static const struct {
		const char *type, *name; /* the field of the name that goes with it */
	} known[] = {
		{ "matchRepoDigestOrExact", NULL },
		{ "matchExact", NULL },
		{ "matchRepository", NULL },
		{ "exactReference", "dockerReference" },
		{ "exactRepository", "dockerRepository" },
	};
	const struct node *identity = node_get(n, "signedIdentity");
	const char *type = identity ? node_get_string(identity, "type") : known[0].type;

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		if (!text_is(type, known[i].type))
			continue;
		r->identity = known[i].type;
		r->identity_name = known[i].name ? node_get_string(identity, known[i].name) : NULL;
		return known[i].name && !r->identity_name
			       ? error_set(err, EINVAL, "%s: signedIdentity '%s' needs %s", file, type,
					   known[i].name)
			       : 0;
	}
	return error_set(err, ENOTSUP, "%s: signedIdentity '%.60s' is not supported", file, type ? type : "");
}

static int read_requirement(const struct node *n, const char *file, struct arena *a,
			    struct policy_requirement *r, struct error *err)
{
	const char *type = node_get_string(n, "type");

	if (text_is(type, "insecureAcceptAnything")) {
		r->kind = POLICY_ACCEPT;
		return 0;
	}
	if (text_is(type, "reject")) {
		r->kind = POLICY_REJECT;
		return 0;
	}
	if (!text_is(type, "sigstoreSigned"))
		return error_set(
			err, ENOTSUP,
			"%s asks for '%.60s', which is not supported (sigstoreSigned with a public key is)",
			file, type ? type : "");
	r->kind = POLICY_SIGSTORE;
	int result = read_key(n, file, a, r, err);
	return result < 0 ? result : read_identity(n, file, r, err);
}

int policy_read(const char *file, const char *text, size_t size, const struct reference *ref, struct arena *a,
		struct policy_requirements *out, struct error *err)
{
	struct node *policy = node_from_json(a, text, size, err);
	const struct node *found = policy ? find_scope(policy, ref, a) : NULL;
	int r = 0;

	*out = (struct policy_requirements){};
	if (!policy)
		return error_prefix(err, "'%s'", file);
	if (!found || found->items.n == 0)
		return error_set(err, EINVAL, "%s has no default, or an empty list of requirements", file);
	list_each(item, &found->items)
		if (r == 0)
			r = read_requirement(*item, file, a, list_add(a, out), err);
	return r;
}

int policy_find(const struct reference *ref, struct arena *a, struct policy_requirements *out,
		struct error *err)
{
	const char *home = getenv("HOME");
	const char *user = text_empty(home) ? "/nonexistent"
					    : arena_printf(a, "%s/.config/containers/policy.json", home);
	const char *file = access(user, F_OK) == 0 ? user : "/etc/containers/policy.json";
	_cleanup_free_ char *text = NULL;
	size_t size;

	*out = (struct policy_requirements){};
	if (access(file, F_OK) < 0)
		return 0;
	int r = file_read(AT_FDCWD, file, POLICY_MAX, &text, &size, err);
	return r < 0 ? r : policy_read(file, text, size, ref, a, out, err);
}

/* --- identities ------------------------------------------------------------------------------------------ */

bool policy_identity_matches(const struct policy_requirement *r, const struct reference *ref,
			     const char *signed_name, struct arena *a)
{
	const char *full = signed_name ? reference_complete(signed_name, a, NULL) : NULL;

	if (!full)
		return false;
	struct reference told = reference_split(full, a), wanted = *ref;
	bool tagged = strchr(strrchr(signed_name, '/') ? strrchr(signed_name, '/') : signed_name, ':');
	if (r->identity_name) {
		const char *other = reference_complete(r->identity_name, a, NULL);
		if (!other)
			return false;
		wanted = reference_split(other, a);
	}
	if (!text_is(told.registry, wanted.registry) || !text_is(told.path, wanted.path))
		return false;
	if (text_is(r->identity, "matchRepository") || text_is(r->identity, "exactRepository"))
		return true;
	if (text_is(r->identity, "matchRepoDigestOrExact") && wanted.digest)
		return true; /* the digest says which one it is */
	return told.digest ? text_is(told.digest, wanted.digest) : tagged && text_is(told.tag, wanted.tag);
}
