/* problems.c — see problems.h. */
#include "object/problems.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/text.h"

static const char *line_of(struct problems *p, unsigned line, unsigned column, const char *path, const char *format,
			   va_list args)
{
	_cleanup_text_ struct text t = {};
	char sentence[600];

	vsnprintf(sentence, sizeof(sentence), format, args);
	if (p->file)
		text_add(&t, p->file);
	if (line)
		text_printf(&t, "%s%u:%u", p->file ? ":" : "line ", line, column);
	if (t.n)
		text_add(&t, ": ");
	if (!text_empty(path))
		text_printf(&t, "%s: ", path);
	text_add(&t, sentence);
	return arena_strndup(p->arena, t.at, t.n);
}

void problem_error(struct problems *p, unsigned line, unsigned column, const char *path, const char *format, ...)
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

void problem_warning(struct problems *p, unsigned line, unsigned column, const char *path, const char *format, ...)
{
	va_list args;

	if (p->warnings.n >= PROBLEMS_MAX)
		return;
	va_start(args, format);
	list_add(p->arena, &p->warnings)->text = line_of(p, line, column, path, format, args);
	va_end(args);
}
