/* table.c — see table.h. */
#include "command/table.h"

#include <stdio.h>
#include <string.h>

enum { COLUMNS_MAX = sizeof(((struct table_view *)0)->least) / sizeof(int) };

void table_cell(struct table_view *t, const char *text)
{
	if (!t->open)
		list_add(t->arena, &t->lines);
	t->open = true;
	*list_add(t->arena, &t->lines.at[t->lines.n - 1]) = text ? text : "";
}

void table_end_row(struct table_view *t)
{
	t->open = false;
}

void table_row(struct table_view *t, const char *a, const char *b, const char *c, const char *d,
	       const char *e, const char *f, const char *g, const char *h)
{
	const char *const cells[] = { a, b, c, d, e, f, g, h };

	for (size_t i = 0; i < sizeof(cells) / sizeof(*cells); i++)
		if (cells[i])
			table_cell(t, cells[i]);
	table_end_row(t);
}

void table_print(struct table_view *t)
{
	list_each(line, &t->lines)
		for (size_t i = 0; i < line->n && i < COLUMNS_MAX; i++)
			if ((int)strlen(line->at[i]) > t->least[i])
				t->least[i] = (int)strlen(line->at[i]);
	list_each(line, &t->lines) {
		for (size_t i = 0; i < line->n && i < COLUMNS_MAX; i++)
			printf("%-*s%s", i + 1 < line->n ? t->least[i] : 0, line->at[i],
			       i + 1 < line->n ? "   " : "\n");
	}
	t->lines.n = 0;
	t->lines.at = NULL;
}
