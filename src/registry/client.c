/* client.c — see client.h. */
#include "registry/client.h"

#include <stdlib.h>
#include <sys/random.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "object/json.h"
#include "registry/token.h"
#include "registry/trust.h"

enum {
	TRIES_MAX = 6,
	UNREACHED_TRIES_MAX = 3, /* a registry that is not there at all is soon given up */
	AUTHS_MAX = 3,
	BACKOFF_US = 250 * 1000,
	RETRY_AFTER_MAX = 120, /* seconds */
};

static void send_ask(struct ask *ask, uint64_t delay_us);

int client_open(struct client *c, struct http *http, const struct location *location, const char *actions,
		const struct credential_sources *sources, struct arena *a, struct error *err)
{
	*c = (struct client){
		.http = http, .arena = a, .location = *location, .scheme = "https", .actions = actions
	};
	int r = trust_read(location->name, a, &c->trust, err);

	if (r == 0)
		r = credentials_find(sources, location->name, location->path, a, &c->credentials, err);
	c->trust.insecure = location->insecure;
	return r;
}

void client_close(struct client *c)
{
	free(c->authorization);
	text_free(&c->trust.ca);
}

/* --- how an ask ends ------------------------------------------------------------------------------------ */

/* What the registry itself says: {"errors":[{"code":…,"message":…}]} (distribution-spec "Error Codes"). */
static const char *own_words(struct ask *ask, struct arena *a)
{
	struct node *n = ask->q.answer.n ? node_from_json(a, ask->q.answer.at, ask->q.answer.n, NULL) : NULL;
	const struct node *errors = node_get(n, "errors");
	const struct node *first =
		errors && errors->kind == NODE_LIST && errors->items.n ? errors->items.at[0] : n;
	const char *words = node_get_string(first, "message");

	if (text_empty(words))
		words = node_get_string(first, "code");
	if (text_empty(words))
		return "";
	return arena_printf(a, ": %.300s", words);
}

static void explain_401(struct ask *ask, const char *words)
{
	const struct credentials *who = &ask->client->credentials;
	const char *name = ask->client->location.name;

	if (who->username || who->identity_token)
		error_set(&ask->why, EACCES,
			  "the registry '%s' does not accept the login of '%s'%s (seapod login %s)", name,
			  who->username ? who->username : "<token>", words, name);
	else
		error_set(&ask->why, EACCES,
			  "the registry '%s' shows %s only to those it knows%s (seapod login %s)", name,
			  ask->what, words, name);
}

static void explain_status(struct ask *ask)
{
	_cleanup_arena_ struct arena *a = arena_new();
	const char *words = own_words(ask, a), *name = ask->client->location.name;

	switch (ask->q.status) {
	case 401:
		explain_401(ask, words);
		return;
	case 403:
		error_set(&ask->why, EACCES, "the registry '%s' denies %s%s", name, ask->what, words);
		return;
	case 404:
		error_set(&ask->why, ENOENT, "the registry '%s' does not have %s%s", name, ask->what, words);
		return;
	case 429:
		error_set(&ask->why, EBUSY, "the registry '%s' says there were too many requests%s", name,
			  words);
		return;
	default:
		error_set(&ask->why, EREMOTEIO, "the registry '%s' answers %ld when asked for %s%s", name,
			  ask->q.status, ask->what, words);
	}
}

static void explain_failure(struct ask *ask)
{
	const struct client *c = ask->client;

	ask->why = ask->q.why;
	error_prefix(&ask->why, "the registry '%s'", c->location.name);
	if (ask->q.untrusted)
		error_hint(&ask->why,
			   "its CA belongs in /etc/containers/certs.d/%s/ca.crt; --tls-verify=false trusts "
			   "it as it is",
			   c->location.name);
	else if (ask->q.not_tls && !ask->q.unreached && !c->location.insecure)
		error_hint(&ask->why, "--tls-verify=false also allows plain HTTP");
}

static void end(struct ask *ask)
{
	if (ask->why.code == 0 && ask->q.status == 0)
		explain_failure(ask);
	else if (ask->why.code == 0 && (ask->q.status < 200 || ask->q.status >= 300))
		explain_status(ask);
	ask->finished = true;
	if (ask->done)
		ask->done(ask);
}

/* --- once more? ------------------------------------------------------------------------------------------ */

static uint64_t backoff_us(unsigned tries)
{
	uint16_t random = 0;
	uint64_t delay = (uint64_t)BACKOFF_US << (tries < 8 ? tries : 8);

	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) < 0)
		return delay;
	return delay / 2 +
	       delay * random / UINT16_MAX / 2; /* so that many who were cut off do not come back at once */
}

/* What Retry-After asks for (RFC 9110 10.2.3): seconds or a date. Negative: nothing. */
static long long retry_after(const struct ask *ask)
{
	const char *value = http_header(&ask->q, "retry-after");
	long long seconds;

	if (!value)
		return -1;
	if (text_to_int(value, 0, INT32_MAX, &seconds) == 0)
		return seconds;
	time_t when = curl_getdate(value, NULL);
	return when < 0 ? -1 : when > time(NULL) ? when - time(NULL) : 0;
}

static bool is_passing(long status)
{
	return status == 408 || status == 429 || status == 500 || status == 502 || status == 503 ||
	       status == 504;
}

/* True: it is sent again later. */
static bool try_later(struct ask *ask)
{
	const struct http_request *q = &ask->q;
	long long wanted = is_passing(q->status) ? retry_after(ask) : -1;
	unsigned limit = q->unreached ? UNREACHED_TRIES_MAX : TRIES_MAX;

	if (!(q->status ? is_passing(q->status) : q->transient) || ask->tries + 1 >= limit)
		return false;
	if (wanted > RETRY_AFTER_MAX) {
		error_set(&ask->why, EBUSY, "the registry '%s' wants to be asked again in %lld s only",
			  ask->client->location.name, wanted);
		return false;
	}
	send_ask(ask, wanted > 0 ? (uint64_t)wanted * US_PER_SECOND : backoff_us(ask->tries));
	ask->tries++;
	return true;
}

/* A 401: with a token, or with a new one. True: it is sent again. */
static bool try_with_token(struct ask *ask)
{
	struct client *c = ask->client;

	if (ask->q.status != 401 || ask->auths >= AUTHS_MAX)
		return false;
	if (c->renewing) { /* another request is at it */
		send_ask(ask, 20 * 1000);
		return true;
	}
	if (ask->renewals == c->renewals) {
		struct challenge challenge = {};
		list_each(pair, &ask->q.answer_headers)
			if (text_is(pair->key, "www-authenticate"))
				challenge_read(&challenge, pair->value, c->arena);
		if (token_renew(c, &challenge, &ask->why) <= 0)
			return false;
	}
	ask->auths++;
	send_ask(ask, 0);
	return true;
}

/* The registry may name a whole URL itself: where an upload goes. */
static bool is_url(const char *path)
{
	return text_starts(path, "http://") || text_starts(path, "https://");
}

/* An insecure registry may speak plain HTTP. */
static bool try_plain(struct ask *ask)
{
	struct client *c = ask->client;

	if (!c->location.insecure || ask->q.status || !ask->q.not_tls || text_starts(ask->q.url, "http:") ||
	    is_url(ask->path))
		return false;
	c->scheme = "http";
	send_ask(ask, 0);
	return true;
}

static void on_done(struct http_request *q)
{
	struct ask *ask = q->owner;

	if (!try_plain(ask) && !try_with_token(ask) && !try_later(ask))
		end(ask);
}

/* --- sending --------------------------------------------------------------------------------------------- */

static const char *url_of(const struct ask *ask)
{
	const struct client *c = ask->client;

	if (is_url(ask->path))
		return ask->path;
	if (*ask->path == '/')
		return arena_printf(c->arena, "%s://%s%s", c->scheme, c->location.host, ask->path);
	return arena_printf(c->arena, "%s://%s/v2/%s/%s", c->scheme, c->location.host, c->location.path,
			    ask->path);
}

/* Is URL at the registry itself? An upload may be sent elsewhere, and there our token has no business. */
static bool is_at_home(const struct client *c, const char *url)
{
	_cleanup_free_ char *base = memory_printf("%s://%s/", c->scheme, c->location.host);
	return text_starts(url, base);
}

static void send_ask(struct ask *ask, uint64_t delay_us)
{
	struct http_request *q = &ask->q;
	struct client *c = ask->client;

	http_reset(q);
	if (ask->before)
		ask->before(ask);
	q->method = ask->method;
	q->url = url_of(ask);
	q->headers = ask->headers;
	q->trust = &c->trust;
	free((char *)q->authorization);
	q->authorization = c->authorization && is_at_home(c, q->url) ? memory_strdup(c->authorization) : NULL;
	q->done = on_done;
	q->owner = ask;
	ask->renewals = c->renewals;
	http_send(c->http, q, delay_us);
}

void client_send(struct client *c, struct ask *ask)
{
	ask->client = c;
	ask->finished = false;
	ask->why = (struct error){};
	ask->tries = ask->auths = 0;
	send_ask(ask, 0);
}

int client_ask(struct client *c, struct ask *ask, struct error *err)
{
	client_send(c, ask);
	while (!ask->finished)
		http_step(c->http, 1000);
	if (ask->why.code && err)
		*err = ask->why;
	return -ask->why.code;
}

void client_release(struct ask *ask)
{
	http_reset(&ask->q);
	free((char *)ask->q.authorization);
	ask->q.authorization = NULL;
}
