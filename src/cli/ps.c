/* ps.c — seapod ps: docker's list, of pods. */
#include <stdio.h>

#include "cli/commands.h"
#include "cli/get_rows.h"
#include "cli/words.h"

const struct option_spec ps_options[] = {
	{ "all", 'a', NULL, "pods that have ended, too" },
	{ "quiet", 'q', NULL, "only names" },
	{ "filter", 'f', "KEY=VALUE", "only these: name, status, label" },
	{ "format", 0, "TEMPLATE", "json, or {{.Names}} {{.Status}} ..." },
	{ "namespace", 'n', "NAME", "the namespace" },
	{ "all-namespaces", 'A', NULL, "pods of all namespaces" },
	{ "no-trunc", 0, NULL, "(nothing is cut)" },
	{},
};

struct listing {
	struct view view;
	bool all, quiet, table;
	const char *format, *name, *status;
	struct selection selection;
};

/* --- docker's templates --------------------------------------------------------------------------------------------------- */

static const char *images(const struct pod *p, struct arena *a)
{
	const char *all = "";

	list_each(c, &p->spec.containers)
		all = arena_printf(a, "%s%s%s", all, *all ? "," : "", c->image);
	return all;
}

static const char *labels(const struct pod *p, struct arena *a)
{
	const char *all = "";

	list_each(l, &p->metadata.labels)
		all = arena_printf(a, "%s%s%s=%s", all, *all ? "," : "", l->key, l->value);
	return all;
}

/* Docker's field NAME of a pod; NULL: there is none. */
static const char *field(const struct found_pod *f, const char *name, struct arena *a)
{
	const struct pod *p = f->pod;
	const struct {
		const char *name, *value;
	} fields[] = {
		{ "ID", p->metadata.uid },
		{ "Names", p->metadata.name },
		{ "Name", p->metadata.name },
		{ "Namespace", p->metadata.namespace },
		{ "Image", images(p, a) },
		{ "Status", status_word(p, a) },
		{ "State", f->alive ? "running" : "exited" },
		{ "Ports", published_ports(p, a) },
		{ "Labels", labels(p, a) },
		{ "CreatedAt", p->metadata.creationTimestamp },
		{ "RunningFor", age_word(p->metadata.creationTimestamp, a) },
	};

	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++)
		if (text_is(fields[i].name, name))
			return fields[i].value ? fields[i].value : "";
	return NULL;
}

#define FIELDS "ID, Names, Image, Status, State, Ports, Labels, CreatedAt, RunningFor"

/* "{{.Names}}: {{.Status}}" for F; F NULL: the headings. */
static int fill(const char *format, const struct found_pod *f, struct arena *a, struct text *out,
		struct error *err)
{
	static const struct pod none;
	const struct found_pod nobody = { .pod = (struct pod *)&none };

	for (const char *open; (open = strstr(format, "{{")); format = strstr(open, "}}") + 2) {
		const char *end = strstr(open, "}}"), *start = open + 2;
		text_add_n(out, format, (size_t)(open - format));
		start += strspn(start, " ");
		const char *name =
			end && *start == '.' ? arena_strndup(a, start + 1, strcspn(start + 1, " }")) : NULL;
		const char *value = name ? field(f ? f : &nobody, name, a) : NULL;
		if (!value || start + 1 + strlen(name) + strspn(start + 1 + strlen(name), " ") != end)
			return usage_error(err, "'%.40s' is not a field that ps knows ({{." FIELDS "}})",
					   open);
		text_add(out, f ? value : name);
	}
	text_add(out, format);
	return 0;
}

/* "\t" and "\n", which shells hand over as they are written. */
static const char *unescaped(const char *s, struct arena *a)
{
	_cleanup_text_ struct text text = {};

	for (; *s; s++)
		if (*s == '\\' && (s[1] == 't' || s[1] == 'n'))
			text_add_char(&text, *++s == 't' ? '\t' : '\n');
		else
			text_add_char(&text, *s);
	return arena_strdup(a, text_str(&text));
}

static void add_tabbed_row(struct table_view *t, const char *line)
{
	for (const char *end;; line = end + 1) {
		end = strchrnul(line, '\t');
		table_cell(t, arena_strndup(t->arena, line, (size_t)(end - line)));
		if (!*end)
			break;
	}
	table_end_row(t);
}

static int print_format(struct context *x, const struct listing *l, const struct choice *shown,
			struct error *err)
{
	bool table = text_starts(l->format, "table ");
	const char *format = unescaped(l->format + (table ? 6 : 0), x->arena);
	struct table_view t = { .arena = x->arena };
	int r = 0;

	for (size_t i = 0; r == 0 && i <= shown->items.n; i++) {
		_cleanup_text_ struct text line = {};
		r = fill(format, i ? &shown->items.at[i - 1].pod : NULL, x->arena, &line, err);
		if (r == 0 && table)
			add_tabbed_row(&t, text_str(&line));
		else if (r == 0 && i > 0)
			puts(text_str(&line));
	}
	if (r == 0)
		table_print(&t);
	return r;
}

/* --- the command ---------------------------------------------------------------------------------------------------------- */

static int take_filter(struct context *x, struct listing *l, const char *value, struct error *err)
{
	if (text_starts(value, "name="))
		l->name = value + strlen("name=");
	else if (text_starts(value, "status="))
		l->status = value + strlen("status=");
	else if (text_starts(value, "label="))
		return select_option(x, &l->selection, &(struct option_spec){ .name = "selector" },
				     value + strlen("label="), err);
	else
		return usage_error(err, "there is no filter '%.60s' (name=, status=, label=)", value);
	if (l->status && !text_is(l->status, "running") && !text_is(l->status, "exited"))
		return usage_error(err, "there is no status '%.60s' (running, exited)", l->status);
	l->all = l->all || text_is(l->status, "exited");
	return 0;
}

static int take_options(struct context *x, struct listing *l, int argc, char **argv, struct error *err)
{
	const struct option_spec *option;
	const char *value;
	struct options o;
	int r;

	options_begin(&o, x->command, argc, argv);
	while ((r = options_next(&o, &option, &value, err)) > 0) {
		if (option->letter == 'a')
			l->all = true;
		else if (option->letter == 'q')
			l->quiet = true;
		else if (option->letter == 'f')
			r = take_filter(x, l, value, err);
		else if (text_is(option->name, "format"))
			l->format = value;
		else if (!text_is(option->name, "no-trunc"))
			r = select_option(x, &l->selection, option, value, err);
		if (r < 0)
			return r;
	}
	if (r == 0 && o.count > 0)
		return usage_error(err, "ps does not take '%s' (seapod get pod %s shows one)",
				   o.positional[0], o.positional[0]);
	return r;
}

static bool is_shown(const struct listing *l, const struct chosen *c)
{
	return (l->all || c->pod.alive) && (!l->name || strstr(c->name, l->name)) &&
	       (!l->status || text_is(l->status, "running") == c->pod.alive);
}

int run_ps(struct context *x, int argc, char **argv, struct error *err)
{
	struct listing l = { .view = { .output = { .kind = OUTPUT_WIDE } }, .selection = { .pods = true } };
	struct choice all = {}, shown = {};
	struct table_view t = { .arena = x->arena };
	int r = take_options(x, &l, argc, argv, err);

	if (r < 0 || (r = select_words(x, &l.selection, NULL, 0, err)) < 0 ||
	    (r = select_find(x, &l.selection, x->arena, &all, err)) < 0)
		return r;
	list_each(c, &all.items)
		if (is_shown(&l, c))
			*list_add(x->arena, &shown.items) = *c;
	if (text_is(l.format, "json")) {
		list_each(c, &shown.items) {
			_cleanup_text_ struct text line = {};
			node_to_json(chosen_node(c, x->arena), false, &line);
			puts(text_str(&line));
		}
		return 0;
	}
	if (l.format)
		return print_format(x, &l, &shown, err);
	l.view.namespaces = l.selection.all_namespaces;
	if (!l.quiet)
		rows_headings(&t, &l.view, kind_of_word("pods", NULL));
	list_each(c, &shown.items)
		if (l.quiet)
			puts(c->name);
		else
			rows_add(&t, &l.view, c);
	table_print(&t);
	return 0;
}
