/* selector.c — see selector.h. */
#include "api/selector.h"

#include <ctype.h>

#include "api/names.h"
#include "base/text.h"

struct reader {
	const char *at;
	struct arena *arena;
};

static void skip_blanks(struct reader *r)
{
	while (isspace((unsigned char)*r->at))
		r->at++;
}

static const char *word(struct reader *r)
{
	skip_blanks(r);
	size_t n = strcspn(r->at, " \t!=,()");
	const char *found = arena_strndup(r->arena, r->at, n);

	r->at += n;
	skip_blanks(r);
	return found;
}

static bool take(struct reader *r, const char *token)
{
	skip_blanks(r);
	if (!text_starts(r->at, token))
		return false;
	r->at += strlen(token);
	return true;
}

static int read_set(struct reader *r, struct selector_requirement *q, struct error *err)
{
	if (!take(r, "("))
		return error_set(err, EINVAL, "after '%s in' there must be values in parentheses", q->key);
	do {
		*list_add(r->arena, &q->values) = word(r);
	} while (take(r, ","));
	return take(r, ")") ? 0 : error_set(err, EINVAL, "the values of '%s' lack a ')'", q->key);
}

static int read_requirement(struct reader *r, struct selector_requirement *q, struct error *err)
{
	bool not = take(r, "!");
	const char *why;

	q->key = word(r);
	if ((why = name_qualified(q->key)))
		return error_set(err, EINVAL, "the label '%.80s' %s", q->key, why);
	q->operator= not? SELECTOR_NOT_EXISTS : SELECTOR_EXISTS;
	if (not || !*r->at || *r->at == ',')
		return 0;
	bool differs = take(r, "!=");
	if (differs || take(r, "==") || take(r, "=")) {
		q->operator= differs ? SELECTOR_NOT_IN : SELECTOR_IN;
		*list_add(r->arena, &q->values) = word(r);
		return 0;
	}
	const char *set = word(r);
	q->operator= text_is(set, "notin") ? SELECTOR_NOT_IN : SELECTOR_IN;
	if (!text_is(set, "in") && !text_is(set, "notin"))
		return error_set(err, EINVAL, "after '%s' there must be =, !=, in or notin", q->key);
	return read_set(r, q, err);
}

int selector_parse(const char *text, struct arena *a, struct selector *out, struct error *err)
{
	struct reader r = { .at = text, .arena = a };
	const char *why;

	do {
		struct selector_requirement *q = list_add(a, out);
		int result = read_requirement(&r, q, err);
		if (result < 0)
			return result;
		list_each(value, &q->values)
			if ((why = name_label_value(*value)))
				return error_set(err, EINVAL, "the value '%.80s' of the label '%s' %s",
						 *value, q->key, why);
	} while (take(&r, ","));
	skip_blanks(&r);
	return *r.at ? error_set(err, EINVAL, "'%.40s' is not understood", r.at) : 0;
}

static bool holds(const struct selector_requirement *q, const struct string_map *labels)
{
	const char *value = string_map_get(labels, q->key);
	bool in = false;

	if (q->operator== SELECTOR_EXISTS || q->operator== SELECTOR_NOT_EXISTS)
		return (value != NULL) == (q->operator== SELECTOR_EXISTS);
	list_each(wanted, &q->values)
		in = in || text_is(*wanted, value);
	return in == (q->operator== SELECTOR_IN);
}

bool selector_matches(const struct selector *s, const struct string_map *labels)
{
	list_each(q, s)
		if (!holds(q, labels))
			return false;
	return true;
}
