/* table.h — columns as wide as they must be, three blanks apart, no trailing blanks; as kubectl prints them.
 */
#pragma once

#include <stdbool.h>

#include "base/memory.h"

struct table_line LIST(const char *);

struct table_view {
	struct arena *arena;
	struct LIST(struct table_line) lines;
	bool open;     /* the last line takes more cells */
	int least[16]; /* how wide columns were that are printed already */
};

void table_cell(struct table_view *t, const char *text); /* kept by pointer */
void table_end_row(struct table_view *t);

/* A whole row of the cells that are not NULL. */
void table_row(struct table_view *t, const char *a, const char *b, const char *c, const char *d,
	       const char *e, const char *f, const char *g, const char *h);

/* To standard output. What is added to T afterwards is another table, with columns at least as wide. */
void table_print(struct table_view *t);
