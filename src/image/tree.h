/* tree.h — the files of one layer, as its tar lists them: names, what stands behind each, nothing of their contents.
 *
 * Entries come in the order of the archive; a later one replaces an earlier one of its name, and directories that come again keep what is in them
 * (as tar(1) extracts). What the image specification calls a whiteout hides only what lower layers have (image-spec layer.md), whatever the order:
 * a name that the layer has itself stays, and a directory that stands beside its own whiteout is opaque.
 *
 * Some 150 bytes a file, so a layer of 100,000 files is 15 MB. Pure: no descriptor, no archive.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/memory.h"

struct tree_xattr {
	const char *name; /* in full, "user.x" */
	const void *value;
	size_t size;
};

struct tree_node {
	struct tree_node *parent, *next; /* the root is its own parent; siblings in no order */
	struct tree_node *first;         /* of a directory */
	struct tree_node *link;          /* another name of that node, or NULL */
	struct tree_node *chain;         /* of the table of names */
	const char *name, *target;       /* the second: of a symbolic link */
	struct LIST(struct tree_xattr) xattrs;
	uint64_t size, data; /* of a regular file: bytes, and where they begin in the tar */
	int64_t mtime;
	uint32_t mtime_nsec, uid, gid, mode, major, minor;
	uint32_t names; /* that are left, of a file; directories below, of a directory */
	uint64_t place; /* the writer's */
	bool gone;      /* replaced */
	bool whiteout;  /* of lower layers' NAME */
	bool opaque;    /* a directory that hides those of its name in lower layers */
};

struct tree {
	struct arena *arena; /* owned */
	struct tree_node *root;
	struct tree_node **table;
	size_t slots, count;
	uint64_t
		text; /* bytes of names, targets and attributes: what is replaced counts, since its memory stays */
};

void tree_begin(struct tree *t);
void tree_end(struct tree *t);

/* The node at PATH ("a/b", cleaned; "" is the root) or NULL. */
struct tree_node *tree_find(const struct tree *t, const char *path);

/* A node of MODE (type and permissions) at PATH, fresh but for a directory that is there; missing directories above it are made (0755). */
struct tree_node *tree_put(struct tree *t, const char *path, uint32_t mode);

/* PATH as another name of TO, which is no directory. */
void tree_link(struct tree *t, const char *path, struct tree_node *to);

/* Hides PATH of lower layers. */
void tree_hide(struct tree *t, const char *path);

/* Hides everything that lower layers have in the directory PATH. */
void tree_hide_below(struct tree *t, const char *path);

/* Where the symbolic link N leads. */
void tree_set_target(struct tree *t, struct tree_node *n, const char *target);

void tree_add_xattr(struct tree *t, struct tree_node *n, const char *name, const void *value, size_t size);

/* What stands behind a name: the node itself, or what it is a link to. */
static inline struct tree_node *tree_file(struct tree_node *n)
{
	return n->link ? n->link : n;
}
