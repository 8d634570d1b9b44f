/* select.c — see select.h. */
#include "cli/select.h"

#include <stdio.h>

#include "api/read.h"
#include "api/store.h"

/* --- words ---------------------------------------------------------------------------------------------------------------- */

int select_option(struct context *x, struct selection *s, const struct option_spec *option, const char *value,
		  struct error *err)
{
	struct error why = {};

	if (text_is(option->name, "filename"))
		*list_add(x->arena, &s->files) = value;
	else if (text_is(option->name, "selector")) {
		if (selector_parse(value, x->arena, &s->labels, &why) < 0)
			return usage_error(err, "the selector '%.80s' is wrong: %s", value, why.text);
	} else if (text_is(option->name, "all-namespaces"))
		s->all_namespaces = true;
	else if (text_is(option->name, "ignore-not-found"))
		s->ignore_missing = true;
	else if (text_is(option->name, "namespace"))
		use_namespace(x, value);
	else
		return 0;
	return 1;
}

static void add_name(struct context *x, struct selection *s, const struct kind *kind, const char *namespace,
		     const char *name)
{
	*list_add(x->arena, &s->names) = (struct selected_name){ kind, namespace, name };
}

/* "seapod get web": the kind is missing, and there is a pod of that name. */
static int no_kind(struct context *x, const char *word, struct error *err)
{
	struct found_pod found;
	const char *c = x->command->name;

	if (pods_find(&x->in, x->namespace, word, x->arena, &found, NULL) == 0)
		return usage_error(err, "%s needs a kind before the name (seapod %s pod %s)", c, c, word);
	return -EXIT_USAGE;
}

/* "pods,cm", "all" (kubectl's: what runs). */
static int add_kinds(struct context *x, struct selection *s, const char *words, struct error *err)
{
	const struct kind *kind;

	for (const char *end; *words; words = end + (*end == ',')) {
		end = strchrnul(words, ',');
		const char *word = arena_strndup(x->arena, words, (size_t)(end - words));
		if (text_is(word, "all")) {
			*list_add(x->arena, &s->kinds) = kind_of_word("pods", NULL);
			*list_add(x->arena, &s->kinds) = kind_of_word("services", NULL);
		} else if ((kind = kind_of_word(word, err)))
			*list_add(x->arena, &s->kinds) = kind;
		else
			return no_kind(x, word, err);
	}
	return 0;
}

/* "pod/web" … */
static int add_slashed(struct context *x, struct selection *s, const char *word, struct error *err)
{
	const char *slash = strchr(word, '/');
	const struct kind *kind = kind_of_word(arena_strndup(x->arena, word, (size_t)(slash - word)), err);

	if (!kind)
		return -EXIT_USAGE;
	if (!slash[1])
		return usage_error(err, "'%s' needs a name after the slash", word);
	add_name(x, s, kind, x->namespace, slash + 1);
	return 0;
}

static int add_files(struct context *x, struct selection *s, struct error *err)
{
	struct problems problems = { .arena = x->arena };
	struct objects objects = {};

	list_each(file, &s->files) {
		int r = objects_read(*file, x->asked_namespace, x->arena, &objects, &problems, err);
		if (r == -EINVAL)
			return error_set(err, EINVAL, "%s",
					 problems.errors.n ? problems.errors.at[0].text
							   : "the manifest is wrong");
		if (r < 0)
			return r;
	}
	list_each(o, &objects) {
		const struct object_meta *m = object_metadata(o);
		add_name(x, s, kind_at(o->kind), m->namespace, m->name);
	}
	return 0;
}

int select_words(struct context *x, struct selection *s, const char *const *words, int n, struct error *err)
{
	int r = 0, i = 0;

	if (s->files.n) {
		if (n > 0)
			return usage_error(err, "%s takes names, or -f FILE, not both", x->command->name);
		return add_files(x, s, err);
	}
	if (n == 0 && s->pods)
		return add_kinds(x, s, "pods", err);
	bool kind_first = n > 0 && !strchr(words[0], '/') &&
			  (!s->pods || strchr(words[0], ',') || kind_of_word(words[0], NULL));
	if (kind_first && (r = add_kinds(x, s, words[i++], err)) < 0)
		return r;
	if (kind_first && n > 1 && s->kinds.n != 1)
		return usage_error(err, "names need one kind before them, not '%s' (or KIND/NAME each)",
				   words[0]);
	const struct kind *kind = kind_first ? s->kinds.at[0] : s->pods ? kind_of_word("pods", NULL) : NULL;
	for (; r == 0 && i < n; i++) {
		s->kinds.n = 0;
		if (strchr(words[i], '/'))
			r = add_slashed(x, s, words[i], err);
		else if (kind)
			add_name(x, s, kind, x->namespace, words[i]);
		else
			r = usage_error(err, "'%s' needs a kind before it (pod/%s)", words[i], words[i]);
	}
	if (r == 0 && s->names.n > 0 && (s->labels.n > 0 || s->all_namespaces))
		return usage_error(err, "%s is for all objects of a kind, not for one by its name",
				   s->labels.n ? "--selector" : "--all-namespaces");
	return r;
}

int select_only_pods(struct context *x, const struct selection *s, struct error *err)
{
	const char *other = NULL;

	list_each(kind, &s->kinds)
		other = (*kind)->kind == KIND_POD ? other : (*kind)->singular;
	if (s->files.n == 0)
		list_each(name, &s->names)
			other = name->kind->kind == KIND_POD ? other : name->kind->singular;
	return other ? usage_error(err, "%s is for pods, not for a %s", x->command->name, other) : 0;
}

bool select_is_one(const struct selection *s)
{
	return s->kinds.n == 0 && s->names.n == 1;
}

/* --- objects -------------------------------------------------------------------------------------------------------------- */

static bool labels_match(const struct selection *s, const struct node *object, struct arena *a)
{
	const struct node *labels = node_get(node_get(object, "metadata"), "labels");
	struct string_map map = {};

	if (labels)
		list_each(pair, &labels->pairs)
			*list_add(a, &map) = (struct string_pair){ pair->key, pair->value->text };
	return selector_matches(&s->labels, &map);
}

static int find_all(struct context *x, const struct selection *s, const struct kind *kind, struct arena *a,
		    struct choice *out, struct error *err)
{
	const char *namespace = s->all_namespaces ? NULL : x->namespace;
	struct store_objects objects = {};
	struct found_pods pods = {};
	int r = kind->kind == KIND_POD ? pods_list(&x->in, namespace, a, &pods, err)
				       : store_list(&x->in, kind->plural, namespace, a, &objects, err);

	list_each(f, &pods)
		if (selector_matches(&s->labels, &f->pod->metadata.labels))
			*list_add(a, &out->items) = (struct chosen){ .kind = kind,
								     .namespace = f->pod->metadata.namespace,
								     .name = f->pod->metadata.name,
								     .pod = *f };
	list_each(n, &objects) {
		const struct node *meta = node_get(*n, "metadata");
		if (labels_match(s, *n, a))
			*list_add(a, &out->items) =
				(struct chosen){ .kind = kind,
						 .namespace = node_get_string(meta, "namespace"),
						 .name = node_get_string(meta, "name"),
						 .node = *n };
	}
	return r;
}

static int find_one(struct context *x, const struct selection *s, const struct selected_name *name,
		    struct arena *a, struct choice *out, struct error *err)
{
	struct chosen c = { .kind = name->kind, .namespace = name->namespace, .name = name->name };
	struct error why = {};

	if (name->kind->kind == KIND_POD)
		pods_find(&x->in, name->namespace, name->name, a, &c.pod, &why);
	else
		c.node = store_get(&x->in, name->kind->plural, name->namespace, name->name, a, &why);
	if (!why.code)
		*list_add(a, &out->items) = c;
	else if (why.code != ENOENT)
		return error_set(err, why.code, "%s", why.text);
	else if (!s->ignore_missing)
		*list_add(a, &out->missing) = arena_strdup(a, why.text);
	return 0;
}

int select_find(struct context *x, const struct selection *s, struct arena *a, struct choice *out,
		struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < s->kinds.n; i++)
		r = find_all(x, s, s->kinds.at[i], a, out, err);
	for (size_t i = 0; r == 0 && i < s->names.n; i++)
		r = find_one(x, s, &s->names.at[i], a, out, err);
	return r;
}

int select_end(const struct choice *choice, struct error *err)
{
	fflush(stdout);
	list_each(sentence, &choice->missing)
		fprintf(stderr, "seapod: %s\n", *sentence);
	err->code = 0;
	return choice->missing.n ? -EXIT_FAILED : 0;
}

struct node *chosen_node(struct chosen *c, struct arena *a)
{
	if (!c->node)
		c->node = object_encode(c->kind->table, c->pod.pod, a);
	return c->node;
}

void select_say_none(struct context *x, const struct selection *s)
{
	_cleanup_text_ struct text kinds = {};

	list_each(kind, &s->kinds)
		text_printf(&kinds, "%s%s", kind == s->kinds.at ? "" : " and ", (*kind)->plural);
	fprintf(stderr, s->all_namespaces ? "No %s%s in any namespace\n" : "No %s%s in the namespace %s\n",
		kinds.n ? text_str(&kinds) : "objects", s->labels.n ? " with these labels" : "",
		x->namespace);
}
