/* text.h — text that grows, and the few questions one asks of text.
 *
 *	_cleanup_text_ struct text t = {};
 *	text_printf(&t, "%s %d", name, n);
 *	write_all(fd, t.at, t.n);
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct text {
	char *at;     /* NUL-terminated once anything was added; before, NULL */
	size_t n;     /* bytes, without the NUL */
	size_t space; /* bytes allocated */
};

void text_free(struct text *t); /* empties it; usable again */
#define _cleanup_text_ _cleanup_(text_free)

void text_add(struct text *t, const char *s);
void text_add_n(struct text *t, const char *s, size_t n);
void text_add_char(struct text *t, char c);
void text_printf(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Its characters, never NULL; still owned by T. */
static inline const char *text_str(const struct text *t)
{
	return t->at ? t->at : "";
}

/* Gives the characters away (free with free(3)); never NULL; T is empty after it. */
char *text_take(struct text *t) __attribute__((returns_nonnull));

static inline bool text_is(const char *a, const char *b) /* NULL is like nothing but NULL */
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static inline bool text_starts(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool text_ends(const char *s, const char *suffix);

static inline bool text_empty(const char *s) /* NULL or "" */
{
	return !s || !*s;
}

/* How many single-character edits (insert, delete, change, swap of neighbours) lead from A to B: for "did you
 * mean". Both are cut at 63 characters. */
unsigned text_distance(const char *a, const char *b);

/* Whether somebody who wrote WORD may have meant CANDIDATE, and how near it is: 0 (but for capitals), 1, or 2 in words of four letters and more;
 * UINT_MAX: too far. */
unsigned text_near(const char *candidate, const char *word);

/* A whole decimal number in [MIN, MAX] and nothing else; 0 or -EINVAL / -ERANGE. */
int text_to_int(const char *s, long long min, long long max, long long *out);

/* Makes TEXT of another party (a name in an image, a message of a program) harmless on a terminal, in place: it cannot move the cursor, set colours or
 * begin a line. Newlines and tabs become spaces, other control characters '?', those of UTF-8 (U+0080 to U+009F), too. */
void text_tame(char *text);
