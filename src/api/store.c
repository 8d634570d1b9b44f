/* store.c — see store.h. */
#include "api/store.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "api/names.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "object/json.h"

static int directory(const struct instance *in, const char *kind, const char *namespace, bool make,
		     struct error *err)
{
	char path[PATH_MAX];
	int r = 0;

	if (name_dns_label(namespace)) /* it comes from a command line: never a path */
		return error_set(err, EINVAL, "'%.100s' %s", namespace, name_dns_label(namespace));
	snprintf(path, sizeof(path), "objects/%s/%s", kind, namespace);
	if (make)
		r = file_make_dirs(in->rootfd, path, 0700, err);
	return r < 0 ? r : file_open_dir(in->rootfd, path, 0, err);
}

static struct node *read_object(int dir, const char *file, struct arena *a, struct error *err)
{
	_cleanup_free_ char *text = NULL;
	size_t size;

	if (file_read(dir, file, NODE_BYTES_MAX, &text, &size, err) < 0)
		return NULL;
	struct node *n = node_from_json(a, text, size, err);
	if (!n)
		error_prefix(err, "%s", file);
	return n;
}

int store_put(const struct instance *in, const char *kind, const char *namespace, const char *name,
	      struct node *object, struct error *err)
{
	_cleanup_arena_ struct arena *a = arena_new();
	_cleanup_text_ struct text text = {};
	_cleanup_free_ char *file = memory_printf("%s.json", name);
	if (name_dns_subdomain(name))
		return error_set(err, EINVAL, "'%.100s' %s", name, name_dns_subdomain(name));
	_cleanup_close_ int dir = directory(in, kind, namespace, true, err);
	if (dir < 0)
		return dir;

	struct node *old = file_exists(dir, file) ? read_object(dir, file, a, NULL) : NULL;
	if (old && node_equal(old, object))
		return STORE_UNCHANGED;
	const struct node *immutable = node_get(old, "immutable");
	if (immutable && immutable->boolean)
		return error_set(err, EPERM, "'%s' is immutable and would change (delete it first)", name);
	node_to_json(object, false, &text);
	int r = file_write_atomic(dir, file, text.at, text.n, 0600, err);
	return r < 0 ? r : old ? STORE_CONFIGURED : STORE_CREATED;
}

struct node *store_get(const struct instance *in, const char *kind, const char *namespace, const char *name,
		       struct arena *a, struct error *err)
{
	_cleanup_free_ char *file = memory_printf("%s.json", name);
	_cleanup_close_ int dir = directory(in, kind, namespace, false, NULL);

	if (name_dns_subdomain(name) || dir < 0 || !file_exists(dir, file)) {
		error_set(err, ENOENT, "there is no %.*s '%s' in the namespace '%s'", (int)strlen(kind) - 1,
			  kind, name, namespace);
		return NULL;
	}
	return read_object(dir, file, a, err);
}

int store_remove(const struct instance *in, const char *kind, const char *namespace, const char *name,
		 struct error *err)
{
	_cleanup_free_ char *file = memory_printf("%s.json", name);
	_cleanup_close_ int dir = directory(in, kind, namespace, false, NULL);

	if (name_dns_subdomain(name) || dir < 0 || unlinkat(dir, file, 0) < 0)
		return error_set(err, ENOENT, "there is no %.*s '%s' in the namespace '%s'",
				 (int)strlen(kind) - 1, kind, name, namespace);
	return 0;
}

static int only_objects(const struct dirent *entry)
{
	return text_ends(entry->d_name, ".json");
}

static int only_names(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static int list_namespace(const struct instance *in, const char *kind, const char *namespace, struct arena *a,
			  struct store_objects *out, struct error *err)
{
	struct dirent **entries = NULL;
	_cleanup_close_ int dir = directory(in, kind, namespace, false, NULL);
	int n = dir < 0 ? 0 : scandirat(dir, ".", &entries, only_objects, alphasort), r = 0;

	for (int i = 0; i < n; i++) {
		struct node *object = r < 0 ? NULL : read_object(dir, entries[i]->d_name, a, err);
		if (object)
			*list_add(a, out) = object;
		else if (r == 0 && file_exists(dir, entries[i]->d_name)) /* else it was removed meanwhile */
			r = err ? -err->code : -EIO;
		free(entries[i]);
	}
	free(entries);
	return r;
}

int store_list(const struct instance *in, const char *kind, const char *namespace, struct arena *a,
	       struct store_objects *out, struct error *err)
{
	_cleanup_free_ char *path = memory_printf("objects/%s", kind);
	struct dirent **entries = NULL;
	int r = 0;

	if (namespace)
		return list_namespace(in, kind, namespace, a, out, err);
	int n = scandirat(in->rootfd, path, &entries, only_names, alphasort);
	for (int i = 0; i < n; i++) {
		if (r == 0)
			r = list_namespace(in, kind, entries[i]->d_name, a, out, err);
		free(entries[i]);
	}
	free(entries);
	return r;
}
