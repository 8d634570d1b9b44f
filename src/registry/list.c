/* list.c — see list.h. */
#include "registry/list.h"

#include <stdio.h>

#include "base/cleanup.h"
#include "object/json.h"

enum { PAGE_MAX = 4 * 1024 * 1024, PAGES_MAX = 1000 };

const char *link_next(const char *value, struct arena *a)
{
	const char *open = value ? strchr(value, '<') : NULL, *close = open ? strchr(open, '>') : NULL;

	if (!close || !strstr(close, "rel=\"next\"") || open[1] != '/' || open[2] == '/')
		return NULL;
	return arena_strndup(a, open + 1, (size_t)(close - open - 1));
}

static struct ask page_ask(const char *path, const char *what)
{
	return (struct ask){
		.method = "GET", .path = path, .what = what, .q = { .body_size = -1, .answer_max = PAGE_MAX }
	};
}

/* A stranger's names, one a line; what could move a cursor is left out. */
static void print_names(const struct node *list)
{
	if (list && list->kind == NODE_LIST)
		list_each(item, &list->items)
			if ((*item)->kind == NODE_STRING && strspn((*item)->text, "\x7f") == 0 &&
			    !strpbrk((*item)->text, "\033\r\n\b"))
				printf("%s\n", (*item)->text);
}

/* All pages from PATH on: the names in the list KEY of each. */
static int print_pages(struct client *c, const char *path, const char *what, const char *key,
		       struct error *err)
{
	int r = 0;

	for (int page = 0; path && r == 0 && page < PAGES_MAX; page++) {
		struct ask ask = page_ask(path, what);
		r = client_ask(c, &ask, err);
		struct node *n =
			r < 0 ? NULL : node_from_json(c->arena, text_str(&ask.q.answer), ask.q.answer.n, err);
		if (r == 0 && !n)
			r = error_prefix(err, "the list of the registry '%s'", c->location.name);
		print_names(node_get(n, key));
		path = r < 0 ? NULL : link_next(http_header(&ask.q, "link"), c->arena);
		client_release(&ask);
	}
	return r;
}

/* The registry itself that has NAME. */
static int open_clients(struct registry_session *s, const char *name, struct reference *ref,
			struct clients *clients, struct error *err)
{
	struct strings candidates = {};
	int r = name ? registries_candidates(&s->registries, name, s->arena, &candidates, err)
		     : error_set(err, EINVAL, "a name is missing");

	if (r < 0)
		return r;
	*ref = reference_split(candidates.at[0], s->arena);
	return session_clients(s, ref, "pull", clients, err);
}

int registry_tags(struct registry_session *s, char **argv, struct error *err)
{
	struct reference ref;
	struct clients clients;
	int r = open_clients(s, argv[0], &ref, &clients, err);

	if (r < 0)
		return r;
	struct client *c = &clients.at[clients.n - 1];
	r = print_pages(c, "tags/list?n=1000", arena_printf(s->arena, "'%s'", ref.path), "tags", err);
	session_end_clients(&clients);
	return r;
}

int registry_catalog(struct registry_session *s, char **argv, struct error *err)
{
	struct reference ref = { .registry = argv[0], .path = "x", .tag = "latest" };
	struct clients clients;
	int r = argv[0] ? session_clients(s, &ref, "pull", &clients, err)
			: error_set(err, EINVAL, "a registry is missing");

	if (r < 0)
		return r;
	struct client *c = &clients.at[clients.n - 1];
	c->location.path = "";
	r = print_pages(c, "/v2/_catalog?n=1000", "its catalog", "repositories", err);
	session_end_clients(&clients);
	return r;
}

/* --- referrers ------------------------------------------------------------------------------------------- */

static void print_referrers(const struct manifest *index)
{
	list_each(m, &index->manifests) {
		const char *type = !text_empty(m->artifactType) ? m->artifactType : m->mediaType;
		bool clean = type && !strpbrk(type, "\033\r\n\b");
		printf("%s\t%s\t%lld\n", m->digest, clean ? type : "?", (long long)m->size);
	}
}

/* The index of what refers to DIGEST: of its own API, or of the tag that stands in for it at registries that do not know it. */
static int get_referrers(struct client *c, const char *digest, struct error *err)
{
	const char *const paths[] = { arena_printf(c->arena, "referrers/%s", digest),
				      arena_printf(c->arena, "manifests/sha256-%s",
						   digest + strlen("sha256:")) };
	struct manifest index = {};
	int r = -ENOENT;

	for (size_t i = 0; i < 2 && r == -ENOENT; i++) {
		struct ask ask = page_ask(paths[i], "what refers to it");
		*err = (struct error){};
		r = client_ask(c, &ask, err);
		if (r == 0)
			r = manifest_parse(text_str(&ask.q.answer), ask.q.answer.n, NULL, c->arena, &index,
					   err);
		client_release(&ask);
	}
	if (r == 0)
		print_referrers(&index);
	return r == -ENOENT ? 0 : r;
}

int registry_referrers(struct registry_session *s, char **argv, struct error *err)
{
	struct reference ref;
	struct clients clients;
	int r = open_clients(s, argv[0], &ref, &clients, err);

	if (r < 0)
		return r;
	struct client *c = &clients.at[clients.n - 1];
	const char *digest = ref.digest ? ref.digest : session_head(c, ref.tag);
	r = digest ? get_referrers(c, digest, err)
		   : error_set(err, ENOENT, "the registry '%s' does not have '%s:%s'", c->location.name,
			       ref.path, ref.tag);
	session_end_clients(&clients);
	return r;
}
