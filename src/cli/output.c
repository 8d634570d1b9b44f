/* output.c — see output.h. */
#include "cli/output.h"

#include <ctype.h>
#include <stdio.h>

#include "api/kinds.h"
#include "base/cleanup.h"
#include "cli/print.h"
#include "command/table.h"

#define FORMATS "wide, name, json, yaml, jsonpath=TEMPLATE, custom-columns=HEADING:PATH,..."

/* --- reading -------------------------------------------------------------------------------------------------------------- */

/* "NAME:.metadata.name,IMAGES:.spec.containers[*].image"; a comma within brackets is the path's. */
static int parse_columns(const char *text, struct arena *a, struct output *out, struct error *err)
{
	struct error why = {};

	while (*text) {
		size_t n = 0;
		for (int open = 0; text[n] && (text[n] != ',' || open > 0); n++)
			open += text[n] == '[' ? 1 : text[n] == ']' ? -1 : 0;
		const char *spec = arena_strndup(a, text, n), *colon = strchr(spec, ':');
		if (!colon || colon == spec || !colon[1])
			return error_set(err, EINVAL,
					 "the column '%s' is not HEADING:PATH (NAME:.metadata.name)", spec);
		const struct jsonpath *path = jsonpath_path(colon + 1, a, &why);
		if (!path)
			return error_set(err, EINVAL, "the path of the column '%s' is wrong: %s", spec,
					 why.text);
		*list_add(a, &out->columns) =
			(struct column){ arena_strndup(a, spec, (size_t)(colon - spec)), path };
		text += n + (text[n] == ',');
	}
	return out->columns.n ? 0 : error_set(err, EINVAL, "custom-columns= needs HEADING:PATH,...");
}

int output_parse(const char *text, struct arena *a, struct output *out, struct error *err)
{
	static const char *const words[] = { [OUTPUT_WIDE] = "wide", "name", "json", "yaml" };
	struct error why = {};

	*out = (struct output){};
	for (size_t i = OUTPUT_WIDE; i < sizeof(words) / sizeof(*words); i++)
		if (text_is(text, words[i])) {
			out->kind = (enum output_kind)i;
			return 0;
		}
	if (text_starts(text, "custom-columns=")) {
		out->kind = OUTPUT_COLUMNS;
		return parse_columns(strchr(text, '=') + 1, a, out, err);
	}
	if (text_starts(text, "jsonpath=")) {
		out->kind = OUTPUT_JSONPATH;
		out->template = jsonpath_template(strchr(text, '=') + 1, a, &why);
		return out->template ? 0
				     : error_set(err, EINVAL, "the jsonpath template is wrong: %s", why.text);
	}
	if (text_starts(text, "go-template") || text_starts(text, "template"))
		return error_set(err, EINVAL,
				 "there are no Go templates (jsonpath=TEMPLATE does most of it)");
	return error_set(err, EINVAL, "there is no format '%.60s' (" FORMATS ")", text);
}

/* --- printing ------------------------------------------------------------------------------------------------------------- */

const char *output_name(const struct node *object, struct arena *a)
{
	const char *kind = node_get_string(object, "kind");
	char *name = arena_printf(a, "%s/%s", kind ? kind : "",
				  node_get_string(node_get(object, "metadata"), "name"));

	for (char *c = name; *c && *c != '/'; c++)
		*c = (char)tolower((unsigned char)*c);
	return name;
}

static int print_columns(const struct output *out, struct node **at, size_t n, bool headings, struct arena *a,
			 struct error *err)
{
	struct table_view t = { .arena = a };

	list_each(column, &out->columns)
		if (headings)
			table_cell(&t, column->heading);
	table_end_row(&t);
	for (size_t i = 0; i < n; i++) {
		list_each(column, &out->columns) {
			_cleanup_text_ struct text text = {};
			struct found_nodes found = {};
			int r = jsonpath_find(column->path, at[i], a, &found, err);
			if (r < 0)
				return r;
			list_each(node, &found) {
				text_add(&text, node == found.at ? "" : ",");
				jsonpath_value(*node, &text);
			}
			char *cell = arena_strdup(a, found.n ? text_str(&text) : "<none>");
			text_tame(cell);
			table_cell(&t, cell);
		}
		table_end_row(&t);
	}
	table_print(&t);
	return 0;
}

static int print_template(const struct output *out, const struct node *root, struct error *err)
{
	_cleanup_text_ struct text text = {};
	int r = jsonpath_print(out->template, root, &text, err);

	if (r == 0)
		fwrite(text_str(&text), 1, text.n, stdout);
	return r;
}

int output_objects(const struct output *out, struct node **at, size_t n, bool one, bool headings,
		   struct arena *a, struct error *err)
{
	const struct node *root = one && n == 1 ? at[0] : list_of(at, n, a);

	switch (out->kind) {
	case OUTPUT_NAME:
		for (size_t i = 0; i < n; i++)
			puts(output_name(at[i], a));
		return 0;
	case OUTPUT_COLUMNS:
		return print_columns(out, at, n, headings, a, err);
	case OUTPUT_JSONPATH:
		return print_template(out, root, err);
	default:
		print_object(out->kind == OUTPUT_YAML ? "yaml" : "json", root);
		return 0;
	}
}
