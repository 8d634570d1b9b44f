/* problems.h — everything that is wrong with a file, said in one go.
 *
 *	pod.yaml:12:9: spec.containers[0].imge: there is no such field (did you mean 'image'?)
 */
#pragma once

#include "base/memory.h"

struct node;

enum { PROBLEMS_MAX = 50 };

struct problem {
	const char *text; /* one line, with file, position and path as far as they are known */
};

struct problems {
	struct arena *arena; /* owns the lines; set by the caller */
	const char *file;    /* what to call the source; NULL: leave it out */
	const struct node *
		root; /* the document that paths begin in: gives a line that has none its position; NULL: none */
	struct LIST(struct problem) errors;
	struct LIST(struct problem) warnings;
	size_t more; /* errors beyond PROBLEMS_MAX, not kept */
};

/* Adds a line. LINE 0: the position of PATH in `root`, if there is one; PATH NULL or "": no path. */
void problem_error(struct problems *p, unsigned line, unsigned column, const char *path, const char *format,
		   ...) __attribute__((format(printf, 5, 6)));
void problem_warning(struct problems *p, unsigned line, unsigned column, const char *path, const char *format,
		     ...) __attribute__((format(printf, 5, 6)));
