/* problems.c — see problems.h.
 *
 * Rules between fields are checked on structs, which have no positions: they name a path ("spec.containers[1].env"), and the
 * deepest node of the document that lies on that path is where a person should look.
 */
#include "object/problems.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "object/node.h"

/* One step of a path: "name" or "[3]" at *AT; *AT moves behind it and its dot. NULL: there is no such node. */
static const struct node *step(const struct node *n, const char **at)
{
	char name[256];
	size_t length = strcspn(*at, ".[");

	if (**at == '[') {
		char *end;
		size_t i = strtoul(*at + 1, &end, 10);
		*at = end + (*end == ']');
		*at += **at == '.';
		return n->kind == NODE_LIST && i < n->items.n ? n->items.at[i] : NULL;
	}
	if (length >= sizeof(name))
		return NULL;
	memcpy(name, *at, length);
	name[length] = '\0';
	*at += length + ((*at)[length] == '.');
	return node_get(n, name);
}

static void locate(const struct node *root, const char *path, unsigned *line, unsigned *column)
{
	for (const struct node *n = root; n; n = *path ? step(n, &path) : NULL) {
		*line = n->line;
		*column = n->column;
	}
}

static const char *line_of(struct problems *p, unsigned line, unsigned column, const char *path,
			   const char *format, va_list args)
{
	_cleanup_text_ struct text t = {};
	char sentence[600];

	vsnprintf(sentence, sizeof(sentence), format, args);
	if (!line && p->root && path)
		locate(p->root, path, &line, &column);
	if (p->file)
		text_add(&t, p->file);
	if (line)
		text_printf(&t, "%s%u:%u", p->file ? ":" : "line ", line, column);
	if (t.n)
		text_add(&t, ": ");
	if (!text_empty(path))
		text_printf(&t, "%s: ", path);
	text_add(&t, sentence);
	for (char *c = t.at; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = '?'; /* a file may hold what a terminal would obey */
	return arena_strndup(p->arena, t.at, t.n);
}

void problem_error(struct problems *p, unsigned line, unsigned column, const char *path, const char *format,
		   ...)
{
	va_list args;

	if (p->errors.n >= PROBLEMS_MAX) {
		p->more++;
		return;
	}
	va_start(args, format);
	list_add(p->arena, &p->errors)->text = line_of(p, line, column, path, format, args);
	va_end(args);
}

void problem_warning(struct problems *p, unsigned line, unsigned column, const char *path, const char *format,
		     ...)
{
	va_list args;

	if (p->warnings.n >= PROBLEMS_MAX)
		return;
	va_start(args, format);
	list_add(p->arena, &p->warnings)->text = line_of(p, line, column, path, format, args);
	va_end(args);
}
