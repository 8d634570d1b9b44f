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

struct kind {
	const char *name, *version;
	enum object_kind kind;
	const struct table *table;
};

static const struct kind kinds[] = {
	{ "Pod", "v1", KIND_POD, &pod_table },
	{ "ConfigMap", "v1", KIND_CONFIG_MAP, &config_map_table },
	{ "Secret", "v1", KIND_SECRET, &secret_table },
};

/* Kinds that exist in Kubernetes: the answer to them is "not yet", not "unknown". */
static const char *const other_kinds[] = {
	"Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job", "CronJob", "Service", "Ingress", "Namespace",
	"PersistentVolume", "PersistentVolumeClaim", "ServiceAccount", "Role", "RoleBinding", "ClusterRole",
	"ClusterRoleBinding", "NetworkPolicy", "HorizontalPodAutoscaler", "PodDisruptionBudget", "StorageClass",
	"RuntimeClass", "PriorityClass", "Endpoints", "EndpointSlice", "ReplicationController", "LimitRange", "ResourceQuota",
};

struct reading {
	struct arena *arena;
	struct objects *out;
	struct problems *problems;
	const char *file;
};

static void unknown_kind(struct reading *r, const struct node *n, const char *name)
{
	for (size_t i = 0; i < sizeof(other_kinds) / sizeof(*other_kinds); i++) {
		if (text_is(other_kinds[i], name)) {
			problem_error(r->problems, n->line, n->column, "kind",
				      "%s is not supported yet (Pod, ConfigMap and Secret are)", name);
			return;
		}
	}
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (text_distance(kinds[i].name, name) <= 2) {
			problem_error(r->problems, n->line, n->column, "kind", "there is no kind '%s' (did you mean '%s'?)", name,
				      kinds[i].name);
			return;
		}
	}
	problem_error(r->problems, n->line, n->column, "kind", "there is no kind '%.60s' (Pod, ConfigMap and Secret are supported)",
		      name);
}

static const struct kind *find_kind(struct reading *r, const struct node *n)
{
	if (n->kind != NODE_MAP) {
		problem_error(r->problems, n->line, n->column, NULL, "found %s, wanted an object (a map with apiVersion, kind and "
			      "metadata)", node_kind_name(n->kind));
		return NULL;
	}
	const struct node *name = node_get(n, "kind");
	if (!name || name->kind != NODE_STRING) {
		problem_error(r->problems, n->line, n->column, NULL, "the field 'kind' is missing");
		return NULL;
	}
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (text_is(kinds[i].name, name->text))
			return &kinds[i];
	unknown_kind(r, name, name->text);
	return NULL;
}

static bool finish(struct reading *r, struct object *o, const struct node *n)
{
	struct problems mine = { .arena = r->arena, .file = o->source };

	if (text_empty(object_metadata(o)->name)) {
		problem_error(r->problems, n->line, n->column, "metadata", "the field 'name' is missing");
		return false;
	}
	if (o->kind == KIND_SECRET)
		secret_settle(o->secret, r->arena);
	if (o->kind != KIND_POD)
		return true;
	pod_defaults(o->pod, r->arena);
	if (pod_validate(o->pod, &mine))
		return true;
	list_each(problem, &mine.errors)
		*list_add(r->arena, &r->problems->errors) = *problem;
	r->problems->more += mine.more;
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
	if (object_decode(kind->table, n, object, r->arena, NULL, r->problems) && finish(r, &o, n))
		*list_add(r->arena, r->out) = o;
}

int objects_parse(const char *file, const char *text, size_t size, struct arena *a, struct objects *out,
		  struct problems *problems)
{
	struct reading r = { .arena = a, .out = out, .problems = problems, .file = file };
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

static int read_fd(int fd, const char *name, struct arena *a, struct objects *out, struct problems *problems, struct error *err)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	int r = file_read_fd(fd, name, NODE_BYTES_MAX, &text, &size, err);
	return r < 0 ? r : objects_parse(name, text, size, a, out, problems);
}

static int is_manifest(const struct dirent *entry)
{
	const char *name = entry->d_name;
	return name[0] != '.' && (text_ends(name, ".yaml") || text_ends(name, ".yml") || text_ends(name, ".json"));
}

static int read_path(const char *path, struct arena *a, struct objects *out, struct problems *problems, struct error *err);

static int read_directory(const char *path, struct arena *a, struct objects *out, struct problems *problems, struct error *err)
{
	struct dirent **entries;
	int n = scandir(path, &entries, is_manifest, alphasort), result = 0;

	if (n < 0)
		return error_errno(err, "cannot list the directory '%s'", path);
	if (n == 0)
		result = error_set(err, ENOENT, "there is no *.yaml, *.yml or *.json in the directory '%s'", path);
	for (int i = 0; i < n; i++) {
		if (result == 0 || result == -EINVAL) {
			int r = read_path(arena_printf(a, "%s/%s", path, entries[i]->d_name), a, out, problems, err);
			result = r < 0 ? r : result;
		}
		free(entries[i]);
	}
	free(entries);
	return result;
}

static int read_path(const char *path, struct arena *a, struct objects *out, struct problems *problems, struct error *err)
{
	struct stat st;
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0 || fstat(fd, &st) < 0)
		return error_errno(err, "cannot open '%s'", path);
	if (S_ISDIR(st.st_mode))
		return read_directory(path, a, out, problems, err);
	return read_fd(fd, arena_strdup(a, path), a, out, problems, err);
}

int objects_read(const char *from, struct arena *a, struct objects *out, struct problems *problems, struct error *err)
{
	if (text_is(from, "-"))
		return read_fd(STDIN_FILENO, "standard input", a, out, problems, err);
	return read_path(from, a, out, problems, err);
}

struct object_meta *object_metadata(const struct object *o)
{
	switch (o->kind) {
	case KIND_CONFIG_MAP:
		return &o->config_map->metadata;
	case KIND_SECRET:
		return &o->secret->metadata;
	default:
		return &o->pod->metadata;
	}
}
