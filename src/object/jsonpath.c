/* jsonpath.c — reads a template into its parts; see jsonpath.h. How they are followed is in jsonpath_find.c. */
#include <ctype.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "object/jsonpath_parts.h"

struct reader {
	const char *at, *start;
	struct arena *arena;
	struct error *err;
	unsigned filters; /* within which we are */
};

static int wrong(const struct reader *r, const char *what)
{
	return error_set(r->err, EINVAL, "at '%.30s': %s", *r->at ? r->at : "the end", what);
}

static void skip_blanks(struct reader *r)
{
	while (isspace((unsigned char)*r->at))
		r->at++;
}

static bool take(struct reader *r, const char *word)
{
	size_t n = strlen(word);

	if (strncmp(r->at, word, n) != 0)
		return false;
	r->at += n;
	return true;
}

/* --- small things ----------------------------------------------------------------------------------------------------- */

/* A string in ' or ", with \n, \t, \r, and anything else behind a backslash as it is. NULL: it does not end. */
static const char *read_string(struct reader *r)
{
	_cleanup_text_ struct text text = {};
	char quote = *r->at++;

	for (; *r->at && *r->at != quote; r->at++) {
		char c = *r->at;
		if (c == '\\' && r->at[1]) {
			c = *++r->at;
			c = c == 'n' ? '\n' : c == 't' ? '\t' : c == 'r' ? '\r' : c;
		}
		text_add_char(&text, c);
	}
	if (!*r->at) {
		wrong(r, "a string does not end");
		return NULL;
	}
	r->at++;
	return arena_strdup(r->arena, text_str(&text));
}

/* A name after a dot: up to what means something, or with a backslash before that. */
static const char *read_name(struct reader *r)
{
	_cleanup_text_ struct text text = {};

	for (; *r->at && !strchr(".[]{}()=!<>|&, \t\n'\"", *r->at); r->at++) {
		if (*r->at == '\\' && r->at[1])
			r->at++;
		text_add_char(&text, *r->at);
	}
	return text.n ? arena_strdup(r->arena, text_str(&text)) : NULL;
}

static bool read_number(struct reader *r, int *out)
{
	char *end;
	long n = strtol(r->at, &end, 10);

	if (end == r->at || n < -INT_MAX || n >= OPEN_END)
		return false;
	r->at = end;
	*out = (int)n;
	return true;
}

/* --- brackets ----------------------------------------------------------------------------------------------------------- */

static int read_steps(struct reader *r, struct steps *out);

/* "3", "-1", "1:3", ":2", "::2" */
static int read_slice(struct reader *r, struct slice *s)
{
	bool given = read_number(r, &s->from);

	*s = (struct slice){ given ? s->from : OPEN_END, OPEN_END, 0 };
	if (*r->at != ':')
		return given ? 0 : wrong(r, "a number, a name in quotes, * or ?( is missing");
	r->at++;
	s->step = 1;
	if (!read_number(r, &s->to))
		s->to = OPEN_END;
	if (*r->at == ':') {
		r->at++;
		if (read_number(r, &s->step) && s->step <= 0)
			return wrong(r, "the step of a slice is 1 or more");
	}
	return 0;
}

static const struct node *read_literal(struct reader *r)
{
	char *end;

	if (*r->at == '\'' || *r->at == '"') {
		const char *s = read_string(r);
		return s ? node_string(r->arena, s) : NULL;
	}
	if (take(r, "true") || take(r, "false"))
		return node_bool(r->arena, r->at[-1] == 'e' && r->at[-2] == 'u');
	struct node *n = node_new(r->arena, NODE_FLOAT);
	n->number = strtod(r->at, &end);
	if (end == r->at)
		return wrong(r, "a value is missing"), NULL;
	n->text = arena_strndup(r->arena, r->at, (size_t)(end - r->at));
	r->at = end;
	return n;
}

/* "@.type", "$.x" or a value. */
static const struct steps *read_operand(struct reader *r)
{
	struct steps *steps = arena_one(r->arena, struct steps);

	skip_blanks(r);
	if (take(r, "@"))
		return read_steps(r, steps) < 0 ? NULL : steps;
	if (take(r, "$")) {
		list_add(r->arena, steps)->kind = STEP_ROOT;
		return read_steps(r, steps) < 0 ? NULL : steps;
	}
	const struct node *literal = read_literal(r);
	if (!literal)
		return NULL;
	struct step *step = list_add(r->arena, steps);
	step->kind = STEP_LITERAL;
	step->literal = literal;
	return steps;
}

/* After "?(" */
static int read_filter(struct reader *r, struct filter *f)
{
	static const char *const operators[] = { "==", "!=", "<=", ">=", "<", ">" };

	if (++r->filters > JSONPATH_DEPTH_MAX)
		return wrong(r, "there are too many filters within filters");
	if (!(f->left = read_operand(r)))
		return -EINVAL;
	skip_blanks(r);
	for (size_t i = 0; !*f->op && i < sizeof(operators) / sizeof(*operators); i++)
		if (take(r, operators[i]))
			memcpy(f->op, operators[i], strlen(operators[i]) + 1);
	if (*f->op && !(f->right = read_operand(r)))
		return -EINVAL;
	skip_blanks(r);
	r->filters--;
	return take(r, ")") ? 0 : wrong(r, "the filter does not end with ')'");
}

/* After "[". */
static int read_bracket(struct reader *r, struct steps *out)
{
	struct step *step = list_add(r->arena, out);

	skip_blanks(r);
	if (take(r, "*")) {
		step->kind = STEP_ALL;
	} else if (take(r, "?(")) {
		struct filter filter = {}; /* what is read meanwhile may move the list */
		if (read_filter(r, &filter) < 0)
			return -EINVAL;
		step->kind = STEP_FILTER;
		step->filter = filter;
	} else {
		step->kind = *r->at == '\'' || *r->at == '"' ? STEP_NAME : STEP_INDEX;
		do {
			struct slice slice;
			skip_blanks(r);
			if (step->kind == STEP_INDEX && read_slice(r, &slice) < 0)
				return -EINVAL;
			if (step->kind == STEP_INDEX) {
				*list_add(r->arena, &step->slices) = slice;
			} else {
				const char *name = *r->at == '\'' || *r->at == '"' ? read_string(r) : NULL;
				if (!name)
					return wrong(r, "a name in quotes is missing");
				*list_add(r->arena, &step->names) = name;
			}
			skip_blanks(r);
		} while (take(r, ","));
	}
	skip_blanks(r);
	return take(r, "]") ? 0 : wrong(r, "']' is missing");
}

/* --- paths -------------------------------------------------------------------------------------------------------------- */

/* ".a[0]..b", as far as it goes. */
static int read_steps(struct reader *r, struct steps *out)
{
	for (;;) {
		if (take(r, "[")) {
			if (read_bracket(r, out) < 0)
				return -EINVAL;
			continue;
		}
		if (*r->at != '.')
			return 0;
		bool deep = take(r, "..");
		if (deep)
			list_add(r->arena, out)->kind = STEP_DEEP;
		else
			r->at++;
		if (*r->at == '[')
			continue;
		const char *name = read_name(r);
		if (!name && (deep || *r->at == '.'))
			return wrong(r, "a name is missing");
		if (!name) /* "." alone: the object itself */
			return 0;
		struct step *step = list_add(r->arena, out);
		step->kind = text_is(name, "*") ? STEP_ALL : STEP_NAME;
		if (step->kind == STEP_NAME)
			*list_add(r->arena, &step->names) = name;
	}
}

/* A path up to END (a character, or the end of the text): "$.a", "@.a", ".a", "a". */
static int read_path(struct reader *r, struct steps *out, char end)
{
	skip_blanks(r);
	if (take(r, "$"))
		list_add(r->arena, out)->kind = STEP_ROOT;
	else if (!take(r, "@") && *r->at != '.' && *r->at != '[' && *r->at != end) {
		struct step *step = list_add(r->arena, out); /* "metadata.name" */
		const char *name = read_name(r);
		if (!name)
			return wrong(r, "no path begins so");
		step->kind = text_is(name, "*") ? STEP_ALL : STEP_NAME;
		*list_add(r->arena, &step->names) = name;
	}
	if (read_steps(r, out) < 0)
		return -EINVAL;
	skip_blanks(r);
	return *r->at == end ? 0 : wrong(r, "this does not belong to a path");
}

const struct jsonpath *jsonpath_path(const char *text, struct arena *a, struct error *err)
{
	struct reader r = { text, text, a, err, 0 };
	struct jsonpath *p = arena_one(a, struct jsonpath);
	bool braces = take(&r, "{");

	if (strlen(text) > JSONPATH_BYTES_MAX)
		return error_set(err, E2BIG, "it is longer than %d bytes", JSONPATH_BYTES_MAX), NULL;
	if (!*text || text_is(text, "{}"))
		return error_set(err, EINVAL, "it is empty"), NULL;
	struct steps steps = {};
	if (read_path(&r, &steps, braces ? '}' : '\0') < 0)
		return NULL;
	if (braces && r.at[1])
		return wrong(&r, "there is more after the path"), NULL;
	list_add(a, &p->parts)->path = steps;
	return p;
}

/* --- templates ---------------------------------------------------------------------------------------------------------- */

static int read_parts(struct reader *r, struct jsonpath *out, unsigned depth);

/* After "{range". */
static int read_range(struct reader *r, struct jsonpath_part *part, unsigned depth)
{
	struct jsonpath *each = arena_one(r->arena, struct jsonpath);

	if (depth >= JSONPATH_DEPTH_MAX)
		return wrong(r, "there are too many ranges within ranges");
	if (read_path(r, &part->path, '}') < 0)
		return -EINVAL;
	r->at++;
	part->each = each;
	return read_parts(r, each, depth + 1);
}

/* After "{". 1: it was {end}. */
static int read_braces(struct reader *r, struct jsonpath_part *part, unsigned depth)
{
	skip_blanks(r);
	if (take(r, "range") && (isspace((unsigned char)*r->at) || *r->at == '.'))
		return read_range(r, part, depth);
	if (*r->at == '"' || *r->at == '\'') {
		if (!(part->text = read_string(r)))
			return -EINVAL;
		skip_blanks(r);
		return take(r, "}") ? 0 : wrong(r, "'}' is missing");
	}
	if (take(r, "end}"))
		return depth > 0 ? 1 : wrong(r, "{end} has no {range}");
	if (read_path(r, &part->path, '}') < 0)
		return -EINVAL;
	r->at++;
	return 0;
}

/* To the end of the text, or to {end} when DEPTH is not 0. */
static int read_parts(struct reader *r, struct jsonpath *out, unsigned depth)
{
	while (*r->at) {
		struct jsonpath_part part = {};
		size_t n = strcspn(r->at, "{");
		if (n > 0) {
			part.text = arena_strndup(r->arena, r->at, n);
			r->at += n;
		} else {
			r->at++;
			int what = read_braces(r, &part, depth);
			if (what != 0)
				return what < 0 ? what : 0;
		}
		*list_add(r->arena, &out->parts) = part;
	}
	return depth == 0 ? 0 : wrong(r, "{range} has no {end}");
}

const struct jsonpath *jsonpath_template(const char *text, struct arena *a, struct error *err)
{
	struct reader r = { text, text, a, err, 0 };
	struct jsonpath *p = arena_one(a, struct jsonpath);

	if (strlen(text) > JSONPATH_BYTES_MAX)
		return error_set(err, E2BIG, "it is longer than %d bytes", JSONPATH_BYTES_MAX), NULL;
	if (*text == '.' && !strchr(text, '{'))
		return jsonpath_path(text, a, err);
	if (!*text)
		return error_set(err, EINVAL, "it is empty"), NULL;
	return read_parts(&r, p, 0) < 0 ? NULL : p;
}
