/* yaml.c — see yaml.h. A walk over libfyaml's events that builds the tree. */
#include "object/yaml.h"

#include <errno.h>
#include <libfyaml.h>
#include <math.h>
#include <stdlib.h>

#include "object/utf8.h"

enum { MERGE_MAX = 1000, ANCHORS_MAX = 10000 };

struct anchor {
	const char *name;
	struct node *node;
};

struct reader {
	struct arena *arena;
	struct problems *problems;
	struct fy_parser *parser;
	size_t nodes;
	struct LIST(struct anchor) anchors; /* of the current document */
	bool failed;
};

static struct node *fail(struct reader *r, unsigned line, unsigned column, const char *why)
{
	if (!r->failed)
		problem_error(r->problems, line, column, NULL, "%s", why);
	r->failed = true;
	return NULL;
}

static struct node *make(struct reader *r, struct fy_event *event, enum node_kind kind)
{
	const struct fy_mark *mark = fy_event_start_mark(event);
	struct node *n = node_new(r->arena, kind);

	if (mark) {
		n->line = (uint32_t)mark->line + 1;
		n->column = (uint32_t)mark->column + 1;
	}
	if (++r->nodes > NODE_COUNT_MAX)
		fail(r, n->line, n->column, "the file has more than 500,000 values; split it");
	return n;
}

static bool is_one_of(const char *s, const char *const *words)
{
	for (; *words; words++)
		if (text_is(s, *words))
			return true;
	return false;
}

/* Digits of BASE only, with at least one. */
static bool all_digits(const char *s, const char *digits)
{
	return *s && strspn(s, digits) == strlen(s);
}

/* YAML 1.2 core schema (10.3.2): what a plain scalar means. */
static void resolve_plain(struct node *n)
{
	static const char *const nulls[] = { "", "~", "null", "Null", "NULL", NULL };
	static const char *const trues[] = { "true", "True", "TRUE", NULL };
	static const char *const falses[] = { "false", "False", "FALSE", NULL };
	const char *s = n->text, *unsigned_part = *s == '-' || *s == '+' ? s + 1 : s;
	char *end;

	if (is_one_of(s, nulls)) {
		n->kind = NODE_NULL;
	} else if (is_one_of(s, trues) || is_one_of(s, falses)) {
		n->kind = NODE_BOOL;
		n->boolean = is_one_of(s, trues);
	} else if (all_digits(unsigned_part, "0123456789") ||
		   (text_starts(s, "0x") && all_digits(s + 2, "0123456789abcdefABCDEF")) ||
		   (text_starts(s, "0o") && all_digits(s + 2, "01234567"))) {
		/* A leading 0 is octal, as kubectl's YAML 1.1 reader has it: "defaultMode: 0644" must mean what it says. */
		bool octal =
			unsigned_part[0] == '0' && unsigned_part[1] && all_digits(unsigned_part, "01234567");
		errno = 0;
		n->integer = text_starts(s, "0o") ? strtoll(s + 2, &end, 8)
						  : strtoll(s, &end,
							    octal                  ? 8
							    : text_starts(s, "0x") ? 16
										   : 10);
		if (errno == 0)
			n->kind = NODE_INT;
		else if ((n->number = strtod(s, &end), *end == '\0'))
			n->kind = NODE_FLOAT;
	} else if (strchr("0123456789.", *unsigned_part) &&
		   strspn(unsigned_part, "0123456789.eE+-") == strlen(unsigned_part)) {
		n->number = strtod(s, &end);
		if (*end == '\0' && end != s && isfinite(n->number))
			n->kind = NODE_FLOAT;
	}
}

static struct node *scalar(struct reader *r, struct fy_event *event)
{
	size_t size = 0;
	const char *text = fy_token_get_text(event->scalar.value, &size);
	struct node *n = make(r, event, NODE_STRING);

	n->text = arena_strndup(r->arena, text ? text : "", text ? size : 0);
	n->size = text ? size : 0;
	size_t tag_size = 0;
	const char *tag = event->scalar.tag ? fy_token_get_text(event->scalar.tag, &tag_size) : NULL;
	enum fy_scalar_style style =
		event->scalar.value ? fy_token_scalar_style(event->scalar.value) : FYSS_PLAIN;
	bool plain = style == FYSS_PLAIN;
	if ((style == FYSS_SINGLE_QUOTED || style == FYSS_DOUBLE_QUOTED) && n->column > 1)
		n->column--; /* the mark is behind the quote */
	if (plain && !tag && strlen(n->text) == n->size)
		resolve_plain(n);
	return n;
}

static void remember(struct reader *r, struct fy_token *anchor, struct node *n)
{
	size_t size;
	const char *name = anchor ? fy_token_get_text(anchor, &size) : NULL;
	if (name && r->anchors.n >= ANCHORS_MAX)
		fail(r, n->line, n->column, "the document has more than 10,000 anchors (&name)");
	else if (name)
		*list_add(r->arena, &r->anchors) = (struct anchor){ arena_strndup(r->arena, name, size), n };
}

static struct node *recall(struct reader *r, struct fy_event *event)
{
	size_t size = 0;
	const char *name = fy_token_get_text(event->alias.anchor, &size);
	const struct fy_mark *mark = fy_event_start_mark(event);

	for (size_t i = r->anchors.n; name && i-- > 0;)
		if (strlen(r->anchors.at[i].name) == size && memcmp(r->anchors.at[i].name, name, size) == 0)
			return r->anchors.at[i].node;
	return fail(r, mark ? (unsigned)mark->line + 1 : 0,
		    mark ? (unsigned)mark->column : 0, /* the mark is behind the '*' */
		    "an alias (*name) stands before its anchor (&name)");
}

static struct node *read_node(struct reader *r, struct fy_event *event, unsigned depth);

/* The next event is read as a node; END: this event type ends the collection (then NULL without failure). */
static struct node *next_node(struct reader *r, enum fy_event_type end, bool *ended, unsigned depth)
{
	struct fy_event *event = fy_parser_parse(r->parser);
	struct node *n = NULL;

	*ended = !event || event->type == end;
	if (!event)
		r->failed = true;
	else if (!*ended)
		n = read_node(r, event, depth);
	if (event)
		fy_parser_event_free(r->parser, event);
	return n;
}

/* What a tree is when each alias is followed: a short text may stand for a very large one ("billion laughs"). */
static bool measure(const struct node *n, unsigned depth, size_t *values, size_t *bytes)
{
	*bytes += n->size;
	if (depth > NODE_DEPTH_MAX || ++*values > NODE_WALK_MAX || *bytes > (size_t)2 * NODE_BYTES_MAX)
		return false;
	if (n->kind == NODE_LIST)
		list_each(item, &n->items)
			if (!measure(*item, depth + 1, values, bytes))
				return false;
	if (n->kind == NODE_MAP)
		list_each(pair, &n->pairs) {
			*bytes += strlen(pair->key);
			if (!measure(pair->value, depth + 1, values, bytes))
				return false;
		}
	return true;
}

/* "<<: *defaults": keys of the merged maps that the map does not have itself (yaml.org/type/merge). */
static void merge(struct reader *r, struct node *map, const struct node *from)
{
	if (from->kind == NODE_LIST) {
		list_each(item, &from->items)
			if ((*item)->kind == NODE_MAP && !r->failed)
				merge(r, map, *item);
		return;
	}
	if (from->pairs.n > MERGE_MAX || (r->nodes += from->pairs.n) > NODE_COUNT_MAX) {
		fail(r, from->line, from->column, "too many keys are merged with '<<'");
		return;
	}
	list_each(pair, &from->pairs)
		if (!node_get(map, pair->key))
			*list_add(r->arena, &map->pairs) = *pair;
}

static struct node *read_list(struct reader *r, struct fy_event *event, unsigned depth)
{
	struct node *n = make(r, event, NODE_LIST);
	bool ended = false;

	while (!r->failed) {
		struct node *item = next_node(r, FYET_SEQUENCE_END, &ended, depth);
		if (ended || !item)
			break;
		node_append(r->arena, n, item);
	}
	return n;
}

/* Keys are compared through a sorted copy when there are many: a hostile map must not cost the square of its size. */
static int by_key(const void *a, const void *b)
{
	return strcmp((*(struct node_pair *const *)a)->key, (*(struct node_pair *const *)b)->key);
}

static void refuse_doubles(struct reader *r, struct node *map)
{
	size_t n = map->pairs.n;
	struct node_pair **sorted = memory_new(n, sizeof(*sorted));

	for (size_t i = 0; i < n; i++)
		sorted[i] = &map->pairs.at[i];
	qsort(sorted, n, sizeof(*sorted), by_key);
	for (size_t i = 1; i < n; i++) {
		struct node_pair *one = sorted[i - 1], *two = sorted[i];
		if (!text_is(one->key, two->key))
			continue;
		struct node_pair *later =
			one->line > two->line || (one->line == two->line && one->column > two->column) ? one
												       : two;
		problem_error(r->problems, later->line, later->column, NULL,
			      "the key '%s' stands twice in one map", later->key);
		r->failed = true;
	}
	free(sorted);
}

static struct node *read_map(struct reader *r, struct fy_event *event, unsigned depth)
{
	struct node *n = make(r, event, NODE_MAP);
	struct LIST(struct node *) merged = {};
	bool ended = false;

	while (!r->failed) {
		struct node *key = next_node(r, FYET_MAPPING_END, &ended, depth);
		if (ended || !key)
			break;
		if (key->kind == NODE_LIST || key->kind == NODE_MAP || strlen(key->text) != key->size)
			return fail(r, key->line, key->column, "a key must be a plain word");
		struct node *value = next_node(r, FYET_NONE, &ended, depth);
		if (!value)
			break;
		if (text_is(key->text, "<<") && (value->kind == NODE_MAP || value->kind == NODE_LIST))
			*list_add(r->arena, &merged) = value;
		else
			*list_add(r->arena, &n->pairs) = (struct node_pair){
				.key = key->text, .line = key->line, .column = key->column, .value = value
			};
	}
	if (!r->failed && n->pairs.n > 1)
		refuse_doubles(r, n);
	list_each(from, &merged)
		merge(r, n, *from);
	return n;
}

static struct node *read_node(struct reader *r, struct fy_event *event, unsigned depth)
{
	struct node *n = NULL;
	const struct fy_mark *mark = fy_event_start_mark(event);

	if (depth >= NODE_DEPTH_MAX)
		return fail(r, mark ? (unsigned)mark->line + 1 : 0, mark ? (unsigned)mark->column + 1 : 0,
			    "lists and maps are nested more than 64 deep");
	switch (event->type) {
	case FYET_SCALAR:
		n = scalar(r, event);
		remember(r, event->scalar.anchor, n);
		break;
	case FYET_ALIAS:
		return recall(r, event);
	case FYET_SEQUENCE_START:
		n = read_list(r, event, depth + 1);
		remember(r, event->sequence_start.anchor, n);
		break;
	case FYET_MAPPING_START:
		n = read_map(r, event, depth + 1);
		if (n)
			remember(r, event->mapping_start.anchor, n);
		break;
	default:
		return fail(r, 0, 0, "the YAML text ends in the middle");
	}
	return n;
}

static void say_nothing(struct fy_diag *diag, void *user, const char *text, size_t size)
{
	(void)diag, (void)user, (void)text, (void)size;
}

static void report_syntax(struct reader *r, struct fy_diag *diag)
{
	const struct fy_diag_error *error;
	void *at = NULL;

	while ((error = fy_diag_errors_iterate(diag, &at)))
		problem_error(r->problems, error->line > 0 ? (unsigned)error->line : 0,
			      (unsigned)error->column, NULL, "not YAML: %s", error->msg);
	if (r->problems->errors.n == 0)
		problem_error(r->problems, 0, 0, NULL, "not YAML");
}

static void read_documents(struct reader *r, struct yaml_documents *out)
{
	struct fy_event *event;

	while (!r->failed && (event = fy_parser_parse(r->parser))) {
		bool content = event->type == FYET_SCALAR || event->type == FYET_MAPPING_START ||
			       event->type == FYET_SEQUENCE_START || event->type == FYET_ALIAS;
		bool last = event->type == FYET_STREAM_END;
		if (event->type == FYET_DOCUMENT_START)
			r->anchors.n = 0;
		struct node *n = content ? read_node(r, event, 0) : NULL;
		size_t values = 0, bytes = 0;
		if (n && !r->failed && !measure(n, 0, &values, &bytes))
			fail(r, n->line, n->column,
			     "this document is too large or too deep once its aliases (*name) are followed");
		if (n && n->kind != NODE_NULL)
			*list_add(r->arena, out) = n;
		fy_parser_event_free(r->parser, event);
		if (last)
			break;
	}
}

/* What YAML 1.2 lets a text be (5.1, 5.2), before libfyaml sees it: 0.7.12 never returns from a directive ("%…") with bytes in
 * it that are not UTF-8. Of directives only %YAML has a use in a manifest. */
static bool check_characters(const char *text, size_t size, struct problems *problems)
{
	unsigned line = 1;
	const char *start = text, *end = text + size;

	for (const char *s = text; s < end;) {
		const char *why = NULL;
		size_t length = utf8_length((const unsigned char *)s, (size_t)(end - s));
		if (length == 0)
			why = "not YAML: this is not UTF-8";
		else if ((unsigned char)*s < 0x20 && *s != '\t' && *s != '\n' && *s != '\r')
			why = "not YAML: there is a control character";
		else if (s == start && *s == '%' && !(end - s > 7 && text_starts(s, "%YAML 1.")))
			why = "not YAML: a line may begin with '%' only as %YAML 1.2";
		if (why) {
			problem_error(problems, line, (unsigned)(s - start) + 1, NULL, "%s", why);
			return false;
		}
		if (*s == '\n') {
			line++;
			start = s + 1;
		}
		s += length;
	}
	return true;
}

int yaml_read(struct arena *a, const char *file, const char *text, size_t size, struct yaml_documents *out,
	      struct problems *problems)
{
	struct reader r = { .arena = a, .problems = problems };
	size_t before = problems->errors.n;

	problems->file = file;
	if (size > NODE_BYTES_MAX) {
		problem_error(problems, 0, 0, NULL, "has %zu bytes; at most %d (16 MiB) are read", size,
			      NODE_BYTES_MAX);
		return -EFBIG;
	}
	if (!check_characters(text, size, problems))
		return -EINVAL;
	struct fy_diag_cfg diag_cfg;
	fy_diag_cfg_default(&diag_cfg);
	diag_cfg.output_fn =
		say_nothing; /* some of its messages go to standard error also when they are collected */
	struct fy_diag *diag = fy_diag_create(&diag_cfg);
	fy_diag_set_collect_errors(diag, true);
	struct fy_parse_cfg cfg = { .flags = FYPCF_QUIET | FYPCF_DEFAULT_VERSION_1_2 | FYPCF_JSON_NONE,
				    .diag = diag };
	r.parser = fy_parser_create(&cfg);
	fy_parser_set_string(r.parser, text, size);
	read_documents(&r, out);
	if (fy_parser_get_stream_error(r.parser) || (r.failed && problems->errors.n == before)) {
		report_syntax(&r, diag);
		r.failed = true;
	}
	fy_parser_destroy(r.parser);
	fy_diag_destroy(diag);
	return r.failed ? -EINVAL : 0;
}
