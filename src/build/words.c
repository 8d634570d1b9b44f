/* words.c — see words.h. */
#include "build/words.h"

#include <ctype.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

enum { DEPTH_MAX = 16, WORD_MAX = 1024 * 1024 };

struct expanding {
	const struct variables *variables;
	struct text *out;
	struct error *err;
	int depth;
	bool plain; /* quotes mean nothing */
};

const char *variable_find(const struct variables *v, const char *name, size_t n)
{
	for (size_t i = v->pairs.n; i-- > 0;) {
		const char *pair = v->pairs.at[i];
		if (strncmp(pair, name, n) == 0 && pair[n] == '=')
			return pair + n + 1;
	}
	return NULL;
}

static size_t name_length(const char *s)
{
	size_t n = 0;

	if (isdigit((unsigned char)*s))
		return 1;
	while (isalnum((unsigned char)s[n]) || s[n] == '_')
		n++;
	return n;
}

static int expand(struct expanding *e, const char *s, size_t n);

/* The "}" that closes what begins at S; NULL. */
static const char *closing(const char *s, const char *end)
{
	int open = 1;

	for (; s < end; s++) {
		if (s[0] == '$' && s + 1 < end && s[1] == '{')
			open++;
		else if (*s == '}' && --open == 0)
			return s;
	}
	return NULL;
}

/* What "${NAME" is followed by: an operator and a word, which ends at END. */
static int apply_operator(struct expanding *e, const char *name, size_t n, const char *rest, const char *end)
{
	const char *value = variable_find(e->variables, name, n);
	bool colon = *rest == ':';
	char operator= rest[colon];
	bool set = value && !(colon && !*value);
	const char *word = rest + colon + 1;

	if (rest == end) {
		text_add(e->out, value ? value : "");
		return 0;
	}
	if (!strchr("-+?", operator) || rest + colon >= end)
		return error_set(e->err, EINVAL, "'${%.*s}' has no right operator (:-, :+ or :?)",
				 (int)(end - name), name);
	if (operator== '?' && !set)
		return error_set(e->err, EINVAL, "the variable '%.*s' is not set: %.*s", (int)n, name,
				 (int)(end - word), word);
	if (set == (operator== '+'))
		return expand(e, word, (size_t)(end - word));
	text_add(e->out, operator== '+' || !value ? "" : value);
	return 0;
}

/* The variable at S ("$…"); *AT is behind it. */
static int expand_variable(struct expanding *e, const char *s, const char *end, const char **at)
{
	bool braces = s + 1 < end && s[1] == '{';
	const char *name = s + 1 + braces;
	size_t n = name < end ? name_length(name) : 0;

	if (n > (size_t)(end - name))
		n = (size_t)(end - name);
	if (n == 0 && !braces) {
		text_add_char(e->out, '$');
		*at = s + 1;
		return 0;
	}
	const char *close = braces ? closing(name, end) : name + n;
	if (!close || n == 0)
		return error_set(e->err, EINVAL, "'%.*s' is no right variable",
				 (int)(end - s > 60 ? 60 : end - s), s);
	*at = close + braces;
	return apply_operator(e, name, n, name + n, close);
}

static int expand(struct expanding *e, const char *s, size_t n)
{
	const char *end = s + n;
	char quote = '\0';
	int r = 0;

	if (++e->depth > DEPTH_MAX || e->out->n > WORD_MAX)
		return error_set(e->err, E2BIG, "a word is too long or too deep");
	while (s < end && r == 0) {
		char c = *s;
		if (c == e->variables->escape && s + 1 < end && quote != '\'') {
			bool keep = (e->plain && s[1] != '$') || (quote && !strchr("\"$", s[1]) && s[1] != c);
			if (keep)
				text_add_char(e->out, c);
			text_add_char(e->out, s[1]);
			s += 2;
		} else if (c == '$' && quote != '\'') {
			r = expand_variable(e, s, end, &s);
		} else if (!e->plain && (quote ? c == quote : c == '"' || c == '\'')) {
			quote = quote ? '\0' : c;
			s++;
		} else {
			text_add_char(e->out, c);
			s++;
		}
	}
	e->depth--;
	return r == 0 && quote ? error_set(e->err, EINVAL, "a quote %c is not closed", quote) : r;
}

static const char *expand_text(const char *text, const struct variables *v, bool plain, struct arena *a,
			       struct error *err)
{
	_cleanup_text_ struct text out = {};
	struct expanding e = { .variables = v, .out = &out, .err = err, .plain = plain };

	return expand(&e, text, strlen(text)) < 0 ? NULL : arena_strdup(a, text_str(&out));
}

const char *word_expand(const char *text, const struct variables *v, struct arena *a, struct error *err)
{
	return expand_text(text, v, false, a, err);
}

const char *word_expand_plain(const char *text, const struct variables *v, struct arena *a, struct error *err)
{
	return expand_text(text, v, true, a, err);
}

void words_split(const char *text, char escape, struct arena *a, struct strings *out)
{
	const char *s = text;

	for (;;) {
		while (*s == ' ' || *s == '\t' || *s == '\n')
			s++;
		const char *begin = s;
		for (char quote = '\0'; *s && (quote || !strchr(" \t\n", *s)); s++) {
			if (*s == escape && s[1] && quote != '\'')
				s++;
			else if (quote ? *s == quote : *s == '"' || *s == '\'')
				quote = quote ? '\0' : *s;
		}
		if (s == begin)
			return;
		*list_add(a, out) = arena_strndup(a, begin, (size_t)(s - begin));
	}
}
