/* decode.c — from a tree to a struct by its table; see field.h.
 *
 * One function per kind of value. OUT may be NULL everywhere: then the value is only checked (FIELD_RAW with a table). The path
 * of a field is a chain on the C stack, put into words only when something is wrong.
 */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "object/field.h"

struct path {
	const struct path *up;
	const char *name; /* NULL: an index */
	size_t index;
};

struct decoder {
	struct arena *arena;
	struct problems *problems;
};

static void write_path(const struct path *path, struct text *t)
{
	if (!path)
		return;
	write_path(path->up, t);
	if (path->name)
		text_printf(t, "%s%s", t->n ? "." : "", path->name);
	else
		text_printf(t, "[%zu]", path->index);
}

#define wrong(d, n, path, ...)                                                                        \
	do {                                                                                          \
		_cleanup_text_ struct text where_ = {};                                               \
		write_path(path, &where_);                                                            \
		problem_error((d)->problems, (n)->line, (n)->column, text_str(&where_), __VA_ARGS__); \
	} while (0)

static void decode_object(struct decoder *d, const struct table *table, const struct node *n, char *out,
			  const struct path *path);

/* "found X" for messages: the scalar itself when it is short. */
static const char *found(const struct node *n, char buffer[static 80])
{
	if (n->kind == NODE_STRING && n->size < 40)
		snprintf(buffer, 80, "the string \"%s\"", n->text);
	else if (n->kind != NODE_LIST && n->kind != NODE_MAP && n->kind != NODE_STRING && n->text &&
		 strlen(n->text) < 40)
		snprintf(buffer, 80, "%s (%s)", n->text, node_kind_name(n->kind));
	else
		snprintf(buffer, 80, "%s", node_kind_name(n->kind));
	return buffer;
}

static bool one_of(const char *values, const char *s)
{
	size_t n = strlen(s);

	for (const char *at = values; at; at = strchr(at, '|'), at = at ? at + 1 : NULL)
		if (strncmp(at, s, n) == 0 && (at[n] == '|' || at[n] == '\0'))
			return true;
	return false;
}

static const char *check_text(struct decoder *d, const struct field *f, const struct node *n,
			      const struct path *path)
{
	char buffer[80];

	if (n->kind != NODE_STRING) {
		bool scalar = n->kind != NODE_LIST && n->kind != NODE_MAP && n->text;
		wrong(d, n, path, "found %s, wanted a string%s%s%s", found(n, buffer),
		      scalar ? " (write \"" : "", scalar ? n->text : "", scalar ? "\")" : "");
		return NULL;
	}
	if (strlen(n->text) != n->size) {
		wrong(d, n, path, "a string may not hold a NUL character");
		return NULL;
	}
	if (f->values && !one_of(f->values, n->text)) {
		_cleanup_text_ struct text list = {};
		for (const char *at = f->values; *at; at++)
			text_add(&list, *at == '|' ? ", " : (char[]){ *at, '\0' });
		wrong(d, n, path, "found %s, wanted one of %s", found(n, buffer), text_str(&list));
		return NULL;
	}
	const char *why = f->check ? f->check(n->text) : NULL;
	if (why) {
		wrong(d, n, path, "'%.100s' %s", n->text, why);
		return NULL;
	}
	return n->text;
}

static bool check_int(struct decoder *d, const struct field *f, const struct node *n, const struct path *path)
{
	char buffer[80];
	int64_t min = f->min, max = f->max;

	if (n->kind != NODE_INT) {
		wrong(d, n, path, "found %s, wanted a whole number", found(n, buffer));
		return false;
	}
	if (min == 0 && max == 0) {
		min = f->type == FIELD_INT32 || f->type == FIELD_INT_OR_STRING ? INT32_MIN : INT64_MIN;
		max = f->type == FIELD_INT32 || f->type == FIELD_INT_OR_STRING ? INT32_MAX : INT64_MAX;
	}
	if (n->integer < min || n->integer > max) {
		wrong(d, n, path, "%" PRId64 " is not between %" PRId64 " and %" PRId64, n->integer, min,
		      max);
		return false;
	}
	return true;
}

/* A number too large for int64_t is there in its text (json.c). */
static bool check_uint64(struct decoder *d, const struct node *n, const struct path *path, uint64_t *value)
{
	char buffer[80];

	if (n->kind != NODE_INT) {
		wrong(d, n, path, "found %s, wanted a whole number", found(n, buffer));
		return false;
	}
	if (n->integer < 0) {
		wrong(d, n, path, "%" PRId64 " is negative", n->integer);
		return false;
	}
	*value = n->integer == INT64_MAX && n->text ? strtoull(n->text, NULL, 10) : (uint64_t)n->integer;
	return true;
}

static bool check_bool(struct decoder *d, const struct node *n, const struct path *path)
{
	char buffer[80];

	if (n->kind == NODE_BOOL)
		return true;
	bool spoken =
		n->kind == NODE_STRING && n->size < 4 && one_of("yes|no|on|off|y|n|Yes|No|On|Off", n->text);
	wrong(d, n, path, "found %s, wanted true or false%s", found(n, buffer),
	      spoken ? " (in YAML 1.2 yes, no, on and off are strings)" : "");
	return false;
}

static bool decode_quantity(struct decoder *d, const struct node *n, struct quantity *out,
			    const struct path *path)
{
	struct quantity q;
	char buffer[80];
	bool number = n->kind == NODE_INT || n->kind == NODE_FLOAT;
	const char *s = n->kind == NODE_STRING || (number && n->text) ? n->text : NULL;

	if (!s && n->kind == NODE_INT)
		s = arena_printf(d->arena, "%" PRId64, n->integer);
	int r = s ? quantity_parse(s, &q) : -EINVAL;
	if (r < 0) {
		wrong(d, n, path, "found %s, wanted a quantity such as 500m, 1.5, 64Mi or 1Gi%s",
		      found(n, buffer), r == -ERANGE ? " (this one is too large)" : "");
		return false;
	}
	if (out) {
		*out = q;
		out->text = quantity_text(&q, arena_alloc(d->arena, QUANTITY_TEXT_SIZE));
	}
	return true;
}

static int base64_digit(char c)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c ? strchr(digits, c) : NULL;
	return at ? (int)(at - digits) : -1;
}

/* RFC 4648 base64 with line breaks allowed, as Go's decoder allows them. */
static bool decode_bytes(struct decoder *d, const struct node *n, struct bytes *out, const struct path *path)
{
	char buffer[80];
	if (n->kind != NODE_STRING) {
		wrong(d, n, path, "found %s, wanted base64", found(n, buffer));
		return false;
	}
	char *bytes = arena_alloc(d->arena, n->size / 4 * 3 + 4);
	size_t size = 0, digits = 0, padding = 0;
	uint32_t bits = 0;
	for (const char *s = n->text; s < n->text + n->size; s++) {
		int digit = base64_digit(*s);
		if (*s == '\n' || *s == '\r')
			continue;
		padding += *s == '=';
		if ((digit < 0 && *s != '=') || (digit >= 0 && padding)) {
			wrong(d, n, path, "this is not base64 (stringData takes plain text)");
			return false;
		}
		bits = bits << 6 | (uint32_t)(digit < 0 ? 0 : digit);
		if (++digits % 4 == 0) {
			bytes[size++] = (char)(bits >> 16);
			bytes[size++] = (char)(bits >> 8);
			bytes[size++] = (char)bits;
		}
	}
	if (digits % 4 || padding > 2) {
		wrong(d, n, path, "this is not base64: its length is wrong");
		return false;
	}
	size -= padding;
	bytes[size] = '\0';
	if (out)
		*out = (struct bytes){ bytes, size };
	return true;
}

static void decode_list(struct decoder *d, const struct field *f, const struct node *n, void *out,
			const struct path *path)
{
	char buffer[80];

	if (n->kind != NODE_LIST) {
		wrong(d, n, path, "found %s, wanted a list", found(n, buffer));
		return;
	}
	for (size_t i = 0; i < n->items.n; i++) {
		const struct path at = { .up = path, .index = i };
		const struct node *item = n->items.at[i];
		if (f->type == FIELD_OBJECTS) {
			char *slot = NULL;
			if (out)
				slot = (char *)arena_list_add(d->arena, out, f->size) +
				       (((struct list *)out)->n - 1) * f->size;
			decode_object(d, f->table, item, slot, &at);
		} else if (f->type == FIELD_STRINGS) {
			const char *s = check_text(d, f, item, &at);
			if (out)
				*list_add(d->arena, (struct strings *)out) =
					arena_strdup(d->arena, s ? s : "");
		} else if (check_int(d, f, item, &at) && out) {
			*list_add(d->arena, (struct ints *)out) = item->integer;
		}
	}
}

static void decode_map(struct decoder *d, const struct field *f, const struct node *n, void *out,
		       const struct path *path)
{
	char buffer[80];

	if (n->kind != NODE_MAP) {
		wrong(d, n, path, "found %s, wanted a map", found(n, buffer));
		return;
	}
	list_each(pair, &n->pairs) {
		const struct path at = { .up = path, .name = pair->key };
		const struct node key = { .line = pair->line, .column = pair->column };
		const char *why = f->check ? f->check(pair->key) : NULL;
		if (why)
			wrong(d, &key, path, "the key '%.100s' %s", pair->key, why);
		const char *copy = out ? arena_strdup(d->arena, pair->key) : NULL;
		if (f->type == FIELD_STRING_MAP) {
			const struct field value = { .check = f->check_value };
			bool null =
				pair->value->kind == NODE_NULL; /* "key:" in YAML: Go's decoder makes it "" */
			const char *s = null ? "" : check_text(d, &value, pair->value, &at);
			if (out)
				*list_add(d->arena, (struct string_map *)out) =
					(struct string_pair){ copy, arena_strdup(d->arena, s ? s : "") };
		} else if (f->type == FIELD_QUANTITY_MAP) {
			struct quantity q = {};
			if (decode_quantity(d, pair->value, &q, &at) && out)
				*list_add(d->arena, (struct quantity_map *)out) =
					(struct quantity_pair){ copy, q };
		} else {
			struct bytes b = {};
			if (decode_bytes(d, pair->value, &b, &at) && out)
				*list_add(d->arena, (struct bytes_map *)out) = (struct bytes_pair){ copy, b };
		}
	}
}

static void decode_int_or_string(struct decoder *d, const struct field *f, const struct node *n,
				 struct int_or_string *out, const struct path *path)
{
	struct int_or_string value = { .set = true };

	if (n->kind == NODE_STRING) {
		const char *s = check_text(d, f, n, path);
		if (!s)
			return;
		value.text = arena_strdup(d->arena, s);
	} else {
		if (!check_int(d, f, n, path))
			return;
		value.number = (int32_t)n->integer;
	}
	if (out)
		*out = value;
}

static void decode_scalar(struct decoder *d, const struct field *f, const struct node *n, void *out,
			  const struct path *path)
{
	if (f->type == FIELD_STRING) {
		const char *s = check_text(d, f, n, path);
		if (s && out)
			*(const char **)out = arena_strdup(d->arena, s);
	} else if (f->type == FIELD_BOOL || f->type == FIELD_OPTIONAL_BOOL) {
		if (!check_bool(d, n, path) || !out)
			return;
		if (f->type == FIELD_BOOL)
			*(bool *)out = n->boolean;
		else
			*(struct optional_bool *)out = (struct optional_bool){ true, n->boolean };
	} else if (f->type == FIELD_UINT64) {
		uint64_t value;
		if (check_uint64(d, n, path, &value) && out)
			*(uint64_t *)out = value;
	} else {
		if (!check_int(d, f, n, path) || !out)
			return;
		if (f->type == FIELD_INT32)
			*(int32_t *)out = (int32_t)n->integer;
		else if (f->type == FIELD_INT64)
			*(int64_t *)out = n->integer;
		else
			*(struct optional_int *)out = (struct optional_int){ true, n->integer };
	}
}

static void decode_value(struct decoder *d, const struct field *f, const struct node *n, void *out,
			 const struct path *path)
{
	switch (f->type) {
	case FIELD_STRING:
	case FIELD_BOOL:
	case FIELD_OPTIONAL_BOOL:
	case FIELD_INT32:
	case FIELD_INT64:
	case FIELD_UINT64:
	case FIELD_OPTIONAL_INT:
		decode_scalar(d, f, n, out, path);
		break;
	case FIELD_INT_OR_STRING:
		decode_int_or_string(d, f, n, out, path);
		break;
	case FIELD_QUANTITY:
		decode_quantity(d, n, out, path);
		break;
	case FIELD_BYTES:
		decode_bytes(d, n, out, path);
		break;
	case FIELD_STRINGS:
	case FIELD_INTS:
	case FIELD_OBJECTS:
		decode_list(d, f, n, out, path);
		break;
	case FIELD_STRING_MAP:
	case FIELD_QUANTITY_MAP:
	case FIELD_BYTES_MAP:
		decode_map(d, f, n, out, path);
		break;
	case FIELD_RAW:
		if (f->table && n->kind == NODE_LIST)
			for (size_t i = 0; i < n->items.n; i++)
				decode_object(d, f->table, n->items.at[i], NULL,
					      &(struct path){ .up = path, .index = i });
		else if (f->table)
			decode_object(d, f->table, n, NULL, path);
		if (out)
			*(const struct node **)out = node_copy(d->arena, n);
		break;
	case FIELD_OBJECT:
		decode_object(d, f->table, n, out, path);
		break;
	case FIELD_OPTIONAL:
		if (out)
			*(void **)out = arena_alloc(d->arena, f->size);
		decode_object(d, f->table, n, out ? *(void **)out : NULL, path);
		break;
	}
}

const char *table_near_miss(const struct table *table, const char *name)
{
	const char *best = NULL;
	unsigned least = UINT_MAX;

	for (size_t i = 0; i < table->n; i++) {
		const char *candidate = table->fields[i].name;
		unsigned distance = text_near(candidate, name);
		if (distance < least) {
			least = distance;
			best = candidate;
		}
	}
	return best;
}

static void unknown_field(struct decoder *d, const struct table *table, const struct node_pair *pair,
			  const struct path *at)
{
	const struct node where = { .line = pair->line, .column = pair->column };
	const char *near = table_near_miss(table, pair->key);

	if (near)
		wrong(d, &where, at, "there is no such field (did you mean '%s'?)", near);
	else
		wrong(d, &where, at, "there is no such field");
}

/* Warns or refuses by the field's effect. False: refused. */
static bool may_be_given(struct decoder *d, const struct field *f, const struct node_pair *pair,
			 const struct path *at)
{
	if (f->effect == REJECTED) {
		const struct node where = { .line = pair->line, .column = pair->column };
		wrong(d, &where, at, "this field %s", f->why ? f->why : "is not supported");
		return false;
	}
	if (f->effect == NO_EFFECT) {
		_cleanup_text_ struct text path = {};
		write_path(at, &path);
		problem_warning(d->problems, pair->line, pair->column, text_str(&path), "has no effect%s%s",
				f->why ? ": " : "", f->why ? f->why : "");
	}
	return true;
}

static void decode_object(struct decoder *d, const struct table *table, const struct node *n, char *out,
			  const struct path *path)
{
	char buffer[80];

	if (n->kind != NODE_MAP) {
		wrong(d, n, path, "found %s, wanted a map", found(n, buffer));
		return;
	}
	list_each(pair, &n->pairs) {
		const struct path at = { .up = path, .name = pair->key };
		size_t i = 0;
		while (i < table->n && !text_is(table->fields[i].name, pair->key))
			i++;
		if (i == table->n) {
			if (!table->open)
				unknown_field(d, table, pair, &at);
			continue;
		}
		const struct field *f = &table->fields[i];
		if (pair->value->kind == NODE_NULL)
			continue;
		if (may_be_given(d, f, pair, &at))
			decode_value(d, f, pair->value, out ? out + f->offset : NULL, &at);
	}
	for (size_t i = 0; i < table->n; i++) {
		const struct node *value = table->fields[i].required ? node_get(n, table->fields[i].name) : n;
		if (!value || value->kind == NODE_NULL)
			wrong(d, n, path, "the field '%s' is missing", table->fields[i].name);
	}
}

bool object_decode(const struct table *table, const struct node *n, void *out, struct arena *a,
		   const char *path, struct problems *p)
{
	struct decoder d = { .arena = a, .problems = p };
	const struct path first = { .name = path };
	size_t before = p->errors.n + p->more;

	decode_object(&d, table, n, out, path ? &first : NULL);
	if (out)
		object_defaults(table, out, a);
	return p->errors.n + p->more == before;
}

/* Is the member at AT still zero? Only for types that can have a default. */
static bool is_absent(const struct field *f, const char *at)
{
	switch (f->type) {
	case FIELD_STRING:
		return !*(const char *const *)at;
	case FIELD_BOOL:
		return !*(const bool *)at;
	case FIELD_OPTIONAL_BOOL:
		return !((const struct optional_bool *)at)->set;
	case FIELD_INT32:
		return *(const int32_t *)at == 0;
	case FIELD_INT64:
		return *(const int64_t *)at == 0;
	case FIELD_OPTIONAL_INT:
		return !((const struct optional_int *)at)->set;
	default:
		return false;
	}
}

static void set_default(const struct field *f, char *at, struct arena *a)
{
	long long number = f->type == FIELD_STRING ? 0 : strtoll(f->fallback, NULL, 0);
	bool yes = text_is(f->fallback, "true");

	switch (f->type) {
	case FIELD_STRING:
		*(const char **)at = arena_strdup(a, f->fallback);
		break;
	case FIELD_BOOL:
		*(bool *)at = yes;
		break;
	case FIELD_OPTIONAL_BOOL:
		*(struct optional_bool *)at = (struct optional_bool){ true, yes };
		break;
	case FIELD_INT32:
		*(int32_t *)at = (int32_t)number;
		break;
	case FIELD_INT64:
		*(int64_t *)at = number;
		break;
	default:
		*(struct optional_int *)at = (struct optional_int){ true, number };
	}
}

void object_defaults(const struct table *table, void *object, struct arena *a)
{
	for (size_t i = 0; i < table->n; i++) {
		const struct field *f = &table->fields[i];
		char *at = (char *)object + f->offset;
		if (f->effect == REJECTED)
			continue;
		if (f->fallback && is_absent(f, at))
			set_default(f, at, a);
		else if (f->type == FIELD_OBJECT)
			object_defaults(f->table, at, a);
		else if (f->type == FIELD_OPTIONAL && *(void **)at)
			object_defaults(f->table, *(void **)at, a);
		else if (f->type == FIELD_OBJECTS)
			for (size_t j = 0; j < ((struct list *)at)->n; j++)
				object_defaults(f->table, (char *)((struct list *)at)->at + j * f->size, a);
	}
}
