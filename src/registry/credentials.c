/* credentials.c — see credentials.h. */
#include "registry/credentials.h"

#include <fcntl.h>
#include <libgen.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "object/json.h"
#include "registry/helper.h"

enum { FILE_MAX = 1024 * 1024, AUTH_MAX = 256 * 1024 };

/* --- one file ------------------------------------------------------------------------------------------ */

/* How much of REPOSITORY ("registry/path") the KEY of an auths map covers. Docker's keys may be URLs: "https://index.docker.io/v1/". */
static size_t key_covers(const char *key, const char *registry, const char *repository)
{
	const char *host = strstr(key, "://") ? strstr(key, "://") + 3 : key;
	size_t n = strlen(host), size = strcspn(host, "/");
	bool url = host != key || text_ends(host, "/v1/") || text_ends(host, "/v2/");

	if (size == strlen("index.docker.io") && text_starts(host, "index.docker.io"))
		return text_is(registry, "docker.io") ? 1 : 0;
	if (url) /* as a URL it names the registry as a whole */
		return strlen(registry) == size && memcmp(host, registry, size) == 0 ? size : 0;
	while (n && host[n - 1] == '/')
		n--;
	return strncmp(host, repository, n) == 0 && (repository[n] == '\0' || repository[n] == '/') ? n : 0;
}

/* "auth" is base64 of "username:password". */
static int decode_auth(const char *text, struct arena *a, struct credentials *out, struct error *err)
{
	size_t n = strlen(text);
	unsigned char *plain = arena_alloc(a, n + 4);
	int got = n > AUTH_MAX || n % 4 ? -1 : EVP_DecodeBlock(plain, (const unsigned char *)text, (int)n);
	char *colon = got < 0 ? NULL : strchr((char *)plain, ':');

	if (!colon)
		return error_set(err, EINVAL, "an \"auth\" is not base64 of a name, a colon and a password");
	*colon = '\0';
	out->username = (char *)plain;
	out->password = colon + 1;
	return 0;
}

static int read_entry(const struct node *entry, struct arena *a, struct credentials *out, struct error *err)
{
	const char *auth = node_get_string(entry, "auth");
	int r = text_empty(auth) ? 0 : decode_auth(auth, a, out, err);

	if (text_empty(auth)) {
		out->username = node_get_string(entry, "username");
		out->password = node_get_string(entry, "password");
	}
	if (!text_empty(node_get_string(entry, "identitytoken")))
		out->identity_token = node_get_string(entry, "identitytoken");
	return r < 0 ? r : out->identity_token || (out->username && out->password);
}

static const struct node *find_entry(const struct node *auths, const char *registry, const char *path,
				     struct arena *a)
{
	const char *repository = *path ? arena_printf(a, "%s/%s", registry, path) : registry;
	const struct node *found = NULL;
	size_t best = 0;

	if (!auths || auths->kind != NODE_MAP)
		return NULL;
	list_each(pair, &auths->pairs) {
		size_t covered = key_covers(pair->key, registry, repository);
		if (covered > best) {
			best = covered;
			found = pair->value;
		}
	}
	return found;
}

/* The helper that the file N names for REGISTRY alone; NULL: none. */
static const char *own_helper(const struct node *n, const char *registry)
{
	const struct node *helpers = node_get(n, "credHelpers");
	const char *own = node_get_string(helpers, registry);

	if (!own && text_is(registry, "docker.io"))
		own = node_get_string(helpers, "https://index.docker.io/v1/");
	return text_empty(own) ? NULL : own;
}

int credentials_in(const char *text, size_t size, const char *registry, const char *path, struct arena *a,
		   struct credentials *out, const char **helper, struct error *err)
{
	struct node *n = node_from_json(a, text, size, err);

	*helper = NULL;
	if (!n)
		return -EINVAL;
	if ((*helper = own_helper(n, registry)))
		return 0;
	const struct node *found = find_entry(node_get(n, "auths"), registry, path, a);
	int r = found ? read_entry(found, a, out, err) : 0;
	const char *store = node_get_string(n, "credsStore");
	if (r == 0 && !text_empty(store))
		*helper = store;
	return r;
}

/* --- the files ------------------------------------------------------------------------------------------ */

/* Where a login is written to, unless --authfile or $REGISTRY_AUTH_FILE say another place. */
static const char *runtime_file(struct arena *a)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	return !text_empty(runtime) ? arena_printf(a, "%s/containers/auth.json", runtime)
				    : arena_printf(a, "/run/containers/%u/auth.json", (unsigned)getuid());
}

static void list_files(const struct credential_sources *s, struct arena *a, struct strings *out)
{
	const char *only = s->file ? s->file : getenv("REGISTRY_AUTH_FILE");
	const char *home = getenv("HOME"), *config = getenv("XDG_CONFIG_HOME"),
		   *docker = getenv("DOCKER_CONFIG");

	if (!text_empty(only)) {
		*list_add(a, out) = only;
		return;
	}
	*list_add(a, out) = runtime_file(a);
	if (!text_empty(config))
		*list_add(a, out) = arena_printf(a, "%s/containers/auth.json", config);
	else if (!text_empty(home))
		*list_add(a, out) = arena_printf(a, "%s/.config/containers/auth.json", home);
	if (!text_empty(docker))
		*list_add(a, out) = arena_printf(a, "%s/config.json", docker);
	else if (!text_empty(home))
		*list_add(a, out) = arena_printf(a, "%s/.docker/config.json", home);
}

/* 1: found; 0; negative. */
static int look_in(const char *text, size_t size, const char *registry, const char *path, struct arena *a,
		   struct credentials *out, struct error *err)
{
	const char *helper;
	int r = credentials_in(text, size, registry, path, a, out, &helper, err);
	return r == 0 && helper ? helper_get(helper, registry, a, out, err) : r;
}

static int look_in_file(const char *file, const char *registry, const char *path, struct arena *a,
			struct credentials *out, struct error *err)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	int r = file_read(AT_FDCWD, file, FILE_MAX, &text, &size, err);

	if (r == 0 && size > 0 && (r = look_in(text, size, registry, path, a, out, err)) < 0)
		error_prefix(err, "'%s'", file);
	return r;
}

int credentials_find(const struct credential_sources *s, const char *registry, const char *path,
		     struct arena *a, struct credentials *out, struct error *err)
{
	struct strings files = {};
	int r;

	*out = (struct credentials){};
	list_each(secret, &s->secrets)
		if ((r = look_in(*secret, strlen(*secret), registry, path, a, out, err)) != 0)
			return r < 0 ? error_prefix(err, "an image pull secret") : 0;
	list_files(s, a, &files);
	list_each(file, &files)
		if ((s->file || access(*file, F_OK) == 0) &&
		    (r = look_in_file(*file, registry, path, a, out, err)) != 0)
			return r < 0 ? r : 0;
	list_each(helper, &s->helpers)
		if (!text_is(*helper, "containers-auth.json") &&
		    (r = helper_get(*helper, registry, a, out, err)) != 0)
			return r < 0 ? r : 0;
	return 0;
}

/* --- login and logout ----------------------------------------------------------------------------------- */

/* The file that a login changes, as a tree; empty if it is not there. */
static struct node *read_own(const struct credential_sources *s, const char **file, struct arena *a,
			     struct error *err)
{
	_cleanup_free_ char *text = NULL;
	struct strings files = {};
	size_t size = 0;

	list_files(s, a, &files);
	*file = files.at[0];
	if (access(*file, F_OK) == 0 && file_read(AT_FDCWD, *file, FILE_MAX, &text, &size, err) < 0)
		return NULL;
	struct node *n = size ? node_from_json(a, text, size, err) : node_new(a, NODE_MAP);
	if (!n)
		error_prefix(err, "'%s'", *file);
	return n;
}

static int write_own(const char *file, const struct node *n, struct arena *a, struct error *err)
{
	_cleanup_text_ struct text text = {};
	int r = file_make_dirs(AT_FDCWD, dirname(arena_strdup(a, file)), 0700, err);

	node_to_json(n, true, &text);
	text_add(&text, "\n");
	return r < 0 ? r : file_write_atomic(AT_FDCWD, file, text.at, text.n, 0600, err);
}

/* Base64 of "username:password", in A. */
static struct node *make_entry(const struct credentials *c, struct arena *a)
{
	struct node *entry = node_new(a, NODE_MAP);
	const char *plain = arena_printf(a, "%s:%s", c->username, c->password);
	size_t n = strlen(plain);
	char *auth = arena_alloc(a, n * 4 / 3 + 8);

	EVP_EncodeBlock((unsigned char *)auth, (const unsigned char *)plain, (int)n);
	node_put(a, entry, "auth", node_string(a, auth));
	return entry;
}

/* The helper that the file N leaves REGISTRY to; NULL: the file keeps it. */
static const char *helper_of(const struct node *n, const char *registry)
{
	const char *own = own_helper(n, registry), *store = node_get_string(n, "credsStore");
	return own ? own : text_empty(store) ? NULL : store;
}

int credentials_keep(const struct credential_sources *s, const char *registry, const struct credentials *c,
		     struct arena *a, const char **where, struct error *err)
{
	struct node *n = read_own(s, where, a, err);
	const char *helper = n ? helper_of(n, registry) : NULL;

	if (!n)
		return -EINVAL;
	if (helper) {
		*where = arena_printf(a, "docker-credential-%s", helper);
		return helper_store(helper, registry, c, err);
	}
	struct node *auths = node_get(n, "auths");
	if (!auths || auths->kind != NODE_MAP)
		node_put(a, n, "auths", auths = node_new(a, NODE_MAP));
	node_put(a, auths, registry, make_entry(c, a));
	return write_own(*where, n, a, err);
}

int credentials_forget(const struct credential_sources *s, const char *registry, struct arena *a,
		       struct error *err)
{
	const char *file;
	struct node *n = read_own(s, &file, a, err), *auths = node_get(n, "auths"),
		    *rest = node_new(a, NODE_MAP);
	const char *helper = n ? helper_of(n, registry) : NULL;

	if (!n)
		return -EINVAL;
	if (helper)
		return helper_erase(helper, registry, err);
	if (auths && auths->kind == NODE_MAP)
		list_each(pair, &auths->pairs)
			if (!text_is(pair->key, registry))
				node_put(a, rest, pair->key, pair->value);
	if (!auths || rest->pairs.n == auths->pairs.n)
		return error_set(err, ENOENT, "there is no login at '%s' in '%s'", registry, file);
	node_put(a, n, "auths", rest);
	return write_own(file, n, a, err);
}
