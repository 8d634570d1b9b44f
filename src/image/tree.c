/* tree.c — see tree.h. A table of (directory, name) finds a node at once however large its directory is. */
#include "image/tree.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { SLOTS_FIRST = 1024 };

static size_t slot_of(const struct tree *t, const struct tree_node *parent, const char *name, size_t n)
{
	uint64_t h = (uint64_t)(uintptr_t)parent * UINT64_C(0x9e3779b97f4a7c15);

	for (size_t i = 0; i < n; i++)
		h = (h ^ (unsigned char)name[i]) * UINT64_C(0x100000001b3);
	return (size_t)(h ^ (h >> 29)) & (t->slots - 1);
}

static void insert(struct tree *t, struct tree_node *n)
{
	struct tree_node **slot = &t->table[slot_of(t, n->parent, n->name, strlen(n->name))];

	n->chain = *slot;
	*slot = n;
}

static void grow(struct tree *t)
{
	struct tree_node **old = t->table;
	size_t slots = t->slots;

	t->slots *= 4;
	t->table = memory_new(t->slots, sizeof(*t->table));
	for (size_t i = 0; i < slots; i++)
		for (struct tree_node *n = old[i], *next; n; n = next) {
			next = n->chain;
			insert(t, n);
		}
	free(old);
}

static struct tree_node *look(const struct tree *t, const struct tree_node *parent, const char *name,
			      size_t length)
{
	for (struct tree_node *n = t->table[slot_of(t, parent, name, length)]; n; n = n->chain)
		if (n->parent == parent && !n->gone && strncmp(n->name, name, length) == 0 &&
		    n->name[length] == '\0')
			return n;
	return NULL;
}

static struct tree_node *add(struct tree *t, struct tree_node *parent, const char *name, size_t length,
			     uint32_t mode)
{
	struct tree_node *n = arena_one(t->arena, struct tree_node);

	if (++t->count > t->slots)
		grow(t);
	t->text += length;
	n->parent = parent;
	n->name = arena_strndup(t->arena, name, length);
	n->mode = mode;
	n->names = S_ISDIR(mode) ? 0 : 1;
	n->next = parent->first;
	parent->first = n;
	parent->names += S_ISDIR(mode);
	insert(t, n);
	return n;
}

/* The name goes; what stands behind it stays for its other names. */
static void drop(struct tree_node *n)
{
	n->gone = true;
	if (S_ISDIR(n->mode) && !n->link)
		n->parent->names--;
	else
		tree_file(n)->names--;
}

void tree_begin(struct tree *t)
{
	*t = (struct tree){ .arena = arena_new(),
			    .slots = SLOTS_FIRST,
			    .table = memory_new(SLOTS_FIRST, sizeof(*t->table)) };
	t->root = arena_one(t->arena, struct tree_node);
	t->root->parent = t->root;
	t->root->name = "";
	t->root->mode = S_IFDIR | 0755;
}

void tree_end(struct tree *t)
{
	free(t->table);
	arena_free(t->arena);
	*t = (struct tree){};
}

struct tree_node *tree_find(const struct tree *t, const char *path)
{
	struct tree_node *n = t->root;

	while (n && *path) {
		size_t length = strcspn(path, "/");
		n = S_ISDIR(n->mode) ? look(t, n, path, length) : NULL;
		path += length + (path[length] == '/');
	}
	return n;
}

/* LENGTH bytes of NAME in PARENT become a node of MODE. */
static struct tree_node *put_name(struct tree *t, struct tree_node *parent, const char *name, size_t length,
				  uint32_t mode)
{
	struct tree_node *old = look(t, parent, name, length);

	if (old && S_ISDIR(mode) && S_ISDIR(old->mode))
		return old;
	if (old)
		drop(old);
	struct tree_node *n = add(t, parent, name, length, mode);
	n->opaque = S_ISDIR(mode) && old && old->whiteout;
	return n;
}

/* The directory above PATH, made if missing, and the last part of PATH. */
static struct tree_node *parent_of(struct tree *t, const char *path, const char **last)
{
	struct tree_node *n = t->root;

	for (const char *slash; (slash = strchr(path, '/')); path = slash + 1)
		n = put_name(t, n, path, (size_t)(slash - path), S_IFDIR | 0755);
	*last = path;
	return n;
}

struct tree_node *tree_put(struct tree *t, const char *path, uint32_t mode)
{
	const char *last;
	struct tree_node *parent = parent_of(t, path, &last);
	struct tree_node *n = *last ? put_name(t, parent, last, strlen(last), mode) : t->root;

	n->mode = mode;
	n->xattrs.n = 0;
	return n;
}

void tree_link(struct tree *t, const char *path, struct tree_node *to)
{
	struct tree_node *file = tree_file(to);

	file->names++; /* before the old one goes: it may be the same */
	struct tree_node *n = tree_put(t, path, file->mode);
	n->link = file;
}

void tree_hide(struct tree *t, const char *path)
{
	struct tree_node *n = tree_find(t, path);

	if (n && S_ISDIR(n->mode))
		n->opaque = true;
	if (!n)
		tree_put(t, path, S_IFCHR)->whiteout = true;
}

void tree_hide_below(struct tree *t, const char *path)
{
	struct tree_node *n = tree_find(t, path);

	if (!n || !S_ISDIR(n->mode))
		n = tree_put(t, path, S_IFDIR | 0755);
	n->opaque = true;
}

void tree_set_target(struct tree *t, struct tree_node *n, const char *target)
{
	t->text += strlen(target);
	n->target = arena_strdup(t->arena, target);
}

void tree_add_xattr(struct tree *t, struct tree_node *n, const char *name, const void *value, size_t size)
{
	char *copy = arena_alloc(t->arena, size ? size : 1);

	t->text += strlen(name) + size + sizeof(struct tree_xattr);
	memcpy(copy, value, size);
	*list_add(t->arena, &n->xattrs) = (struct tree_xattr){ arena_strdup(t->arena, name), copy, size };
}
