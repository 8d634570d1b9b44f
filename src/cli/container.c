/* container.c — see container.h. */
#include "cli/container.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"

static const char *names_of(const struct pod *pod, struct arena *a)
{
	const char *names = "";

	list_each(c, &pod->spec.containers)
		names = arena_printf(a, "%s%s%s", names, *names ? ", " : "", c->name);
	list_each(c, &pod->spec.initContainers)
		names = arena_printf(a, "%s, %s", names, c->name);
	return names;
}

const struct container *container_choose(const struct pod *pod, const char *wanted, struct arena *a,
					 struct error *err)
{
	const char *noted =
		string_map_get(&pod->metadata.annotations, "kubectl.kubernetes.io/default-container");
	const struct container *c = wanted ? pod_find_container(pod, wanted) : NULL;

	if (wanted && !c)
		error_set(err, ENOENT, "the pod '%s' has no container '%s' (%s)", pod->metadata.name, wanted,
			  names_of(pod, a));
	if (wanted || pod->spec.containers.n == 0)
		return c;
	if (!(c = noted ? pod_find_container(pod, noted) : NULL))
		c = &pod->spec.containers.at[0];
	if (pod->spec.containers.n > 1)
		fprintf(stderr, "Defaulted container \"%s\" out of: %s\n", c->name, names_of(pod, a));
	return c;
}

int options_of_pod(struct context *x, struct options *o, const char **other, struct error *err)
{
	const struct option_spec *option;
	const char *value;
	int r;

	while ((r = options_next(o, &option, &value, err)) > 0) {
		if (option->letter == 'n')
			use_namespace(x, value);
		else
			*other = value;
	}
	return r;
}

int env_take(const char *text, struct arena *a, struct env_var *out, struct error *err)
{
	const char *equals = strchr(text, '=');
	const char *name = equals ? arena_strndup(a, text, (size_t)(equals - text)) : text;

	if (!*name)
		return usage_error(
			err, "'%.80s' is not NAME=VALUE, nor the NAME of a variable that is set here", text);
	*out = (struct env_var){ .name = name, .value = equals ? equals + 1 : getenv(name) };
	return out->value != NULL;
}

int env_take_file(const char *path, struct arena *a, struct container *c, struct error *err)
{
	enum { FILE_MAX = 1 << 20 };
	_cleanup_free_ char *text = NULL;
	int r = file_read(AT_FDCWD, path, FILE_MAX, &text, NULL, err);

	for (char *line = text, *next; r >= 0 && line && *line; line = next) {
		struct env_var e;
		next = strchrnul(line, '\n');
		next += *next ? (*next = '\0', 1) : 0;
		size_t n = strlen(line);
		if (n > 0 && line[n - 1] == '\r')
			line[n - 1] = '\0';
		line += strspn(line, " \t");
		if (*line == '#' || !*line)
			continue;
		if ((r = env_take(arena_strdup(a, line), a, &e, err)) > 0)
			*list_add(a, &c->env) = e;
	}
	return r < 0 ? error_prefix(err, "the file '%s'", path) : 0;
}

const char *without_references(const char *word, struct arena *a)
{
	_cleanup_text_ struct text text = {};

	for (const char *s = word; *s; s++)
		text_add(&text, (char[]){ *s, *s == '$' ? '$' : '\0', '\0' });
	return arena_strdup(a, text_str(&text));
}

int need_alive(bool alive, const char *name, struct error *err)
{
	return alive ? 0
		     : error_set(err, ESRCH, "the pod '%s' is not running (seapod start %s starts it again)",
				 name, name);
}
