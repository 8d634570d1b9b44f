/* support.c — see support.h.
 *
 * One line a field, by its full path, so that one can search the page for a field. A struct that stands in several places
 * (a container and an init container) is written out where it stands first.
 */
#include "api/support.h"

#include "api/kinds.h"
#include "base/cleanup.h"

enum { TABLES_MAX = 200 };

/* test/honoured.txt: lines of KIND FIELD TEST; embedded (embed.py). */
extern const unsigned char support_tests[];
extern const unsigned support_tests_size;

struct page {
	struct text *out;
	const char *kind;
	struct {
		const struct table *table;
		char *path;
	} seen[TABLES_MAX];
	size_t n;
	unsigned count[3]; /* by enum field_effect */
};

/* Text in a cell of a Markdown table. */
static void write_cell(struct text *out, const char *s)
{
	for (; s && *s; s++)
		text_printf(out, *s == '|' ? "\\%c" : "%c", *s);
}

/* The word at *AT, which ends before END; moves behind it and the blank after it. */
static size_t next_word(const char **at, const char *end, const char **word)
{
	size_t n = 0;

	*word = *at;
	while (*at + n < end && (*at)[n] != ' ' && (*at)[n] != '\n')
		n++;
	*at += n < (size_t)(end - *at) ? n + 1 : n;
	return n;
}

static bool same(const char *word, size_t n, const char *text)
{
	return strlen(text) == n && strncmp(word, text, n) == 0;
}

/* The test of KIND's field PATH, of *N bytes; NULL: it needs none, or has none. */
static const char *find_test(const char *kind, const char *path, size_t *n)
{
	const char *at = (const char *)support_tests, *end = at + support_tests_size, *first, *second, *test;

	while (at < end) {
		size_t a = next_word(&at, end, &first), b = next_word(&at, end, &second);
		*n = next_word(&at, end, &test);
		while (at < end && at[-1] != '\n') /* a comment has more words */
			at++;
		if (same(second, b, path) && (same(first, a, kind) || same(first, a, "*")))
			return test;
	}
	return NULL;
}

static void write_test(struct text *out, const char *test, size_t n)
{
	if (same(test, n, "-")) {
		text_add(out, ", no test yet");
		return;
	}
	text_add(out, ": `");
	text_add_n(out, test, n);
	text_add_char(out, '`');
}

static void write_effect(struct page *page, const struct field *f, const char *path)
{
	static const char *const words[] = { "honoured", "no effect", "**rejected**" };
	struct text *out = page->out;
	size_t n;
	const char *test = f->effect == HONOURED ? find_test(page->kind, path, &n) : NULL;

	text_add(out, words[f->effect]);
	if (f->why) {
		text_add(out, ": ");
		write_cell(out, f->why);
	}
	if (test)
		write_test(out, test, n);
}

static void write_row(struct page *page, const struct field *f, const char *path, const char *like)
{
	struct text *out = page->out;

	page->count[f->effect]++;
	text_printf(out, "| `%s` | %s%s | ", path, field_type_name(f), f->required ? ", required" : "");
	if (f->fallback)
		text_printf(out, "`%s`", f->fallback);
	text_add(out, " | ");
	write_effect(page, f, path);
	text_add(out, " | ");
	write_cell(out, f->doc);
	if (f->values) {
		text_add(out, f->doc ? " One of " : "One of ");
		for (const char *s = *f->values == '|' ? f->values + 1 : f->values; *s; s++)
			*s == '|' ? text_add(out, ", ") : text_add_char(out, *s);
		text_add_char(out, '.');
	}
	if (like)
		text_printf(out, " Fields as of `%s`.", like);
	if (f->since)
		text_printf(out, " (Kubernetes %s)", f->since);
	text_add(out, " |\n");
}

static const char *find_seen(const struct page *page, const struct table *table)
{
	for (size_t i = 0; table && i < page->n; i++)
		if (page->seen[i].table == table)
			return page->seen[i].path;
	return NULL;
}

static void write_table(struct page *page, const struct table *table, const char *prefix)
{
	for (size_t i = 0; i < table->n; i++) {
		const struct field *f = &table->fields[i];
		bool list = f->type == FIELD_OBJECTS;
		_cleanup_free_ char *path =
			memory_printf("%s%s%s%s", prefix, *prefix ? "." : "", f->name, list ? "[]" : "");
		const struct table *below = f->effect == HONOURED && f->type != FIELD_RAW ? f->table : NULL;
		const char *like = find_seen(page, below);
		write_row(page, f, path, like);
		if (!below || like || text_is(path, "status"))
			continue;
		if (page->n < TABLES_MAX) {
			page->seen[page->n].table = below;
			page->seen[page->n++].path = memory_strdup(path);
		}
		write_table(page, below, path);
	}
}

static void write_kind(struct text *out, const struct kind *kind)
{
	_cleanup_text_ struct text rows = {};
	struct page page = { .out = &rows, .kind = kind->name };

	write_table(&page, kind->table, "");
	text_printf(out, "\n## %s\n\n%u fields honoured, %u accepted without effect, %u rejected.\n\n",
		    kind->name, page.count[HONOURED], page.count[NO_EFFECT], page.count[REJECTED]);
	text_add(out, "| Field | Type | Default | Seapod | Meaning |\n|---|---|---|---|---|\n");
	text_add_n(out, rows.at, rows.n);
	for (size_t i = 0; i < page.n; i++)
		free(page.seen[i].path);
}

void support_write(struct text *out)
{
	text_add(out, "# What Seapod does with each field\n\n"
		      "This page is made from the tables that also read manifests (`src/api/`), so it cannot "
		      "be wrong about what is\n"
		      "read. *honoured*: it does what Kubernetes says, and the test that is named fails when "
		      "it does not. *no effect*: it is accepted and kept, "
		      "and a warning says that\n"
		      "it does nothing here; what is below such a field is checked for typing errors where "
		      "Kubernetes defines it.\n"
		      "*rejected*: it is an error, which says why. A field that is not here is an error with "
		      "its nearest name.\n"
		      "`seapod explain pod.spec.containers` prints the same.\n");
	for (size_t i = 0; kind_at(i); i++)
		write_kind(out, kind_at(i));
}
