/* read.c — see read.h. */
#include "api/read.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "object/yaml.h"

enum { OBJECTS_MAX = 10000 };

struct reading {
	struct arena *arena;
	struct objects *out;
	struct problems *problems;
	const char *file, *namespace;
};

static const struct kind *find_kind(struct reading *r, const struct node *n)
{
	struct error err = {};
	const struct node *name = node_get(n, "kind");

	if (n->kind != NODE_MAP) {
		problem_error(r->problems, n->line, n->column, NULL,
			      "found %s, wanted an object (a map with apiVersion, kind and metadata)",
			      node_kind_name(n->kind));
		return NULL;
	}
	if (!name || name->kind != NODE_STRING) {
		problem_error(r->problems, n->line, n->column, NULL, "the field 'kind' is missing");
		return NULL;
	}
	const struct kind *kind = kind_of_manifest(node_get_string(n, "apiVersion"), name->text, &err);
	if (!kind)
		problem_error(r->problems, name->line, name->column, "kind", "%s", err.text);
	return kind;
}

/* An object may stand only once in what is read: which of two would win is nobody's intention. */
static bool is_new(struct reading *r, const struct object *o, const struct node *n)
{
	const struct object_meta *mine = object_metadata(o);

	if (r->out->n >= OBJECTS_MAX) {
		problem_error(r->problems, n->line, n->column, NULL,
			      "there are more than %d objects; split the file", OBJECTS_MAX);
		return false;
	}
	list_each(other, r->out) {
		const struct object_meta *meta = object_metadata(other);
		if (other->kind == o->kind && text_is(meta->name, mine->name) &&
		    text_is(meta->namespace, mine->namespace)) {
			problem_error(r->problems, 0, 0, "metadata.name",
				      "'%s' stands here twice (first at %s)", mine->name, other->source);
			return false;
		}
	}
	return true;
}

static bool settle_namespace(struct reading *r, struct object *o, const struct node *n)
{
	struct object_meta *meta = object_metadata(o);

	if (!r->namespace || text_is(meta->namespace, r->namespace))
		return true;
	if (!node_get(node_get(n, "metadata"), "namespace")) {
		meta->namespace = r->namespace;
		return true;
	}
	problem_error(r->problems, 0, 0, "metadata.namespace", "is '%s', but '%s' was asked for (-n)",
		      meta->namespace, r->namespace);
	return false;
}

static bool finish(struct reading *r, struct object *o)
{
	switch (o->kind) {
	case KIND_CONFIG_MAP:
		return config_map_validate(o->config_map, r->problems);
	case KIND_SECRET:
		secret_settle(o->secret, r->arena);
		return secret_validate(o->secret, r->problems);
	case KIND_SERVICE:
		o->service->status = NULL;
		return service_validate(o->service, r->problems);
	case KIND_CLAIM:
		claim_settle(o->claim);
		return claim_validate(o->claim, r->problems);
	case KIND_POD:
		o->pod->status = (struct pod_status){};
		pod_defaults(o->pod, r->arena);
		return pod_validate(o->pod, r->problems);
	}
	return false;
}

static void read_object(struct reading *r, const struct node *n)
{
	const struct kind *kind = find_kind(r, n);
	if (!kind)
		return;

	struct object o = { .kind = kind->kind, .source = arena_printf(r->arena, "%s:%u", r->file, n->line) };
	void *object = arena_alloc(r->arena, kind->table->size);
	o.pod = object; /* all members of the union are this pointer */
	r->problems->root = n;
	if (object_decode(kind->table, n, object, r->arena, NULL, r->problems) &&
	    settle_namespace(r, &o, n) && finish(r, &o) && is_new(r, &o, n))
		*list_add(r->arena, r->out) = o;
	r->problems->root = NULL;
}

int objects_parse(const char *file, const char *text, size_t size, const char *namespace, struct arena *a,
		  struct objects *out, struct problems *problems)
{
	struct reading r = {
		.arena = a, .out = out, .problems = problems, .file = file, .namespace = namespace
	};
	struct yaml_documents documents = {};
	size_t before = problems->errors.n + problems->more;

	problems->file = file;
	if (yaml_read(a, file, text, size, &documents, problems) < 0)
		return -EINVAL;
	list_each(document, &documents) {
		const struct node *items = node_get(*document, "items");
		if (text_is(node_get_string(*document, "kind"), "List") && items && items->kind == NODE_LIST)
			list_each(item, &items->items)
				read_object(&r, *item);
		else
			read_object(&r, *document);
	}
	return problems->errors.n + problems->more == before ? 0 : -EINVAL;
}

static int read_fd(int fd, const char *name, const char *namespace, struct arena *a, struct objects *out,
		   struct problems *problems, struct error *err)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	int r = file_read_fd(fd, name, NODE_BYTES_MAX, &text, &size, err);
	return r < 0 ? r : objects_parse(name, text, size, namespace, a, out, problems);
}

static int is_manifest(const struct dirent *entry)
{
	const char *name = entry->d_name;
	return name[0] != '.' &&
	       (text_ends(name, ".yaml") || text_ends(name, ".yml") || text_ends(name, ".json"));
}

static int open_file(const char *path, struct stat *st, struct error *err)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0 || fstat(fd, st) < 0)
		return error_errno(err, "cannot open '%s'", path);
	return take_fd(&fd);
}

/* The manifests of a directory, not of those below it, as kubectl apply -f does. */
static int read_directory(const char *path, const char *namespace, struct arena *a, struct objects *out,
			  struct problems *problems, struct error *err)
{
	struct dirent **entries;
	int n = scandir(path, &entries, is_manifest, alphasort), result = 0;

	if (n < 0)
		return error_errno(err, "cannot list the directory '%s'", path);
	if (n == 0)
		result = error_set(err, ENOENT, "there is no *.yaml, *.yml or *.json in the directory '%s'",
				   path);
	for (int i = 0; i < n; i++) {
		struct stat st;
		const char *file = arena_printf(a, "%s/%s", path, entries[i]->d_name);
		_cleanup_close_ int fd =
			result == 0 || result == -EINVAL ? open_file(file, &st, err) : result;
		if (fd < 0)
			result = fd;
		else if (!S_ISDIR(st.st_mode)) {
			int r = read_fd(fd, file, namespace, a, out, problems, err);
			result = r < 0 ? r : result;
		}
		free(entries[i]);
	}
	free(entries);
	return result;
}

int objects_read(const char *from, const char *namespace, struct arena *a, struct objects *out,
		 struct problems *problems, struct error *err)
{
	if (text_is(from, "-"))
		return read_fd(STDIN_FILENO, "standard input", namespace, a, out, problems, err);
	struct stat st;
	_cleanup_close_ int fd = open_file(from, &st, err);
	if (fd < 0)
		return fd;
	if (S_ISDIR(st.st_mode))
		return read_directory(from, namespace, a, out, problems, err);
	return read_fd(fd, arena_strdup(a, from), namespace, a, out, problems, err);
}

struct object_meta *object_metadata(const struct object *o)
{
	switch (o->kind) {
	case KIND_CONFIG_MAP:
		return &o->config_map->metadata;
	case KIND_SECRET:
		return &o->secret->metadata;
	case KIND_CLAIM:
		return &o->claim->metadata;
	case KIND_SERVICE:
		return &o->service->metadata;
	default:
		return &o->pod->metadata;
	}
}
