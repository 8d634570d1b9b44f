/* registries.c — see registries.h. */
#include "registry/registries.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "registry/toml.h"

enum { CONF_MAX = 1024 * 1024 };

static const char *check_location(const char *s)
{
	return strstr(s, "://") || strpbrk(s, " @?#")
		       ? "is no host with a path (host:port/path, without https://)"
		       : NULL;
}

static const struct field mirror_fields[] = {
	VALUE(registry_mirror, location, .required = true, .check = check_location),
	VALUE(registry_mirror, insecure),
	VALUE_AS(registry_mirror, pull, "pull-from-mirror", .values = "all|digest-only|tag-only",
		 .fallback = "all"),
};
static const struct table mirror_table = TABLE(registry_mirror, mirror_fields, "A mirror.", .open = true);

static const struct field entry_fields[] = {
	VALUE(registry_entry, prefix, .check = check_location),
	VALUE(registry_entry, location, .check = check_location),
	VALUE(registry_entry, insecure),
	VALUE(registry_entry, blocked),
	VALUE_AS(registry_entry, mirror_by_digest_only, "mirror-by-digest-only"),
	{ .name = "mirror",
	  .type = FIELD_OBJECTS,
	  .offset = offsetof(struct registry_entry, mirrors),
	  .size = sizeof(struct registry_mirror),
	  .table = &mirror_table },
};
static const struct table entry_table = TABLE(registry_entry, entry_fields, "A registry.", .open = true);

static const struct field registries_fields[] = {
	VALUE_AS(registries, search, "unqualified-search-registries"),
	VALUE_AS(registries, helpers, "credential-helpers"),
	{ .name = "registry",
	  .type = FIELD_OBJECTS,
	  .offset = offsetof(struct registries, entries),
	  .size = sizeof(struct registry_entry),
	  .table = &entry_table },
	VALUE(registries, aliases),
};
static const struct table registries_table =
	TABLE(registries, registries_fields, "registries.conf.", .open = true);

/* --- reading ------------------------------------------------------------------------------------------- */

static void add_entry(struct registries *out, const struct registry_entry *fresh, struct arena *a)
{
	list_each(entry, &out->entries) {
		if (text_is(entry->prefix, fresh->prefix)) {
			*entry = *fresh;
			return;
		}
	}
	*list_add(a, &out->entries) = *fresh;
}

static void add_alias(struct registries *out, const struct string_pair *fresh, struct arena *a)
{
	list_each(alias, &out->aliases) {
		if (text_is(alias->key, fresh->key)) {
			alias->value = fresh->value;
			return;
		}
	}
	*list_add(a, &out->aliases) = *fresh;
}

int registries_add(struct registries *out, const char *file, const char *text, size_t size, struct arena *a,
		   struct error *err)
{
	struct problems problems = { .arena = a, .file = file };
	struct registries read = {};
	struct node *n = node_from_toml(a, file, text, size, err);

	if (!n)
		return -EINVAL;
	if (node_get(n, "registries"))
		return error_set(
			err, EINVAL,
			"%s: [registries.…] is version 1 of the format; version 2 has [[registry]] and "
			"unqualified-search-registries (containers-registries.conf(5))",
			file);
	if (!object_decode(&registries_table, n, &read, a, NULL, &problems))
		return error_set(err, EINVAL, "%s", problems.errors.at[0].text);
	list_each(entry, &read.entries) {
		if (!entry->prefix)
			entry->prefix = entry->location;
		if (text_empty(entry->prefix))
			return error_set(err, EINVAL, "%s: a [[registry]] has neither prefix nor location",
					 file);
		add_entry(out, entry, a);
	}
	list_each(alias, &read.aliases)
		add_alias(out, alias, a);
	if (node_get(n, "unqualified-search-registries"))
		out->search = read.search;
	if (read.helpers.n)
		out->helpers = read.helpers;
	return 0;
}

/* 1: it was there and is read; 0: it is not there; negative. */
static int read_file(struct registries *out, const char *path, struct arena *a, struct error *err)
{
	_cleanup_free_ char *text = NULL;
	size_t size;

	if (access(path, F_OK) < 0)
		return 0;
	int r = file_read(AT_FDCWD, path, CONF_MAX, &text, &size, err);
	if (r == 0)
		r = registries_add(out, path, text, size, a, err);
	return r < 0 ? r : 1;
}

static int is_conf(const struct dirent *entry)
{
	return entry->d_name[0] != '.' && text_ends(entry->d_name, ".conf");
}

static int read_directory(struct registries *out, const char *path, struct arena *a, struct error *err)
{
	struct dirent **names;
	int n = scandir(path, &names, is_conf, alphasort), r = 0;

	for (int i = 0; i < n; i++) {
		if (r >= 0)
			r = read_file(out, arena_printf(a, "%s/%s", path, names[i]->d_name), a, err);
		free(names[i]);
	}
	if (n >= 0)
		free(names);
	return r < 0 ? r : 0;
}

int registries_read(struct registries *out, struct arena *a, struct error *err)
{
	const char *only = getenv("CONTAINERS_REGISTRIES_CONF"), *home = getenv("HOME");
	const char *config = getenv("XDG_CONFIG_HOME");
	const char *user = !text_empty(config) ? arena_printf(a, "%s/containers", config)
			   : !text_empty(home) ? arena_printf(a, "%s/.config/containers", home)
					       : "/nonexistent";
	const char *const bases[] = { user, "/etc/containers", "/usr/share/containers" };
	int r = 0;

	*out = (struct registries){};
	if (!text_empty(only)) {
		r = read_file(out, only, a, err);
		return r > 0   ? 0
		       : r < 0 ? r
			       : error_set(err, ENOENT,
					   "CONTAINERS_REGISTRIES_CONF names '%s', which is not there", only);
	}
	for (size_t i = 0; r == 0 && i < sizeof(bases) / sizeof(*bases); i++)
		r = read_file(out, arena_printf(a, "%s/registries.conf", bases[i]), a, err);
	for (size_t i = 0; r >= 0 && i < 2; i++)
		r = read_directory(out, arena_printf(a, "%s/registries.conf.d", bases[1 - i]), a, err);
	return r < 0 ? r : 0;
}

/* --- asking -------------------------------------------------------------------------------------------- */

/* How much of NAME ("host/path") PREFIX covers; 0: it does not. "*.example.org" covers hosts below example.org. */
static size_t covers(const char *prefix, const char *name)
{
	size_t n = strlen(prefix);

	if (text_starts(prefix, "*.")) {
		size_t host = strcspn(name, "/"), tail = n - 1;
		return host > tail && memcmp(name + host - tail, prefix + 1, tail) == 0 ? host : 0;
	}
	return strncmp(prefix, name, n) == 0 && (name[n] == '\0' || name[n] == '/') ? n : 0;
}

static const struct registry_entry *find_entry(const struct registries *r, const char *name, size_t *covered)
{
	const struct registry_entry *found = NULL;
	size_t best = 0;

	list_each(entry, &r->entries) {
		size_t n = covers(entry->prefix, name);
		size_t weight = n ? strlen(entry->prefix) : 0;
		if (weight > best) {
			best = weight;
			found = entry;
			*covered = n;
		}
	}
	return found;
}

static int add_location(const char *name, bool insecure, struct arena *a, struct locations *out,
			struct error *err)
{
	size_t host = strcspn(name, "/");

	if (host == 0 || !name[host] || !name[host + 1])
		return error_set(err, EINVAL,
				 "registries.conf makes '%s' of the image's name, which has no repository",
				 name);
	struct location *l = list_add(a, out);
	l->name = arena_strndup(a, name, host);
	bool hub = text_is(l->name, "docker.io") || text_is(l->name, "index.docker.io");
	l->host = hub ? "registry-1.docker.io" : l->name;
	l->path = name + host + 1;
	l->insecure = insecure;
	return 0;
}

static bool mirror_is_wanted(const struct registry_entry *entry, const struct registry_mirror *mirror,
			     const struct reference *ref)
{
	if (ref->digest)
		return !text_is(mirror->pull, "tag-only");
	return !entry->mirror_by_digest_only && !text_is(mirror->pull, "digest-only");
}

int registries_locate(const struct registries *r, const struct reference *ref, struct arena *a,
		      struct locations *out, struct error *err)
{
	const char *name = arena_printf(a, "%s/%s", ref->registry, ref->path);
	size_t covered = 0;
	const struct registry_entry *entry = find_entry(r, name, &covered);
	int result = 0;

	if (!entry)
		return add_location(name, false, a, out, err);
	if (entry->blocked)
		return error_set(err, EPERM, "the registry '%s' is blocked by registries.conf",
				 entry->prefix);
	list_each(mirror, &entry->mirrors)
		if (result == 0 && mirror_is_wanted(entry, mirror, ref))
			result = add_location(arena_printf(a, "%s%s", mirror->location, name + covered),
					      mirror->insecure, a, out, err);
	const char *itself = !text_empty(entry->location)
				     ? arena_printf(a, "%s%s", entry->location, name + covered)
				     : name;
	return result < 0 ? result : add_location(itself, entry->insecure, a, out, err);
}

static int add_candidate(const char *name, struct arena *a, struct strings *out, struct error *err)
{
	const char *full = reference_complete(name, a, err);

	if (!full)
		return -EINVAL;
	*list_add(a, out) = full;
	return 0;
}

int registries_candidates(const struct registries *r, const char *name, struct arena *a, struct strings *out,
			  struct error *err)
{
	const char *last = strrchr(name, '/') ? strrchr(name, '/') : name;
	size_t bare = (size_t)(last - name) + strcspn(last, ":@"); /* without tag and digest */
	int result = 0;

	if (reference_has_registry(name) || r->search.n + r->aliases.n == 0)
		return add_candidate(name, a, out, err);
	if (!reference_complete(name, a, err))
		return -EINVAL;
	list_each(alias, &r->aliases)
		if (strlen(alias->key) == bare && memcmp(alias->key, name, bare) == 0)
			return add_candidate(arena_printf(a, "%s%s", alias->value, name + bare), a, out, err);
	if (r->search.n == 0)
		return add_candidate(name, a, out, err);
	list_each(registry, &r->search) {
		bool hub = text_is(*registry, "docker.io");
		if (result == 0)
			result = add_candidate(hub ? name : arena_printf(a, "%s/%s", *registry, name), a, out,
					       err);
	}
	return result;
}
