/* reference.c — see reference.h. */
#include "image/reference.h"

#include "base/text.h"

static bool all_of(const char *s, size_t n, const char *set)
{
	return n > 0 && strspn(s, set) >= n;
}

enum { LENGTH_MAX = 400 };

#define LOWER "abcdefghijklmnopqrstuvwxyz0123456789"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

static bool is_registry(const char *s, size_t n)
{
	bool local = n == 9 && memcmp(s, "localhost", 9) == 0;
	return (local || memchr(s, '.', n) || memchr(s, ':', n)) && all_of(s, n, LOWER UPPER ".-:[]");
}

const char *reference_complete(const char *name, struct arena *a, struct error *err)
{
	const char *slash = strchr(name, '/'), *at = strchr(name, '@');
	const char *end = at ? at : name + strlen(name);
	const char *last = memrchr(name, '/', (size_t)(end - name));
	const char *colon = memchr(last ? last : name, ':', (size_t)(end - (last ? last : name)));
	bool registry = slash && is_registry(name, (size_t)(slash - name));
	const char *path = registry ? slash + 1 : name;
	size_t path_size = (size_t)((colon ? colon : end) - path);

	const char *before = registry ? "" : slash ? "docker.io/" : "docker.io/library/";
	const char *after = colon || at ? "" : ":latest";

	if (strlen(before) + strlen(name) + strlen(after) > LENGTH_MAX)
		error_set(err, EINVAL, "the image name '%.60s…' is too long", name);
	else if (path_size > 0 && strcspn(path, UPPER) < path_size)
		error_set(err, EINVAL, "'%s' is no image name: it must be in lower case", name);
	else if (!all_of(path, path_size, LOWER "._-/") || strstr(name, "//") || path[0] == '/' ||
		 path[path_size - 1] == '/' || strstr(path, "../"))
		error_set(err, EINVAL, "'%s' is no image name", name);
	else if (colon && !all_of(colon + 1, (size_t)(end - colon - 1), LOWER UPPER "._-"))
		error_set(err, EINVAL, "'%s' is no image name: the tag is wrong", name);
	else if (at && (!text_starts(at, "@sha256:") || strlen(at) != 8 + 64 ||
			!all_of(at + 8, 64, "0123456789abcdef")))
		error_set(err, EINVAL, "'%s' is no image name: the digest is wrong", name);
	else
		return arena_printf(a, "%s%s%s", before, name, after);
	return NULL;
}

bool reference_has_registry(const char *name)
{
	const char *slash = strchr(name, '/');
	return slash && is_registry(name, (size_t)(slash - name));
}

struct reference reference_split(const char *full, struct arena *a)
{
	struct reference r = {};
	const char *at = strchr(full, '@');
	const char *slash = strchr(full, '/'), *end = at ? at : full + strlen(full);
	const char *last = memrchr(full, '/', (size_t)(end - full));
	const char *colon = memchr(last, ':', (size_t)(end - last));

	r.registry = arena_strndup(a, full, (size_t)(slash - full));
	r.path = arena_strndup(a, slash + 1, (size_t)((colon ? colon : end) - slash - 1));
	r.tag = colon ? arena_strndup(a, colon + 1, (size_t)(end - colon - 1)) : NULL;
	r.digest = at ? at + 1 : NULL;
	return r;
}
