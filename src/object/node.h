/* node.h — any document as a tree: what YAML and JSON have in common.
 *
 * Front ends (yaml.h, json.h) make it, decode.h turns it into structs, encode.h makes it from structs, and the writers below
 * turn it into text. It keeps the order of keys and, when it came from a person's file, line and column of each node, for
 * messages. All of it lives in an arena. A YAML alias makes two parents share one node, so a tree of nodes may be a graph, but
 * never a circle, and it is small also when each alias is followed: the front end has measured it (NODE_WALK_MAX, "billion
 * laughs"), so who walks a tree needs no care.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/memory.h"
#include "base/text.h"

enum {
	NODE_DEPTH_MAX = 64,
	NODE_COUNT_MAX = 500000, /* values that are written down */
	NODE_WALK_MAX = 1000000, /* values when aliases are followed */
	NODE_BYTES_MAX =
		16 * 1024 * 1024, /* of a text; of all strings when aliases are followed, twice that */
};

enum node_kind { NODE_NULL, NODE_BOOL, NODE_INT, NODE_FLOAT, NODE_STRING, NODE_LIST, NODE_MAP };

struct node;

struct node_pair {
	const char *key;
	uint32_t line, column;
	struct node *value;
};

struct node {
	enum node_kind kind;
	uint32_t line, column; /* from 1; 0: not from a file */
	const char *text;      /* scalars: as written; strings: the value */
	size_t size;           /* bytes of text (a string may hold NUL) */
	union {
		bool boolean;
		int64_t integer;
		double number;
	};
	struct LIST(struct node *) items;
	struct LIST(struct node_pair) pairs;
};

/* A word for people: "a number", "a list" … */
const char *node_kind_name(enum node_kind kind);

struct node *node_new(struct arena *a, enum node_kind kind);
struct node *node_string(struct arena *a, const char *s);      /* copies */
struct node *node_copy(struct arena *a, const struct node *n); /* with all below it */
struct node *node_int(struct arena *a, int64_t value);
struct node *node_bool(struct arena *a, bool value);

/* The value of KEY in the map N; NULL if N is NULL, no map, or has no such key. */
struct node *node_get(const struct node *n, const char *key);

/* Adds KEY (copied) to the map N, or gives it a new value. */
void node_put(struct arena *a, struct node *n, const char *key, struct node *value);
void node_append(struct arena *a, struct node *list, struct node *item);

/* The string at KEY or NULL. */
const char *node_get_string(const struct node *n, const char *key);

/* Writes N as JSON (RFC 8259; strings as UTF-8, control characters escaped, invalid bytes as U+FFFD). PRETTY: indented by four
 * blanks as kubectl does; else one line. */
void node_to_json(const struct node *n, bool pretty, struct text *out);

/* Writes N as YAML in block style that reads back as the same tree. */
void node_to_yaml(const struct node *n, struct text *out);

/* True if A and B are the same document (key order does not matter, positions neither). */
bool node_equal(const struct node *a, const struct node *b);

/* Where A and B differ, as paths below PATH ("spec.containers[0].image"), in the order of A; what only B has comes last in its map. */
struct node_paths LIST(const char *);
void node_difference(const struct node *a, const struct node *b, const char *path, struct arena *arena,
		     struct node_paths *out);
