/* explain.c — a table in words: `seapod explain pod.spec.containers`; see field.h. */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "object/field.h"

const char *field_type_name(const struct field *f)
{
	static const char *const names[] = {
		[FIELD_STRING] = "string",
		[FIELD_BOOL] = "boolean",
		[FIELD_OPTIONAL_BOOL] = "boolean",
		[FIELD_INT32] = "integer",
		[FIELD_INT64] = "integer",
		[FIELD_UINT64] = "integer",
		[FIELD_OPTIONAL_INT] = "integer",
		[FIELD_INT_OR_STRING] = "integer or string",
		[FIELD_QUANTITY] = "Quantity",
		[FIELD_BYTES] = "base64 string",
		[FIELD_STRINGS] = "[]string",
		[FIELD_INTS] = "[]integer",
		[FIELD_STRING_MAP] = "map of strings",
		[FIELD_QUANTITY_MAP] = "map of Quantities",
		[FIELD_BYTES_MAP] = "map of base64 strings",
		[FIELD_RAW] = "Object",
		[FIELD_OBJECT] = "Object",
		[FIELD_OPTIONAL] = "Object",
		[FIELD_OBJECTS] = "[]Object",
	};
	return names[f->type];
}

const struct field *table_find(const struct table *table, const char *path)
{
	const struct field *f = NULL;
	size_t n;

	for (const char *at = path; *at; at += n + (at[n] == '.')) {
		n = strcspn(at, ".");
		f = NULL;
		for (size_t i = 0; table && i < table->n && !f; i++)
			if (strlen(table->fields[i].name) == n && memcmp(table->fields[i].name, at, n) == 0)
				f = &table->fields[i];
		if (!f)
			return NULL;
		table = f->table;
	}
	return f;
}

/* TEXT in lines of at most 78 columns, each after INDENT blanks. */
static void wrap(struct text *out, unsigned indent, const char *text)
{
	size_t column = 0;

	for (const char *word = text; *word;) {
		size_t n = strcspn(word, " ");
		if (column && column + 1 + n > 78 - indent) {
			text_add_char(out, '\n');
			column = 0;
		}
		if (column == 0)
			text_printf(out, "%*s", (int)indent, "");
		else
			text_add_char(out, ' ');
		text_add_n(out, word, n);
		column += n + (column > 0);
		word += n + strspn(word + n, " ");
	}
	text_add_char(out, '\n');
}

/* What it means, its values, its default, and what Seapod does with it. */
static void describe_field(const struct field *f, struct text *out)
{
	_cleanup_text_ struct text what = {};

	if (f->values)
		text_printf(&what, "One of %s. ", f->values);
	if (f->fallback)
		text_printf(&what, "Default: %s. ", *f->fallback ? f->fallback : "\"\"");
	if (f->since)
		text_printf(&what, "Kubernetes %s. ", f->since);
	if (f->effect == NO_EFFECT)
		text_printf(&what, "Accepted without effect%s%s.", f->why ? ": " : "", f->why ? f->why : "");
	if (f->effect == REJECTED)
		text_printf(&what, "Rejected: this field %s.", f->why ? f->why : "is not supported");
	if (f->doc)
		wrap(out, 4, f->doc);
	if (what.n)
		wrap(out, 4, what.at);
	text_add_char(out, '\n');
}

static void explain_field(const struct field *f, struct text *out)
{
	text_printf(out, "  %s\t<%s>%s\n", f->name, field_type_name(f), f->required ? " -required-" : "");
	describe_field(f, out);
}

/* kubectl explain --recursive: names and types alone, each below the one that it is in. */
static void explain_tree(const struct table *table, unsigned depth, struct text *out)
{
	enum { DEEPEST = 16 };

	for (size_t i = 0; i < table->n && depth < DEEPEST; i++) {
		const struct field *f = &table->fields[i];
		text_printf(out, "%*s%s\t<%s>%s\n", (int)depth * 2, "", f->name, field_type_name(f),
			    f->required ? " -required-" : "");
		if (f->table)
			explain_tree(f->table, depth + 1, out);
	}
}

static int not_found(const struct table *table, const char *kind, const char *path, struct error *err)
{
	_cleanup_free_ char *copy = memory_strdup(path);
	char *state, *part = strtok_r(copy, ".", &state);

	for (; part; part = strtok_r(NULL, ".", &state)) {
		const struct field *f = table ? table_find(table, part) : NULL;
		if (!f) {
			const char *near = table ? table_near_miss(table, part) : NULL;
			return error_set(err, ENOENT, "%s has no field '%s'%s%s%s", kind, path,
					 near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "");
		}
		table = f->table;
	}
	return error_set(err, ENOENT, "%s has no field '%s'", kind, path);
}

int table_explain(const struct table *table, const char *kind, const char *path, bool recursive,
		  struct text *out, struct error *err)
{
	const struct field *f = *path ? table_find(table, path) : NULL;

	if (*path && !f)
		return not_found(table, kind, path, err);
	text_printf(out, "KIND:    %s\nVERSION: v1\n\n", kind);
	const struct table *below = f ? f->table : table;
	if (f) {
		text_printf(out, "FIELD: %s <%s>%s\n\n", f->name, field_type_name(f),
			    f->required ? " -required-" : "");
		text_add(out, "DESCRIPTION:\n");
		describe_field(f, out);
	} else if (table->doc) {
		text_add(out, "DESCRIPTION:\n");
		wrap(out, 4, table->doc);
		text_add_char(out, '\n');
	}
	if (below) {
		text_add(out, "FIELDS:\n");
		if (recursive)
			explain_tree(below, 1, out);
		for (size_t i = 0; !recursive && i < below->n; i++)
			explain_field(&below->fields[i], out);
	}
	return 0;
}
