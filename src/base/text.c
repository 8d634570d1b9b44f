/* text.c — see text.h. */
#include "base/text.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/memory.h"

void text_free(struct text *t)
{
	free(t->at);
	*t = (struct text){};
}

static void reserve(struct text *t, size_t more)
{
	size_t need = t->n + more + 1;
	if (need <= t->space)
		return;
	size_t space = t->space ? t->space : 64;
	while (space < need)
		space *= 2;
	t->at = memory_grow(t->at, space, 1);
	t->space = space;
}

void text_add_n(struct text *t, const char *s, size_t n)
{
	reserve(t, n);
	if (n)
		memcpy(t->at + t->n, s, n);
	t->n += n;
	t->at[t->n] = '\0';
}

void text_add(struct text *t, const char *s)
{
	text_add_n(t, s, strlen(s));
}

void text_add_char(struct text *t, char c)
{
	text_add_n(t, &c, 1);
}

void text_printf(struct text *t, const char *format, ...)
{
	va_list args, again;
	va_start(args, format);
	va_copy(again, args);
	int n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (n > 0) {
		reserve(t, (size_t)n);
		vsnprintf(t->at + t->n, (size_t)n + 1, format, again);
		t->n += (size_t)n;
	}
	va_end(again);
}

char *text_take(struct text *t)
{
	char *s = t->at ? t->at : memory_strdup("");
	*t = (struct text){};
	return s;
}

bool text_ends(const char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);
	return n >= m && memcmp(s + n - m, suffix, m) == 0;
}

/* Damerau's distance, optimal string alignment: three rows are enough. */
unsigned text_distance(const char *a, const char *b)
{
	enum { LONGEST = 63 };
	size_t n = strnlen(a, LONGEST), m = strnlen(b, LONGEST);
	unsigned rows[3][LONGEST + 1];
	unsigned *before = rows[0], *above = rows[1], *row = rows[2];

	for (size_t j = 0; j <= m; j++)
		above[j] = (unsigned)j;
	for (size_t i = 1; i <= n; i++) {
		row[0] = (unsigned)i;
		for (size_t j = 1; j <= m; j++) {
			unsigned best = above[j - 1] + (a[i - 1] != b[j - 1]);
			if (above[j] + 1 < best)
				best = above[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    before[j - 2] + 1 < best)
				best = before[j - 2] + 1;
			row[j] = best;
		}
		unsigned *oldest = before;
		before = above;
		above = row;
		row = oldest;
	}
	return above[m];
}

unsigned text_near(const char *candidate, const char *word)
{
	unsigned distance = strcasecmp(candidate, word) == 0 ? 0 : text_distance(candidate, word);

	return distance <= (strlen(word) < 4 ? 1 : 2) ? distance : UINT_MAX;
}

int text_to_int(const char *s, long long min, long long max, long long *out)
{
	char *end;

	if (!(*s == '-' || (*s >= '0' && *s <= '9')))
		return -EINVAL;
	errno = 0;
	long long value = strtoll(s, &end, 10);
	if (*end || end == s)
		return -EINVAL;
	if (errno == ERANGE || value < min || value > max)
		return -ERANGE;
	*out = value;
	return 0;
}

void text_tame(char *text)
{
	for (unsigned char *c = (unsigned char *)text; *c; c++) {
		bool high = c[0] == 0xc2 && c[1] >= 0x80 && c[1] <= 0x9f;
		if (*c == '\n' || *c == '\t')
			*c = ' ';
		else if (*c < 0x20 || *c == 0x7f || high)
			*c = '?';
		if (high)
			c[1] = '?';
	}
}
