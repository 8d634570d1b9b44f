/* toml.c — see toml.h. A reader that goes down the grammar, one function a rule. */
#include "registry/toml.h"

#include <ctype.h>

#include "base/cleanup.h"

enum { DEPTH_MAX = 16 };

struct reader {
	struct arena *a;
	const char *file, *at, *end;
	unsigned line;
	struct error *err;
};

static struct node *read_value(struct reader *r, int depth);

static int wrong(struct reader *r, const char *what)
{
	return error_set(r->err, EINVAL, "%s:%u: %s", r->file, r->line, what);
}

static int peek(const struct reader *r)
{
	return r->at < r->end ? (unsigned char)*r->at : -1;
}

static bool take(struct reader *r, char c)
{
	if (peek(r) != c)
		return false;
	r->at++;
	return true;
}

static void skip_blanks(struct reader *r)
{
	while (peek(r) == ' ' || peek(r) == '\t')
		r->at++;
}

/* Blanks, comments and line ends. */
static void skip_lines(struct reader *r)
{
	for (;; r->at++) {
		if (peek(r) == '#')
			while (peek(r) != '\n' && peek(r) >= 0)
				r->at++;
		int c = peek(r);
		if (c == '\n')
			r->line++;
		else if (c != ' ' && c != '\t' && c != '\r')
			return;
	}
}

static int end_of_line(struct reader *r)
{
	skip_blanks(r);
	if (peek(r) == '#' || peek(r) == '\n' || peek(r) == '\r' || peek(r) < 0) {
		skip_lines(r);
		return 0;
	}
	return wrong(r, "there is something after the value");
}

/* --- strings and keys ---------------------------------------------------------------------------------- */

static void add_utf8(struct text *t, unsigned long c)
{
	if (c < 0x80) {
		text_add_char(t, (char)c);
		return;
	}
	if (c >= 0x10000) {
		text_add_char(t, (char)(0xf0 | c >> 18));
		text_add_char(t, (char)(0x80 | (c >> 12 & 0x3f)));
	} else if (c >= 0x800) {
		text_add_char(t, (char)(0xe0 | c >> 12));
	}
	text_add_char(t, (char)(c >= 0x800 ? 0x80 | (c >> 6 & 0x3f) : 0xc0 | c >> 6));
	text_add_char(t, (char)(0x80 | (c & 0x3f)));
}

/* After a backslash. */
static int read_escape(struct reader *r, struct text *t)
{
	static const char from[] = "btnfr\"\\", to[] = "\b\t\n\f\r\"\\";
	int c = peek(r);
	const char *known = c > 0 ? strchr(from, c) : NULL;
	unsigned long value = 0;

	r->at += c >= 0;
	if (known) {
		text_add_char(t, to[known - from]);
		return 0;
	}
	for (int n = c == 'u' ? 4 : c == 'U' ? 8 : 0, i = 0; i < n; i++, r->at++) {
		if (peek(r) < 0 || !isxdigit(peek(r)))
			return wrong(r, "a \\u in a string needs hexadecimal digits");
		value = value << 4 |
			(unsigned long)(isdigit(peek(r)) ? peek(r) - '0' : (peek(r) | 32) - 'a' + 10);
	}
	if (value == 0 || value > 0x10ffff || (value >= 0xd800 && value < 0xe000))
		return wrong(r, "a string has a \\ before something that is no escape");
	add_utf8(t, value);
	return 0;
}

static char *read_string(struct reader *r)
{
	_cleanup_text_ struct text t = {};
	int quote = peek(r);

	if (r->end - r->at >= 3 && r->at[1] == quote && r->at[2] == quote) {
		wrong(r, "strings over several lines are not read");
		return NULL;
	}
	r->at++;
	while (peek(r) != quote) {
		int c = peek(r);
		if (c <= 0 || c == '\n') {
			wrong(r, "a string has no end");
			return NULL;
		}
		r->at++;
		if (c != '\\' || quote != '"')
			text_add_char(&t, (char)c);
		else if (read_escape(r, &t) < 0)
			return NULL;
	}
	r->at++;
	return arena_strdup(r->a, text_str(&t));
}

static bool is_bare(int c)
{
	return c > 0 && (isalnum(c) || c == '-' || c == '_');
}

static char *read_key_part(struct reader *r)
{
	const char *from = r->at;

	if (peek(r) == '"' || peek(r) == '\'')
		return read_string(r);
	while (is_bare(peek(r)))
		r->at++;
	if (r->at == from) {
		wrong(r, "a key is missing");
		return NULL;
	}
	return arena_strndup(r->a, from, (size_t)(r->at - from));
}

/* The map that KEY of MAP is, made if it is missing; of an array of tables, the last. */
static struct node *descend(struct reader *r, struct node *map, const char *key)
{
	struct node *child = node_get(map, key);

	if (!child) {
		child = node_new(r->a, NODE_MAP);
		node_put(r->a, map, key, child);
	}
	if (child->kind == NODE_LIST && child->items.n)
		child = child->items.at[child->items.n - 1];
	if (child->kind == NODE_MAP)
		return child;
	wrong(r, "a key is a value and a table at once");
	return NULL;
}

/* A dotted key below MAP: the map it is in, and its last part in *LAST. */
static struct node *read_key(struct reader *r, struct node *map, char **last)
{
	for (int depth = 0; map && depth < DEPTH_MAX; depth++) {
		skip_blanks(r);
		*last = read_key_part(r);
		skip_blanks(r);
		if (!*last || !take(r, '.'))
			return *last ? map : NULL;
		map = descend(r, map, *last);
	}
	if (map)
		wrong(r, "a key has too many parts");
	return NULL;
}

static int read_pair(struct reader *r, struct node *map, int depth)
{
	char *key;

	if (!(map = read_key(r, map, &key)))
		return -EINVAL;
	if (!take(r, '='))
		return wrong(r, "a key has no '=' after it");
	if (node_get(map, key))
		return wrong(r, "a key stands twice");
	skip_blanks(r);
	struct node *value = read_value(r, depth + 1);
	if (!value)
		return -EINVAL;
	node_put(r->a, map, key, value);
	return 0;
}

/* --- values -------------------------------------------------------------------------------------------- */

static struct node *read_array(struct reader *r, int depth)
{
	struct node *list = node_new(r->a, NODE_LIST);

	r->at++;
	for (;;) {
		skip_lines(r);
		if (take(r, ']'))
			return list;
		struct node *item = read_value(r, depth + 1);
		if (!item)
			return NULL;
		node_append(r->a, list, item);
		skip_lines(r);
		if (!take(r, ',') && peek(r) != ']') {
			wrong(r, "an array has no ']' at its end");
			return NULL;
		}
	}
}

static struct node *read_inline_table(struct reader *r, int depth)
{
	struct node *map = node_new(r->a, NODE_MAP);

	r->at++;
	skip_blanks(r);
	if (take(r, '}'))
		return map;
	for (;;) {
		if (read_pair(r, map, depth) < 0)
			return NULL;
		skip_blanks(r);
		if (take(r, '}'))
			return map;
		if (!take(r, ',')) {
			wrong(r, "a table in braces has no '}' at its end");
			return NULL;
		}
	}
}

static struct node *read_word(struct reader *r)
{
	const char *from = r->at;
	long long number;

	while (is_bare(peek(r)) || peek(r) == '+' || peek(r) == '.' || peek(r) == ':')
		r->at++;
	const char *word = arena_strndup(r->a, from, (size_t)(r->at - from));
	if (text_is(word, "true") || text_is(word, "false"))
		return node_bool(r->a, *word == 't');
	if (text_to_int(word, INT64_MIN, INT64_MAX, &number) == 0)
		return node_int(r->a, number);
	wrong(r, "a value is no string in quotes, whole number, true, false, array or table");
	return NULL;
}

static struct node *read_value(struct reader *r, int depth)
{
	if (depth > DEPTH_MAX) {
		wrong(r, "values are nested too deep");
		return NULL;
	}
	if (peek(r) == '"' || peek(r) == '\'') {
		const char *s = read_string(r);
		return s ? node_string(r->a, s) : NULL;
	}
	return peek(r) == '['   ? read_array(r, depth)
	       : peek(r) == '{' ? read_inline_table(r, depth)
				: read_word(r);
}

/* "[[KEY]]": one more table in the list KEY of IN. */
static struct node *add_table(struct reader *r, struct node *in, const char *key)
{
	struct node *list = node_get(in, key), *table = node_new(r->a, NODE_MAP);

	if (!list) {
		list = node_new(r->a, NODE_LIST);
		node_put(r->a, in, key, list);
	}
	if (list->kind != NODE_LIST) {
		wrong(r, "a name is a table and an array of tables at once");
		return NULL;
	}
	node_append(r->a, list, table);
	return table;
}

/* "[a.b]" or "[[a.b]]": the table that the pairs after it belong to. */
static struct node *read_header(struct reader *r, struct node *root)
{
	bool array = r->end - r->at >= 2 && r->at[1] == '[';
	char *key;

	r->at += array ? 2 : 1;
	struct node *in = read_key(r, root, &key);
	if (!in)
		return NULL;
	if (!take(r, ']') || (array && !take(r, ']'))) {
		wrong(r, "a table's name has no ']' at its end");
		return NULL;
	}
	return array ? add_table(r, in, key) : descend(r, in, key);
}

struct node *node_from_toml(struct arena *a, const char *file, const char *text, size_t size,
			    struct error *err)
{
	struct reader r = { a, file, text, text + size, 1, err };
	struct node *root = node_new(a, NODE_MAP), *table = root;

	skip_lines(&r);
	while (peek(&r) >= 0) {
		if (peek(&r) == '[' ? !(table = read_header(&r, root)) : read_pair(&r, table, 0) < 0)
			return NULL;
		if (end_of_line(&r) < 0)
			return NULL;
	}
	return root;
}
