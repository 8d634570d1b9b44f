/* token.c — see token.h. */
#include "registry/token.h"

#include <openssl/evp.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "object/json.h"

enum { ANSWER_MAX = 256 * 1024 };

static void set_authorization(struct client *c, char *value)
{
	free(c->authorization);
	c->authorization = value;
	c->renewals++;
}

static char *basic(const struct credentials *c)
{
	_cleanup_text_ struct text plain = {};

	text_printf(&plain, "%s:%s", c->username, c->password);
	_cleanup_free_ char *coded = memory_new(plain.n * 4 / 3 + 8, 1);
	EVP_EncodeBlock((unsigned char *)coded, (const unsigned char *)plain.at, (int)plain.n);
	return memory_printf("Basic %s", coded);
}

static void add_parameter(struct text *t, const char *name, const char *value)
{
	char *escaped = value ? curl_easy_escape(NULL, value, 0) : NULL;

	if (escaped)
		text_printf(t, "%s%s=%s", t->n ? "&" : "", name, escaped);
	curl_free(escaped);
}

/* Everything after "?" or in the body: who asks whom for what. The scope is our own, not what the challenge wants us to ask for; only
 * a client of no repository (the catalog) takes that. */
static void add_question(struct client *c, const struct challenge *challenge, struct text *t)
{
	const char *path = c->location.path;

	add_parameter(t, "service", challenge->service);
	if (!*path)
		add_parameter(t, "scope", challenge->scope);
	else
		add_parameter(t, "scope", arena_printf(c->arena, "repository:%s:%s", path, c->actions));
	if (c->also_from)
		add_parameter(t, "scope", arena_printf(c->arena, "repository:%s:pull", c->also_from));
}

static void on_done(struct http_request *q)
{
	*(bool *)q->owner = true;
}

/* Sends Q and waits; others go on. */
static void perform(struct client *c, struct http_request *q)
{
	bool done = false;

	q->done = on_done;
	q->owner = &done;
	q->answer_max = ANSWER_MAX;
	http_send(c->http, q, 0);
	while (!done)
		http_step(c->http, 1000);
}

static int refused(const struct client *c, struct error *err)
{
	const char *who = c->credentials.username, *name = c->location.name;

	if (who || c->credentials.identity_token)
		return error_set(
			err, EACCES,
			"the token server of '%s' does not accept the login of '%s' (seapod login %s)", name,
			who ? who : "<token>", name);
	return error_set(err, EACCES, "the token server of '%s' wants a login (seapod login %s)", name, name);
}

static int take_token(struct client *c, struct http_request *q, const char *realm, struct error *err)
{
	_cleanup_arena_ struct arena *a = arena_new();
	int host = (int)strcspn(realm, "?");
	struct node *n = q->answer.n ? node_from_json(a, q->answer.at, q->answer.n, NULL) : NULL;
	const char *token = node_get_string(n, "token");

	if (q->status == 0)
		return error_set(err, q->why.code, "the token server '%.*s' of '%s': %s", host, realm,
				 c->location.name, q->why.text);
	if (q->status == 401 || q->status == 403)
		return refused(c, err);
	if (q->status != 200)
		return error_set(err, EREMOTEIO, "the token server '%.*s' of '%s' answers %ld", host, realm,
				 c->location.name, q->status);
	if (text_empty(token))
		token = node_get_string(n, "access_token");
	if (text_empty(token) || strpbrk(token, "\r\n"))
		return error_set(err, EPROTO, "the token server '%.*s' of '%s' gives no token", host, realm,
				 c->location.name);
	set_authorization(c, memory_printf("Bearer %s", token));
	return 1;
}

static int check_realm(const struct client *c, const char *realm, struct error *err)
{
	if (text_empty(realm))
		return error_set(err, EPROTO, "the registry '%s' wants a token and does not say from where",
				 c->location.name);
	if (!text_starts(realm, "https://") && !(c->location.insecure && text_starts(realm, "http://")))
		return error_set(err, EPERM,
				 "the registry '%s' sends to the token server '%.200s', which is not https",
				 c->location.name, realm);
	return 0;
}

static int buy_token(struct client *c, const struct challenge *challenge, struct error *err)
{
	static const char *const form = "Content-Type: application/x-www-form-urlencoded";
	const struct credentials *who = &c->credentials;
	const char *realm = challenge->realm;
	_cleanup_text_ struct text question = {}, url = {};
	_cleanup_free_ char *authorization = NULL;
	struct http_request q = { .method = "GET", .trust = &c->trust, .body_size = -1 };
	int r = check_realm(c, realm, err);

	if (r < 0)
		return r;
	add_question(c, challenge, &question);
	if (who->identity_token) {
		add_parameter(&question, "grant_type", "refresh_token");
		add_parameter(&question, "refresh_token", who->identity_token);
		add_parameter(&question, "client_id", "seapod");
		q.method = "POST";
		q.body = text_str(&question);
		q.body_size = (int64_t)question.n;
		q.headers = (struct strings){ (const char **)&form, 1 };
		text_add(&url, realm);
	} else {
		if (who->username) {
			add_parameter(&question, "account", who->username);
			q.authorization = authorization = basic(who);
		}
		text_printf(&url, "%s%c%s", realm, strchr(realm, '?') ? '&' : '?', text_str(&question));
	}
	q.url = url.at;
	perform(c, &q);
	r = take_token(c, &q, realm, err);
	http_reset(&q);
	return r;
}

int token_renew(struct client *c, const struct challenge *challenge, struct error *err)
{
	if (challenge->kind == CHALLENGE_BASIC) {
		if (!c->credentials.username || !c->credentials.password || c->authorization)
			return 0;
		set_authorization(c, basic(&c->credentials));
		return 1;
	}
	if (challenge->kind != CHALLENGE_BEARER)
		return 0;
	c->renewing = true;
	int r = buy_token(c, challenge, err);
	c->renewing = false;
	return r;
}
