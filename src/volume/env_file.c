/* env_file.c — see env_file.h. */
#include "volume/env_file.h"

#include <errno.h>
#include <string.h>

struct place {
	const char *at;
	unsigned line;
};

static void skip_blanks(struct place *p)
{
	p->at += strspn(p->at, " \t");
}

static void skip_line(struct place *p)
{
	p->at += strcspn(p->at, "\n");
	if (*p->at)
		p->at++;
	p->line++;
}

/* What is between the quotes, of N bytes; *AT is after them. NULL: the closing one is not there. */
static const char *quoted(struct place *p, size_t *n)
{
	const char *begin = p->at + 1, *end = strchr(begin, '\'');

	if (!end)
		return NULL;
	for (const char *c = begin; c < end; c++)
		p->line += *c == '\n';
	*n = (size_t)(end - begin);
	p->at = end + 1;
	return begin;
}

int env_file_find(const char *text, const char *key, struct arena *a, const char **value, struct error *err)
{
	struct place p = { text, 1 };

	*value = NULL;
	for (; *p.at; skip_line(&p)) {
		skip_blanks(&p);
		if (!*p.at || *p.at == '\n' || *p.at == '#')
			continue;
		const char *name = p.at, *found = "";
		size_t name_size = strcspn(p.at, "= \t\n"), n = 0;
		p.at += name_size;
		if (*p.at != '=' || name_size == 0)
			return error_set(err, EINVAL, "line %u is not NAME='value'", p.line);
		p.at++;
		if (*p.at == '\'' && !(found = quoted(&p, &n)))
			return error_set(err, EINVAL, "line %u: the value has no closing quote", p.line);
		skip_blanks(&p);
		if (n == 0 && *p.at == '\'') /* "NAME= 'value'" is an empty assignment, as in a shell */
			p.at += strcspn(p.at, "\n");
		if (*p.at && *p.at != '\n' && *p.at != '#')
			return error_set(err, EINVAL, "line %u: the value must be in single quotes", p.line);
		if (strlen(key) == name_size && strncmp(name, key, name_size) == 0) {
			*value = arena_strndup(a, found, n);
			return 0;
		}
	}
	return 0;
}
