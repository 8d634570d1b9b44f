/* ignore.c — see ignore.h. */
#include "build/ignore.h"

#include <fnmatch.h>
#include <limits.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "image/entry.h"

bool pattern_matches(const char *pattern, const char *path)
{
	char part[NAME_MAX + 1], name[NAME_MAX + 1];
	size_t n = strcspn(pattern, "/"), m = strcspn(path, "/");

	if (n == 2 && pattern[0] == '*' && pattern[1] == '*') {
		const char *rest = pattern + n + (pattern[n] == '/');
		if (!*rest)
			return *path;
		for (const char *s = path;; s++) {
			if (pattern_matches(rest, s))
				return true;
			if (!(s = strchr(s, '/')))
				return false;
		}
	}
	if (!*pattern || !*path)
		return *pattern == *path;
	if (n > NAME_MAX || m > NAME_MAX)
		return false;
	memcpy(part, pattern, n);
	memcpy(name, path, m);
	part[n] = name[m] = '\0';
	return fnmatch(part, name, 0) == 0 &&
	       pattern_matches(pattern + n + (pattern[n] == '/'), path + m + (path[m] == '/'));
}

static void add_pattern(const char *line, size_t n, struct arena *a, struct ignore *out)
{
	char buffer[PATH_MAX];

	while (n > 0 && strchr(" \t\r", line[n - 1]))
		n--;
	while (n > 0 && strchr(" \t", *line)) {
		line++;
		n--;
	}
	bool not = n > 0 && *line == '!';
	if (n == 0 || *line == '#' || n - not >= PATH_MAX)
		return;
	const char *clean = entry_path(arena_strndup(a, line + not, n - not ), buffer);
	if (text_empty(clean))
		return;
	*list_add(a, &out->patterns) = (struct ignore_pattern){ arena_strdup(a, clean), not };
	out->exceptions |= not ;
}

void ignore_parse(const char *text, struct arena *a, struct ignore *out)
{
	*out = (struct ignore){};
	for (const char *line = text; *line;) {
		size_t n = strcspn(line, "\n");
		add_pattern(line, n, a, out);
		line += n + (line[n] == '\n');
	}
}

/* PATTERN matches PATH or a directory that it is in. */
static bool covers(const char *pattern, const char *path)
{
	char above[PATH_MAX];
	size_t n = strlen(path);

	if (n >= sizeof(above))
		return false;
	memcpy(above, path, n + 1);
	for (;;) {
		if (pattern_matches(pattern, above))
			return true;
		char *slash = strrchr(above, '/');
		if (!slash)
			return false;
		*slash = '\0';
	}
}

bool ignore_matches(const struct ignore *g, const char *path)
{
	bool ignored = false;

	list_each(p, &g->patterns)
		if (ignored == p->not &&covers(p->pattern, path))
			ignored = !p->not ;
	return ignored;
}
