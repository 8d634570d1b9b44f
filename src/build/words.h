/* words.h — words of an instruction: split at blanks, quotes taken off, variables put in (Dockerfile reference "Environment replacement").
 *
 * $NAME, ${NAME}, ${NAME:-word}, ${NAME:+word}, ${NAME:?word} and the same without the colon; 'single' quotes keep everything, "double" ones all but
 * variables; the escape character keeps what follows it. Pure.
 */
#pragma once

#include "base/error.h"
#include "base/memory.h"
#include "object/field.h"

struct variables {
	char escape;
	struct strings pairs; /* "NAME=value"; a later one counts */
};

/* The value of NAME (N characters), or NULL. */
const char *variable_find(const struct variables *v, const char *name, size_t n);

/* TEXT with its variables, quotes off, in A. NULL: err says what is wrong with it. */
const char *word_expand(const char *text, const struct variables *v, struct arena *a, struct error *err);

/* TEXT with its variables and everything else as it is: of a here-document. */
const char *word_expand_plain(const char *text, const struct variables *v, struct arena *a,
			      struct error *err);

/* Splits TEXT at blanks that no quote protects; quotes stay. */
void words_split(const char *text, char escape, struct arena *a, struct strings *out);
