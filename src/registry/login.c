/* login.c — see login.h. */
#include "registry/login.h"

#include <stdio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"

enum { PASSWORD_MAX = 16 * 1024, ANSWER_MAX = 64 * 1024 };

/* "https://index.docker.io/v1/" and "docker.io" are one; a path or a scheme has no meaning. */
static const char *registry_name(const char *word, struct arena *a, struct error *err)
{
	const char *host = strstr(word, "://") ? strstr(word, "://") + 3 : word;
	const char *name = arena_strndup(a, host, strcspn(host, "/"));

	if (!*name || strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:[]") !=
			      strlen(name)) {
		error_set(err, EINVAL, "'%s' is no registry (HOST or HOST:PORT)", word);
		return NULL;
	}
	return text_is(name, "index.docker.io") || text_is(name, "registry-1.docker.io") ? "docker.io" : name;
}

static int read_password(struct arena *a, const char **password, struct error *err)
{
	_cleanup_free_ char *text = NULL;
	int r = file_read_fd(STDIN_FILENO, "the password", PASSWORD_MAX, &text, NULL, err);

	if (r < 0)
		return r;
	text[strcspn(text, "\r\n")] = '\0';
	if (!*text)
		return error_set(err, EINVAL, "the password is empty");
	*password = arena_strdup(a, text);
	return 0;
}

/* Does REGISTRY let us in as C? GET /v2/ says so (distribution-spec "Determining Support"). */
static int try(struct registry_session *s, const char *registry, const struct credentials *c,
	       struct error *err)
{
	struct reference ref = { .registry = registry, .path = "x" };
	struct ask ask = { .method = "GET",
			   .path = "/v2/",
			   .what = "its front door",
			   .q = { .answer_max = ANSWER_MAX, .body_size = -1 } };
	struct clients clients;
	int r = session_clients(s, &ref, "pull", &clients, err);

	if (r < 0)
		return r;
	struct client *itself = &clients.at[clients.n - 1];
	itself->location.path = "";
	itself->credentials = *c;
	r = client_ask(itself, &ask, err);
	if (r == 0 && !itself->authorization)
		fprintf(stderr,
			"seapod: warning: the registry '%s' lets everyone in; nobody has looked at the "
			"password\n",
			registry);
	client_release(&ask);
	session_end_clients(&clients);
	return r;
}

int registry_login(struct registry_session *s, char **argv, struct error *err)
{
	struct credentials c = { .username = argv[0] ? argv[1] : NULL };
	const char *registry = argv[0] ? registry_name(argv[0], s->arena, err) : NULL, *where;

	if (!registry || !c.username)
		return registry ? error_set(err, EINVAL, "login needs a registry and a name") : -EINVAL;
	int r = read_password(s->arena, &c.password, err);
	if (r == 0)
		r = try(s, registry, &c, err);
	if (r == 0)
		r = credentials_keep(&s->sources, registry, &c, s->arena, &where, err);
	if (r == 0)
		printf("logged in at %s as %s (kept in %s)\n", registry, c.username, where);
	return r;
}

int registry_logout(struct registry_session *s, char **argv, struct error *err)
{
	const char *registry = argv[0] ? registry_name(argv[0], s->arena, err) : NULL;
	int r = registry ? credentials_forget(&s->sources, registry, s->arena, err) : -EINVAL;

	if (r == 0)
		printf("logged out at %s\n", registry);
	return r;
}
