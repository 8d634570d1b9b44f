/* challenge.c — see challenge.h. */
#include "registry/challenge.h"

#include <strings.h>

#include "base/cleanup.h"
#include "base/text.h"

static const char token_characters[] =
	"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

static const char *skip(const char *s)
{
	return s + strspn(s, " \t,");
}

/* The value after "=": a token or a string in quotes. NULL: neither. */
static const char *read_value(const char *s, const char **value, struct arena *a)
{
	_cleanup_text_ struct text t = {};
	size_t n = strspn(s, token_characters);

	if (*s != '"') {
		*value = arena_strndup(a, s, n);
		return n ? s + n : NULL;
	}
	for (s++; *s != '"'; s++) {
		if (*s == '\\')
			s++;
		if (!*s)
			return NULL;
		text_add_char(&t, *s);
	}
	*value = arena_strdup(a, text_str(&t));
	return s + 1;
}

/* "name=value", as far as there is one at S; NULL: there is none. */
static const char *read_parameter(struct challenge *c, const char *s, struct arena *a)
{
	size_t n = strspn(s, token_characters);
	const char *name = s, *value;

	s += n + strspn(s + n, " \t");
	if (n == 0 || *s != '=')
		return NULL;
	s++;
	s = read_value(s + strspn(s, " \t"), &value, a);
	const struct {
		const char *name, **place;
	} known[] = { { "realm", &c->realm },
		      { "service", &c->service },
		      { "scope", &c->scope },
		      { "error", &c->error } };
	for (size_t i = 0; s && i < sizeof(known) / sizeof(*known); i++)
		if (strlen(known[i].name) == n && strncasecmp(name, known[i].name, n) == 0)
			*known[i].place = value;
	return s;
}

void challenge_read(struct challenge *c, const char *value, struct arena *a)
{
	const char *s = skip(value);

	while (*s) {
		struct challenge one = {};
		size_t n = strspn(s, token_characters);
		if (n == 0)
			return;
		one.kind = n == 6 && strncasecmp(s, "Bearer", n) == 0  ? CHALLENGE_BEARER
			   : n == 5 && strncasecmp(s, "Basic", n) == 0 ? CHALLENGE_BASIC
								       : CHALLENGE_NONE;
		s = skip(s + n);
		for (const char *next; (next = read_parameter(&one, s, a));)
			s = skip(next);
		if (one.kind > c->kind)
			*c = one;
	}
}
