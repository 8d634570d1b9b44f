/* field.h — objects are tables.
 *
 * A struct is described once: each of its fields with its name, C type, default, limits, one sentence for people, and what
 * Seapod does with it. Decoding with all its errors, defaults, encoding, `seapod explain` and the support table follow from
 * that description, for Kubernetes objects, OCI files and our own messages alike.
 *
 *	static const struct field port_fields[] = {
 *		VALUE(container_port, containerPort, .required = true, .min = 1, .max = 65535, .doc = "The port in the pod."),
 *		VALUE(container_port, protocol, .values = "TCP|UDP|SCTP", .fallback = "TCP"),
 *	};
 *	static const struct table port_table = TABLE(container_port, port_fields, "A port.");
 *
 * The C type of a member chooses how it is read; a member of no known type does not compile.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "object/node.h"
#include "object/problems.h"
#include "object/quantity.h"

/* The C types a member may have, besides const char *, bool, int32_t, int64_t, uint64_t, struct quantity and struct node *. */
struct optional_bool {
	bool set, value;
};

struct optional_int {
	bool set;
	int64_t value;
};

struct int_or_string { /* intstr.IntOrString: text NULL: the number */
	bool set;
	int32_t number;
	const char *text;
};

struct bytes {
	const char *at; /* NUL-terminated after N bytes */
	size_t n;
};

struct strings LIST(const char *);
struct ints LIST(int64_t);

struct string_pair {
	const char *key, *value;
};
struct string_map LIST(struct string_pair);

struct quantity_pair {
	const char *key;
	struct quantity value;
};
struct quantity_map LIST(struct quantity_pair);

struct bytes_pair {
	const char *key;
	struct bytes value;
};
struct bytes_map LIST(struct bytes_pair);

enum field_type {
	FIELD_STRING,
	FIELD_BOOL,
	FIELD_OPTIONAL_BOOL,
	FIELD_INT32,
	FIELD_INT64,
	FIELD_UINT64, /* not below 0; the whole range, which FIELD_INT64 has not */
	FIELD_OPTIONAL_INT,
	FIELD_INT_OR_STRING,
	FIELD_QUANTITY,
	FIELD_BYTES, /* base64 */
	FIELD_STRINGS,
	FIELD_INTS,
	FIELD_STRING_MAP,
	FIELD_QUANTITY_MAP,
	FIELD_BYTES_MAP,
	FIELD_RAW,      /* struct node *, kept as it is; checked against the table if there is one */
	FIELD_OBJECT,   /* a struct in the struct */
	FIELD_OPTIONAL, /* a pointer to a struct, NULL when absent */
	FIELD_OBJECTS,  /* a LIST of structs */
};

/* What Seapod does with a field. */
enum field_effect {
	HONOURED,
	NO_EFFECT, /* accepted and kept; a warning says so */
	REJECTED,  /* an error says why */
};

struct table;

struct field {
	const char *name;
	enum field_type type;
	size_t offset, size; /* SIZE: of the nested struct or list item, to be checked against the table */
	const struct table *table; /* of what is nested */
	bool required;
	bool keep;            /* written even when zero or empty */
	const char *fallback; /* the default, as one would write it */
	const char *values;   /* the only values, "A|B|C" */
	int64_t min, max;     /* when not both 0 */
	/* NULL or what is wrong with TEXT: a string, each string of a list, each key of a map. */
	const char *(*check)(const char *text);
	const char *(*check_value)(const char *text); /* the same of each value of a string map */
	enum field_effect effect;
	const char *why;   /* NO_EFFECT, REJECTED: the reason, as the end of a sentence */
	const char *since; /* the Kubernetes version that has it stable, when recent */
	const char *doc;
};

struct table {
	const char *name; /* "Container" */
	size_t size;
	const struct field *fields;
	size_t n;
	const char *doc;
	bool open; /* unknown fields are passed over: formats that others extend (OCI runtime-spec "Extensibility") */
};

#define FIELD_TYPE_OF(x) \
	_Generic((x),                                                                                                  \
		const char *: FIELD_STRING,                                                                            \
		bool: FIELD_BOOL,                                                                                      \
		int32_t: FIELD_INT32,                                                                                  \
		int64_t: FIELD_INT64,                                                                                  \
		uint64_t: FIELD_UINT64,                                                                                \
		struct optional_bool: FIELD_OPTIONAL_BOOL,                                                             \
		struct optional_int: FIELD_OPTIONAL_INT,                                                               \
		struct int_or_string: FIELD_INT_OR_STRING,                                                             \
		struct quantity: FIELD_QUANTITY,                                                                       \
		struct bytes: FIELD_BYTES,                                                                             \
		struct strings: FIELD_STRINGS,                                                                         \
		struct ints: FIELD_INTS,                                                                               \
		struct string_map: FIELD_STRING_MAP,                                                                   \
		struct quantity_map: FIELD_QUANTITY_MAP,                                                               \
		struct bytes_map: FIELD_BYTES_MAP,                                                                     \
		struct node *: FIELD_RAW)

#define MEMBER(T, m) (((struct T *)0)->m)

/* A member of one of the types above. */
#define VALUE(T, m, ...)                                                                          \
	{                                                                                         \
		.name = #m, .type = FIELD_TYPE_OF(MEMBER(T, m)), .offset = offsetof(struct T, m), \
		__VA_ARGS__                                                                       \
	}
/* The same under another name than the member's (a C keyword). */
#define VALUE_AS(T, m, as, ...)                                                                   \
	{                                                                                         \
		.name = as, .type = FIELD_TYPE_OF(MEMBER(T, m)), .offset = offsetof(struct T, m), \
		__VA_ARGS__                                                                       \
	}
#define OBJECT(T, m, tbl, ...)                                                     \
	{                                                                          \
		.name = #m, .type = FIELD_OBJECT, .offset = offsetof(struct T, m), \
		.size = sizeof(MEMBER(T, m)), .table = &(tbl), __VA_ARGS__         \
	}
#define OPTIONAL(T, m, tbl, ...)                                                     \
	{                                                                            \
		.name = #m, .type = FIELD_OPTIONAL, .offset = offsetof(struct T, m), \
		.size = sizeof(*MEMBER(T, m)), .table = &(tbl), __VA_ARGS__          \
	}
#define OBJECTS(T, m, tbl, ...)                                                     \
	{                                                                           \
		.name = #m, .type = FIELD_OBJECTS, .offset = offsetof(struct T, m), \
		.size = sizeof(*MEMBER(T, m).at), .table = &(tbl), __VA_ARGS__      \
	}
/* A field without a member: in tables of what is only checked and kept raw, or rejected. */
#define CHECKED(as, t, ...)                        \
	{                                          \
		.name = as, .type = t, __VA_ARGS__ \
	}

#define TABLE(T, f, d, ...)                                                                                 \
	{                                                                                                   \
		.name = #T, .size = sizeof(struct T), .fields = f, .n = sizeof(f) / sizeof(*(f)), .doc = d, \
		__VA_ARGS__                                                                                 \
	}
#define CHECKED_TABLE(as, f, d)                                                  \
	{                                                                        \
		.name = as, .fields = f, .n = sizeof(f) / sizeof(*(f)), .doc = d \
	}

/* Reads the tree N into OUT (zeroed memory of table->size bytes) with defaults. What OUT refers to lives in A; nothing refers
 * to N. PATH is put before each field's path ("spec"). True if no error was added to P. */
bool object_decode(const struct table *table, const struct node *n, void *out, struct arena *a,
		   const char *path, struct problems *p);

/* The tree of OBJECT; absent and empty fields are left out unless kept. */
struct node *object_encode(const struct table *table, const void *object, struct arena *a);

/* Fills in the defaults of fields that are absent (zero). */
void object_defaults(const struct table *table, void *object, struct arena *a);

/* The field at a dotted PATH ("spec.containers") below TABLE; NULL: there is none. */
const struct field *table_find(const struct table *table, const char *path);

/* The name in TABLE nearest to NAME, or NULL if none is near. */
const char *table_near_miss(const struct table *table, const char *name);

/* Its type in words: "string", "[]Object" … */
const char *field_type_name(const struct field *f);

/* kubectl explain: KIND and PATH ("spec.containers") as text; RECURSIVE: all that is below, names and types alone. -ENOENT with a near miss in err. */
int table_explain(const struct table *table, const char *kind, const char *path, bool recursive,
		  struct text *out, struct error *err);
