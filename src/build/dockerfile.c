/* dockerfile.c — see dockerfile.h. */
#include "build/dockerfile.h"

#include <ctype.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "object/json.h"

struct reader {
	const char *at, *end;
	uint32_t line; /* of what is read next */
	struct arena *arena;
	struct dockerfile *out;
	struct error *err;
};

static const char *const keywords[] = {
	"ADD",    "ARG",   "CMD",         "COPY",  "ENTRYPOINT", "ENV",
	"EXPOSE", "FROM",  "HEALTHCHECK", "LABEL", "MAINTAINER", "ONBUILD",
	"RUN",    "SHELL", "STOPSIGNAL",  "USER",  "VOLUME",     "WORKDIR",
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static const char *skip_blanks(const char *s)
{
	while (is_blank(*s))
		s++;
	return s;
}

/* The next line without its end; false after the last. */
static bool next_line(struct reader *r, const char **line, size_t *n)
{
	if (r->at >= r->end)
		return false;
	const char *newline = memchr(r->at, '\n', (size_t)(r->end - r->at));
	*line = r->at;
	*n = (size_t)((newline ? newline : r->end) - r->at);
	r->at = newline ? newline + 1 : r->end;
	r->line++;
	return true;
}

/* --- directives ------------------------------------------------------------------------------------------------------ */

/* "# name=value" as the first lines of the file. 1: it was one; 0: it is none. */
static int take_directive(struct reader *r, const char *line)
{
	const char *s = skip_blanks(line), *equals;

	if (*s != '#' || !(equals = strchr(s, '=')))
		return 0;
	s = skip_blanks(s + 1);
	const char *value = skip_blanks(equals + 1);
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
	if (n == 0 || skip_blanks(s + n) != equals)
		return 0;
	if (n != 6 || strncasecmp(s, "escape", 6) != 0)
		return 1; /* syntax, check: what is understood is here */
	if ((*value != '\\' && *value != '`') || *skip_blanks(value + 1))
		return error_set(r->err, EINVAL, "%s:%u: the escape character is \\ or `", r->out->name,
				 r->line);
	r->out->escape = *value;
	return 1;
}

static int take_directives(struct reader *r)
{
	const char *line;
	size_t n;

	for (;;) {
		struct reader before = *r;
		if (!next_line(r, &line, &n))
			return 0;
		int taken = take_directive(r, arena_strndup(r->arena, line, n));
		if (taken < 0)
			return taken;
		if (taken == 0) {
			*r = before;
			return 0;
		}
	}
}

/* --- logical lines --------------------------------------------------------------------------------------------------- */

/* The length of LINE without an escape character at its end (and blanks after it); N itself: it is not continued. */
static size_t continued_at(const struct reader *r, const char *line, size_t n)
{
	size_t end = n;

	while (end > 0 && is_blank(line[end - 1]))
		end--;
	return end > 0 && line[end - 1] == r->out->escape ? end - 1 : n;
}

/* Joins the lines of one instruction. Comments and empty lines between them go. False: there is none any more. */
static bool next_logical(struct reader *r, struct text *out, uint32_t *first)
{
	const char *line;
	size_t n;
	bool begun = false;

	while (next_line(r, &line, &n)) {
		size_t blanks = 0;
		while (blanks < n && is_blank(line[blanks]))
			blanks++;
		if (blanks == n || line[blanks] == '#')
			continue;
		if (!begun)
			*first = r->line;
		size_t end = continued_at(r, line, n);
		size_t from = begun ? 0 : blanks;
		text_add_n(out, line + from, end > from ? end - from : 0);
		begun = true;
		if (end == n)
			break;
	}
	while (out->n > 0 && is_blank(out->at[out->n - 1]))
		out->at[--out->n] = '\0';
	return begun;
}

/* --- heredocs --------------------------------------------------------------------------------------------------------- */

/* The text up to the line NAME. STRIP: tabs at the beginning of lines go (<<-). */
static int read_heredoc(struct reader *r, struct instruction *i, struct heredoc *h, bool strip,
			struct text *tail)
{
	_cleanup_text_ struct text text = {};
	const char *line;
	size_t n;

	while (next_line(r, &line, &n)) {
		text_add_n(tail, line, n);
		text_add_char(tail, '\n');
		while (strip && n > 0 && *line == '\t') {
			line++;
			n--;
		}
		if (n > 0 && line[n - 1] == '\r')
			n--;
		if (n == strlen(h->name) && memcmp(line, h->name, n) == 0) {
			h->text = arena_strdup(r->arena, text_str(&text));
			return 0;
		}
		text_add_n(&text, line, n);
		text_add_char(&text, '\n');
	}
	return error_set(r->err, EINVAL, "%s:%u: %s: the here-document has no line '%s' at its end",
			 r->out->name, i->line, i->keyword, h->name);
}

/* "<<NAME", "<<-NAME", "<<'NAME'" at S; the end of it, or NULL: it is none. */
static const char *heredoc_begin(struct reader *r, const char *s, struct heredoc *h, bool *strip)
{
	if (s[0] != '<' || s[1] != '<' || s[2] == '<')
		return NULL;
	s += 2;
	if ((*strip = *s == '-'))
		s++;
	char quote = *s == '"' || *s == '\'' ? *s++ : '\0';
	size_t n = 0;
	while (isalnum((unsigned char)s[n]) || s[n] == '_' || s[n] == '.' || s[n] == '-')
		n++;
	if (n == 0 || (quote && s[n] != quote))
		return NULL;
	*h = (struct heredoc){ .name = arena_strndup(r->arena, s, n), .quoted = quote != '\0' };
	return s + n + (quote ? 1 : 0);
}

static int take_heredocs(struct reader *r, struct instruction *i)
{
	_cleanup_text_ struct text tail = {};
	char quote = '\0';
	int result = 0;

	for (const char *s = i->text; *s && result == 0; s++) {
		struct heredoc h;
		bool strip;
		if (quote) {
			quote = *s == quote ? '\0' : quote;
			continue;
		}
		const char *end = heredoc_begin(r, s, &h, &strip);
		if (end) {
			result = read_heredoc(r, i, &h, strip, &tail);
			*list_add(r->arena, &i->heredocs) = h;
			s = end - 1;
		} else if (*s == '"' || *s == '\'') {
			quote = *s;
		} else if (*s == r->out->escape && s[1]) {
			s++;
		}
	}
	i->tail = arena_strdup(r->arena, text_str(&tail));
	return result;
}

/* --- one instruction -------------------------------------------------------------------------------------------------- */

static const char *known_keyword(const char *s, size_t n)
{
	for (size_t i = 0; i < sizeof(keywords) / sizeof(*keywords); i++)
		if (strlen(keywords[i]) == n && strncasecmp(keywords[i], s, n) == 0)
			return keywords[i];
	return NULL;
}

/* "--name=value" up to the first word that is none. */
static const char *take_flags(struct reader *r, struct instruction *i, const char *s)
{
	while (s[0] == '-' && s[1] == '-' && s[2] && !is_blank(s[2])) {
		size_t n = strcspn(s, " \t");
		const char *word = arena_strndup(r->arena, s + 2, n - 2), *equals = strchr(word, '=');
		*list_add(r->arena, &i->flags) = (struct build_flag){
			.name = equals ? arena_strndup(r->arena, word, (size_t)(equals - word)) : word,
			.value = equals ? equals + 1 : "",
		};
		s = skip_blanks(s + n);
	}
	return s;
}

struct node *instruction_words(const char *text, struct arena *a)
{
	struct node *n = *text == '[' ? node_from_json(a, text, strlen(text), NULL) : NULL;

	if (!n || n->kind != NODE_LIST)
		return NULL;
	list_each(word, &n->items)
		if ((*word)->kind != NODE_STRING)
			return NULL;
	return n;
}

/* A JSON list of strings and nothing else is the exec form; all else is text. */
static void take_exec_form(struct reader *r, struct instruction *i)
{
	const struct node *n = instruction_words(i->text, r->arena);

	if (!n)
		return;
	list_each(word, &n->items)
		*list_add(r->arena, &i->words) = (*word)->text;
	i->exec = true;
}

static int take_instruction(struct reader *r, const char *logical, uint32_t line)
{
	size_t n = strcspn(logical, " \t");
	struct instruction i = { .keyword = known_keyword(logical, n), .line = line, .tail = "" };

	if (!i.keyword)
		return error_set(r->err, EINVAL, "%s:%u: there is no instruction '%.*s'", r->out->name, line,
				 n > 40 ? 40 : (int)n, logical);
	i.text = take_flags(r, &i, skip_blanks(logical + n));
	if (!*i.text && !text_is(i.keyword, "HEALTHCHECK"))
		return error_set(r->err, EINVAL, "%s:%u: %s needs an argument", r->out->name, line,
				 i.keyword);
	take_exec_form(r, &i);
	bool can = text_is(i.keyword, "RUN") || text_is(i.keyword, "COPY") || text_is(i.keyword, "ADD");
	int result = can && !i.exec ? take_heredocs(r, &i) : 0;
	*list_add(r->arena, &r->out->instructions) = i;
	return result;
}

int dockerfile_parse(const char *name, const char *text, size_t n, struct arena *a, struct dockerfile *out,
		     struct error *err)
{
	struct reader r = { .at = text, .end = text + n, .arena = a, .out = out, .err = err };
	uint32_t line = 0;

	*out = (struct dockerfile){ .name = name, .escape = '\\' };
	if (n > DOCKERFILE_BYTES_MAX)
		return error_set(err, EFBIG, "%s: it has more than %d bytes", name, DOCKERFILE_BYTES_MAX);
	if (memchr(text, '\0', n))
		return error_set(err, EINVAL, "%s: it is no text", name);
	if (n >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		r.at += 3;
	int result = take_directives(&r);
	while (result == 0) {
		_cleanup_text_ struct text logical = {};
		if (!next_logical(&r, &logical, &line))
			break;
		result = take_instruction(&r, arena_strdup(a, text_str(&logical)), line);
	}
	if (result == 0 && out->instructions.n == 0)
		return error_set(err, EINVAL, "%s: there is no instruction in it", name);
	return result;
}

const char *instruction_flag(const struct instruction *i, const char *name)
{
	const char *value = NULL;

	list_each(flag, &i->flags)
		if (text_is(flag->name, name))
			value = flag->value;
	return value;
}
